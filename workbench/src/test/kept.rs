//! Checks that only read kegs: what they find is an action's output, so that a keg is read once.

use kegs::{Action, Digest, Node, Outcome, Tree};
use serde::{Deserialize, Serialize};

use super::{Bench, Result};

/// One thing that is wrong in a keg: where, what, and more to read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Path in the keg.
    pub file: String,
    pub what: String,
    pub detail: String,
}

/// What a check found, and whether it had to look.
pub struct Kept {
    pub findings: Vec<Finding>,
    pub key: Digest,
    pub found: bool,
}

/// The findings of `check` on these kegs (prefix, root). `version` is raised when the same kegs would give others.
pub fn kept(
    bench: &Bench,
    (check, version): (&str, &str),
    kegs: impl Iterator<Item = (String, Digest)>,
    look: impl FnOnce() -> Result<Vec<Finding>>,
) -> Result<Kept> {
    bench.go_on()?;
    let mut input = Tree::default();
    for (prefix, root) in kegs {
        input.insert(prefix.trim_start_matches('/'), Node::Tree { root });
    }
    let action = Action {
        arguments: ["rootbrew", "test", check, version].map(str::to_string).into(),
        environment: Default::default(),
        working_directory: String::new(),
        output: "out".into(),
        platform: Default::default(),
        input,
    };
    let keyed = action.keyed();
    if let Some(findings) = read(bench, &keyed.key) {
        return Ok(Kept { findings, key: keyed.key, found: true });
    }
    let begun = std::time::Instant::now();
    let findings = look()?;
    let bytes = serde_json::to_vec(&findings).unwrap_or_default();
    let mut tree = Tree::default();
    let digest = bench.store.put_bytes(&bytes)?;
    tree.insert("findings.json", Node::File { digest, executable: false });
    let output = bench.store.put_tree(&tree)?;
    bench.store.put_result(&keyed, &Outcome::new(output, begun.elapsed().as_secs_f64()))?;
    Ok(Kept { findings, key: keyed.key, found: false })
}

/// `None` where nobody looked, or what was kept can't be read.
fn read(bench: &Bench, key: &Digest) -> Option<Vec<Finding>> {
    let outcome = bench.store.result(key)?;
    let tree = bench.store.tree(&outcome.output).ok()?;
    let Some(Node::File { digest, .. }) = tree.nodes.get("findings.json") else { return None };
    serde_json::from_slice(&bench.store.get(digest).ok()?).ok()
}
