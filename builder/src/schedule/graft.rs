//! The kegs of an input root, grafted by digest.
//!
//! A keg's folder `/kegs/<name>` holds its slot and nothing else in nearly every sandbox, so its `Directory` is the same
//! message in all of them: it is hashed once a build and not once a dependent. Where two slots of a name are seen, the
//! folder is left to the tree. The root's digest is the same either way.

use std::collections::HashMap;
use std::sync::Mutex;

use kegs::{Digest, Node, Tree};

/// Slot and keg to the folder that holds just this.
#[derive(Debug, Default)]
pub struct Grafts(Mutex<HashMap<(String, Digest), Digest>>);

impl Grafts {
    /// Puts kegs (`/kegs/<name>/<slot>`, root) into an input root.
    pub fn insert<'a>(&self, tree: &mut Tree, kegs: impl Iterator<Item = (&'a str, Digest)>) {
        let mut slots: HashMap<&str, Vec<(&str, Digest)>> = HashMap::new();
        for (prefix, root) in kegs {
            let (folder, slot) = prefix.trim_start_matches('/').rsplit_once('/').unwrap_or(("", prefix));
            slots.entry(folder).or_default().push((slot, root));
        }
        for (folder, slots) in slots {
            match slots.as_slice() {
                [(slot, root)] => tree.insert(folder, Node::Tree { root: self.folder(slot, *root) }),
                slots => {
                    for (slot, root) in slots {
                        tree.insert(format!("{folder}/{slot}"), Node::Tree { root: *root });
                    }
                }
            }
        }
    }

    fn folder(&self, slot: &str, root: Digest) -> Digest {
        let mut known = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        *known.entry((slot.to_string(), root)).or_insert_with(|| {
            let mut tree = Tree::default();
            tree.insert(slot, Node::Tree { root });
            tree.merkle().root
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(prefixes: &[&str]) {
        let root = |prefix: &str| Digest::of(prefix.as_bytes());
        let mut written = Tree::default();
        prefixes.iter().for_each(|prefix| written.insert(&prefix[1..], Node::Tree { root: root(prefix) }));
        let mut grafted = Tree::default();
        Grafts::default().insert(&mut grafted, prefixes.iter().map(|prefix| (*prefix, root(prefix))));
        assert_eq!(grafted.merkle().root, written.merkle().root);
    }

    #[test]
    fn a_grafted_root_is_the_root_written_out() {
        check(&[]);
        check(&["/kegs/zlib/0"]);
        check(&["/kegs/zlib/0", "/kegs/zlib-ng/0", "/kegs/a/0"]);
        check(&["/kegs/openssl/3", "/kegs/openssl/1.1", "/kegs/zlib/0"]);
    }
}
