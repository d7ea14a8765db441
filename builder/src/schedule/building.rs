//! A build under way: which node goes how far now. The one loop of the schedule, woken by messages, never by a clock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender};
use std::thread::Scope;

use kegs::{Digest, Keyed, Outcome, StoreError};

use super::action::{Have, Prepared, prepare};
use super::execute::Failure;
use super::fetching::Unfetched;
use super::inputs::Parts;
use super::pool::Pool;
use super::ready::Queue;
use super::task::{Task, meminfo_bytes};
use super::{BuildError, Done, Event, Message, Report, World, expected_s, fetching, outlook};
use crate::plan::Plan;
use crate::sandbox::Canceller;

#[derive(Default)]
pub(super) struct Work {
    prepared: Option<(Prepared, Keyed)>,
    fetched: Option<Result<Vec<Have>, Unfetched>>,
    asked_fetch: bool,
    /// For the contents of kegs that were taken.
    asked_kegs: bool,
}

pub(super) struct Building<'a> {
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
    /// A keg that was taken and can't be had.
    not_had: Option<StoreError>,
}

impl<'a> Building<'a> {
    pub fn new(
        plan: &'a Plan,
        world: &'a World<'a>,
        pool: &'a Pool,
        sender: Sender<Message>,
    ) -> Building<'a> {
        let wall_s: Vec<f64> = plan.nodes().iter().map(|node| expected_s(world.store, node)).collect();
        let count = wall_s.len();
        Building {
            plan,
            world,
            pool,
            queue: Queue::new(plan, &wall_s),
            nodes: plan.nodes().iter().map(|_| Work::default()).collect(),
            report: Report { outputs: vec![None; count], keys: vec![None; count], ..Report::default() },
            cancellers: BTreeMap::new(),
            sender,
            active: BTreeSet::new(),
            memory_bytes: meminfo_bytes("MemTotal:").unwrap_or(u64::MAX),
            not_had: None,
        }
    }

    pub fn run<'scope>(
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
                let not_had = self.not_had.take().filter(|_| !self.report.cancelled);
                return not_had
                    .map_or_else(|| Ok(std::mem::take(&mut self.report)), |error| Err(error.into()));
            }
            match receiver.recv() {
                Ok(message) => self.hear(message, fetching),
                Err(_) => unreachable!("we hold a sender"),
            }
        }
    }

    /// Asks at once for the sources of all that runs or may run, the longest path first: the link works beside the cores.
    pub fn fetch_ahead(&mut self, fetching: &fetching::Fetching) -> Result<(), BuildError> {
        let outlooks = outlook::outlook(self.plan, self.world.store, self.world.ground)?;
        for &at in self.queue.by_path() {
            let open = !matches!(outlooks[at], outlook::Outlook::InStore { .. });
            if open && !self.plan.nodes()[at].variant.sources.is_empty() && !self.has_sources(at) {
                self.nodes[at].asked_fetch = true;
                fetching.ask(at, Vec::new());
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
                    Next::Fetch => self.ask_fetch(at, fetching),
                    Next::Run if slots && self.fits(at) => slots = self.start(scope, at)?,
                    Next::Run => {}
                }
            }
            if !moved {
                return Ok(());
            }
        }
    }

    /// Sources once, and once the kegs that it sees, when they are known.
    fn ask_fetch(&mut self, at: usize, fetching: &fetching::Fetching) {
        let kegs = self.lacking(at);
        let work = &mut self.nodes[at];
        let asked = std::mem::replace(&mut work.asked_fetch, true);
        let is_new = !kegs.is_empty() && !std::mem::replace(&mut work.asked_kegs, true);
        if is_new || !asked {
            fetching.ask(at, kegs);
        }
    }

    /// Trees of the kegs that it sees, as far as they were taken and did not come yet.
    fn lacking(&self, at: usize) -> Vec<Digest> {
        let kegs = self.nodes[at].prepared.iter().flat_map(|(prepared, _)| &prepared.kegs);
        kegs.map(|(_, _, root)| *root).filter(|root| self.world.store.lacks(root)).collect()
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
        if let Some(outcome) = self.world.store.ask(keyed) {
            return Ok(Next::Done(outcome));
        }
        let here = prepared.sources.iter().all(|(_, have)| self.is_here(have)) && self.lacking(at).is_empty();
        Ok(if here { Next::Run } else { Next::Fetch })
    }

    fn found(&mut self, at: usize, outcome: Outcome) {
        if let Some((prepared, _)) = self.nodes[at].prepared.take() {
            // A note lost costs a reason.
            prepared.parts(self.world.ground).remember(self.world.store, &self.plan.nodes()[at].name()).ok();
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
        let reason = prepared
            .parts(self.world.ground)
            .reason(Parts::remembered(self.world.store, &node.name()).as_ref());
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
                    self.report.wall_s.insert(at, outcome.wall_s);
                }
                self.done(at, outcome.output);
            }
        }
        if self.queue.ready().is_empty() {
            self.pool.nobody_waits();
        }
    }

    fn fail_unfetched(&mut self, at: usize) {
        match self.nodes[at].fetched.take() {
            Some(Err(Unfetched::Sources(why))) => {
                let cancelled = self.report.cancelled;
                self.fail(at, Failure { cancelled, ..Failure::world(why) });
            }
            // No failure of its own: what it needs is forgotten, and is built when all begins again.
            Some(Err(Unfetched::Kegs(error))) => {
                self.queue.failed(at);
                self.not_had = Some(error);
            }
            _ => {}
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
