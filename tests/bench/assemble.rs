//! Assembling: kegs in the store to erofs and its text twin; on `web`, and on a role of 20,000 files and 1 GB made for it.
//!
//! The large role's files are of all sizes to 200 KB. Half of it beside it tells whether cost is linear; one file changed
//! tells what a small change costs. The image is written to a file beside the store and not waited for on disk: that is the
//! disk's, and shown apart, as is a plain copy of as many bytes.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use assembler::{Asked, Keg, compose, strip, text, write_erofs};
use kegs::tree::Node;
use kegs::{Store, Tree};

use crate::table::{Times, figure, row};
use crate::{Result, Wish, warm};

const FILES: usize = 20_000;
/// Bytes a file, on average: 1 GB in all.
const FILE_BYTES: usize = 50_000;
const AGENT: &[u8] = b"no program: PID 1 is weighed with `web`";

pub fn run(wish: &Wish) -> Result<()> {
    web(wish)?;
    let folder = tempfile::Builder::new()
        .prefix("rootbrew-assemble-")
        .tempdir_in(wish.store.parent().unwrap_or(Path::new(".")))?;
    let store = Store::create(&folder.path().join("store"))?;
    let mut whole = keg(&store, FILES)?;
    let half = keg(&store, FILES / 2)?;
    store.sync()?;
    let image = folder.path().join("root.erofs");
    let (mut of_half, mut of_whole, mut again, mut copied) = Default::default();
    let mut bytes = 0;
    for round in 0..wish.rounds(3) {
        assemble(&store, &half, &image, &mut of_half)?;
        bytes = assemble(&store, &whole, &image, &mut of_whole)?;
        let changed = format!("changed in round {round}").repeat(1000);
        let digest = store.put_bytes(changed.as_bytes())?;
        whole.tree.insert("share/0/0", Node::File { digest, executable: false });
        assemble(&store, &whole, &image, &mut again)?;
        let copy = folder.path().join("copy");
        Times::time(&mut copied, || Ok(fs::copy(&image, &copy)?))?;
        fs::remove_file(&copy)?;
    }
    let begun = Instant::now();
    File::open(&image)?.sync_all()?;
    figure("  files, bytes", "", &format!("{FILES}, {:.2} GB", bytes as f64 / 1e9));
    row("  half of it", "", &of_half, &of_whole);
    row("  the role of 20,000 files, 1 GB", "5000 ms", &of_whole, &of_whole);
    row("  after one changed file", "1000 ms", &again, &of_whole);
    row("  a plain copy of the image", "", &copied, &of_whole);
    figure("  until the last is on disk", "", &format!("{:.1} s", begun.elapsed().as_secs_f64()));
    figure("  peak memory of this process", "200 MB", &format!("{:.0} MB", peak_bytes()? / 1e6));
    Ok(())
}

/// The built program, on a store that has the kegs and not the image.
fn web(wish: &Wish) -> Result<()> {
    let store = warm::copy(&wish.store)?;
    let (mut all, mut assembled, mut weighed) = (Times::default(), Times::default(), Times::default());
    for round in 0..wish.rounds(5) {
        // A comment is part of the role's text, which is in the image: another image each time.
        let tap = tempfile::tempdir()?;
        for part in ["recipes", "roles", "toolchains", "seeds", "agent", "Cargo.toml", "Cargo.lock"] {
            warm::succeed(Command::new("cp").arg("-a").arg(warm::tap().join(part)).arg(tap.path()))?;
        }
        let role = tap.path().join("roles/web.toml");
        let written = fs::read_to_string(&role)?;
        fs::write(&role, format!("{written}\n# {round}\n"))?;
        let mut image = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        image.args(["--json", "build", "web", "--store"]).arg(store.path()).arg("--tap").arg(tap.path());
        let said = all.time(|| warm::succeed(&mut image))?.stdout;
        let done = String::from_utf8(said)?.lines().last().map(serde_json::from_str::<serde_json::Value>);
        let made = &done.ok_or("no event")??["image"]["made"];
        let ms = |name: &str| made[name].as_f64().map(|s| s * 1e3).ok_or(format!("`{name}` is no number"));
        assembled.push(ms("assemble_s")?);
        weighed.push(ms("weigh_s")?);
    }
    row("  web: kegs in store to erofs and twin", "300 ms", &assembled, &all);
    row("    what it has on the wire (zstd -19)", "", &weighed, &all);
    row("    all of `rootbrew build web`", "", &all, &all);
    Ok(())
}

fn keg(store: &Store, files: usize) -> Result<Keg> {
    let mut tree = Tree::default();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::new();
    for at in 0..files {
        let size = at * 7919 % (4 * FILE_BYTES) * 2 / 4 + 1;
        bytes.clear();
        while bytes.len() < size {
            // xorshift64: bytes that nothing compresses, the same each time.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.extend(state.to_le_bytes());
        }
        let digest = store.put_bytes_unsynced(&bytes[..size])?;
        tree.insert(format!("share/{}/{at}", at / 100), Node::File { digest, executable: false });
    }
    Ok(Keg { name: "big".into(), slot: "0".into(), version: "1".into(), tree, ..Keg::default() })
}

/// Bytes of the image.
fn assemble(store: &Store, keg: &Keg, to: &Path, times: &mut Times) -> Result<u64> {
    let asked = Asked {
        role: "big".into(),
        kegs: vec!["big".into()],
        files: vec!["/kegs/big/0/share".into()],
        ..Asked::default()
    };
    let kegs = [keg.clone()];
    // As in the program's stage, where no file has this name: none is cut off while time runs.
    if to.exists() {
        fs::remove_file(to)?;
    }
    times.time(|| {
        let tree = strip(&compose(&asked, &kegs, store, AGENT)?, store)?;
        let facts = write_erofs(&tree, store, &mut File::create(to)?)?;
        File::create(to.with_extension("txt"))?.write_all(text::print(&tree).as_bytes())?;
        Ok(facts.bytes)
    })
}

/// `VmHWM` of proc(5).
fn peak_bytes() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse::<f64>()? * 1024.0)
}
