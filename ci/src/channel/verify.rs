//! Verifying a channel: everything that it names, hashed again. All faults, and not the first.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use kegs::Digest;
use rayon::prelude::*;
use serde_json::Value;
use trust::dsse;

use super::error::Result;
use super::folder::Folder;
use super::line::{self, Entry, Image, Part};
use super::prune::lines;
use super::publish::{PROVENANCE, document, history};
use super::state::State;

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
pub fn verify(folder: &Folder, trusted: &Path, now_s: u64) -> Result<Report> {
    let state = State::open(folder, trusted, now_s)?;
    let mut report = Report::default();
    strangers(&state, &mut report);
    let mut images: BTreeMap<String, (String, Image)> = BTreeMap::new();
    for (line, role) in lines(&state) {
        report.lines += 1;
        let entries = match history(folder, &state, &line, &role) {
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
        read_images(folder, &line, &role, &entries, &mut images, &mut report);
    }
    report.images = images.len();
    let envelopes = images.values().filter_map(|(role, image)| envelope(folder, &state, role, image).err());
    report.faults.extend(envelopes);
    blobs(folder, &images, &mut report);
    super::kegs::verify(folder, &state, &mut report);
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
    folder: &Folder,
    line: &str,
    role: &str,
    entries: &[Entry],
    images: &mut BTreeMap<String, (String, Image)>,
    report: &mut Report,
) {
    for entry in entries {
        let path = line::document_path(line, role, "image", &entry.sha256);
        let read =
            document(folder, &path, &entry.sha256, entry.size).and_then(|bytes| Image::read(&path, &bytes));
        match read {
            Ok(image) => drop(images.insert(path, (role.to_string(), image))),
            Err(error) => report.faults.push(error.to_string()),
        }
    }
}

/// Who signs a role's lines signed how this image was made, and it is about this image.
fn envelope(folder: &Folder, state: &State, role: &str, image: &Image) -> std::result::Result<(), String> {
    let Some(part) = image.parts.get(PROVENANCE) else { return Ok(()) };
    let path = part.path();
    let bytes = document(folder, &path, &part.sha256, part.size).map_err(|error| error.to_string())?;
    let delegation = state.delegation(role).ok_or_else(|| format!("nobody is trusted with `{role}`"))?;
    let keys = state.targets.get("targets").map(|targets| targets.keys.clone()).unwrap_or_default();
    let payload = dsse::open(&path, &bytes, dsse::IN_TOTO, &keys, &delegation.grant)
        .map_err(|error| error.to_string())?;
    let statement: Value = serde_json::from_slice(&payload).map_err(|error| format!("{path}: {error}"))?;
    let subjects = statement["subject"].as_array().map(Vec::as_slice).unwrap_or_default();
    let says =
        |sha256: &str| subjects.iter().any(|subject| subject["digest"]["sha256"].as_str() == Some(sha256));
    match says(&image.root_sha256) && says(&image.kernel_sha256) {
        true => Ok(()),
        false => Err(format!("{path}: is about another image than the one that it stands beside")),
    }
}

fn blobs(folder: &Folder, images: &BTreeMap<String, (String, Image)>, report: &mut Report) {
    let parts = images.values().flat_map(|(_, image)| image.parts.values());
    let by_path: BTreeMap<String, &Part> = parts.map(|part| (part.path(), part)).collect();
    report.blobs = by_path.len();
    report.bytes = by_path.values().map(|part| part.blob().1).sum();
    let faults: Vec<String> = by_path
        .par_iter()
        .filter_map(|(path, part)| blob(&folder.path(path), part).err().map(|what| format!("{path}: {what}")))
        .collect();
    report.faults.extend(faults);
}

/// The bytes that lie there, and what they unpack to.
fn blob(path: &Path, part: &Part) -> std::result::Result<(), String> {
    let (sha256, size) = part.blob();
    let open = || File::open(path).map_err(|error| error.to_string());
    let found = Digest::of_reader(open()?).map_err(|error| error.to_string())?;
    if found.size_bytes != size || found.hex() != sha256 {
        return Err(format!(
            "is damaged: {} bytes of sha256 {}, {size} are wanted",
            found.size_bytes,
            found.hex()
        ));
    }
    if part.packed.is_some() {
        let raw =
            unpacked(open()?, part.size).and_then(Digest::of_reader).map_err(|error| error.to_string())?;
        if raw.hex() != part.sha256 {
            return Err(format!("unpacks to the sha256 {}, and {} is wanted", raw.hex(), part.sha256));
        }
    }
    Ok(())
}

/// What a packed part unpacks to; one byte more than it may be is the end.
pub fn unpacked(from: impl Read, size: u64) -> io::Result<impl Read> {
    Ok(zstd::Decoder::new(from)?.take(size.saturating_add(1)))
}
