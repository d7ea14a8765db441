//! The random pool's memory: 32 bytes on the data partition, so that a machine without a source of chance begins with what
//! it had gathered.
//!
//! systemd's rules: a seed counts (RNDADDENTROPY) only when it is our own partition's, and only once: the next one is on the
//! disk before this one is used. The next is a digest of this one and of what the kernel has, so neither is weaker for it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};
use sha2::{Digest, Sha256};

use crate::events::tell;
use crate::{data, sys};

type Seed = [u8; 32];

/// After `/data` is there. A machine without one has no seed, and is as good as it was.
pub fn at_start() {
    if data::is_lasting()
        && let Err(cause) = turn(Path::new(data::OWN))
    {
        tell(format_args!("random seed: {cause}; not used"));
    }
}

/// What was gathered since, for the next start.
pub fn keep() {
    let mut seed = [0; 32];
    // Never waits: a pool that is not filled by now has nothing to keep.
    let filled = getrandom(&mut seed, GetRandomFlags::NONBLOCK) == Ok(32);
    if filled && let Err(cause) = write(Path::new(data::OWN), &seed) {
        tell(format_args!("random seed: {cause}; not kept"));
    }
}

fn turn(folder: &Path) -> io::Result<()> {
    let old = fs::read(folder.join("seed")).ok().and_then(|bytes| Seed::try_from(bytes).ok());
    let mut fresh = [0; 32];
    getrandom(&mut fresh, GetRandomFlags::INSECURE)?;
    let Some(old) = old else { return Ok(()) };
    write(folder, &next(&old, &fresh))?;
    sys::add_entropy(File::options().write(true).open("/dev/urandom")?.as_fd(), &old)
}

fn next(old: &Seed, fresh: &Seed) -> Seed {
    Sha256::new().chain_update(b"rootbrew seed").chain_update(old).chain_update(fresh).finalize().into()
}

/// Aside, to the disk, renamed, and the name to the disk.
fn write(folder: &Path, seed: &Seed) -> io::Result<()> {
    let aside = folder.join(".seed.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.write_all(seed)?;
    file.sync_all()?;
    fs::rename(&aside, folder.join("seed"))?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn a_seed_is_used_once() {
        let folder = tempfile::tempdir().unwrap();
        turn(folder.path()).unwrap();
        assert!(!folder.path().join("seed").exists(), "nothing was kept, so nothing counts");
        write(folder.path(), &[7; 32]).unwrap();
        assert_eq!(fs::metadata(folder.path().join("seed")).unwrap().mode() & 0o777, 0o600);
        // Only root may add to the pool; the seed is turned before that.
        turn(folder.path()).ok();
        assert_ne!(fs::read(folder.path().join("seed")).unwrap(), [7; 32]);
        fs::write(folder.path().join("seed"), b"cut").unwrap();
        turn(folder.path()).unwrap();
        assert_eq!(fs::read(folder.path().join("seed")).unwrap(), b"cut", "one that is none is not used");
    }

    #[test]
    fn the_next_needs_both() {
        assert_ne!(next(&[1; 32], &[2; 32]), next(&[1; 32], &[3; 32]));
        assert_ne!(next(&[1; 32], &[2; 32]), next(&[4; 32], &[2; 32]));
    }
}
