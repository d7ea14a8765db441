//! Lending: what a tap's roles were made of, put beside their images. And what pruning and verifying ask of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use kegs::digest::Hasher;
use kegs::{Digest, Outcome, Store};
use rayon::prelude::*;

use super::super::change::Document;
use super::super::error::{ChannelError, Result, tried, wrong};
use super::super::line;
use super::super::place::Place;
use super::super::publish::{Desk, document, names};
use super::super::shelf::Shelf;
use super::super::state::State;
use super::super::verify::{self as images, Report};
use super::index::{Entry, INDEX_MAX_BYTES, Index, Pack, Plan, hex_text};
use super::{INDEX, ROLE};

/// Measured on kegs (docs/channel.md): level 3 takes 5 to 17 % more bytes; 15 takes 1 to 3 % fewer, and three to eleven
/// times as long.
const ZSTD_LEVEL: i32 = 9;
const ZSTD_WINDOW_LOG: u32 = 27;

/// What an image was made of.
pub struct Lending {
    pub role: String,
    /// Of the image.
    pub root_sha256: String,
    pub kegs: Vec<Lendable>,
}

/// An action and what it came to.
pub struct Lendable {
    pub key: Digest,
    /// `zlib 1.3.2`.
    pub keg: String,
    pub outcome: Outcome,
    /// The output's root `Directory` in place of a pack.
    pub top: Option<Vec<u8>>,
    /// Of which no recipe writes how long they are.
    pub sources: Vec<Digest>,
}

/// What was put.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Lent {
    pub kegs: usize,
    /// New ones.
    pub packs: usize,
    pub bytes: u64,
}

/// Puts all of it into a line's index, with the packs that the channel has not. What was put of a try that was killed is
/// there.
pub fn lend(desk: &mut Desk, store: &Store, line: &str, lendings: &[Lending]) -> Result<Lent> {
    names(line, ROLE)?;
    let before = index(desk.shelf(), desk.state(), line)?;
    let mut after = before.clone();
    let packed = pack_all(desk.shelf(), store, &trees(lendings), &before)?;
    let mut lent = Lent::default();
    for (tree, pack, is_new) in packed {
        if is_new {
            (lent.packs, lent.bytes) = (lent.packs + 1, lent.bytes + pack.size);
        }
        after.packs.insert(tree.to_string(), pack);
    }
    for lending in lendings {
        lent.kegs += lending.kegs.len();
        add(&mut after, lending);
    }
    let after = after.tidy();
    if after != before {
        rewrite(desk, &after)?;
    }
    Ok(lent)
}

fn rewrite(desk: &mut Desk, index: &Index) -> Result<()> {
    let bytes = serde_json::to_vec(index).unwrap_or_default();
    if bytes.len() as u64 > INDEX_MAX_BYTES {
        return Err(wrong(format!("{}/{ROLE}", index.line), "the index of kegs is too long: prune"));
    }
    desk.put(Document { line: index.line.clone(), role: ROLE.into(), name: INDEX, bytes });
    Ok(())
}

fn add(index: &mut Index, lending: &Lending) {
    index.plans.retain(|plan| (&plan.role, &plan.root_sha256) != (&lending.role, &lending.root_sha256));
    let mut entries = Vec::new();
    for keg in &lending.kegs {
        let entry = Entry {
            key: keg.key.to_string(),
            keg: keg.keg.clone(),
            output: keg.outcome.output.to_string(),
            debug: keg.outcome.debug.map(|debug| debug.to_string()),
            wall_s: keg.outcome.wall_s,
            top: keg.top.as_deref().map(hex_text),
            sources: keg.sources.iter().map(Digest::to_string).collect(),
        };
        let trees = |entry: &Entry| (entry.output.clone(), entry.debug.clone());
        entries.push(match index.entries.iter().position(|known| known.key == entry.key) {
            // How long it took another time is no news.
            Some(at) if trees(&index.entries[at]) == trees(&entry) => at,
            Some(at) => {
                index.entries[at] = entry;
                at
            }
            None => {
                index.entries.push(entry);
                index.entries.len() - 1
            }
        });
    }
    let (role, root_sha256) = (lending.role.clone(), lending.root_sha256.clone());
    index.plans.push(Plan { role, root_sha256, entries });
}

/// The trees that want a pack, each once.
fn trees(lendings: &[Lending]) -> Vec<Digest> {
    let kegs = lendings.iter().flat_map(|lending| &lending.kegs).filter(|keg| keg.top.is_none());
    let trees: BTreeSet<Digest> = kegs.flat_map(|keg| keg.outcome.trees()).collect();
    // The empty tree is everywhere.
    trees.into_iter().filter(|tree| tree.size_bytes > 0).collect()
}

/// A pack of each tree, and whether it is new here.
fn pack_all(
    shelf: &dyn Shelf,
    store: &Store,
    trees: &[Digest],
    before: &Index,
) -> Result<Vec<(Digest, Pack, bool)>> {
    // What can't be asked is put, and that tells why.
    let is_there = |pack: &Pack| shelf.has(&line::blob_path(&pack.sha256), pack.size).unwrap_or(false);
    let known = |tree: &Digest| before.packs.get(&tree.to_string()).cloned().or_else(|| noted(store, tree));
    let known = |tree: &Digest| known(tree).filter(is_there);
    let absent: Vec<Digest> = trees.iter().copied().filter(|tree| known(tree).is_none()).collect();
    store.bring(&absent).map_err(|error| ChannelError::Asked(error.to_string()))?;
    let packed = |tree: &Digest| match known(tree) {
        Some(pack) => Ok((*tree, pack, false)),
        None => pack(shelf, store, tree).map(|pack| (*tree, pack, true)),
    };
    trees.par_iter().map(packed).collect()
}

/// What a tree was packed to before: a hint, by which a push that was killed goes on.
fn noted(store: &Store, tree: &Digest) -> Option<Pack> {
    serde_json::from_slice(&store.note("packs", &tree.hex())?).ok()
}

fn pack(shelf: &dyn Shelf, store: &Store, tree: &Digest) -> Result<Pack> {
    let stage = store.folder().join("stage");
    let failed = tried("write in", &stage);
    let mut file = tempfile::tempfile_in(&stage).map_err(failed)?;
    let (pack, damaged) = (packed(store, tree, &mut file), |error| wrong("a keg", format!("{error}")));
    let pack = pack.map_err(damaged)?;
    file.seek(SeekFrom::Start(0)).map_err(tried("read in", &stage))?;
    put(shelf, &pack, file)?;
    // Lost, it is packed once more.
    store.set_note("packs", &tree.hex(), &serde_json::to_vec(&pack).unwrap_or_default()).ok();
    Ok(pack)
}

/// The one way by which a pack gets into a channel.
fn put(shelf: &dyn Shelf, pack: &Pack, mut file: File) -> Result<()> {
    shelf.put(&line::blob_path(&pack.sha256), &mut file)
}

/// One thread, so that the same tree gives the same bytes.
fn packed(store: &Store, tree: &Digest, file: &mut File) -> io::Result<Pack> {
    let mut encoder = zstd::Encoder::new(Hashed { file, hasher: Hasher::default() }, ZSTD_LEVEL)?;
    encoder.long_distance_matching(true)?;
    encoder.window_log(ZSTD_WINDOW_LOG)?;
    encoder.include_checksum(false)?;
    let bytes = store.write_pack(tree, &mut encoder).map_err(io::Error::other)?;
    let digest = encoder.finish()?.hasher.finish();
    Ok(Pack { sha256: digest.hex(), size: digest.size_bytes, bytes })
}

struct Hashed<'a> {
    file: &'a mut File,
    hasher: Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A line's index as a channel has it; empty where there is none.
pub fn index(place: &dyn Place, state: &State, line: &str) -> Result<Index> {
    match state.target(ROLE, &line::target(line, ROLE, INDEX)) {
        None => Ok(Index::new(line)),
        Some(target) => {
            let path = line::document_path(line, ROLE, INDEX, &target.sha256);
            Index::read(&path, &document(place, &path, &target.sha256, target.length)?)
        }
    }
}

/// The lines that have one.
fn lines(state: &State) -> Vec<String> {
    let end = format!("/{ROLE}/{INDEX}.json");
    let paths = state.targets.get(ROLE).into_iter().flat_map(|targets| targets.targets.keys());
    paths.filter_map(|path| Some(path.strip_suffix(&end)?.to_string())).collect()
}

/// Pruning: a plan stays as long as a line holds its image, and the newest of its role.
pub fn forget(desk: &mut Desk, held: &dyn Fn(&str, &str) -> bool) -> Result<()> {
    for line in lines(desk.state()) {
        let before = index(desk.shelf(), desk.state(), &line)?;
        let newest: BTreeMap<String, usize> =
            before.plans.iter().enumerate().map(|(at, plan)| (plan.role.clone(), at)).collect();
        let mut after = before.clone();
        let stays = |(at, plan): (usize, Plan)| {
            let is_newest = newest.get(&plan.role) == Some(&at);
            (is_newest || held(&plan.role, &plan.root_sha256)).then_some(plan)
        };
        after.plans = after.plans.into_iter().enumerate().filter_map(stays).collect();
        let after = after.tidy();
        if after != before {
            rewrite(desk, &after)?;
        }
    }
    Ok(())
}

/// Every file that the indexes ask for.
pub fn named(place: &dyn Place, state: &State, named: &mut BTreeSet<String>) -> Result<()> {
    for line in lines(state) {
        let target = state.target(ROLE, &line::target(&line, ROLE, INDEX));
        named.extend(target.map(|target| line::document_path(&line, ROLE, INDEX, &target.sha256)));
        named.extend(index(place, state, &line)?.packs.values().map(|pack| line::blob_path(&pack.sha256)));
    }
    Ok(())
}

/// Each pack, hashed again, and what it unpacks to counted.
pub fn verify(place: &dyn Place, state: &State, report: &mut Report) {
    let mut packs: BTreeMap<String, Pack> = BTreeMap::new();
    for line in lines(state) {
        match index(place, state, &line) {
            Ok(index) => {
                packs.extend(index.packs.into_values().map(|pack| (line::blob_path(&pack.sha256), pack)))
            }
            Err(error) => report.faults.push(error.to_string()),
        }
    }
    report.blobs += packs.len();
    report.bytes += packs.values().map(|pack| pack.size).sum::<u64>();
    let fault = |(path, pack): (&String, &Pack)| Some(format!("{path}: {}", damage(place, path, pack)?));
    report.faults.extend(packs.par_iter().filter_map(fault).collect::<Vec<String>>());
}

fn damage(place: &dyn Place, path: &str, pack: &Pack) -> Option<String> {
    match images::read(place, path, (&pack.sha256, pack.size), Some(pack.bytes)) {
        Ok(Some(raw)) if raw.size_bytes != pack.bytes => {
            Some(format!("unpacks to {} bytes, and {} are wanted", raw.size_bytes, pack.bytes))
        }
        Ok(_) => None,
        Err(what) => Some(what),
    }
}
