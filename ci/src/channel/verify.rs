//! Verifying a channel: everything that it names, hashed again. All faults, and not the first.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

use kegs::Digest;
use kegs::digest::Hasher;
use rayon::prelude::*;
use serde_json::Value;
use trust::{Grant, dsse};

use super::error::Result;
use super::line::{self, Entry, Image, Part};
use super::place::Place;
use super::prune::lines;
use super::publish::{PROVENANCE, document, history};
use super::state::State;

/// A server far away is waited for most of the time; each unpacks with at most 128 MB.
const ASKED_AT_ONCE: usize = 4;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    pub lines: usize,
    pub images: usize,
    pub blobs: usize,
    pub bytes: u64,
    /// Each a line: the file, and what is wrong.
    pub faults: Vec<String>,
}

/// # Errors
/// The metadata themselves are refused, or can't be read.
pub fn verify(place: &dyn Place, trusted: &Path, now_s: u64) -> Result<Report> {
    let state = State::open(place, trusted, now_s)?;
    let mut report = Report::default();
    strangers(&state, &mut report);
    let mut images: BTreeMap<String, (String, Image)> = BTreeMap::new();
    for (line, role) in lines(&state) {
        report.lines += 1;
        let entries = match history(place, &state, &line, &role) {
            Ok(history) => history.entries,
            Err(error) => {
                report.faults.push(error.to_string());
                continue;
            }
        };
        let newest = state.target(&role, &line::target(&line, &role, "image"));
        if newest.map(|target| &target.sha256) != entries.last().map(|entry| &entry.sha256) {
            report.faults.push(format!("{line}/{role}: its newest image is not the last of its history"));
        }
        read_images(place, &line, &role, &entries, &mut images, &mut report);
    }
    report.images = images.len();
    let envelopes = images.values().filter_map(|(role, image)| envelope(place, &state, role, image).err());
    report.faults.extend(envelopes);
    blobs(place, &images, &mut report);
    super::kegs::verify(place, &state, &mut report);
    Ok(report)
}

/// Targets that a role signs and was not trusted with: takers never see them, and nobody put them by accident.
fn strangers(state: &State, report: &mut Report) {
    for (role, targets) in &state.targets {
        let patterns =
            state.delegation(role).map(|delegation| delegation.paths.as_slice()).unwrap_or_default();
        for path in targets.targets.keys() {
            if !patterns.iter().any(|pattern| trust::matches(pattern, path)) {
                report.faults.push(format!("{path}: `{role}` signs it, and is not trusted with it"));
            }
        }
    }
}

fn read_images(
    place: &dyn Place,
    line: &str,
    role: &str,
    entries: &[Entry],
    images: &mut BTreeMap<String, (String, Image)>,
    report: &mut Report,
) {
    for entry in entries {
        let path = line::document_path(line, role, "image", &entry.sha256);
        let read =
            document(place, &path, &entry.sha256, entry.size).and_then(|bytes| Image::read(&path, &bytes));
        match read {
            Ok(image) => drop(images.insert(path, (role.to_string(), image))),
            Err(error) => report.faults.push(error.to_string()),
        }
    }
}

/// Who signs a role's lines signed how this image was made, and it is about this image.
fn envelope(place: &dyn Place, state: &State, role: &str, image: &Image) -> std::result::Result<(), String> {
    let Some(part) = image.parts.get(PROVENANCE) else { return Ok(()) };
    let path = part.path();
    let bytes = document(place, &path, &part.sha256, part.size).map_err(|error| error.to_string())?;
    let delegation = state.delegation(role).ok_or_else(|| format!("nobody is trusted with `{role}`"))?;
    let keys = state.targets.get("targets").map(|targets| targets.keys.clone()).unwrap_or_default();
    // Whoever was trusted when it was signed: that this is the image's envelope, the role's present key says.
    let grant = Grant { keyids: keys.keys().cloned().collect(), threshold: delegation.grant.threshold };
    let payload =
        dsse::open(&path, &bytes, dsse::IN_TOTO, &keys, &grant).map_err(|error| error.to_string())?;
    let statement: Value = serde_json::from_slice(&payload).map_err(|error| format!("{path}: {error}"))?;
    let subjects = statement["subject"].as_array().map(Vec::as_slice).unwrap_or_default();
    let says =
        |sha256: &str| subjects.iter().any(|subject| subject["digest"]["sha256"].as_str() == Some(sha256));
    match says(&image.root_sha256) && says(&image.kernel_sha256) {
        true => Ok(()),
        false => Err(format!("{path}: is about another image than the one that it stands beside")),
    }
}

fn blobs(place: &dyn Place, images: &BTreeMap<String, (String, Image)>, report: &mut Report) {
    let parts = images.values().flat_map(|(_, image)| image.parts.values());
    let by_path: BTreeMap<String, &Part> = parts.map(|part| (part.path(), part)).collect();
    report.blobs = by_path.len();
    report.bytes = by_path.values().map(|part| part.blob().1).sum();
    let check = || {
        by_path
            .par_iter()
            .filter_map(|(path, part)| blob(place, path, part).err().map(|what| format!("{path}: {what}")))
            .collect::<Vec<String>>()
    };
    let hands = if place.folder().is_some() { 0 } else { ASKED_AT_ONCE };
    match rayon::ThreadPoolBuilder::new().num_threads(hands).build() {
        Ok(pool) => report.faults.extend(pool.install(check)),
        Err(error) => report.faults.push(format!("cannot start threads: {error}")),
    }
}

fn blob(place: &dyn Place, path: &str, part: &Part) -> std::result::Result<(), String> {
    match read(place, path, part.blob(), part.packed.as_ref().map(|_| part.size))? {
        Some(raw) if raw.hex() != part.sha256 => {
            Err(format!("unpacks to the sha256 {}, and {} is wanted", raw.hex(), part.sha256))
        }
        _ => Ok(()),
    }
}

/// The bytes that lie there, held against their sha256 and length, and what they unpack to where they unpack to that many
/// bytes: read once, a piece at a time.
pub fn read(
    place: &dyn Place,
    path: &str,
    (sha256, size): (&str, u64),
    unpacks_to: Option<u64>,
) -> std::result::Result<Option<Digest>, String> {
    let file = place.open(path).map_err(|error| error.to_string())?;
    let file = file.ok_or_else(|| "is not there".to_string())?;
    let mut packed = Hashed { from: file.take(size.saturating_add(1)), hasher: Hasher::default() };
    let raw = unpacks_to.map(|bytes| unpacked(&mut packed, bytes).and_then(Digest::of_reader));
    io::copy(&mut packed, &mut io::sink()).map_err(|error| error.to_string())?;
    let found = packed.hasher.finish();
    if found.size_bytes != size || found.hex() != sha256 {
        let bytes = if found.size_bytes > size { "more".to_string() } else { found.size_bytes.to_string() };
        return Err(format!("is damaged: {bytes} bytes of sha256 {}, {size} are wanted", found.hex()));
    }
    raw.transpose().map_err(|error| error.to_string())
}

/// Hashes what it passes on.
struct Hashed<R> {
    from: R,
    hasher: Hasher,
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.hasher.update(&into[..count]);
        Ok(count)
    }
}

/// What a packed part unpacks to; one byte more than it may be is the end.
pub fn unpacked(from: impl Read, size: u64) -> io::Result<impl Read> {
    Ok(zstd::Decoder::new(from)?.take(size.saturating_add(1)))
}
