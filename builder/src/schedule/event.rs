//! What happens during a build, told as it happens. The terminal, `--json` and `--trace` are all made of this.

use serde::Serialize;

use super::inputs::Reason;

/// One thing that happened. `at` is the keg's place in the plan.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// Its result was in the store.
    Found {
        at: usize,
        keg: String,
    },
    /// Its sandbox starts.
    Started {
        at: usize,
        keg: String,
        version: String,
        reason: Reason,
    },
    /// The build script's next step (`== step` in its output).
    Step {
        at: usize,
        step: String,
    },
    /// Another process builds the same action: we wait for its result.
    Waiting {
        at: usize,
        keg: String,
    },
    /// Done. `same_bytes`: it ran, and gave what the last run gave, so nothing above it has a new key.
    Built {
        at: usize,
        keg: String,
        version: String,
        wall_s: f64,
        cpu_s: f64,
        own_s: f64,
        same_bytes: bool,
        bytes: u64,
    },
    Failed {
        at: usize,
        keg: String,
        version: String,
        why: String,
    },
    /// It needs one that failed.
    Skipped {
        at: usize,
        keg: String,
        because: String,
    },
    /// A download: bytes so far, of how many.
    Fetching {
        name: String,
        place: String,
        bytes: u64,
        size_bytes: Option<u64>,
    },
    Retrying {
        name: String,
        place: String,
        reason: String,
        pause_s: f64,
    },
    Fetched {
        name: String,
        bytes: u64,
    },
    /// The seed was unpacked.
    Unpacked {
        seed: String,
        files: usize,
        wall_s: f64,
    },
}
