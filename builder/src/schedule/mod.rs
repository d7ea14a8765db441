//! The schedule: a ready queue, one pool of job slots, and the store's answer before any sandbox.
//!
//! ```text
//! plan ── ready (all dependencies done)
//!           ├─ key known, result in the store ──────────────> done   (early cutoff lives here)
//!           ├─ sources missing ── fetch (threads) ──> ready
//!           └─ slot free ── sandbox (thread) ── output ─────> done | failed: what needs it is skipped, the rest goes on
//! ```
//! It decides only when and where; what an action is, `action` says, purely. It prints nothing: all that happens is an
//! [`Event`].

pub mod action;
pub mod again;
pub mod beside;
mod building;
pub mod cancel;
mod event;
pub mod execute;
mod fetching;
mod follow;
pub mod from;
mod graft;
pub mod inputs;
pub mod left;
pub mod opened;
pub mod outlook;
pub mod pool;
mod ready;
mod tap;
mod task;
mod turn;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use kegs::{Digest, Outcome, Store, StoreError};

use crate::fetch::Places;
use crate::plan::{Node, Plan};
use crate::sandbox::{Canceller, Limits};
use action::{Ground, Have, PrepareError};
use building::Building;
pub use cancel::Cancel;
pub use event::Event;
use execute::Failure;
use pool::Pool;
pub use task::build_place;

/// How a build script marks its steps in its output.
pub const STEP_MARK: &str = "== ";

/// The `-j` in every sandbox's `MAKEFLAGS`: the job server decides how many really run, and a number that leaks into an
/// output must be the same everywhere.
pub const JOBS_WORD: usize = 8;

/// What a build works with.
pub struct World<'a> {
    pub store: &'a Store,
    pub ground: &'a Ground,
    pub places: &'a Places,
    /// Job slots.
    pub jobs: usize,
    /// Of each action.
    pub limits: Limits,
    pub cancel: &'a Cancel,
    pub events: &'a (dyn Fn(Event) + Sync),
}

/// What came of a build.
#[derive(Debug, Default)]
pub struct Report {
    /// Output tree of each node, where there is one.
    pub outputs: Vec<Option<Digest>>,
    /// Key of each node, where it was known.
    pub keys: Vec<Option<Digest>>,
    pub failures: BTreeMap<usize, Failure>,
    /// Node to the failed one that it needs.
    pub skipped: BTreeMap<usize, usize>,
    pub ran: usize,
    pub cancelled: bool,
    pub cpu_s: f64,
    /// Of all executions: seconds that were ours (sandbox start, hashing, commit).
    pub own_s: f64,
    /// Wall clock of each node that ran.
    pub wall_s: BTreeMap<usize, f64>,
}

impl Report {
    /// Seconds of the longest chain of executions, each waiting for the one before: no number of cores is faster.
    pub fn critical_s(&self, plan: &Plan) -> f64 {
        let mut until_s: Vec<f64> = Vec::with_capacity(plan.nodes().len());
        for (at, node) in plan.nodes().iter().enumerate() {
            let begins_s = node.all_deps().into_iter().map(|dep| until_s[dep]).fold(0.0, f64::max);
            until_s.push(begins_s + self.wall_s.get(&at).copied().unwrap_or(0.0));
        }
        until_s.into_iter().fold(0.0, f64::max)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot make the job pool: {0}")]
    Pool(std::io::Error),
}

enum Message {
    /// Its sources are here, or can't be had.
    Fetched(usize, Result<Vec<Have>, fetching::Unfetched>),
    /// It runs, and can be ended so.
    Running(usize, Canceller),
    Ended(usize, Box<Result<Done, Failure>>),
    SlotFree,
    Cancelled,
}

struct Done {
    outcome: Outcome,
    /// Nothing when another process had made it meanwhile.
    ran: Option<execute::Ran>,
}

/// Builds a plan: everything that can be, whatever fails.
pub fn build(plan: &Plan, world: &World) -> Result<Report, BuildError> {
    let (sender, receiver) = channel();
    let freed = Mutex::new(sender.clone());
    let pool = Pool::new(world.jobs, move || send(&freed, Message::SlotFree)).map_err(BuildError::Pool)?;
    let heard = Mutex::new(sender.clone());
    world.cancel.on_cancel(move || send(&heard, Message::Cancelled));
    std::thread::scope(|scope| {
        let fetching = fetching::Fetching::new(scope, plan, world, sender.clone());
        let mut building = Building::new(plan, world, &pool, sender);
        building.fetch_ahead(&fetching)?;
        building.run(scope, &fetching, &receiver)
    })
}

fn send(sender: &Mutex<Sender<Message>>, message: Message) {
    // A receiver that is gone wants no more news.
    sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).send(message).ok();
}

/// Seconds of the last run. For what never ran, a guess by its sources: 5 and one a megabyte of archive, as measured
/// (openssl 53 MB 65 s, pcre2 3 MB 21 s, zlib 1.3 MB 2.5 s; the kernel's 151 MB take longer than all others). Only the
/// order hangs on it.
fn expected_s(store: &Store, node: &Node) -> f64 {
    let note = store.note("seconds", &node.name()).and_then(|bytes| String::from_utf8(bytes).ok());
    let past_s = note.and_then(|text| text.trim().parse().ok());
    let bytes: u64 = node.variant.sources.iter().filter_map(|source| source.size_bytes).sum();
    past_s.unwrap_or(5.0 + bytes as f64 / 1e6)
}
