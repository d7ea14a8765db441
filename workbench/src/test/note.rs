//! The note of a keg's last test: `notes/tests/<keg>` of the store, one JSON object.
//!
//! ```text
//! { "version": "1.3.2", "output": "<sha256>/<bytes>",          of which bytes it speaks: others were not tested
//!   "tests": [ { "name": "3 headers", "kind": "headers",       written loads traces pc headers smoke upstream
//!                "good": false, "faults": ["`include/z.h` does not compile"] } ] }
//! ```
//! For who asks what is known without testing anew (lints, reports). A hint, like every note.

use kegs::{Digest, Store};
use serde::{Deserialize, Serialize};

use super::{Bench, Checked, Result};

/// What is known of a keg's tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub version: String,
    /// [`Digest`] of the output tree that was tested.
    pub output: String,
    pub tests: Vec<Noted>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    pub name: String,
    /// [`super::Kind::word`].
    pub kind: String,
    pub good: bool,
    pub faults: Vec<String>,
    /// Messages too, which the recipe's `allow` silences.
    #[serde(default)]
    pub silenced: Vec<String>,
}

/// The last test of a keg (`name` or `name@slot`) with these bytes; `None` when nobody tested them.
pub fn last(store: &Store, keg: &str, output: &Digest) -> Option<Note> {
    let note: Note = serde_json::from_slice(&store.note("tests", keg)?).ok()?;
    (note.output == output.to_string()).then_some(note)
}

pub fn remember(bench: &Bench, at: usize, done: &[Checked]) -> Result<()> {
    let node = &bench.plan.nodes()[at];
    let noted = |checked: &Checked| Noted {
        name: checked.name.clone(),
        kind: checked.kind.word().into(),
        good: checked.faults.is_empty(),
        faults: checked.faults.iter().map(|fault| fault.message.clone()).collect(),
        silenced: checked.silenced.clone(),
    };
    let note = Note {
        version: node.variant.version.to_string(),
        output: bench.outputs[at].to_string(),
        tests: done.iter().map(noted).collect(),
    };
    Ok(bench.store.set_note("tests", &node.name(), &serde_json::to_vec(&note).unwrap_or_default())?)
}
