//! The debug volume: a shell, a debugger and debug information for exactly this image, on a read-only disk with the serial
//! `rootbrew-debug`.
//!
//! ```text
//! /run/rootbrew/debug/manifest.toml     [build_ids] "/kegs/nginx/0/bin/nginx" = "7ca3…", of each program of the image
//!                     bin  etc  kegs    the programs, and what they are told
//!                     usr/lib/debug     what was taken from the image's programs
//! ```
//! Taken only where the role says `debug = true`, or the kernel command line `rootbrew.debug`: who may write that chooses
//! PID 1. A volume of another image is let go at once: its debugger would tell lies.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::disk;
use crate::events::tell;
use host::Role;
use host::build_id::build_id;

const LABEL: &str = "rootbrew-debug";
const KERNEL_WORD: &str = "rootbrew.debug";
pub const AT: &str = "/run/rootbrew/debug";
/// 10,000 programs.
const MANIFEST_MAX_BYTES: u64 = 1 << 20;
/// Every image has it.
const INIT: &str = "/sbin/init";

pub struct Debug {
    allowed: bool,
    taken: bool,
}

impl Debug {
    /// As the kernel command line says.
    pub fn of_this_machine() -> Debug {
        let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
        Debug { allowed: line.split_whitespace().any(|word| word == KERNEL_WORD), taken: false }
    }

    pub fn of_role(&mut self, role: &Role) {
        self.allowed |= role.debug;
    }

    /// At the start; who attaches one later has it taken when a shell is asked for.
    pub fn bring(&mut self) {
        if self.allowed && disk::find(LABEL).is_some() {
            // A refusal has been told.
            self.ready().unwrap_or_default();
        }
    }

    /// Whether there is one to open a shell of.
    ///
    /// # Errors
    /// Why not.
    pub fn ready(&mut self) -> Result<(), String> {
        if !self.allowed {
            return Err(format!(
                "no shell: neither the role (`debug = true`) nor the kernel command line (`{KERNEL_WORD}`) allows it"
            ));
        }
        if !self.taken {
            let device = disk::find(LABEL).ok_or_else(|| {
                format!("no debug volume: no disk with the serial `{LABEL}`; `rootbrew debug ROLE` makes one")
            })?;
            let name = device.display();
            take(&device).inspect_err(|why| tell(format_args!("debug volume: {name}: refused: {why}")))?;
            tell(format_args!("debug volume: {name} at {AT}"));
            self.taken = true;
        }
        Ok(())
    }
}

fn take(device: &Path) -> Result<(), String> {
    fs::create_dir_all(AT).map_err(|cause| format!("make {AT}: {cause}"))?;
    let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
    mount(device, AT, "erofs", flags, c"").map_err(|cause| format!("no erofs: {cause}"))?;
    let matched = manifest(Path::new(AT)).and_then(|text| matches(&text, Path::new("/")));
    if matched.is_err() {
        unmount(AT, UnmountFlags::DETACH).unwrap_or_default();
    }
    matched
}

fn manifest(volume: &Path) -> Result<String, String> {
    let tried = |cause: std::io::Error| format!("its manifest: {cause}");
    let file = File::open(volume.join("manifest.toml")).map_err(tried)?;
    let mut text = String::new();
    file.take(MANIFEST_MAX_BYTES).read_to_string(&mut text).map_err(tried)?;
    Ok(text)
}

/// Whether each program that the manifest names is the one that stands below `root`.
fn matches(manifest: &str, root: &Path) -> Result<(), String> {
    let table: toml::Table = manifest.parse().map_err(|_| "its manifest is no TOML".to_string())?;
    let ids =
        table.get("build_ids").and_then(toml::Value::as_table).ok_or("its manifest has no build-ids")?;
    if !ids.contains_key(INIT) {
        return Err(format!("its manifest does not say which {INIT}"));
    }
    for (path, id) in ids {
        let here = of_file(&root.join(path.trim_start_matches('/')));
        if here.as_deref() != id.as_str() {
            let here = here.unwrap_or_else(|| "none".into());
            let id = id.as_str().unwrap_or("none");
            return Err(format!(
                "it is of another image: {path} has the build-id {here}, its manifest says {id}"
            ));
        }
    }
    Ok(())
}

fn of_file(path: &Path) -> Option<String> {
    let file = File::open(path).ok()?;
    build_id(&|from, size| {
        let mut bytes = vec![0; size];
        file.read_exact_at(&mut bytes, from).ok()?;
        Some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_of_one_image() {
        let root = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(root.path().join("sbin")).expect("a folder");
        fs::copy("/proc/self/exe", root.path().join("sbin/init")).expect("a program");
        let id = of_file(Path::new("/proc/self/exe")).expect("an id");
        let of = |text: &str| matches(text, root.path());
        assert_eq!(of(&format!("role = \"a\"\n[build_ids]\n\"/sbin/init\" = \"{id}\"\n")), Ok(()));
        let why = |text: &str| of(text).expect_err("it is refused");
        assert_eq!(why("[build_ids"), "its manifest is no TOML");
        assert_eq!(why("role = 'a'"), "its manifest has no build-ids");
        assert_eq!(why("[build_ids]\n\"/bin/a\" = \"00\"\n"), "its manifest does not say which /sbin/init");
        let other = why("[build_ids]\n\"/sbin/init\" = \"00\"\n");
        assert!(other.starts_with("it is of another image: /sbin/init has the build-id "), "{other}");
        let absent = why(&format!("[build_ids]\n\"/sbin/init\" = \"{id}\"\n\"/bin/a\" = \"00\"\n"));
        assert!(absent.ends_with("/bin/a has the build-id none, its manifest says 00"), "{absent}");
    }
}
