//! The subject of a command on images: a role's image, an image file, or a folder as `rootbrew image --to` leaves it.
//!
//! A word with a `/` in it, or that ends in `.erofs`, is a place; any other is a role. A place's bytes are read and
//! believed in nothing; its text twin beside gives reasons, where it is that image's.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use assembler::erofs::read::{Image, ReadError};
use assembler::{ImageTree, Kind, text};
use kegs::Digest;

use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::composed::composed;
use crate::work::image::{self, Facts};

/// An image's file, and what may lie beside it.
pub struct Place {
    /// As it was written on the command line.
    pub name: String,
    pub root: PathBuf,
    /// Of the store, so that its twin and facts are its own.
    stored: Option<image::Image>,
}

/// An image whose every path is known.
pub struct Subject {
    pub name: String,
    pub tree: ImageTree,
    pub root_bytes: u64,
    /// `None` where nothing beside the image says why its paths are there.
    pub reasons: Option<PathBuf>,
    pub facts: Option<Facts>,
}

pub fn is_place(word: &str) -> bool {
    word.contains('/') || word.ends_with(".erofs")
}

/// Where the image is; a role's is built when it has to be.
pub fn place(context: &Context, word: &str) -> Result<Place> {
    let name = word.to_string();
    if is_place(word) {
        let path = Path::new(word);
        let root = if path.is_dir() { path.join("root.erofs") } else { path.to_path_buf() };
        return Ok(Place { name, root, stored: None });
    }
    let is_role = context.tap.join("roles").join(format!("{word}.toml")).exists();
    if !is_role && Path::new(word).exists() {
        return Err(Trouble::Failed(format!(
            "no role is called `{word}`; if you mean the file or folder: ./{word}"
        )));
    }
    let image = composed(context, word)?.image;
    Ok(Place { name, root: image.root(), stored: Some(image) })
}

pub fn open(context: &Context, word: &str) -> Result<Subject> {
    place(context, word)?.open()
}

impl Place {
    pub fn image(&self) -> Result<Image<fs::File>> {
        Image::open_file(&self.root).map_err(|error| self.wrong(&error))
    }

    pub fn wrong(&self, error: &ReadError) -> Trouble {
        Trouble::Failed(format!("{}: {error}", self.root.display()))
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.root.with_file_name(name)
    }

    pub fn open(&self) -> Result<Subject> {
        let image = self.image()?;
        let (tree, reasons) = match &self.stored {
            Some(stored) => (stored.tree()?, Some(stored.text())),
            None => self.with_reasons(image.tree().map_err(|error| self.wrong(&error))?),
        };
        let facts = self.facts();
        let root_bytes = fs::metadata(&self.root).map_or(image.len_bytes(), |found| found.len());
        Ok(Subject { name: self.name.clone(), tree, root_bytes, reasons, facts })
    }

    /// Of the kernel beside it, where there is one.
    pub fn kernel(&self) -> Option<Digest> {
        fs::File::open(self.beside("vmlinuz")).and_then(Digest::of_reader).ok()
    }

    fn twin(&self) -> Result<ImageTree> {
        let path = self.beside("tree.txt");
        let failed = |why: String| Trouble::Failed(format!("{}: {why}", path.display()));
        let text = fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?;
        text::parse(&text).map_err(|error| failed(error.to_string()))
    }

    /// The tree with the reasons of the twin beside it, if that is the same tree; any other is left aside, and said.
    fn with_reasons(&self, tree: ImageTree) -> (ImageTree, Option<PathBuf>) {
        let path = self.beside("tree.txt");
        let Ok(found) = fs::metadata(&path) else { return (tree, None) };
        let why = if found.len() > twin_max_bytes(&tree) {
            format!("{} bytes are too many for this image's", found.len())
        } else {
            match self.twin() {
                Ok(twin) => match first_other(&tree, &twin) {
                    None => return (twin, Some(path)),
                    Some(other) => format!("it is of another image, first at /{}", text::escape(&other)),
                },
                Err(Trouble::Failed(why)) => why,
                Err(_) => "it can't be read".to_string(),
            }
        };
        talk(&format!("warning: {}: {why}; reasons are left out", path.display()));
        (tree, None)
    }

    /// What `rootbrew image` measured, if it is of these bytes.
    fn facts(&self) -> Option<Facts> {
        let mut text = Vec::new();
        fs::File::open(self.beside("facts.json")).ok()?.take(FACTS_MAX_BYTES).read_to_end(&mut text).ok()?;
        let facts: Facts = serde_json::from_slice(&text).ok()?;
        let is_own = self.stored.is_some() || {
            let found = fs::File::open(&self.root).and_then(Digest::of_reader).ok()?;
            found.hex() == facts.root_sha256
        };
        is_own.then_some(facts)
    }
}

/// They have a few hundred.
const FACTS_MAX_BYTES: u64 = 1 << 16;

/// A line is a path and a target, each at most four times as long by its escapes, a reason that may name another path,
/// and less than 200 bytes besides.
fn twin_max_bytes(tree: &ImageTree) -> u64 {
    let longest = tree.iter().map(|(path, _)| path.len()).max().unwrap_or(0) as u64;
    let lines =
        tree.iter().map(|(path, node)| 4 * (path.len() as u64 + target_bytes(&node.kind) + longest) + 512);
    lines.sum()
}

fn target_bytes(kind: &Kind) -> u64 {
    if let Kind::Link { target } = kind { target.len() as u64 } else { 0 }
}

/// The first path at which two trees differ in more than its reason.
fn first_other(one: &ImageTree, two: &ImageTree) -> Option<String> {
    let same = |(a, b): &((&str, &assembler::Node), (&str, &assembler::Node))| {
        a.0 == b.0 && (&a.1.kind, a.1.mode, a.1.uid, a.1.gid) == (&b.1.kind, b.1.mode, b.1.uid, b.1.gid)
    };
    let pairs = one.iter().zip(two.iter()).find(|pair| !same(pair));
    let more = || {
        let (longer, length) = if one.len() > two.len() { (one, two.len()) } else { (two, one.len()) };
        longer.iter().nth(length).map(|(path, _)| path.to_string())
    };
    pairs.map(|(a, b)| a.0.min(b.0).to_string()).or_else(more)
}
