//! A build, shown: lines, a live view on a terminal, JSON, and the timeline, all from the same events.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard};

use builder::schedule::Event;
use serde_json::json;

use super::live::Live;
use super::trace::Trace;
use super::{bytes, data, seconds, talk};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

pub struct View {
    json: bool,
    inner: Mutex<Inner>,
}

struct Inner {
    live: Option<Live>,
    trace: Trace,
    /// Downloads that were told to begin, on a plain terminal once each.
    told: std::collections::BTreeSet<String>,
}

impl View {
    /// `count` kegs are to be done.
    pub fn new(context: &Context, count: usize) -> View {
        let live = !context.json && std::io::stderr().is_terminal();
        let inner = Inner {
            live: live.then(|| Live::new(count as u64)),
            trace: Trace::new(),
            told: Default::default(),
        };
        View { json: context.json, inner: Mutex::new(inner) }
    }

    pub fn show(&self, event: Event) {
        let mut inner = self.lock();
        inner.record(&event);
        if self.json {
            // Plain data of ours: it always has a JSON form.
            data(&serde_json::to_string(&event).unwrap_or_default());
        } else {
            inner.say(&event);
        }
    }

    /// Ends the view and writes the timeline where one is asked.
    pub fn close(&self, context: &Context) -> Result<()> {
        let inner = self.lock();
        if let Some(live) = &inner.live {
            live.clear();
        }
        match &context.trace {
            None => Ok(()),
            Some(path) => inner.trace.write(path).map_err(|error| {
                Trouble::Failed(format!("cannot write the timeline {}: {error}", path.display()))
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Inner {
    fn line(&self, verb: &str, subject: &str, rest: &str) {
        let line = format!("{verb:<8}{subject:<28}{rest}");
        match &self.live {
            Some(live) => live.line(line.trim_end()),
            None => talk(line.trim_end()),
        }
    }

    fn record(&mut self, event: &Event) {
        let trace = &mut self.trace;
        match event {
            Event::Started { keg, version, .. } => trace.begin("build", keg, &format!("{keg} {version}")),
            Event::Built { keg, cpu_s, own_s, .. } => {
                trace.end("build", keg, json!({ "cpu_s": cpu_s, "own_s": own_s }));
            }
            Event::Failed { keg, why, .. } => trace.end("build", keg, json!({ "failed": why })),
            Event::Fetching { name, bytes: 0, .. } => trace.begin("fetch", name, name),
            Event::Fetched { name, .. } => trace.end("fetch", name, json!({})),
            _ => {}
        }
    }

    fn say(&mut self, event: &Event) {
        match event {
            Event::Found { at, .. } => self.ended(*at),
            Event::Started { at, keg, version, .. } => {
                let subject = format!("{keg} {version}");
                match &mut self.live {
                    Some(live) => live.started(*at, &subject),
                    None => self.line("build", &subject, ""),
                }
            }
            Event::Step { at, step } => {
                if let Some(live) = &self.live {
                    live.step(*at, step);
                }
            }
            Event::Waiting { keg, .. } => self.line("wait", keg, "another rootbrew builds it"),
            Event::Built { at, keg, version, wall_s, same_bytes, bytes: size, .. } => {
                self.ended(*at);
                let same = if *same_bytes { "  same bytes as before" } else { "" };
                let rest = format!("{:>9}  {:>9}{same}", seconds(*wall_s), bytes(*size));
                self.line("built", &format!("{keg} {version}"), &rest);
            }
            Event::Failed { at, keg, version, why } => {
                self.ended(*at);
                self.line("failed", &format!("{keg} {version}"), why.lines().next().unwrap_or_default());
            }
            Event::Skipped { at, keg, because } => {
                self.ended(*at);
                self.line("skipped", keg, &format!("needs {because}"));
            }
            Event::Fetching { name, bytes, size_bytes, place } => {
                self.fetching(name, place, *bytes, *size_bytes)
            }
            Event::Retrying { name, place, reason, pause_s } => {
                self.line("retry", name, &format!("{place}: {reason}; again in {pause_s:.1} s"));
            }
            Event::Fetched { name, bytes: size } => {
                self.told.remove(name);
                match &mut self.live {
                    Some(live) => live.fetched(name),
                    None => self.line("fetched", name, &bytes(*size)),
                }
            }
            Event::Unpacked { seed, files, wall_s } => {
                self.line("unpacked", seed, &format!("{files} files  {}", seconds(*wall_s)));
            }
        }
    }

    fn ended(&mut self, at: usize) {
        if let Some(live) = &mut self.live {
            live.ended(at);
        }
    }

    fn fetching(&mut self, name: &str, place: &str, count: u64, size_bytes: Option<u64>) {
        match &mut self.live {
            Some(live) => live.fetching(name, count, size_bytes),
            None if !place.is_empty() && self.told.insert(name.to_string()) => {
                self.line("fetch", name, &size_bytes.map_or(String::new(), bytes));
            }
            None => {}
        }
    }
}
