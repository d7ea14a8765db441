//! The budget: what a walk may read and hold, by the image's own size.
//!
//! A small image could say that each of a thousand folders is the same blocks, or that each file is all of it, and so be
//! read for days into a tree larger than memory. In an image that is what it should be, what bodies hold is disjoint:
//! together no more than the image. Blocks that several files share (equal contents) count once.

use std::collections::HashSet;

use super::body::Body;
use super::{Result, damaged};
use crate::tree::PATH_MAX_BYTES;

/// Bytes of all paths, each from the root, for each byte of the image. The most that a tree of ours comes to is 89:
/// empty files of two letters (an entry of 14 bytes and an inode of 32) at the end of the longest paths.
const PATHS_FACTOR: u64 = 128;

pub struct Budget {
    image_bytes: u64,
    bodies_left: u64,
    paths_left: u64,
    blocks: HashSet<(u64, u64)>,
    inodes: HashSet<u64>,
    folders: HashSet<u64>,
}

impl Budget {
    pub fn of(image_bytes: u64) -> Budget {
        Budget {
            image_bytes,
            bodies_left: image_bytes,
            paths_left: image_bytes.saturating_mul(PATHS_FACTOR),
            blocks: HashSet::new(),
            inodes: HashSet::new(),
            folders: HashSet::new(),
        }
    }

    /// Takes a path's own bytes.
    pub fn path(&mut self, path: &str) -> Result<()> {
        if path.len() > PATH_MAX_BYTES {
            let shown: String = path.chars().take(60).collect();
            return Err(damaged(
                &shown,
                format!("… a path of {} bytes, {PATH_MAX_BYTES} at most", path.len()),
            ));
        }
        let left = self.paths_left.checked_sub(path.len() as u64);
        let what = || format!("the paths down to here are more than {PATHS_FACTOR} times the image");
        self.paths_left = left.ok_or_else(|| damaged(path, what()))?;
        Ok(())
    }

    /// Takes a body's bytes: blocks once, a tail once an inode.
    pub fn body(&mut self, nid: u64, body: &Body, path: &str) -> Result<()> {
        let mut bytes = 0;
        if self.inodes.insert(nid) {
            bytes += body.tail;
        }
        if body.in_blocks > 0 && self.blocks.insert((body.offset, body.in_blocks)) {
            bytes += body.in_blocks;
        }
        let left = self.bodies_left.checked_sub(bytes);
        let what = || {
            format!(
                "the contents down to here are more than the image's {} bytes: they overlap",
                self.image_bytes
            )
        };
        self.bodies_left = left.ok_or_else(|| damaged(path, what()))?;
        Ok(())
    }

    /// A folder stands at one place, so there is no cycle, and no tree that doubles with each step down.
    pub fn folder(&mut self, nid: u64, path: &str) -> Result<()> {
        match self.folders.insert(nid) {
            true => Ok(()),
            false => Err(damaged(path, format!("the folder of inode {nid} stands at another place already"))),
        }
    }
}
