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
pub mod cancel;
mod event;
pub mod execute;
mod fetching;
mod follow;
pub mod inputs;
pub mod left;
pub mod outlook;
pub mod pool;
mod ready;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::Scope;

use kegs::{Digest, Keyed, Outcome, Store, StoreError};

use crate::fetch::Places;
use crate::plan::Plan;
use crate::sandbox::{Canceller, Face, Limits};
use action::{Ground, Have, PrepareError, Prepared, prepare};
pub use cancel::Cancel;
pub use event::Event;
use execute::{Execution, Failure, Manner, Place};
use inputs::Parts;
use pool::{Pool, Seat};
use ready::Queue;

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
    Fetched(usize, Result<Vec<Have>, String>),
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
    let wall_s: Vec<f64> = plan.nodes().iter().map(|node| past_s(world.store, &node.name())).collect();
    std::thread::scope(|scope| {
        let fetching = fetching::Fetching::new(scope, plan, world, sender.clone());
        let mut building = Building {
            plan,
            world,
            pool: &pool,
            queue: Queue::new(plan, &wall_s),
            nodes: plan.nodes().iter().map(|_| Work::default()).collect(),
            report: Report { outputs: vec![None; wall_s.len()], keys: vec![None; wall_s.len()], ..Report::default() },
            cancellers: BTreeMap::new(),
            sender,
            active: BTreeSet::new(),
            memory_bytes: meminfo_bytes("MemTotal:").unwrap_or(u64::MAX),
        };
        building.fetch_ahead(&fetching)?;
        building.run(scope, &fetching, &receiver)
    })
}

fn send(sender: &Mutex<Sender<Message>>, message: Message) {
    // A receiver that is gone wants no more news.
    sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).send(message).ok();
}

/// Seconds of the last run; ten for what never ran, so that it is neither first nor last.
fn past_s(store: &Store, keg: &str) -> f64 {
    let note = store.note("seconds", keg).and_then(|bytes| String::from_utf8(bytes).ok());
    note.and_then(|text| text.trim().parse().ok()).unwrap_or(10.0)
}

#[derive(Default)]
struct Work {
    prepared: Option<(Prepared, Keyed)>,
    fetched: Option<Result<Vec<Have>, String>>,
    asked_fetch: bool,
}

struct Building<'a> {
    plan: &'a Plan,
    world: &'a World<'a>,
    pool: &'a Pool,
    queue: Queue,
    nodes: Vec<Work>,
    report: Report,
    cancellers: BTreeMap<usize, Canceller>,
    sender: Sender<Message>,
    /// Those that run.
    active: BTreeSet<usize>,
    /// Of the machine.
    memory_bytes: u64,
}

impl<'a> Building<'a> {
    fn run<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        fetching: &fetching::Fetching,
        receiver: &Receiver<Message>,
    ) -> Result<Report, BuildError>
    where
        'a: 'scope,
    {
        loop {
            self.advance(scope, fetching)?;
            if self.active.is_empty() && (fetching.idle() || self.report.cancelled) {
                fetching.close();
                return Ok(std::mem::take(&mut self.report));
            }
            match receiver.recv() {
                Ok(message) => self.hear(message, fetching),
                Err(_) => unreachable!("we hold a sender"),
            }
        }
    }

    /// Asks at once for the sources of all that runs or may run, the longest path first: the link works beside the cores.
    fn fetch_ahead(&mut self, fetching: &fetching::Fetching) -> Result<(), BuildError> {
        let outlooks = outlook::outlook(self.plan, self.world.store, self.world.ground)?;
        for at in self.queue.by_path() {
            let open = !matches!(outlooks[at], outlook::Outlook::InStore { .. });
            if open && !self.plan.nodes()[at].variant.sources.is_empty() && !self.has_sources(at) {
                self.nodes[at].asked_fetch = true;
                fetching.ask(at);
            }
        }
        Ok(())
    }

    fn has_sources(&self, at: usize) -> bool {
        let have = outlook::sources(&self.plan.nodes()[at].variant, self.world.store);
        have.iter().all(|have| self.is_here(have))
    }

    fn is_here(&self, have: &Have) -> bool {
        match have {
            Have::Blob(digest) | Have::Tree(digest) => self.world.store.has(digest),
            Have::Nothing => false,
        }
    }

    fn hear(&mut self, message: Message, fetching: &fetching::Fetching) {
        match message {
            Message::SlotFree => {}
            Message::Fetched(at, result) => {
                fetching.received();
                match result {
                    Ok(haves) => self.nodes[at].fetched = Some(Ok(haves)),
                    // Said only when it is its turn: a build that turns out not to run needs no source.
                    Err(why) => self.nodes[at].fetched = Some(Err(why)),
                }
            }
            Message::Cancelled => {
                self.report.cancelled = true;
                self.cancellers.values().for_each(Canceller::cancel);
            }
            Message::Running(_, canceller) if self.report.cancelled => canceller.cancel(),
            Message::Running(at, canceller) => drop(self.cancellers.insert(at, canceller)),
            Message::Ended(at, result) => {
                self.active.remove(&at);
                self.cancellers.remove(&at);
                self.ended(at, *result);
            }
        }
    }

    /// Takes every ready node as far as it goes now.
    fn advance<'scope>(
        &mut self,
        scope: &'scope Scope<'scope, '_>,
        fetching: &fetching::Fetching,
    ) -> Result<(), BuildError>
    where
        'a: 'scope,
    {
        let mut slots = true;
        loop {
            let mut moved = false;
            for at in self.queue.ready() {
                if self.report.cancelled {
                    return Ok(());
                }
                match self.look(at)? {
                    Next::Done(outcome) => {
                        self.found(at, outcome);
                        moved = true;
                        break;
                    }
                    Next::Fetch if matches!(self.nodes[at].fetched, Some(Err(_))) => {
                        self.fail_unfetched(at);
                        moved = true;
                        break;
                    }
                    Next::Fetch => {
                        if !std::mem::replace(&mut self.nodes[at].asked_fetch, true) {
                            fetching.ask(at);
                        }
                    }
                    Next::Run if slots && self.fits(at) => slots = self.start(scope, at)?,
                    Next::Run => {}
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// What a ready node needs next.
    fn look(&mut self, at: usize) -> Result<Next, BuildError> {
        let variant = &self.plan.nodes()[at].variant;
        if self.nodes[at].prepared.is_none() {
            let haves = match &self.nodes[at].fetched {
                Some(Ok(haves)) => haves.clone(),
                _ => outlook::sources(variant, self.world.store),
            };
            let outputs = &self.report.outputs;
            let prepared = prepare(self.plan, at, self.world.ground, &haves, &|dep| outputs[dep])?;
            let Some(prepared) = prepared else { return Ok(Next::Fetch) };
            let keyed = prepared.action.keyed();
            self.report.keys[at] = Some(keyed.key);
            self.nodes[at].prepared = Some((prepared, keyed));
        }
        let Some((prepared, keyed)) = &self.nodes[at].prepared else { return Ok(Next::Fetch) };
        if let Some(outcome) = self.world.store.result(&keyed.key) {
            return Ok(Next::Done(outcome));
        }
        let here = prepared.sources.iter().all(|(_, have)| self.is_here(have));
        Ok(if here { Next::Run } else { Next::Fetch })
    }

    fn found(&mut self, at: usize, outcome: Outcome) {
        if let Some((prepared, _)) = self.nodes[at].prepared.take() {
            // A note lost costs a reason.
            prepared.parts.remember(self.world.store, &self.plan.nodes()[at].name()).ok();
        }
        (self.world.events)(Event::Found { at, keg: self.plan.nodes()[at].name() });
        self.done(at, outcome.output);
    }

    fn done(&mut self, at: usize, output: Digest) {
        self.report.outputs[at] = Some(output);
        self.queue.done(at);
    }

    /// Whether the memory that its recipe declares is there beside what runs; alone, it may always try.
    fn fits(&self, at: usize) -> bool {
        let declared = |at: usize| self.plan.nodes()[at].variant.memory_bytes.unwrap_or(0);
        let taken: u64 = self.active.iter().map(|&at| declared(at)).sum();
        self.active.is_empty() || taken + declared(at) <= self.memory_bytes
    }

    /// False when every slot is taken.
    fn start<'scope>(&mut self, scope: &'scope Scope<'scope, '_>, at: usize) -> Result<bool, BuildError>
    where
        'a: 'scope,
    {
        let fifo = self.world.store.stage_path("jobs");
        let Some(seat) = self.pool.enter(&fifo).map_err(BuildError::Pool)? else { return Ok(false) };
        let Some((prepared, keyed)) = self.nodes[at].prepared.take() else { return Ok(true) };
        self.queue.take(at);
        self.active.insert(at);
        let node = &self.plan.nodes()[at];
        let reason = prepared.parts.reason(Parts::remembered(self.world.store, &node.name()).as_ref());
        let (keg, version) = (node.name(), node.variant.version.to_string());
        (self.world.events)(Event::Started { at, keg, version, reason });
        let task = Task { world: self.world, plan: self.plan, at, prepared, keyed, seat };
        let sender = self.sender.clone();
        scope.spawn(move || {
            let result = task.run(&sender);
            // The slot is free before the end is heard: else the next may find none while nothing runs that would free one.
            drop(task);
            sender.send(Message::Ended(at, Box::new(result))).ok();
        });
        Ok(true)
    }

    fn ended(&mut self, at: usize, result: Result<Done, Failure>) {
        match result {
            Err(failure) => self.fail(at, failure),
            Ok(Done { outcome, ran }) => {
                if let Some(ran) = ran {
                    self.report.ran += 1;
                    self.report.cpu_s += ran.cpu_s;
                    self.report.own_s += ran.own_s;
                }
                self.done(at, outcome.output);
            }
        }
        if self.queue.ready().is_empty() {
            self.pool.nobody_waits();
        }
    }

    fn fail_unfetched(&mut self, at: usize) {
        if let Some(Err(why)) = self.nodes[at].fetched.take() {
            let cancelled = self.report.cancelled;
            self.fail(at, Failure { cancelled, ..Failure::world(why) });
        }
    }

    fn fail(&mut self, at: usize, failure: Failure) {
        let node = &self.plan.nodes()[at];
        if !failure.cancelled {
            let why = failure.end.clone();
            let version = node.variant.version.to_string();
            (self.world.events)(Event::Failed { at, keg: node.name(), version, why });
        }
        for lost in self.queue.failed(at) {
            self.report.skipped.insert(lost, at);
            let (keg, because) = (self.plan.nodes()[lost].name(), node.name());
            (self.world.events)(Event::Skipped { at: lost, keg, because });
        }
        self.report.failures.insert(at, failure);
    }
}

enum Next {
    Done(Outcome),
    Fetch,
    Run,
}

/// One execution in its thread.
struct Task<'a> {
    world: &'a World<'a>,
    plan: &'a Plan,
    at: usize,
    prepared: Prepared,
    keyed: Keyed,
    seat: Seat,
}

impl Task<'_> {
    fn run(&self, sender: &Sender<Message>) -> Result<Done, Failure> {
        let store = self.world.store;
        let keg = self.plan.nodes()[self.at].name();
        let _held = match store.try_lock_action(&self.keyed.key).map_err(Failure::world)? {
            Some(held) => held,
            None => {
                (self.world.events)(Event::Waiting { at: self.at, keg: keg.clone() });
                let held = turn::wait(store, &self.keyed.key, self.world.cancel).map_err(Failure::world)?;
                held.ok_or_else(Failure::cancelled)?
            }
        };
        if let Some(outcome) = store.result(&self.keyed.key) {
            (self.world.events)(Event::Found { at: self.at, keg });
            return Ok(Done { outcome, ran: None });
        }
        // Before it runs: `rootbrew log` is wanted most when it fails.
        store.set_note("last", &keg, self.keyed.key.to_string().as_bytes()).ok();
        let ran = self.execute(&keg, sender)?;
        left::forget(store, &keg).ok();
        store.put_result(&self.keyed, &ran.outcome).map_err(Failure::world)?;
        self.remember(&keg, &ran);
        Ok(Done { outcome: ran.outcome, ran: Some(ran) })
    }

    fn execute(&self, keg: &str, sender: &Sender<Message>) -> Result<execute::Ran, Failure> {
        let variant = &self.plan.nodes()[self.at].variant;
        let manner = Manner {
            face: Face::default(),
            build: build_place(variant.memory_bytes),
            jobs: if variant.jobs == Some(1) { 1 } else { JOBS_WORD },
            limits: self.world.limits.clone(),
        };
        let at = self.at;
        let sender = Mutex::new(sender.clone());
        let execution = Execution {
            store: self.world.store,
            ground: self.world.ground,
            prepared: &self.prepared,
            keyed: &self.keyed,
            keg,
            fifo: (variant.jobs != Some(1)).then(|| self.seat.fifo()),
            manner: &manner,
            cancel: self.world.cancel.flag(),
            running: &|canceller| send(&sender, Message::Running(at, canceller)),
            step: &|step| (self.world.events)(Event::Step { at, step: step.to_string() }),
        };
        execution.run()
    }

    /// Notes for the next run (reasons, durations) and the news. Notes that can't be written cost only themselves.
    fn remember(&self, keg: &str, ran: &execute::Ran) {
        let store = self.world.store;
        self.prepared.parts.remember(store, keg).ok();
        store.set_note("seconds", keg, format!("{:.3}\n", ran.outcome.wall_s).as_bytes()).ok();
        let output = ran.outcome.output.to_string();
        let same_bytes = store.note("output", keg).is_some_and(|last| last == output.as_bytes());
        store.set_note("output", keg, output.as_bytes()).ok();
        (self.world.events)(Event::Built {
            at: self.at,
            keg: keg.to_string(),
            version: self.plan.nodes()[self.at].variant.version.to_string(),
            wall_s: ran.outcome.wall_s,
            cpu_s: ran.cpu_s,
            own_s: ran.own_s,
            same_bytes,
            bytes: ran.bytes,
        });
    }
}

/// Where `/build` is: in memory when twice what the build may take is free there; else on disk.
pub fn build_place(memory_bytes: Option<u64>) -> Place {
    // 2 GiB: all but the largest builds, with their sources unpacked.
    let needed = 2 * memory_bytes.unwrap_or(2 << 30);
    match meminfo_bytes("MemAvailable:") {
        Some(available) if available >= needed => Place::Memory,
        _ => Place::Disk,
    }
}

/// A line of /proc/meminfo, which counts in KiB.
fn meminfo_bytes(word: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
