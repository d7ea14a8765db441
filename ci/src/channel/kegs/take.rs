//! Taking: a store's cache that is a line of a channel. Asked when the store lacks something, and not before.
//!
//! It fails by saying no: a channel that can't be reached, or is refused, is told once and known to have nothing. Packs come
//! several at once, are resumed where they were cut, and are unpacked as they come: each has a name in no place of ours.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use builder::fetch::{self, Blobs, FetchError, Places, Wanted};
use builder::schedule::Cancel;
use kegs::{Cache, Digest, Lent, Store, StoreError};
use trust::Wish;

use super::super::error::{ChannelError, Result, tried, wrong};
use super::super::line;
use super::super::place::Place;
use super::super::publish::{document, names};
use super::super::state::{follow, trusted};
use super::index::{INDEX_MAX_BYTES, Index, Known, Pack};
use super::{INDEX, ROLE};

/// Trees that can't be had, each with its reason.
type Faults = std::result::Result<Vec<(Digest, String)>, StoreError>;

/// A line of a channel as a cache.
pub struct Taker {
    pub place: Box<dyn Place + Send>,
    pub line: String,
    /// The kept root of trust, and what followed it.
    pub trusted: PathBuf,
    /// The sha256 of the channel's first root, where trust begins now.
    pub root: Option<String>,
    pub places: Places,
    pub cancel: Arc<Cancel>,
    /// The clock.
    pub now_s: fn() -> u64,
    pub told: Box<dyn Fn(Told) + Send + Sync>,
    pub state: State,
}

/// What it knows and did.
#[derive(Default)]
pub struct State {
    known: OnceLock<Known>,
    refused: Mutex<HashSet<Digest>>,
    tally: Mutex<Tally>,
}

/// What is told as it happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// It has nothing, and why.
    Unused(String),
    /// What it said of a keg led nowhere.
    Refused { keg: String, why: String },
}

/// What came of it until now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tally {
    /// Outcomes that were taken.
    pub taken: usize,
    pub refused: usize,
    pub packs: usize,
    /// Of packs, on the wire.
    pub bytes: u64,
    /// While somebody waited for it.
    pub wall_s: f64,
}

impl fmt::Debug for Taker {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "Taker({})", self.name())
    }
}

impl Taker {
    pub fn name(&self) -> String {
        format!("{}@{}", self.place.name(), self.line)
    }

    pub fn tally(&self) -> Tally {
        self.lock_tally().clone()
    }

    fn lock_tally(&self) -> MutexGuard<'_, Tally> {
        self.state.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> &Known {
        self.state.known.get_or_init(|| {
            let begun = Instant::now();
            let known = self.index().map(Index::known).unwrap_or_else(|error| {
                (self.told)(Told::Unused(error.to_string()));
                Known::default()
            });
            self.lock_tally().wall_s += begun.elapsed().as_secs_f64();
            known
        })
    }

    /// The line's index, as its signed metadata say.
    ///
    /// # Errors
    /// Not reached, not trusted, not there.
    pub fn index(&self) -> Result<Index> {
        names(&self.line, ROLE)?;
        let place = self.place.as_ref();
        match &self.root {
            Some(sha256) => trusted(&self.trusted, place, sha256)?,
            None if self.trusted.join("root.json").exists() => {}
            None => {
                let what =
                    format!("nothing is trusted of {} yet: --cache-root says its root, once", place.name());
                return Err(ChannelError::NoKey(what));
            }
        }
        let wish = Wish::Target(line::target(&self.line, ROLE, INDEX));
        let update = follow(place, &self.trusted, wish, (self.now_s)())?;
        let target = update.found().ok_or_else(|| wrong(place.name(), "its metadata have no end"))?;
        let path = line::document_path(&self.line, ROLE, INDEX, &target.sha256);
        if target.length > INDEX_MAX_BYTES {
            return Err(wrong(path, format!("is longer than {INDEX_MAX_BYTES} bytes")));
        }
        let kept = self.trusted.join("kegs").join(format!("{}.index", self.line));
        if let Some(bytes) = fs::read(&kept).ok().filter(|bytes| trust::sha256(bytes) == target.sha256) {
            return Index::read(&path, &bytes);
        }
        let bytes = document(place, &path, &target.sha256, target.length)?;
        let index = Index::read(&path, &bytes)?;
        keep(&kept, &bytes)?;
        Ok(index)
    }

    fn wanted(&self, root: &Digest, pack: &Pack) -> Wanted {
        let sha256 = kegs::digest::parse_sha256(&pack.sha256).unwrap_or_default();
        let urls = self.place.url(&line::blob_path(&pack.sha256));
        let name = format!("pack of {}", root.short());
        Wanted {
            name,
            sha256,
            size_bytes: Some(pack.size),
            urls: urls.into_iter().collect(),
            ..Wanted::default()
        }
    }

    fn places(&self, packs: &[(Digest, Pack)]) -> Places {
        let folder = |pack: &Pack| {
            Some(self.place.folder()?.join(line::blob_path(&pack.sha256)).parent()?.to_path_buf())
        };
        let mut folders: Vec<PathBuf> = packs.iter().filter_map(|(_, pack)| folder(pack)).collect();
        folders.sort();
        folders.dedup();
        Places {
            folders,
            network: self.places.network,
            patience: self.places.patience.clone(),
            ..Places::default()
        }
    }

    fn fetch(&self, store: &Store, packs: &[(Digest, Pack)]) -> Faults {
        let wanted: Vec<Wanted> = packs.iter().map(|(root, pack)| self.wanted(root, pack)).collect();
        let unpacking = Unpacking::new(store, packs);
        let results = fetch::fetch(&wanted, &self.places(packs), &unpacking, &|_| (), self.cancel.flag());
        let mut lies = unpacking.lies.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut faults = Vec::new();
        for ((root, pack), result) in packs.iter().zip(results) {
            match result {
                Ok(_) => {
                    let mut tally = self.lock_tally();
                    (tally.packs, tally.bytes) = (tally.packs + 1, tally.bytes + pack.size);
                }
                Err(FetchError::Cancelled) => return Err(StoreError::Stopped),
                Err(FetchError::Store { source, .. }) => match lies.remove(root) {
                    Some(why) => faults.push((*root, why)),
                    None => {
                        let path = store.folder().to_path_buf();
                        return Err(StoreError::Io { tried: "put a pack in", path, source });
                    }
                },
                Err(error) => faults.push((*root, error.to_string())),
            }
        }
        Ok(faults)
    }
}

impl Cache for Taker {
    fn outcome(&self, key: &Digest) -> Option<Lent> {
        let (outcome, _, top) = self.known().outcomes.get(key)?;
        if self.state.refused.lock().unwrap_or_else(PoisonError::into_inner).contains(key) {
            return None;
        }
        self.lock_tally().taken += 1;
        Some(Lent { outcome: *outcome, from: self.name(), top: top.clone() })
    }

    fn size_bytes(&self, sha256: &[u8; 32]) -> Option<u64> {
        self.known().sizes.get(sha256).copied()
    }

    fn bring(&self, store: &Store, roots: &[Digest]) -> Faults {
        let begun = Instant::now();
        let known = self.known();
        let (mut packs, mut faults) = (Vec::new(), Vec::new());
        for root in roots {
            match known.packs.get(root) {
                Some(pack) => packs.push((*root, pack.clone())),
                None => faults.push((*root, format!("{} has no pack of it", self.name()))),
            }
        }
        if !packs.is_empty() {
            faults.extend(self.fetch(store, &packs)?);
        }
        self.lock_tally().wall_s += begun.elapsed().as_secs_f64();
        Ok(faults)
    }

    fn refuse(&self, key: &Digest, why: &str) {
        self.state.refused.lock().unwrap_or_else(PoisonError::into_inner).insert(*key);
        self.lock_tally().refused += 1;
        let keg = self.known().outcomes.get(key).map_or_else(|| key.short(), |(_, keg, _)| keg.clone());
        (self.told)(Told::Refused { keg, why: why.to_string() });
    }
}

/// Kept for the next time, when the line may be the same.
fn keep(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(tried("create", folder))?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(tried("write in", folder))?;
    io::Write::write_all(&mut file, bytes).map_err(tried("write", path))?;
    file.persist(path).map(drop).map_err(|error| tried("rename into", path)(error.error))
}

/// A store that takes packs, each unpacked at once.
struct Unpacking<'a> {
    store: &'a Store,
    /// By the sha256 of the pack.
    roots: HashMap<[u8; 32], (Digest, u64)>,
    /// Packs that are what was named, and not the tree.
    lies: Mutex<HashMap<Digest, String>>,
}

impl<'a> Unpacking<'a> {
    fn new(store: &'a Store, packs: &[(Digest, Pack)]) -> Unpacking<'a> {
        let root = |(root, pack): &(Digest, Pack)| {
            Some((kegs::digest::parse_sha256(&pack.sha256)?, (*root, pack.bytes)))
        };
        Unpacking { store, roots: packs.iter().filter_map(root).collect(), lies: Mutex::default() }
    }

    fn unpack(&self, staged: &Path, root: &Digest, bytes: u64) -> io::Result<()> {
        // No more than it may be: what is cut off is missing, which a digest shows.
        let stream = Ending(zstd::Decoder::new(File::open(staged)?)?);
        self.store.read_pack(root, stream.take(bytes)).map_err(|error| {
            if let StoreError::Damaged { .. } = &error {
                let mut lies = self.lies.lock().unwrap_or_else(PoisonError::into_inner);
                lies.insert(*root, format!("its pack is not the tree: {error}"));
            }
            io::Error::other(error)
        })
    }
}

/// A stream that ends where it can't be unpacked: that is the pack's fault and not the store's, and digests show it.
struct Ending<R>(R);

impl<R: Read> Read for Ending<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Ok(0),
            read => read,
        }
    }
}

impl Blobs for Unpacking<'_> {
    fn partial(&self, sha256: &[u8; 32]) -> PathBuf {
        self.store.partial(sha256)
    }

    fn adopt(&self, staged: &Path, digest: &Digest) -> io::Result<()> {
        let Some((root, bytes)) = self.roots.get(&digest.sha256) else {
            return Err(io::Error::other("a pack that nobody asked for"));
        };
        let unpacked = self.unpack(staged, root, *bytes);
        // Whole or wrong, it has done its work.
        fs::remove_file(staged)?;
        unpacked
    }

    fn put_bytes(&self, bytes: &[u8]) -> io::Result<Digest> {
        self.store.put_bytes_unsynced(bytes).map_err(io::Error::other)
    }

    fn put_reader(&self, reader: &mut dyn Read) -> io::Result<Digest> {
        self.store.put_reader_unsynced(reader).map_err(io::Error::other)
    }

    /// A pack whose tree is here came already.
    fn find_sha256(&self, sha256: &[u8; 32]) -> Option<Digest> {
        let (_, bytes) = self.roots.get(sha256).filter(|(root, _)| !self.store.lacks(root))?;
        Some(Digest { sha256: *sha256, size_bytes: *bytes })
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.store.blob_path(digest, false)
    }
}
