//! What a service says of itself, and what the one that stands for it says of its end.

use std::io::Read;
use std::time::Instant;

use rustix::process::Pid;

use super::super::notify::Said;
use super::{Running, State, What, end, spawn};
use crate::sys::child;

impl Running {
    /// What it says of itself.
    pub fn hear(&mut self) {
        if let Some(pipe) = &mut self.pipe {
            let mut bytes = [0; 256];
            let mut newline = false;
            // In parts: what comes after the newline is nobody's.
            while let Ok(size) = pipe.read(&mut bytes)
                && size > 0
                && !newline
            {
                newline = bytes[..size].contains(&b'\n');
            }
            if newline {
                self.pipe = None;
                self.says(Said::Ready);
            }
        }
        let (cgroup, user) = (self.cgroup.as_ref(), self.room.user);
        let main = self.process.as_ref().map(|one| one.pid);
        // Who said his word and went cannot be found any more. He is believed by his user: nobody but the service sees the
        // socket, since every other has a room of its own in its place.
        let ours = |pid: i32, uid: u32| match cgroup {
            Some(cgroup) => cgroup.holds(pid).unwrap_or(uid == user.uid),
            None => main.is_some_and(|main| main.as_raw_nonzero().get() == pid),
        };
        let Some(heard) = self.notify.as_ref().map(|notify| notify.hear(&ours)) else { return };
        self.more_words = heard.more;
        heard.said.into_iter().for_each(|said| self.says(said));
    }

    fn says(&mut self, said: Said) {
        match (said, &self.state) {
            (Said::Ready, State::Starting(_)) => self.is_ready(),
            (Said::Ready, State::Reloading(..)) if self.reads => self.is_ready(),
            // An older one is of another reload.
            (Said::Reloading(since), State::Reloading(..)) => {
                self.reads |= since.is_none_or(|since| since >= self.asked_us);
            }
            (Said::Alive, _) if self.watchdog.is_some() => self.alive(),
            (Said::Trigger, _) if self.watchdog.is_some() => self.watchdog = Some(Instant::now()),
            // Its end is in order, however long it takes.
            (Said::Stopping, _) => self.watchdog = None,
            (Said::Status(text), _) if text != self.status => {
                self.events.push(What::Status(text.clone()));
                self.status = text;
            }
            (Said::Main(pid), _) => self.main_is(pid),
            (Said::Foreign, _) if !self.foreign_told => {
                self.foreign_told = true;
                self.log.tell("a word that is not of its own processes, passed over");
            }
            _ => {}
        }
    }

    fn main_is(&mut self, pid: i32) {
        let Some(process) = &mut self.process else { return };
        if self.room.namespaces & libc::CLONE_NEWPID != 0 {
            child::queue_word(process.pid.as_raw_nonzero().get(), pid).unwrap_or_default();
            self.main = Some(pid);
        } else if self.cgroup.as_ref().is_some_and(|cgroup| cgroup.holds(pid) == Some(true)) {
            process.pid = Pid::from_raw(pid).unwrap_or(process.pid);
        }
    }

    /// The one that stands for it says that its main process has ended, and asks whether that is the end.
    pub fn ended(&mut self) {
        if !spawn::speaks(&self.service) {
            return;
        }
        let Some(process) = &self.process else { return };
        let Some((pid, status)) = end::told(&process.end) else { return };
        // Its last word may name another, which the one that stands for it then knows.
        self.hear();
        let Some(process) = &self.process else { return };
        if self.main.is_none_or(|main| main == pid) {
            self.told = Some(status);
            child::queue_word(process.pid.as_raw_nonzero().get(), 0).unwrap_or_default();
        }
    }
}
