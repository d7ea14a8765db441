//! One action in its thread: the lock, the store's answer once more, the sandbox, the result, the notes.

use std::sync::Mutex;
use std::sync::mpsc::Sender;

use kegs::Keyed;

use super::action::Prepared;
use super::execute::{self, Execution, Failure, Manner, Place};
use super::pool::Seat;
use super::{Done, Event, JOBS_WORD, Message, World, left, send, turn};
use crate::plan::Plan;
use crate::sandbox::Face;

/// One execution in its thread.
pub(super) struct Task<'a> {
    pub world: &'a World<'a>,
    pub plan: &'a Plan,
    pub at: usize,
    pub prepared: Prepared,
    pub keyed: Keyed,
    pub seat: Seat,
}

impl Task<'_> {
    pub fn run(&self, sender: &Sender<Message>) -> Result<Done, Failure> {
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
        self.prepared.parts(self.world.ground).remember(store, keg).ok();
        if let Some(observed) = &ran.observed {
            observed.remember(store, &self.keyed.key).ok();
        }
        store.set_note("seconds", keg, format!("{:.3}\n", ran.outcome.wall_s).as_bytes()).ok();
        let output = ran.outcome.output.to_string();
        let last = store.note("output", keg);
        let same_bytes = last.as_ref().is_some_and(|last| last == output.as_bytes());
        if let Some(last) = last.filter(|_| !same_bytes) {
            // To compare with: what others were built by until now.
            store.set_note("before", keg, &last).ok();
        }
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
pub(super) fn meminfo_bytes(word: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(word))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}
