//! Whether KVM works here. It is proven, not believed: `/dev/kvm` may exist and fail ("failed to set MSR 0x10a", or an
//! emulation failure in the kernel's own decompressor), so our very kernel is booted by it until it misses its root.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::console::Verdict;
use super::guest::Process;
use super::machine;

/// What runs the guest's instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accelerator {
    Kvm,
    /// QEMU's emulation, with the reason why not KVM.
    Emulated(String),
}

/// KVM gets there in half a second; what takes longer is no better than emulation.
const PROOF_LIMIT: Duration = Duration::from_secs(5);
/// The kernel's word when it has come all the way to the missing root.
const PROOF: &str = "VFS: Unable to mount root fs";

/// The verdict is remembered in the user's cache until the machine boots again.
pub fn accelerator(kernel: &Path) -> Accelerator {
    if let Err(error) = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm") {
        return Accelerator::Emulated(format!("/dev/kvm: {error}"));
    }
    let Some(cache) = Cache::here(kernel) else { return prove(kernel) };
    cache.load().unwrap_or_else(|| {
        let proven = prove(kernel);
        cache.save(&proven);
        proven
    })
}

fn prove(kernel: &Path) -> Accelerator {
    let words = machine::bare(kernel, "console=ttyS0 panic=-1 quiet", &Accelerator::Kvm);
    match Process::start(words, None) {
        Ok(process) => judge(process.ear.verdict(PROOF_LIMIT), &process.ear.last_lines()),
        Err(error) => Accelerator::Emulated(error.to_string()),
    }
}

fn judge(verdict: Option<Verdict>, said: &[String]) -> Accelerator {
    match verdict {
        Some(Verdict::Panic { line }) if line.contains(PROOF) => Accelerator::Kvm,
        _ => Accelerator::Emulated(format!(
            "KVM did not boot our kernel: {}",
            said.first().map_or("it said nothing", String::as_str)
        )),
    }
}

/// `~/.cache/rootbrew/accelerator`: this boot's id and the kernel's digest, then `kvm` or the reason against it. It is
/// only ever a saving: what cannot be read or written is proven again. The kernel is in it because a broken one proves
/// nothing about KVM.
struct Cache {
    file: PathBuf,
    key: String,
}

impl Cache {
    fn here(kernel: &Path) -> Option<Cache> {
        let folder = env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| Some(env::home_dir()?.join(".cache")))?;
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let kernel = kegs::Digest::of_reader(fs::File::open(kernel).ok()?).ok()?;
        Some(Cache {
            file: folder.join("rootbrew/accelerator"),
            key: format!("{} {}", boot_id.trim(), kernel.hex()),
        })
    }

    fn load(&self) -> Option<Accelerator> {
        let text = fs::read_to_string(&self.file).ok()?;
        let (key, verdict) = text.split_once('\n')?;
        (key == self.key).then(|| match verdict.trim() {
            "kvm" => Accelerator::Kvm,
            reason => Accelerator::Emulated(reason.into()),
        })
    }

    fn save(&self, verdict: &Accelerator) -> Option<()> {
        let word = match verdict {
            Accelerator::Kvm => "kvm",
            Accelerator::Emulated(reason) => reason,
        };
        let folder = self.file.parent()?;
        fs::create_dir_all(folder).ok()?;
        let mut stage = tempfile::NamedTempFile::new_in(folder).ok()?;
        std::io::Write::write_all(&mut stage, format!("{}\n{word}\n", self.key).as_bytes()).ok()?;
        stage.persist(&self.file).ok().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(verdict: Option<Verdict>, said: &[&str], expected: Expect) {
        let said: Vec<_> = said.iter().map(ToString::to_string).collect();
        expected.assert_eq(&format!("{:?}", judge(verdict, &said)));
    }

    #[test]
    fn only_the_missing_root_proves_kvm() {
        let at_root = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)";
        check(Some(Verdict::Panic { line: at_root.into() }), &[at_root], expect!["Kvm"]);
    }

    #[test]
    fn qemu_refuses() {
        check(
            None,
            &["qemu-system-x86_64: error: failed to set MSR 0x10a to 0x0"],
            expect![[
                r#"Emulated("KVM did not boot our kernel: qemu-system-x86_64: error: failed to set MSR 0x10a to 0x0")"#
            ]],
        );
    }

    #[test]
    fn it_hangs() {
        check(None, &[], expect![[r#"Emulated("KVM did not boot our kernel: it said nothing")"#]]);
    }

    #[test]
    fn a_verdict_is_forgotten_at_the_next_boot() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("rootbrew/accelerator");
        let today = Cache { file: file.clone(), key: "today".into() };
        let why = Accelerator::Emulated("no MSR 0x10a".into());
        assert_eq!(today.load(), None);
        assert_eq!(today.save(&why), Some(()));
        assert_eq!(today.load(), Some(why));
        assert_eq!(Cache { file, key: "tomorrow".into() }.load(), None);
    }
}
