//! Taking: a line's newest image, by a kept root of trust, into a folder.
//!
//! Metadata first, in The Update Framework's order; then the image's document; then its parts, each resumed where an
//! earlier try was cut, hashed as it streams, and laid down under its name when it is whole and right.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use builder::fetch::{self, Blobs, Event, Places, Wanted};
use kegs::digest::Hasher;
use trust::Wish;

use super::error::{ChannelError, Result, tried, wrong};
use super::line::{self, Image, Part};
use super::place::Place;
use super::publish::{document, names};
use super::state::follow;
use super::verify::unpacked;

/// Parts on their way; gone when all are there.
const STAGE: &str = ".pull";

/// What a pull stands on.
pub struct Pulling<'a> {
    pub place: &'a dyn Place,
    /// The kept root of trust, and what followed it.
    pub trusted: &'a Path,
    pub places: &'a Places,
    pub events: &'a (dyn Fn(Event) + Sync),
    pub cancel: &'a AtomicBool,
    pub now_s: u64,
}

pub struct Pulled {
    pub image: Image,
    /// Of the image's document: which one of its line it is.
    pub sha256: String,
    /// Bytes of parts that had to come.
    pub bytes: u64,
}

/// A line's newest image, as its signed metadata say.
pub fn newest(pulling: &Pulling, line: &str, role: &str) -> Result<(Image, String)> {
    names(line, role)?;
    let place = pulling.place;
    let wish = Wish::Target(line::target(line, role, "image"));
    let update = follow(place, pulling.trusted, wish, pulling.now_s)?;
    let target = update.found().ok_or_else(|| wrong(place.name(), "its metadata have no end"))?;
    let path = line::document_path(line, role, "image", &target.sha256);
    let image = Image::read(&path, &document(place, &path, &target.sha256, target.length)?)?;
    match image.role == role {
        true => Ok((image, target.sha256.clone())),
        false => Err(wrong(place.name(), format!("{path} is an image of `{}`", image.role))),
    }
}

/// The newest image's parts that `wants` names, in `to`. Those that are there and right stay.
pub fn pull(
    pulling: &Pulling,
    line: &str,
    role: &str,
    to: &Path,
    wants: &dyn Fn(&str) -> bool,
) -> Result<Pulled> {
    let (image, sha256) = newest(pulling, line, role)?;
    fs::create_dir_all(to).map_err(tried("create", to))?;
    let absent: Vec<(&String, &Part)> =
        image.parts.iter().filter(|(name, part)| wants(name) && !is_there(&to.join(name), part)).collect();
    let stage = fetch::Folder::open(&to.join(STAGE)).map_err(tried("create", to.join(STAGE)))?;
    let bytes = absent.iter().map(|(_, part)| part.blob().1).sum();
    bring(pulling, &absent, &stage)?;
    for (name, part) in absent {
        lay(&stage, part, &to.join(name))?;
    }
    let document = serde_json::to_vec_pretty(&image).unwrap_or_default();
    fs::write(to.join("image.json"), document).map_err(tried("write", to.join("image.json")))?;
    fs::remove_dir_all(to.join(STAGE)).map_err(tried("remove", to.join(STAGE)))?;
    Ok(Pulled { image, sha256, bytes })
}

fn is_there(path: &Path, part: &Part) -> bool {
    let right = |file: File| file.metadata().is_ok_and(|found| found.is_file() && found.len() == part.size);
    File::open(path).is_ok_and(right)
        && File::open(path).and_then(kegs::Digest::of_reader).is_ok_and(|found| found.hex() == part.sha256)
}

/// Into the stage, several at once.
fn bring(pulling: &Pulling, parts: &[(&String, &Part)], stage: &fetch::Folder) -> Result<()> {
    let wanted =
        parts.iter().map(|(name, part)| wanted(pulling.place, name, part)).collect::<Result<Vec<_>>>()?;
    let mut folders: Vec<PathBuf> = Vec::new();
    if let Some(root) = pulling.place.folder() {
        folders.extend(
            parts.iter().filter_map(|(_, part)| Some(root.join(part.path()).parent()?.to_path_buf())),
        );
        folders.sort();
        folders.dedup();
    }
    let places = Places {
        folders,
        network: pulling.places.network,
        patience: pulling.places.patience.clone(),
        ..Places::default()
    };
    let results = fetch::fetch(&wanted, &places, stage, pulling.events, pulling.cancel);
    let faults: Vec<String> =
        results.into_iter().filter_map(|result| Some(result.err()?.to_string())).collect();
    match faults.is_empty() {
        true => Ok(()),
        false if pulling.cancel.load(std::sync::atomic::Ordering::Relaxed) => Err(ChannelError::Cancelled),
        false => Err(wrong(pulling.place.name(), faults.join("\n"))),
    }
}

fn wanted(place: &dyn Place, name: &str, part: &Part) -> Result<Wanted> {
    let (hex, size) = part.blob();
    let sha256 = kegs::digest::parse_sha256(hex).ok_or_else(|| wrong(name, format!("{hex} is no sha256")))?;
    let urls = place.url(&part.path()).into_iter().collect();
    Ok(Wanted { name: name.to_string(), sha256, size_bytes: Some(size), urls, ..Wanted::default() })
}

/// From the stage under its own name: unpacked where it is packed, and then hashed once more.
fn lay(stage: &fetch::Folder, part: &Part, to: &Path) -> Result<()> {
    let (hex, size_bytes) = part.blob();
    let sha256 = kegs::digest::parse_sha256(hex).unwrap_or_default();
    let from = stage.blob_path(&kegs::Digest { sha256, size_bytes });
    let folder = to.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(tried("create", folder))?;
    let file = File::open(&from).map_err(tried("open", &from))?;
    let mut staged = tempfile::Builder::new();
    let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
    let mut staged = staged.permissions(readable).tempfile_in(folder).map_err(tried("write in", folder))?;
    let found = match part.packed {
        None => copy(file, &mut staged),
        Some(_) => unpacked(file, part.size).and_then(|raw| copy(raw, &mut staged)),
    };
    let found = found.map_err(tried("unpack", to))?;
    if found.hex() != part.sha256 {
        return Err(wrong(to.display().to_string(), "does not unpack to what its image says"));
    }
    staged.as_file().sync_data().map_err(tried("sync", to))?;
    staged.persist(to).map(drop).map_err(|error| tried("rename into", to)(error.error))
}

fn copy(mut from: impl Read, to: &mut impl std::io::Write) -> std::io::Result<kegs::Digest> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            count => {
                hasher.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
        }
    }
}
