//! The toy seed: one static busybox, pinned; fetched once for all tests of this folder, then given by `--sources`.
//!
//! ```text
//! <target>/tmp/toy-<sha12>/debs/<sha256>     the .deb
//! <target>/tmp/toy-<sha12>/store/            a store with the seed unpacked: each toy begins with a copy
//! ```

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const SHA256: &str = "3d3fdbe91d4660c873e14b092c213fe81c1da6362daa236eb25d0171eb108744";

/// busybox is all of these.
const TOOLS: &str = "sh cat cp mv rm ln ls mkdir mknod mkfifo chmod find grep tar gzip sed dd sleep date hostname id \
                     nproc echo printf test head tail sort touch wc tr true false env ps seq awk uname yes usleep cmp";

/// `seeds/toy.toml`.
pub fn text() -> String {
    let links: String =
        TOOLS.split_whitespace().map(|tool| format!("\"usr/bin/{tool}\" = \"busybox\"\n")).collect();
    format!(
        "suite = \"bookworm\"\nasked = [\"busybox-static\"]\n[links]\n{links}[pinned]\ndebs = [\n  \
         {{ name = \"busybox-static\", version = \"1:1.35.0-4+deb12u1+b1\", \
         path = \"pool/main/b/busybox/busybox-static_1.35.0-4+deb12u1+b1_amd64.deb\", \
         sha256 = \"{SHA256}\", size = 928188 }},\n]\n"
    )
}

/// `toolchains/seed.toml`.
pub const TOOLCHAIN: &str = r#"seed    = "toy"
cc      = "toy-cc"
triplet = { profile = "{arch}-linux-musl", seed = "{arch}-linux-gnu" }
path    = ["/usr/bin"]
cflags  = ["-O2"]
"#;

/// A folder for `--sources` that has the seed's `.deb`.
pub fn sources() -> PathBuf {
    prepared().join("debs")
}

/// A copy of the store that has the seed, its bytes its own: a test may damage it.
pub fn copy_store(to: &Path) {
    let status = Command::new("cp").arg("-a").arg(prepared().join("store")).arg(to).status();
    assert!(status.expect("cp runs").success(), "cannot copy the prepared store to {}", to.display());
}

fn prepared() -> &'static Path {
    static PREPARED: OnceLock<PathBuf> = OnceLock::new();
    PREPARED.get_or_init(prepare)
}

fn prepare() -> PathBuf {
    let base = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let ready = base.join(format!("toy-{}", &SHA256[..12]));
    let staged =
        tempfile::Builder::new().prefix("toy-staged").tempdir_in(base).expect("the target's tmp folder");
    let debs = ready.join("debs");
    let deb = match fs::read(debs.join(SHA256)) {
        Ok(deb) => deb,
        Err(_) => fetch(staged.path()),
    };
    fs::create_dir_all(&debs).expect("a folder for the .deb");
    fs::write(staged.path().join("deb"), deb).expect("the .deb is written");
    fs::rename(staged.path().join("deb"), debs.join(SHA256)).expect("the .deb gets its name");
    let store = staged.path().join("store");
    unpack(staged.path(), &store, &["--offline", "--sources", &debs.to_string_lossy()]);
    // Another run of the tests may stand on the old one: it is moved away whole, never changed.
    let name = ready.join("store");
    if name.exists() {
        fs::rename(&name, staged.path().join("old")).expect("the old store is moved away");
    }
    fs::rename(&store, &name).expect("the prepared store gets its name");
    ready
}

/// From Debian's archive, by the program under test.
fn fetch(folder: &Path) -> Vec<u8> {
    let store = folder.join("fetched");
    unpack(folder, &store, &[]);
    fs::read(store.join("blobs").join(&SHA256[..2]).join(SHA256)).expect("the .deb is a blob")
}

fn unpack(folder: &Path, store: &Path, more: &[&str]) {
    let tap = folder.join("tap");
    for (part, file, text) in
        [("seeds", "toy.toml", text()), ("toolchains", "seed.toml", TOOLCHAIN.to_string())]
    {
        fs::create_dir_all(tap.join(part)).expect("a toy tap");
        fs::write(tap.join(part).join(file), text).expect("a toy tap");
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.arg("--tap").arg(&tap).arg("--store").arg(store).args(more).args(["seed", "unpack"]);
    let ran = super::Ran::of(command.env("XDG_CACHE_HOME", folder.join("cache")));
    ran.expect(0);
}
