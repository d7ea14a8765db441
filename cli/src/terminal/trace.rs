//! What ran when: kept as spans, written as a picture (timeline.rs) or in Chrome's trace format (Trace Event Format, `X`
//! events): one lane a running keg, downloads below.
//!
//! ```text
//! {"traceEvents":[{"name":"zlib 1.3.2","cat":"build","ph":"X","ts":0,"dur":4100000,"pid":1,"tid":1}, …]}
//! ```
//! `ts` and `dur` are microseconds from the start.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::timeline;

pub struct Trace {
    begun: Instant,
    spans: Vec<Span>,
    /// By kind and name: what runs.
    open: BTreeMap<(&'static str, String), Open>,
}

/// Something that ran. Times are microseconds from the start.
pub struct Span {
    /// `build` or `fetch`.
    pub kind: &'static str,
    pub name: String,
    pub lane: usize,
    pub from_us: u64,
    pub until_us: u64,
    pub facts: Value,
}

struct Open {
    lane: usize,
    name: String,
    from_us: u64,
}

impl Trace {
    pub fn new() -> Trace {
        Trace { begun: Instant::now(), spans: Vec::new(), open: BTreeMap::new() }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Something begins. `kind` and `id` name it until it ends; it takes the first lane that is free.
    pub fn begin(&mut self, kind: &'static str, id: &str, name: &str) {
        let from_us = self.now_us();
        let taken: Vec<usize> =
            self.open.iter().filter(|((of, _), _)| *of == kind).map(|(_, open)| open.lane).collect();
        let lane = (1..).find(|lane| !taken.contains(lane)).unwrap_or(1);
        self.open.insert((kind, id.to_string()), Open { lane, name: name.to_string(), from_us });
    }

    pub fn end(&mut self, kind: &'static str, id: &str, facts: Value) {
        let until_us = self.now_us();
        if let Some(Open { lane, name, from_us }) = self.open.remove(&(kind, id.to_string())) {
            self.spans.push(Span { kind, name, lane, from_us, until_us, facts });
        }
    }

    /// A picture where the file's name ends in `.svg`.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let picture = path.extension().is_some_and(|extension| extension == "svg");
        std::fs::write(path, if picture { timeline::svg(&self.spans) } else { chrome(&self.spans) })
    }
}

fn chrome(spans: &[Span]) -> String {
    let events: Vec<Value> = spans
        .iter()
        .map(|span| {
            json!({
                "name": span.name, "cat": span.kind, "ph": "X", "ts": span.from_us,
                "dur": span.until_us - span.from_us, "pid": if span.kind == "build" { 1 } else { 2 },
                "tid": span.lane, "args": span.facts,
            })
        })
        .collect();
    json!({ "traceEvents": events, "displayTimeUnit": "ms" }).to_string()
}
