//! A timeline in Chrome's trace format (Trace Event Format, `X` events): one lane a running keg, downloads below.
//!
//! ```text
//! {"traceEvents":[{"name":"zlib 1.3.2","cat":"build","ph":"X","ts":0,"dur":4100000,"pid":1,"tid":1}, …]}
//! ```
//! `ts` and `dur` are microseconds from the start.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

pub struct Trace {
    begun: Instant,
    events: Vec<Value>,
    /// Lane, name and start of what runs.
    open: BTreeMap<String, (usize, String, u128)>,
}

impl Trace {
    pub fn new() -> Trace {
        Trace { begun: Instant::now(), events: Vec::new(), open: BTreeMap::new() }
    }

    /// Something begins. `kind` (`build`, `step`, `fetch`) and `id` name it until it ends.
    pub fn begin(&mut self, kind: &str, id: &str, name: &str) {
        let key = format!("{kind} {id}");
        let taken: Vec<usize> = self.open.values().map(|(lane, _, _)| *lane).collect();
        // A step stands in its keg's lane, so that it is drawn under it.
        let of_keg = self.open.get(&format!("build {id}")).map(|(lane, _, _)| *lane);
        let lane = of_keg.or_else(|| (1..).find(|lane| !taken.contains(lane))).unwrap_or(0);
        self.open.insert(key, (lane, name.to_string(), self.begun.elapsed().as_micros()));
    }

    pub fn end(&mut self, kind: &str, id: &str, facts: Value) {
        if let Some((lane, name, start)) = self.open.remove(&format!("{kind} {id}")) {
            let now = self.begun.elapsed().as_micros();
            self.events.push(json!({
                "name": name, "cat": kind, "ph": "X", "ts": start as u64, "dur": (now - start) as u64,
                "pid": 1, "tid": lane, "args": facts,
            }));
        }
    }

    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let whole = json!({ "traceEvents": self.events, "displayTimeUnit": "ms" });
        std::fs::write(path, whole.to_string())
    }
}
