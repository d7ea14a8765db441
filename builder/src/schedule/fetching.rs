//! Fetching beside building: a few threads take nodes whose sources are missing, so that no slot waits for a link.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::Scope;

use kegs::{Digest, StoreError};

use super::action::Have;
use super::{Event, Message, World, outlook};
use crate::fetch::{self, Step, Wanted};
use crate::plan::Plan;
use crate::recipe::{Source, Variant};

/// Nodes at once; each may have several sources.
const THREADS: usize = 4;

/// Why something did not come.
pub enum Unfetched {
    /// What each place said.
    Sources(String),
    /// A keg that was taken can't be had.
    Kegs(StoreError),
}

pub struct Fetching {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    bell: Condvar,
    /// Asked and not yet received.
    open: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    /// With the trees of kegs that it needs.
    nodes: VecDeque<(usize, Vec<Digest>)>,
    closed: bool,
}

impl Fetching {
    pub(super) fn new<'scope, 'a: 'scope>(
        scope: &'scope Scope<'scope, '_>,
        plan: &'a Plan,
        world: &'a World<'a>,
        sender: Sender<Message>,
    ) -> Fetching {
        let shared = Arc::new(Shared::default());
        for _ in 0..THREADS {
            let (shared, sender) = (shared.clone(), sender.clone());
            scope.spawn(move || {
                while let Some((at, kegs)) = shared.next() {
                    let brought = world.store.bring(&kegs).map_err(Unfetched::Kegs);
                    let variant = &plan.nodes()[at].variant;
                    let result = brought.and_then(|()| sources(variant, world).map_err(Unfetched::Sources));
                    sender.send(Message::Fetched(at, result)).ok();
                }
            });
        }
        Fetching { shared }
    }

    /// Its sources, and the contents of these kegs.
    pub fn ask(&self, at: usize, kegs: Vec<Digest>) {
        self.shared.open.fetch_add(1, Ordering::SeqCst);
        self.shared.lock().nodes.push_back((at, kegs));
        self.shared.bell.notify_one();
    }

    pub fn received(&self) {
        self.shared.open.fetch_sub(1, Ordering::SeqCst);
    }

    pub fn idle(&self) -> bool {
        self.shared.open.load(Ordering::SeqCst) == 0
    }

    pub fn close(&self) {
        self.shared.lock().closed = true;
        self.shared.bell.notify_all();
    }
}

impl Drop for Fetching {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn next(&self) -> Option<(usize, Vec<Digest>)> {
        let mut queue = self.lock();
        loop {
            if queue.closed {
                return None;
            }
            if let Some(asked) = queue.nodes.pop_front() {
                return Some(asked);
            }
            queue = self.bell.wait(queue).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }
}

/// Every source of a variant, in the store; errors of all of them at once.
pub fn sources(variant: &Variant, world: &World) -> Result<Vec<Have>, String> {
    let wanted: Vec<Wanted> = variant.sources.iter().filter_map(|source| wanted(variant, source)).collect();
    let events = |event: fetch::Event| tell(world, &event);
    let mut results =
        fetch::fetch(&wanted, world.places, world.store, &events, world.cancel.flag()).into_iter();
    let mut faults = Vec::new();
    let mut haves = Vec::new();
    for source in &variant.sources {
        let have = match (&source.git, source.sha256) {
            (Some(git), _) => commit(git, world),
            (None, Some(_)) => results.next().map_or(Ok(Have::Nothing), |result| {
                result.map(Have::Blob).map_err(|error| error.to_string())
            }),
            // A file of the recipe's folder: it is read when the action is prepared.
            (None, None) => Ok(Have::Nothing),
        };
        match have {
            Ok(have) => haves.push(have),
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() { Ok(haves) } else { Err(faults.join("\n")) }
}

/// A source as the fetch room wants it; nothing for git commits and the recipe's own files.
pub fn wanted(variant: &Variant, source: &Source) -> Option<Wanted> {
    if source.git.is_some() {
        return None;
    }
    let debian = source.debian.as_ref().map(|debian| fetch::Debian {
        name: debian.name.clone(),
        version: debian.version.clone(),
        suite: debian.suite.clone(),
        file: None,
    });
    let krate = source.krate.clone().map(|own| fetch::Crate { name: own.name, version: own.version });
    let name = match krate.as_ref().filter(|_| source.vendored) {
        Some(krate) => format!("crate {} {}", krate.name, krate.version),
        None => format!("{} {}", variant.name, variant.version),
    };
    Some(Wanted {
        name,
        sha256: source.sha256?,
        size_bytes: source.size_bytes,
        urls: source.urls.clone(),
        krate,
        debian,
        pool: None,
    })
}

fn commit(git: &crate::recipe::Git, world: &World) -> Result<Have, String> {
    let commit = fetch::Commit::parse(&git.commit).map_err(|error| error.to_string())?;
    let tag = git.tag.as_deref().unwrap_or(&git.commit);
    let tree = fetch::fetch_git(&git.url, tag, commit, world.store).map_err(|error| error.to_string())?;
    let put = || {
        world.store.sync()?;
        let root: Digest = world.store.put_tree(&tree)?;
        outlook::remember_git(world.store, &git.commit, &root)?;
        Ok(Have::Tree(root))
    };
    put().map_err(|error: kegs::StoreError| error.to_string())
}

fn tell(world: &World, event: &fetch::Event) {
    let name = event.wanted.name.clone();
    match event.step {
        Step::Progress { bytes, size_bytes } => {
            (world.events)(Event::Fetching { name, place: String::new(), bytes, size_bytes });
        }
        Step::Asking { place } => {
            let (place, size_bytes) = (place.to_string(), event.wanted.size_bytes);
            (world.events)(Event::Fetching { name, place, bytes: 0, size_bytes });
        }
        Step::Retrying { place, reason, pause } => {
            let (place, reason, pause_s) = (place.to_string(), reason.to_string(), pause.as_secs_f64());
            (world.events)(Event::Retrying { name, place, reason, pause_s });
        }
        Step::Done { bytes } => (world.events)(Event::Fetched { name, bytes }),
        Step::Failed => {}
    }
}
