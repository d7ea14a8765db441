//! The same bytes, whoever makes an image, where, when and how: each variation by itself on a toy role, all at once on the
//! role web; and, for a night (`ci/test --all`), each by itself on every role of this repository, in every format.
//!
//! Where the store is differs in each: a toy has its own. In which order a tree is put together is the assembler's tests'.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use kegs::collect::Kept;
use kegs::digest::Hasher;
use kegs::{Digest, Store};

use crate::support::{Ran, Toy, usual_store};

/// One thing that may differ between two machines.
#[derive(Clone, Copy)]
struct Variation {
    name: &'static str,
    /// What starts the program.
    by: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

const fn by(name: &'static str, by: &'static [&'static str]) -> Variation {
    Variation { name, by, env: &[] }
}

const fn env(name: &'static str, env: &'static [(&'static str, &'static str)]) -> Variation {
    Variation { name, by: &[], env }
}

const VARIATIONS: [Variation; 11] = [
    by("nothing: a later second", &[]),
    by("the day", &["faketime", "2031-05-06 07:08:09"]),
    env("the time zone", &[("TZ", "Pacific/Kiritimati")]),
    env("the locale", &[("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8")]),
    by("the umask", &["sh", "-c", "umask 077; exec \"$@\"", "sh"]),
    Variation { name: "the processors", by: &["taskset", "-c", "0"], env: &[("RAYON_NUM_THREADS", "1")] },
    env("the threads", &[("RAYON_NUM_THREADS", "7")]),
    by("the host name", &["unshare", "-u", "sh", "-c", "hostname elsewhere; exec \"$@\"", "sh"]),
    by("the working folder", &["env", "-C", "/usr"]),
    env("the home", &[("HOME", "/nowhere"), ("TMPDIR", "/dev/shm"), ("USER", "somebody")]),
    by("an empty environment", &["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/nowhere"]),
];

/// A user of another number, with no more rights on files than before. In a namespace: the store stays its owner's.
const USER: Variation = by("the user", &["unshare", "-U", "--map-user=1234", "--map-group=567"]);

impl Variation {
    fn command(&self, program: &Command) -> Command {
        let mut words: Vec<&str> = self.by.to_vec();
        let own = program.get_program().to_str().expect("a path");
        words.push(own);
        let mut command = Command::new(words[0]);
        command.args(&words[1..]).args(program.get_args());
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.envs(self.env.iter().copied()).stdin(Stdio::null());
        command
    }
}

/// What the assembler makes by itself.
const OWN: [&str; 7] = ["erofs", "squashfs", "cpio", "tar", "oci", "oci-archive", "folder"];
/// With those that a keg's tool makes.
const ALL: [&str; 10] =
    ["erofs", "erofs-lz4", "erofs-zstd", "squashfs", "ext4", "cpio", "tar", "oci", "oci-archive", "folder"];

fn image<'a>(role: &'a str, formats: &[&'a str], out: &'a str) -> Vec<&'a str> {
    let asked = formats.iter().flat_map(|format| ["--as", format]);
    ["image", role, "-o", out].into_iter().chain(asked).collect()
}

/// Each thing in a folder by its name, with the digest of all that it is.
fn digests(out: &Path) -> BTreeMap<String, String> {
    let entries = fs::read_dir(out).expect("it was written").map(|entry| entry.expect("an entry").path());
    entries.map(|path| (path.file_name().expect("a name").display().to_string(), digest(&path))).collect()
}

fn digest(path: &Path) -> String {
    if path.is_file() {
        return Digest::of(&fs::read(path).expect("a file")).hex();
    }
    let mut hasher = Hasher::default();
    walk(path, path, &mut hasher);
    hasher.finish().hex()
}

/// Paths, modes, links, contents, and times below the root of what was laid out.
fn walk(root: &Path, at: &Path, hasher: &mut Hasher) {
    let meta = fs::symlink_metadata(at).expect("it is there");
    let is_layout = root.extension().is_some_and(|name| name == "oci");
    let what = match meta.file_type() {
        kind if kind.is_symlink() => fs::read_link(at).expect("a link").display().to_string(),
        kind if kind.is_file() => Digest::of(&fs::read(at).expect("a file")).hex(),
        _ => String::new(),
    };
    let path = at.strip_prefix(root).expect("below");
    // A layout's files are the caller's own, with his umask.
    let facts = if is_layout { String::new() } else { format!("{:o} {}", meta.mode(), meta.mtime()) };
    hasher.update(format!("{} {facts} {what}\n", path.display()).as_bytes());
    if meta.is_dir() {
        let mut below: Vec<PathBuf> =
            fs::read_dir(at).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
        below.sort();
        below.iter().for_each(|path| walk(root, path, hasher));
    }
}

#[track_caller]
fn same(name: &str, first: &BTreeMap<String, String>, second: &BTreeMap<String, String>) {
    for (what, digest) in first {
        assert_eq!(second.get(what), Some(digest), "{what} differs by {name}");
    }
    assert_eq!(first.len(), second.len(), "{name}");
}

/// A role of one program, a kernel that is none, and an agent that is a script.
fn toy() -> Toy {
    let toy = Toy::new();
    toy.recipe("kernel", &[], "", "mkdir \"$OUT/boot\"; seq 1000 >\"$OUT/boot/vmlinuz\"");
    toy.recipe("hello", &[], "", "mkdir \"$OUT/bin\" \"$OUT/share\"; cp /usr/bin/busybox \"$OUT/bin/hello\"; for at in $(seq 40); do seq \"$at\" >\"$OUT/share/$at\"; done");
    toy.write("agent", "#!/bin/hello\n");
    toy.write(
        "tap/roles/toy.toml",
        "summary = \"A toy\"\nkegs = [\"hello\"]\nkernel = \"kernel\"\nfiles = [\"/kegs/hello/0/share/*\"]\n\
         [service.hello]\nrun = [\"hello\"]\nuser = \"toy\"\nwrites = [\"/data/toy\"]\n",
    );
    toy
}

fn of_toy(toy: &Toy, variation: &Variation) -> BTreeMap<String, String> {
    let out = toy.path().join("out");
    let out = out.display().to_string();
    let mut program = toy.command(&image("toy", &OWN, &out));
    program.env("ROOTBREW_AGENT", toy.path().join("agent"));
    let mut command = variation.command(&program);
    // A program that empties the environment is told the rest behind it.
    if variation.by.contains(&"-i") {
        command = emptied(variation, &program);
    }
    Ran::of(command.stdout(Stdio::piped()).stderr(Stdio::piped())).expect(0);
    digests(Path::new(&out))
}

fn emptied(variation: &Variation, program: &Command) -> Command {
    let mut command = Command::new(variation.by[0]);
    command.args(&variation.by[1..]);
    for (name, value) in program.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.arg(format!("{}={}", name.display(), value.display()));
    }
    command.arg(program.get_program()).args(program.get_args());
    command
}

#[test]
fn a_toy_is_the_same_by_every_variation() {
    let first = of_toy(&toy(), &VARIATIONS[0]);
    assert_eq!(first.len(), OWN.len());
    for variation in &VARIATIONS {
        same(variation.name, &first, &of_toy(&toy(), variation));
    }
}

#[test]
fn a_toy_is_the_same_on_another_file_system() {
    let first = of_toy(&toy(), &VARIATIONS[0]);
    let toy = toy();
    // Memory here, a disk there; where both are one, `docs/formats.md` says it of CI's machine.
    let other = if is_memory(toy.path()) { "/var/tmp" } else { "/dev/shm" };
    let place = tempfile::tempdir_in(other).expect("a temporary folder");
    assert_ne!(is_memory(toy.path()), is_memory(place.path()), "no second kind of file system at {other}");
    let store = place.path().join("store");
    crate::support::seed::copy_store(&store);
    let (store, out) = (store.display().to_string(), place.path().join("out").display().to_string());
    let arguments = [&["--store", &store], &image("toy", &OWN, &out)[..]].concat();
    let mut command = toy.bare_command(&arguments);
    Ran::of(command.env("ROOTBREW_AGENT", toy.path().join("agent"))).expect(0);
    same("the file system", &first, &digests(Path::new(&out)));
}

fn is_memory(path: &Path) -> bool {
    // TMPFS_MAGIC, statfs(2).
    rustix::fs::statfs(path).is_ok_and(|stat| stat.f_type as i64 == 0x0102_1994)
}

#[test]
fn a_toy_is_the_same_by_an_ordinary_user() {
    let first = of_toy(&toy(), &VARIATIONS[0]);
    let toy = toy();
    if rustix::process::geteuid().is_root() {
        Ran::of(Command::new("chown").args(["-R", "1000:1000"]).arg(toy.path())).expect(0);
    }
    let user = by("the user", &["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]);
    same(user.name, &first, &of_toy(&toy, &user));
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

/// A role of this repository, each format made anew: what the store has of it is forgotten.
fn of_role(role: &str, formats: &[&str], variations: &[Variation], store: &Path) -> BTreeMap<String, String> {
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    forget(role);
    let out = place.path().join("out").display().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.arg("--tap").arg(repository()).arg("--store").arg(store).args(image(role, formats, &out));
    for variation in variations {
        command = variation.command(&command);
    }
    Ran::of(&mut command).expect(0);
    digests(Path::new(&out))
}

fn forget(role: &str) {
    let Ok(store) = Store::open(&usual_store()) else { return };
    let roots = store.roots().expect("the roots are read").into_iter();
    for (_, kept) in roots.filter(|(name, _)| name.starts_with(&format!("image-{role}-as-"))) {
        for kept in kept {
            if let Kept::Action(key) = kept {
                store.forget_result(&key).expect("it is forgotten");
            }
        }
    }
}

#[test]
fn web_is_the_same_when_all_is_varied_at_once() {
    let first = of_role("web", &ALL, &[], &usual_store());
    assert_eq!(first.len(), ALL.len());
    let place = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let store = place.path().join("another way to the store");
    std::os::unix::fs::symlink(usual_store(), &store).expect("a link");
    // An emptied environment would lose the other variations'.
    let all: Vec<Variation> =
        VARIATIONS.iter().copied().filter(|variation| !variation.by.contains(&"-i")).collect();
    same("all", &first, &of_role("web", &ALL, &all, &store));
}

#[test]
#[ignore = "a quarter of an hour: ci/test --all"]
fn every_role_in_every_format_by_every_variation() {
    for role in assembler::role::names(&repository()).expect("roles") {
        let first = of_role(&role, &ALL, &[], &usual_store());
        for variation in VARIATIONS.iter().chain([&USER]) {
            eprintln!("{role}: {}", variation.name);
            same(variation.name, &first, &of_role(&role, &ALL, &[*variation], &usual_store()));
        }
    }
}
