//! Publishing: parts become blobs, an image's document names them, a line's history ends with it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use assembler::wire;
use kegs::Digest;
use rayon::prelude::*;
use trust::dsse;

use super::change::{Bench, Document};
use super::error::{ChannelError, Result, tried, wrong};
use super::keyring::Keyring;
use super::line::{self, Entry, HISTORY_MAX_BYTES, History, IMAGE_MAX_BYTES, Image, Packed, Part};
use super::place::Place;
use super::shelf::{Held, Shelf};
use super::state::{Life, State};

/// What a machine boots from: kept packed.
const ROOT: &str = "root.erofs";
/// Other publishers are that often first before we give up: each of them came through.
const TRIES_MAX: u32 = 20;

/// The name of the envelope that says how an image was made.
pub const PROVENANCE: &str = "provenance.json";

pub enum Content {
    File(PathBuf),
    Bytes(Vec<u8>),
    /// A root, and what `assembler::wire` made of it.
    Packed {
        raw: PathBuf,
        packed: PathBuf,
    },
}

/// An image to publish: `root.erofs` and `vmlinuz` are among its parts.
pub struct Item {
    pub role: String,
    pub root_sha256: String,
    pub kernel_sha256: String,
    pub commit: Option<String>,
    /// Name, media type, bytes.
    pub parts: Vec<(String, String, Content)>,
    /// in-toto's, to be signed by the role's key.
    pub statement: Option<Vec<u8>>,
}

/// What became of a role in a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// The line's newest is this already.
    Same,
    /// Bytes that the channel did not have.
    New { bytes: u64 },
}

/// A channel, open for changes that are made at once by [`Desk::commit`].
pub struct Desk<'a> {
    bench: Bench<'a>,
    state: State,
    documents: Vec<Document>,
    /// Nothing is removed meanwhile.
    _held: Held,
}

impl<'a> Desk<'a> {
    pub fn open(shelf: &'a dyn Shelf, keys: &'a Keyring<'a>, life: Life, now_s: u64) -> Result<Desk<'a>> {
        let held = shelf.share()?;
        let state = State::open(shelf, &keys.trusted(), now_s)?;
        Ok(Desk {
            bench: Bench { shelf, keys, next: None, life, now_s },
            state,
            documents: Vec::new(),
            _held: held,
        })
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    pub fn shelf(&self) -> &'a dyn Shelf {
        self.bench.shelf
    }

    pub fn now_s(&self) -> u64 {
        self.bench.now_s
    }

    /// Empty where the line has none of this role.
    pub fn history(&self, line: &str, role: &str) -> Result<History> {
        history(self.bench.shelf, &self.state, line, role)
    }

    pub fn image(&self, line: &str, role: &str, entry: &Entry) -> Result<Image> {
        let path = line::document_path(line, role, "image", &entry.sha256);
        Image::read(&path, &document(self.bench.shelf, &path, &entry.sha256, entry.size)?)
    }

    pub fn newest(&self, line: &str, role: &str) -> Result<Option<Image>> {
        let history = self.history(line, role)?;
        history.newest().map(|entry| self.image(line, role, entry)).transpose()
    }

    /// An image as a line's newest, unless it is.
    ///
    /// # Errors
    /// The line is held.
    pub fn publish(&mut self, line: &str, item: Item) -> Result<Moved> {
        names(line, &item.role)?;
        let history = self.history(line, &item.role)?;
        if history.newest().is_some_and(|newest| newest.is(&item.root_sha256, &item.kernel_sha256)) {
            return Ok(Moved::Same);
        }
        is_free(&history)?;
        let (image, bytes) = self.put_parts(item)?;
        let document = serde_json::to_vec(&image).unwrap_or_default();
        self.append(history, &image, document, "published")?;
        Ok(Moved::New { bytes })
    }

    fn put_parts(&self, mut item: Item) -> Result<(Image, u64)> {
        if let Some(statement) = item.statement.take() {
            let key = self.bench.keys.open(&self.bench.keys.of_role(&item.role))?;
            let envelope = dsse::sign(dsse::IN_TOTO, &statement, &[key.as_ref()])
                .map_err(|error| ChannelError::Asked(format!("cannot sign: {error}")))?;
            let media = "application/vnd.dsse.envelope.v1+json".to_string();
            item.parts.push((PROVENANCE.into(), media, Content::Bytes(envelope)));
        }
        let shelf = self.bench.shelf;
        let put: Vec<(String, Part, u64)> = item
            .parts
            .into_par_iter()
            .map(|(name, media, content)| {
                let (part, bytes) = put_part(shelf, &name, media, content)?;
                Ok((name, part, bytes))
            })
            .collect::<Result<_>>()?;
        let bytes = put.iter().map(|(_, _, bytes)| bytes).sum();
        let image = Image {
            format: 1,
            role: item.role,
            root_sha256: item.root_sha256,
            kernel_sha256: item.kernel_sha256,
            commit: item.commit,
            published: trust::print_time(self.bench.now_s),
            parts: put.into_iter().map(|(name, part, _)| (name, part)).collect(),
        };
        // What a taker would refuse is not published.
        let document = serde_json::to_vec(&image).unwrap_or_default();
        if document.len() as u64 > IMAGE_MAX_BYTES {
            return Err(wrong(image.role, format!("has too many parts: {} bytes of names", document.len())));
        }
        Ok((Image::read(&image.role, &document)?, bytes))
    }

    /// The line's newest is `image` from the commit on.
    pub(super) fn append(
        &mut self,
        mut history: History,
        image: &Image,
        document: Vec<u8>,
        what: &str,
    ) -> Result<()> {
        history.entries.push(Entry {
            sha256: trust::sha256(&document),
            size: document.len() as u64,
            root_sha256: image.root_sha256.clone(),
            kernel_sha256: image.kernel_sha256.clone(),
            commit: image.commit.clone(),
            when: trust::print_time(self.bench.now_s),
            what: what.to_string(),
        });
        let (line, role) = (history.line.clone(), history.role.clone());
        self.documents.push(Document { line, role, name: "image", bytes: document });
        self.rewrite(history)
    }

    /// One more document of the commit.
    pub(super) fn put(&mut self, document: Document) {
        self.documents.push(document);
    }

    pub(super) fn rewrite(&mut self, history: History) -> Result<()> {
        let bytes = serde_json::to_vec(&history).unwrap_or_default();
        if bytes.len() as u64 > HISTORY_MAX_BYTES {
            return Err(wrong(
                format!("{}/{}", history.line, history.role),
                "the history is too long: prune",
            ));
        }
        let History { line, role, .. } = history;
        self.documents.push(Document { line, role, name: "history", bytes });
        Ok(())
    }

    /// All of it, or nothing. Where another publisher was first and moved other lines or roles, ours goes on top of theirs:
    /// how often, is given back.
    ///
    /// # Errors
    /// `Lost`: another publisher moved what we move.
    pub fn commit(mut self) -> Result<u32> {
        if self.documents.is_empty() {
            return Ok(0);
        }
        for lost in 0..TRIES_MAX {
            match self.bench.commit(&self.state, &self.documents) {
                Ok(_) => return Ok(lost),
                Err(ChannelError::Lost { version }) => {
                    let keys = self.bench.keys;
                    let now = State::open(self.bench.shelf, &keys.trusted(), self.bench.now_s)?;
                    if self.documents.iter().any(|document| is_moved(document, &self.state, &now)) {
                        return Err(ChannelError::Lost { version });
                    }
                    self.state = now;
                }
                Err(error) => return Err(error),
            }
        }
        Err(ChannelError::Lost { version: self.state.timestamp.version })
    }

    /// The pointers, signed anew; the roles' metadata too.
    pub(super) fn sign_anew(&self) -> Result<u64> {
        self.bench.commit(&self.state, &[])
    }
}

fn is_moved(document: &Document, before: &State, now: &State) -> bool {
    let path = line::target(&document.line, &document.role, document.name);
    before.target(&document.role, &path) != now.target(&document.role, &path)
}

pub fn history(place: &dyn Place, state: &State, line: &str, role: &str) -> Result<History> {
    match state.target(role, &line::target(line, role, "history")) {
        None => Ok(History::new(line, role)),
        Some(target) => {
            let path = line::document_path(line, role, "history", &target.sha256);
            History::read(&path, &document(place, &path, &target.sha256, target.length)?)
        }
    }
}

/// A document whose digest is known.
pub fn document(place: &dyn Place, path: &str, sha256: &str, length: u64) -> Result<Vec<u8>> {
    let max = length.min(HISTORY_MAX_BYTES);
    let bytes = place.get(path, max)?.ok_or_else(|| wrong(place.name(), format!("{path} is not there")))?;
    match trust::sha256(&bytes) == sha256 {
        true => Ok(bytes),
        false => Err(wrong(place.name(), format!("{path} is cut short or changed: its sha256 is another"))),
    }
}

pub fn names(line: &str, role: &str) -> Result<()> {
    match [line, role].iter().find(|name| !trust::is_role_name(name)) {
        None => Ok(()),
        Some(name) => Err(ChannelError::Asked(format!(
            "`{name}` can't name a line or a role: small letters, digits, `-`, `_`, `.` are wanted"
        ))),
    }
}

pub fn is_free(history: &History) -> Result<()> {
    match &history.held {
        None => Ok(()),
        Some(why) => Err(ChannelError::Asked(format!(
            "{}/{} is held: {why}; `rootbrew channel hold --off` lets it go",
            history.line, history.role
        ))),
    }
}

/// The blob of a part, unless it is there; how many bytes are new.
fn put_part(shelf: &dyn Shelf, name: &str, media: String, content: Content) -> Result<(Part, u64)> {
    let (raw, packed) = match content {
        Content::Packed { raw, packed } => (Content::File(raw), Some(Content::File(packed))),
        raw if name == ROOT => {
            let packed = raw.pack()?;
            (raw, Some(Content::Bytes(packed)))
        }
        raw => (raw, None),
    };
    let digest = raw.digest()?;
    let mut part = Part { sha256: digest.hex(), size: digest.size_bytes, media, packed: None };
    if let Some(packed) = &packed {
        let digest = packed.digest()?;
        part.packed = Some(Packed { sha256: digest.hex(), size: digest.size_bytes });
    }
    let (path, (_, size)) = (part.path(), part.blob());
    if shelf.has(&path, size)? {
        return Ok((part, 0));
    }
    shelf.put(&path, &mut packed.as_ref().unwrap_or(&raw).open()?)?;
    Ok((part, size))
}

impl Content {
    fn open(&self) -> Result<Box<dyn Read + Send + '_>> {
        match self {
            Content::Bytes(bytes) => Ok(Box::new(bytes.as_slice())),
            Content::File(path) | Content::Packed { raw: path, .. } => {
                Ok(Box::new(File::open(path).map_err(tried("open", path))?))
            }
        }
    }

    fn digest(&self) -> Result<Digest> {
        Digest::of_reader(self.open()?).map_err(tried("read", self.place()))
    }

    fn pack(&self) -> Result<Vec<u8>> {
        let size_bytes = self.digest()?.size_bytes;
        wire::pack(self.open()?, size_bytes, Vec::new()).map_err(tried("compress", self.place()))
    }

    /// For messages.
    fn place(&self) -> &Path {
        match self {
            Content::Bytes(_) => Path::new("bytes in memory"),
            Content::File(path) | Content::Packed { raw: path, .. } => path,
        }
    }
}
