//! A folder as a place: `--sources DIR`.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::Ordering;

use kegs::Digest;
use kegs::digest::Hasher;

use super::blobs::copy_hashed;
use super::download::{Job, Stop};
use super::error::{Attempt, Miss};
use super::partial::Partial;

pub fn search(job: &Job, partial: &mut Partial, tried: &mut Vec<Attempt>) -> Result<Digest, Stop> {
    for folder in &job.places.folders {
        match look(job, partial, folder)? {
            Ok(digest) => return Ok(digest),
            Err(miss) => tried.push(Attempt { place: folder.display().to_string(), miss, tries: 1 }),
        }
    }
    Err(Stop::Missed)
}

/// The first file in `folder` with a fitting name and the right digest, copied.
pub fn look(job: &Job, partial: &mut Partial, folder: &Path) -> Result<Result<Digest, Miss>, Stop> {
    let mut last = Miss::NoFile;
    for name in job.wanted.file_names() {
        let file = match File::open(folder.join(&name)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                last = Miss::Unreadable(format!("`{name}`: {error}"));
                continue;
            }
        };
        match take(job, partial, file)? {
            Ok(digest) => return Ok(Ok(digest)),
            Err(miss) => last = miss,
        }
    }
    Ok(Err(last))
}

/// Hashed first and copied second: a wrong file does not cost us the part that an earlier download left.
fn take(job: &Job, partial: &mut Partial, file: File) -> Result<Result<Digest, Miss>, Stop> {
    let found = match Digest::of_reader(&file) {
        Ok(found) => found,
        Err(error) => return Ok(Err(Miss::Unreadable(error.to_string()))),
    };
    if found.sha256 != job.wanted.sha256 {
        return Ok(Err(Miss::Digest { expected: hex::encode(job.wanted.sha256), found }));
    }
    partial.restart().map_err(Stop::Store)?;
    io::Seek::rewind(&mut &file).map_err(Stop::Store)?;
    let go_on = || !job.cancel.load(Ordering::Relaxed);
    copy_hashed(&file, &mut Hasher::default(), |bytes| partial.append(bytes), go_on)
        .map_err(Stop::Store)?
        .ok_or(Stop::Cancelled)?;
    let copied = partial.digest();
    // It was changed between the two reads.
    Ok(if copied == found { Ok(found) } else { Err(Miss::Digest { expected: found.hex(), found: copied }) })
}
