//! Actions: one sandboxed command with everything it may observe, and what came of it.
//!
//! An action is a Remote Execution API v2 `Action`; its digest is its key, and there is no second notion of a key.
//!
//! | in the key | as |
//! |---|---|
//! | the arguments, the environment, the output's path | `Command` |
//! | sources, script, patches; every keg and seed seen | the input root's digest, by content |
//! | operating system, processor | `Platform` |
//!
//! Not in the key: job slots and the job server, limits, the log, who asked, when.

use std::collections::BTreeMap;
use std::fs;

use prost::Message;

use crate::reapi::{self, EnvironmentVariable, OutputDirectory, Platform, Property};
use crate::store::{Result, Store, StoreError, rename, tried, write_new};
use crate::{Digest, Tree};

/// What runs and what it sees. Paths in `input` are relative to the sandbox's root; `working_directory` too, `output` is
/// relative to that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    pub arguments: Vec<String>,
    pub environment: BTreeMap<String, String>,
    pub working_directory: String,
    pub output: String,
    pub platform: BTreeMap<String, String>,
    pub input: Tree,
}

/// An action's key, and the messages that it is the digest of (`Command` and `Action`, encoded).
#[derive(Debug, Clone)]
pub struct Keyed {
    pub key: Digest,
    pub messages: Vec<(Digest, Vec<u8>)>,
}

/// What came of an action: the root of its output tree, that of the debug information split from it, and how long it
/// took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    pub output: Digest,
    pub debug: Option<Digest>,
    pub wall_s: f64,
}

/// The second output's path in an `ActionResult`; the first has none.
const DEBUG: &str = "debug";

impl Outcome {
    /// Without debug information.
    pub fn new(output: Digest, wall_s: f64) -> Outcome {
        Outcome { output, debug: None, wall_s }
    }

    /// The roots of all its trees.
    pub fn trees(&self) -> impl Iterator<Item = Digest> {
        [self.output].into_iter().chain(self.debug)
    }
}

impl Action {
    pub fn keyed(&self) -> Keyed {
        let command = encoded(&self.command());
        let action = encoded(&reapi::Action {
            command_digest: Some(command.0.into()),
            input_root_digest: Some(self.input.merkle().root.into()),
            platform: Some(Platform {
                properties: pairs(&self.platform, |name, value| Property { name, value }),
            }),
        });
        Keyed { key: action.0, messages: vec![command, action] }
    }

    fn command(&self) -> reapi::Command {
        reapi::Command {
            arguments: self.arguments.clone(),
            environment_variables: pairs(&self.environment, |name, value| EnvironmentVariable {
                name,
                value,
            }),
            working_directory: self.working_directory.clone(),
            output_paths: vec![self.output.clone()],
        }
    }
}

fn encoded(message: &impl Message) -> (Digest, Vec<u8>) {
    let bytes = message.encode_to_vec();
    (Digest::of(&bytes), bytes)
}

/// A map's pairs as messages, in the map's order: sorted by name, as the specification asks.
fn pairs<T>(map: &BTreeMap<String, String>, make: impl Fn(String, String) -> T) -> Vec<T> {
    map.iter().map(|(name, value)| make(name.clone(), value.clone())).collect()
}

impl Store {
    fn result_path(&self, key: &Digest) -> std::path::PathBuf {
        let hex = key.hex();
        self.part("actions").join(&hex[..2]).join(hex)
    }

    /// What an action came to, when it was done here or taken before. A result that can't be read, or whose output is gone,
    /// is none: the action runs again. The trees of one that was taken may not be here: see [`Store::lacks`].
    pub fn result(&self, key: &Digest) -> Option<Outcome> {
        self.done(key).or_else(|| Some(self.taken_outcome(key)?.outcome))
    }

    /// What an action came to here: all its trees are here.
    pub fn done(&self, key: &Digest) -> Option<Outcome> {
        let bytes = crate::store::read_small(&self.result_path(key)).ok()?;
        let outcome = outcome(&reapi::ActionResult::decode(bytes.as_slice()).ok()?)?;
        (outcome.output.size_bytes == 0 || self.has(&outcome.output)).then_some(outcome)
    }

    /// Records an outcome. Its blobs are on disk already; this is the last step of a build.
    pub fn put_result(&self, keyed: &Keyed, outcome: &Outcome) -> Result<()> {
        let messages =
            self.stage_all(keyed.messages.iter().map(|(digest, bytes)| (*digest, bytes.as_slice())))?;
        let staged = self.stage_path("result");
        write_new(&staged, &result(outcome).encode_to_vec(), 0o644)?;
        // One wait for the disk for all three: no name is given before, and the result's is the last.
        self.sync()?;
        self.commit_synced(messages)?;
        rename(&staged, &self.result_path(&keyed.key))
    }

    /// What an action came to: from the store (`true` beside it), or made now and recorded. What another process makes
    /// meanwhile is waited for and not made again.
    pub fn once<E: From<StoreError>>(
        &self,
        keyed: &Keyed,
        make: impl FnOnce() -> std::result::Result<Outcome, E>,
    ) -> std::result::Result<(Outcome, bool), E> {
        if let Some(outcome) = self.ask(keyed) {
            return Ok((outcome, true));
        }
        let _held = self.lock_action(&keyed.key)?;
        if let Some(outcome) = self.result(&keyed.key) {
            return Ok((outcome, true));
        }
        let outcome = make()?;
        self.put_result(keyed, &outcome)?;
        Ok((outcome, false))
    }

    /// Forgets an outcome, so that the action runs again.
    pub fn forget_result(&self, key: &Digest) -> Result<()> {
        self.forget_taken(key)?;
        crate::store::remove_file(&self.result_path(key))
    }

    /// The keys of every action that was done here, sorted.
    pub fn actions(&self) -> Result<Vec<Digest>> {
        let mut keys = Vec::new();
        for path in crate::collect::files_two_deep(&self.part("actions"))? {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            // The key's size is not in its name; the blob of the Action message has it.
            keys.extend(crate::digest::parse_sha256(&name).and_then(|sha256| self.find_sha256(&sha256)));
        }
        keys.sort();
        Ok(keys)
    }

    /// The environment that an action's command was given: says which keg it built.
    pub fn environment(&self, key: &Digest) -> Result<BTreeMap<String, String>> {
        let damaged = |fault: &str| StoreError::Damaged { digest: *key, fault: fault.into() };
        let action =
            reapi::Action::decode(self.get(key)?.as_slice()).map_err(|_| damaged("no Action message"))?;
        let command =
            action.command_digest.and_then(|digest| digest.checked()).ok_or(damaged("no command"))?;
        let command =
            reapi::Command::decode(self.get(&command)?.as_slice()).map_err(|_| damaged("no Command"))?;
        Ok(command.environment_variables.into_iter().map(|pair| (pair.name, pair.value)).collect())
    }

    /// The digests of the messages behind a key: kept with it.
    pub(crate) fn messages(&self, key: &Digest) -> Vec<Digest> {
        let action = self.get(key).ok().and_then(|bytes| reapi::Action::decode(bytes.as_slice()).ok());
        let command = action.and_then(|action| action.command_digest).and_then(|digest| digest.checked());
        command.into_iter().chain([*key]).collect()
    }

    /// Keeps an action's log, compressed by the caller. Not synced: a log lost in a power cut costs nobody a keg.
    pub fn put_log(&self, key: &Digest, staged: &std::path::Path) -> Result<()> {
        let path = self.log_path(key);
        fs::rename(staged, &path).map_err(tried("rename into", &path))
    }
}

fn result(outcome: &Outcome) -> reapi::ActionResult {
    let seconds = outcome.wall_s.trunc() as i64;
    let nanos = (outcome.wall_s.fract() * 1e9) as i32;
    reapi::ActionResult {
        output_directories: [("", Some(outcome.output)), (DEBUG, outcome.debug)]
            .into_iter()
            .filter_map(|(path, root)| Some(output_directory(path, root?)))
            .collect(),
        exit_code: 0,
        // A duration written as two timestamps from the epoch: no clock of the building machine is kept.
        execution_metadata: Some(reapi::ExecutedActionMetadata {
            worker: String::new(),
            execution_start_timestamp: Some(reapi::Timestamp::default()),
            execution_completed_timestamp: Some(reapi::Timestamp { seconds, nanos }),
        }),
    }
}

fn output_directory(path: &str, root: Digest) -> OutputDirectory {
    OutputDirectory { path: path.into(), tree_digest: None, root_directory_digest: Some(root.into()) }
}

fn outcome(result: &reapi::ActionResult) -> Option<Outcome> {
    let root = |folder: &OutputDirectory| folder.root_directory_digest.as_ref()?.checked();
    let output = root(result.output_directories.first()?)?;
    let debug = result.output_directories.iter().find(|folder| folder.path == DEBUG).and_then(root);
    let done = result.execution_metadata.as_ref()?.execution_completed_timestamp.clone()?;
    (result.exit_code == 0).then_some(Outcome {
        output,
        debug,
        wall_s: done.seconds as f64 + f64::from(done.nanos) / 1e9,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Node;

    fn action() -> Action {
        let mut input = Tree::default();
        input.insert("src/0/a.tar", Node::File { digest: Digest::of(b"a"), executable: false });
        let pairs =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        Action {
            arguments: vec!["/bin/sh".into(), "/run".into()],
            environment: pairs(&[("KEG", "/kegs/a/0"), ("LC_ALL", "C")]),
            working_directory: "build".into(),
            output: "out".into(),
            platform: pairs(&[("OSFamily", "linux")]),
            input,
        }
    }

    /// A change of the key's form makes every store in the world rebuild: this is that alarm.
    #[test]
    fn the_key_of_a_given_action_never_moves() {
        expect_test::expect!["895fd1ae6d1796ac5bdd4a656985def5bd9cbdea58eae21221ffdc7d10930300/161"]
            .assert_eq(&action().keyed().key.to_string());
    }

    #[test]
    fn everything_that_can_be_seen_is_in_the_key() {
        let changes: [fn(&mut Action); 6] = [
            |a| a.arguments.push("-x".into()),
            |a| drop(a.environment.insert("CFLAGS".into(), "-O2".into())),
            |a| a.working_directory.push('2'),
            |a| a.output.push('2'),
            |a| drop(a.platform.insert("ISA".into(), "x86-64".into())),
            |a| a.input.insert("empty", Node::Folder),
        ];
        for change in changes {
            let mut changed = action();
            change(&mut changed);
            assert_ne!(changed.keyed().key, action().keyed().key);
        }
    }

    #[test]
    fn an_outcome_comes_back_until_its_output_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        let keyed = action().keyed();
        assert_eq!(store.result(&keyed.key), None);
        let mut tree = Tree::default();
        tree.insert("a", Node::Link { target: "b".into() });
        let debug = Some(store.put_tree(&Tree::default()).unwrap());
        let outcome = Outcome { output: store.put_tree(&tree).unwrap(), debug, wall_s: 4.25 };
        store.put_result(&keyed, &outcome).unwrap();
        assert_eq!(store.result(&keyed.key), Some(outcome));
        assert_eq!(store.environment(&keyed.key).unwrap()["KEG"], "/kegs/a/0");
        assert_eq!(store.actions().unwrap(), [keyed.key]);
        fs::remove_file(store.found(&outcome.output).unwrap()).unwrap();
        assert_eq!(store.result(&keyed.key), None);
    }
}
