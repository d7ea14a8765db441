//! A service's words and the agent's about it: to the console, to its ring, to a collector.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use super::output::Output;
use super::ring::Ring;
use crate::console::say;
use crate::stamp;
use host::role::Service;
use host::service::{LOG_DISK_BYTES, LOG_MEMORY_BYTES};

/// Below the data partition; drawn in [`super::ring`].
const FOLDER: &str = "/data/rootbrew/log";
/// Of linux/magic.h.
const TMPFS: i64 = 0x0102_1994;

pub struct Log {
    output: Output,
    voice: Voice,
}

struct Voice {
    name: String,
    console: bool,
    ring: Ring,
    /// Lines for a collector, where there is one.
    collected: Option<Vec<(u64, String)>>,
}

impl Log {
    pub fn new(name: &str, service: &Service) -> Log {
        let ring = Ring::in_memory(service.log.unwrap_or(u64::MAX).min(LOG_MEMORY_BYTES) as usize);
        let voice = Voice { name: name.into(), console: service.console, ring, collected: None };
        Log { output: Output::new(), voice }
    }

    /// On the data partition, where `/data` is one.
    pub fn keep(&mut self, service: &Service) {
        let on_disk = rustix::fs::statfs("/data").is_ok_and(|found| found.f_type as i64 != TMPFS);
        if !on_disk || cfg!(test) {
            return;
        }
        let kept = self.voice.ring.keep_in(
            Path::new(FOLDER),
            &self.voice.name,
            service.log.unwrap_or(LOG_DISK_BYTES),
        );
        if let Err(cause) = kept {
            say(format_args!("{}: its log is in memory only: {cause}", self.voice.name));
        }
    }

    /// From now on lines are collected too.
    pub fn collect(&mut self) {
        self.voice.collected = Some(Vec::new());
    }

    /// Those since the last time.
    pub fn take_collected(&mut self) -> Vec<(u64, String)> {
        self.voice.collected.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub fn ring(&self) -> &Ring {
        &self.voice.ring
    }

    /// What the agent has to say of the service.
    pub fn tell(&mut self, text: &str) {
        say(format_args!("{}: {text}", self.voice.name));
        self.voice.keep(text);
    }

    /// The output of another life.
    pub fn of(&mut self, reader: File) {
        self.output.of(reader);
    }

    pub fn read(&mut self) {
        let voice = &mut self.voice;
        self.output.read(Instant::now(), |line| voice.speak(line));
    }

    pub fn finish(&mut self) {
        let voice = &mut self.voice;
        self.output.finish(Instant::now(), |line| voice.speak(line));
    }

    pub fn due(&self) -> Option<Instant> {
        self.output.due()
    }

    pub fn step(&mut self, now: Instant) {
        if self.due().is_some_and(|due| due <= now) {
            self.read();
        }
    }
}

impl Voice {
    fn speak(&mut self, line: &str) {
        if self.console {
            say(format_args!("{}: {line}", self.name));
        }
        self.keep(line);
    }

    fn keep(&mut self, line: &str) {
        let now_ms = stamp::now_ms();
        if let Err(cause) = self.ring.push(now_ms, line) {
            say(format_args!("{}: its log is in memory only from now on: {cause}", self.name));
        }
        if let Some(collected) = &mut self.collected {
            collected.push((now_ms, line.to_string()));
        }
    }
}
