//! A pack: a whole tree in one stream, for a wire. It names nothing: the tree says what comes next, and how long it is.
//!
//! ```text
//! Directory of the root | those below it, folder by folder, level by level | files, as those folders list them
//! ```
//! Each thing once, however often the tree has it. Whoever reads knows the root's digest, so nothing of a stream is believed
//! before it is hashed, and a tree gets its root's name last.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Read, Write};

use prost::Message;

use crate::Digest;
use crate::blob::{Mode, Staged};
use crate::reapi::Directory;
use crate::store::{Result, Store, StoreError, remove_file};

/// Of all `Directory` messages of a tree, which are held in memory: a keg of 100,000 files has 10 MB.
const DIRECTORIES_MAX_BYTES: u64 = 128 << 20;

/// What a tree has, in the order of a pack.
#[derive(Default)]
struct Order {
    folders: VecDeque<Digest>,
    /// With the executable bit of their first place.
    files: Vec<(Digest, bool)>,
    seen: BTreeSet<Digest>,
}

impl Order {
    fn of(root: &Digest) -> Order {
        Order { folders: [*root].into(), seen: [*root].into(), ..Order::default() }
    }

    /// Appends what a folder lists.
    fn add(&mut self, at: &Digest, directory: &Directory) -> Result<()> {
        let damaged = || StoreError::Damaged { digest: *at, fault: "a node has no digest".into() };
        let checked = |digest: &Option<crate::reapi::Digest>| digest.as_ref()?.checked();
        for folder in &directory.directories {
            let digest = checked(&folder.digest).ok_or_else(damaged)?;
            if self.seen.insert(digest) {
                self.folders.push_back(digest);
            }
        }
        for file in &directory.files {
            let digest = checked(&file.digest).ok_or_else(damaged)?;
            if self.seen.insert(digest) {
                self.files.push((digest, file.is_executable));
            }
        }
        Ok(())
    }
}

impl Store {
    /// Writes a tree as a pack; its bytes.
    pub fn write_pack(&self, root: &Digest, out: &mut impl Write) -> Result<u64> {
        let failed = |source| StoreError::Io { tried: "write", path: "a pack".into(), source };
        let mut order = Order::of(root);
        let mut bytes = 0;
        while let Some(digest) = order.folders.pop_front() {
            let directory = self.directory(&digest)?;
            order.add(&digest, &directory)?;
            if digest.size_bytes > 0 {
                out.write_all(&self.get(&digest)?).map_err(failed)?;
                bytes += digest.size_bytes;
            }
        }
        for (digest, _) in order.files {
            bytes += io::copy(&mut self.open_blob(&digest)?, out).map_err(failed)?;
        }
        Ok(bytes)
    }

    /// Takes a tree in from its pack, on disk when this returns.
    ///
    /// # Errors
    /// The stream ends too soon, or has other bytes than the tree says: then the tree is not here.
    pub fn read_pack(&self, root: &Digest, from: impl Read) -> Result<()> {
        let mut staged = Vec::new();
        let read = self.stage_pack(root, from, &mut staged);
        if read.is_err() {
            staged.iter().try_for_each(|blob: &Staged| remove_file(&blob.path))?;
            return read;
        }
        // One wait for the disk; then folders below before those above, the root last.
        self.sync()?;
        self.commit_synced(staged)
    }

    fn stage_pack(&self, root: &Digest, mut from: impl Read, staged: &mut Vec<Staged>) -> Result<()> {
        let mut order = Order::of(root);
        let (mut folders, mut bytes) = (Vec::new(), 0);
        while let Some(digest) = order.folders.pop_front() {
            bytes += digest.size_bytes;
            if bytes > DIRECTORIES_MAX_BYTES {
                let fault = format!("its folders take more than {DIRECTORIES_MAX_BYTES} bytes");
                return Err(StoreError::Damaged { digest: *root, fault });
            }
            let message = folder(&digest, &mut from)?;
            let directory = Directory::decode(message.as_slice()).map_err(|error| StoreError::Damaged {
                digest,
                fault: format!("no Directory message: {error}"),
            })?;
            order.add(&digest, &directory)?;
            folders.push((digest, message));
        }
        for (digest, executable) in order.files {
            let blob = self.stage_reader(from.by_ref().take(digest.size_bytes), Mode::of(executable))?;
            let found = blob.digest;
            staged.push(blob);
            if found != digest {
                return Err(StoreError::Damaged { digest, fault: format!("{found} came in its place") });
            }
        }
        folders.reverse();
        staged.extend(self.stage_all(folders.iter().map(|(digest, bytes)| (*digest, bytes.as_slice())))?);
        Ok(())
    }
}

fn folder(digest: &Digest, from: &mut impl Read) -> Result<Vec<u8>> {
    let mut message = Vec::new();
    let read = from.by_ref().take(digest.size_bytes).read_to_end(&mut message);
    read.map_err(|source| StoreError::Io { tried: "read", path: "a pack".into(), source })?;
    match Digest::of(&message) == *digest {
        true => Ok(message),
        false => Err(StoreError::Damaged { digest: *digest, fault: "its bytes have another digest".into() }),
    }
}
