//! Writing: whole files by rename, only those that are other, and away with those of images that are gone.
//!
//! The last line of an image's page is its *seal*, the digest of all that the page says, so that the next run knows without
//! making it whether it would say the same; a page that a power cut left short has none, and is made again. Nothing here is
//! synced: what is lost is made again too.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::image;
use super::pages::TEMPLATES;
use crate::channel::{ChannelError, Folder};

/// Raised when the same facts and templates would come out as other pages.
const FORM: &str = "1";
const FRONT_DOOR: &str = "index.html";
/// By which our own front door is known, and nobody else's is written over.
const OURS: &str = "<meta name=\"generator\" content=\"rootbrew channel site\">";

/// The files of an image; the last where something moved.
const KINDS: [&str; 4] = ["html", "js", "svg", "diff.svg"];

type Result<T> = std::result::Result<T, ChannelError>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files written, and their bytes.
    pub files: usize,
    pub bytes: u64,
    pub same: usize,
    pub removed: usize,
    /// An `index.html` stands at the channel's root that is another's.
    pub is_shut: bool,
}

pub struct Desk {
    root: PathBuf,
    stage: PathBuf,
    written: Mutex<Written>,
    /// Paths in `site/` that this run made or found right.
    kept: Mutex<BTreeSet<PathBuf>>,
}

/// The digest of all that a page says.
pub struct Seal(String);

impl Seal {
    pub fn of(told: &str) -> Seal {
        let templates = TEMPLATES.map(|(_, text)| text).concat();
        let all = format!("{FORM} {} {told}", trust::sha256(templates.as_bytes()));
        Seal(format!("<!-- rootbrew site {} -->\n", trust::sha256(all.as_bytes())))
    }
}

fn tried<T>(done: std::io::Result<T>, tried: &'static str, path: &Path) -> Result<T> {
    done.map_err(|source| ChannelError::Io { tried, path: path.to_path_buf(), source })
}

impl Desk {
    pub fn open(folder: &Folder) -> Result<Desk> {
        let (root, stage) = (folder.path(""), folder.path(".stage"));
        tried(fs::create_dir_all(root.join("site/image")), "create", &root.join("site/image"))?;
        Ok(Desk { root, stage, written: Mutex::default(), kept: Mutex::default() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join("site").join(name)
    }

    /// Whether an image's files are there, and say what they would say now.
    pub fn is_sealed(&self, sha256: &str, seal: &Seal) -> bool {
        let end = end(&self.path(&format!("image/{sha256}.html")), seal.0.len());
        let is_there = |kind: &str| {
            let found = fs::metadata(self.path(&format!("image/{sha256}.{kind}")));
            found.is_ok_and(|found| found.is_file() && found.len() > 0)
        };
        end.is_some_and(|end| end == seal.0.as_bytes()) && ["js", "svg"].into_iter().all(is_there)
    }

    /// An image's files stay as they are.
    pub fn keep(&self, sha256: &str) {
        let files = KINDS.map(|kind| self.path(&format!("image/{sha256}.{kind}")));
        for path in files.into_iter().filter(|path| path.exists()) {
            self.keep_path(path);
            self.count(|written| written.same += 1);
        }
    }

    /// The page last: with its seal, the others are there. Without one it is made again by the next run.
    pub fn image(&self, sha256: &str, page: &image::Page, seal: Option<&Seal>) -> Result<()> {
        if let Some(difference) = &page.difference {
            self.page(&format!("image/{sha256}.diff.svg"), difference)?;
        }
        let seal = seal.map_or("", |seal| seal.0.as_str());
        self.page(&format!("image/{sha256}.js"), &page.data)?;
        self.page(&format!("image/{sha256}.svg"), &page.treemap)?;
        self.page(&format!("image/{sha256}.html"), &format!("{}{seal}", page.html))
    }

    /// A file below `site/`, unless it is the same already.
    pub fn page(&self, name: &str, text: &str) -> Result<()> {
        let path = self.path(name);
        self.put(&path, text)?;
        self.keep_path(path);
        Ok(())
    }

    fn keep_path(&self, path: PathBuf) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).insert(path);
    }

    /// The page at the channel's root, unless another's stands there.
    pub fn front_door(&self, text: &str) -> Result<()> {
        let path = self.root.join(FRONT_DOOR);
        match fs::read(&path) {
            Ok(found) if !String::from_utf8_lossy(&found).contains(OURS) => {
                self.count(|written| written.is_shut = true);
                Ok(())
            }
            Err(error) if error.kind() != ErrorKind::NotFound => tried(Err(error), "read", &path),
            _ => self.put(&path, text),
        }
    }

    fn put(&self, path: &Path, text: &str) -> Result<()> {
        let is_same = fs::metadata(path).is_ok_and(|found| found.len() == text.len() as u64)
            && fs::read(path).is_ok_and(|found| found == text.as_bytes());
        if is_same {
            self.count(|written| written.same += 1);
            return Ok(());
        }
        let parent = path.parent().unwrap_or(&self.root);
        tried(fs::create_dir_all(parent), "create", parent)?;
        let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        let staged = tempfile::Builder::new().permissions(readable).tempfile_in(&self.stage);
        let mut staged = tried(staged, "create a file in", &self.stage)?;
        tried(staged.write_all(text.as_bytes()), "write to", &self.stage)?;
        tried(staged.persist(path).map_err(|error| error.error), "rename into", path)?;
        self.count(|written| {
            written.files += 1;
            written.bytes += text.len() as u64;
        });
        Ok(())
    }

    fn count(&self, add: impl FnOnce(&mut Written)) {
        add(&mut self.written.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Removes the pages of images and roles that the channel has no more; what else lies in `site/` is somebody's.
    pub fn close(&self) -> Result<Written> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut there = Vec::new();
        for folder in ["image", "role"] {
            files(&self.path(folder), &mut there)?;
        }
        for path in there.into_iter().filter(|path| is_ours(path) && !kept.contains(path)) {
            tried(fs::remove_file(&path), "remove", &path)?;
            self.count(|written| written.removed += 1);
        }
        Ok(self.written.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

fn is_ours(path: &Path) -> bool {
    path.extension().is_some_and(|kind| ["html", "js", "svg"].iter().any(|ours| kind == *ours))
}

/// As many bytes as stand last in a file.
fn end(path: &Path, count: usize) -> Option<Vec<u8>> {
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::End(-i64::try_from(count).ok()?)).ok()?;
    let mut bytes = Vec::new();
    file.take(count as u64).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let listed = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        listed => tried(listed, "list", folder)?,
    };
    for entry in listed {
        let entry = tried(entry, "list", folder)?;
        match tried(entry.file_type(), "look at", &entry.path())?.is_dir() {
            true => files(&entry.path(), found)?,
            false => found.push(entry.path()),
        }
    }
    Ok(())
}
