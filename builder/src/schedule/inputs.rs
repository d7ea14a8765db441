//! What goes into a keg's action, by name: the text kept beside the key, to explain why one moved.
//!
//! The key alone decides whether something runs; these parts only say why. They are compared with those of the last run
//! that ended well, kept as a note of the store.

use std::collections::BTreeMap;
use std::fmt;

use kegs::Store;
use serde::Serialize;

/// Name of a part (`source 0`, `flags CFLAGS`, `keg zlib`, …) to its digest or value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts(pub BTreeMap<String, String>);

/// Why an action runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No build of it is known here.
    New,
    Source,
    /// Which ones.
    Flags(Vec<String>),
    /// Files of the recipe's folder.
    Files(Vec<String>),
    Seed,
    /// Dependencies that produced other bytes.
    Kegs(Vec<String>),
    /// Dependencies that the last build did not have, or had.
    Dependencies(Vec<String>),
    /// The key is the last one's, but its output is not in the store.
    Lost,
    /// `rootbrew check`, or repair.
    Asked,
}

impl Parts {
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Keeps these parts as the last good build's.
    pub fn remember(&self, store: &Store, keg: &str) -> Result<(), kegs::StoreError> {
        let lines: String = self.0.iter().map(|(name, value)| format!("{name}\t{value}\n")).collect();
        store.set_note("inputs", keg, lines.as_bytes())
    }

    /// The last good build's parts; a note that is not understood is no note.
    pub fn remembered(store: &Store, keg: &str) -> Option<Parts> {
        let text = String::from_utf8(store.note("inputs", keg)?).ok()?;
        let pairs =
            text.lines().map(|line| line.split_once('\t').map(|(name, value)| (name.into(), value.into())));
        pairs.collect::<Option<_>>().map(Parts)
    }

    /// Why an action of these parts runs although `last` was built.
    pub fn reason(&self, last: Option<&Parts>) -> Reason {
        let Some(last) = last else { return Reason::New };
        let moved = self.moved(last);
        let of = |kind: &str| -> Vec<String> {
            moved.iter().filter_map(|name| Some(name.strip_prefix(kind)?.trim_start().to_string())).collect()
        };
        let both = |names: &[String]| {
            names.iter().all(|name| {
                let name = format!("keg {name}");
                self.0.contains_key(&name) && last.0.contains_key(&name)
            })
        };
        let (kegs, files, flags) = (of("keg "), of("file "), of("flags "));
        if !of("source ").is_empty() {
            Reason::Source
        } else if !files.is_empty() {
            Reason::Files(files)
        } else if !flags.is_empty() {
            Reason::Flags(flags)
        } else if moved.iter().any(|name| name == "seed") {
            Reason::Seed
        } else if kegs.is_empty() {
            Reason::Lost
        } else if both(&kegs) {
            Reason::Kegs(kegs)
        } else {
            Reason::Dependencies(kegs)
        }
    }

    /// Names of parts that differ, or that only one side has.
    fn moved(&self, last: &Parts) -> Vec<String> {
        let names: std::collections::BTreeSet<&String> = self.0.keys().chain(last.0.keys()).collect();
        names.into_iter().filter(|name| self.0.get(*name) != last.0.get(*name)).cloned().collect()
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let list = |names: &[String]| format!("`{}`", names.join("`, `"));
        match self {
            Reason::New => write!(f, "new"),
            Reason::Source => write!(f, "source changed"),
            Reason::Flags(names) => write!(f, "flag changed: {}", list(names)),
            Reason::Files(names) => write!(f, "file changed: {}", list(names)),
            Reason::Seed => write!(f, "seed changed"),
            Reason::Kegs(names) => write!(f, "{} produced other bytes", list(names)),
            Reason::Dependencies(names) => write!(f, "dependency changed: {}", list(names)),
            Reason::Lost => write!(f, "its output is not in the store"),
            Reason::Asked => write!(f, "asked"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(pairs: &[(&str, &str)]) -> Parts {
        Parts(pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    fn check(before: &[(&str, &str)], after: &[(&str, &str)], expect: expect_test::Expect) {
        expect.assert_eq(&parts(after).reason(Some(&parts(before))).to_string());
    }

    #[test]
    fn the_nearest_cause_is_named() {
        let before = [("source 0", "a"), ("flags CFLAGS", "-O2"), ("keg zlib", "1"), ("seed", "d")];
        let with = |name: &'static str, value: &'static str| {
            let mut after = before.to_vec();
            after.retain(|(old, _)| *old != name);
            after.push((name, value));
            after
        };
        check(&before, &before, expect_test::expect!["its output is not in the store"]);
        check(&before, &with("source 0", "b"), expect_test::expect!["source changed"]);
        check(&before, &with("flags CFLAGS", "-Os"), expect_test::expect!["flag changed: `CFLAGS`"]);
        check(&before, &with("file steps.sh", "x"), expect_test::expect!["file changed: `steps.sh`"]);
        check(&before, &with("keg zlib", "2"), expect_test::expect!["`zlib` produced other bytes"]);
        check(&before, &with("keg pcre2", "1"), expect_test::expect!["dependency changed: `pcre2`"]);
        check(&before, &with("seed", "e"), expect_test::expect!["seed changed"]);
        expect_test::expect!["new"].assert_eq(&parts(&before).reason(None).to_string());
    }
}
