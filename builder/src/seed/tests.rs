use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use super::*;
use crate::fetch::{self, Folder, Places};

fn seed_path() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds/debian-12.toml")
}

/// Needs Debian's archive: `SEED_OUT=<folder> cargo test -p builder --release -- --ignored the_pinned_seed`.
#[test]
#[ignore = "needs Debian's archive"]
fn the_pinned_seed_is_there_and_unpacks() {
    let out = std::path::PathBuf::from(std::env::var("SEED_OUT").unwrap_or("/tmp/rootbrew-seed".into()));
    let seed = load(&seed_path()).unwrap();
    let blobs = Folder::open(&out.join("blobs")).unwrap();
    let places = Places { apt: Some(out.join("apt")), ..Places::default() };
    let start = Instant::now();
    let results = fetch::fetch(&wanted(&seed), &places, &blobs, &|_| {}, &AtomicBool::new(false));
    for result in results {
        result.unwrap();
    }
    eprintln!("fetched {} in {:.2?}", seed.debs.len(), start.elapsed());
    let start = Instant::now();
    let tree = unpack(&seed, &blobs, &|_| {}).unwrap();
    eprintln!("unpacked {} nodes, {} bytes in {:.2?}", tree.nodes.len(), tree.size_bytes(), start.elapsed());
}

#[test]
#[ignore = "needs Debian's archive; rewrites seeds/debian-12.toml"]
fn refresh_the_pinned_seed() {
    let old = std::fs::read_to_string(seed_path()).unwrap();
    let seed = parse(&seed_path(), &old).unwrap();
    let new = refresh(&old, &seed, Path::new("/tmp/rootbrew-seed/apt")).unwrap();
    parse(&seed_path(), &new).unwrap();
    std::fs::write(seed_path(), new).unwrap();
}
