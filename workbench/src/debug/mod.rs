//! Debug information by build-id: what a store holds, as debuginfod's protocol asks for it.
//!
//! ```text
//! the debug tree beside a keg                what it answers
//! .build-id/7c/1e….debug                     /buildid/7c1e…/debuginfo
//! .build-id/7c/1e…  -> /kegs/nginx/0/bin/…   /buildid/7c1e…/executable, of the keg itself
//! and by the path that the compiler wrote    /buildid/7c1e…/source/usr/src/nginx-1.26.3/source/src/…
//! ```
//! What is asked comes from anywhere: ids are hex, paths lead nowhere but into a source's archive. It prints nothing and
//! listens to nobody: who serves it stands in `cli`.

mod request;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use kegs::split::splits;
use kegs::{Digest, Node, Store, StoreError};

pub use request::{Request, request};
pub use source::source;

/// By build-id, in lower-case hex.
#[derive(Debug, Default)]
pub struct Index {
    ids: BTreeMap<String, Held>,
}

/// What a store has of one program or library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub debug: Digest,
    pub executable: Option<Digest>,
    /// Where it stands: `/kegs/nginx/0/bin/nginx`.
    pub path: String,
}

impl Index {
    /// Every debug keg of a store, newer builds of one id being the same bytes.
    ///
    /// # Errors
    /// The list of actions can't be read. A tree that is damaged is left out.
    pub fn of(store: &Store) -> Result<Index, StoreError> {
        let mut index = Index::default();
        for key in store.actions()? {
            let Some(outcome) = store.result(&key) else { continue };
            let Some(Ok(debug)) = outcome.debug.map(|debug| store.tree(&debug)) else { continue };
            let Ok(keg) = store.tree(&outcome.output) else { continue };
            index.add(&debug, &keg);
        }
        Ok(index)
    }

    fn add(&mut self, debug: &kegs::Tree, keg: &kegs::Tree) {
        for split in splits(debug).filter(|split| request::is_id(&split.id)) {
            let path = split.program.unwrap_or_default().to_string();
            let held = Held { debug: split.debug, executable: executable(keg, &path), path };
            self.ids.insert(split.id, held);
        }
    }

    pub fn get(&self, id: &str) -> Option<&Held> {
        self.ids.get(id)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The keg's own file: `/kegs/NAME/SLOT/PATH` without its first three names.
fn executable(keg: &kegs::Tree, target: &str) -> Option<Digest> {
    let inside = target.trim_start_matches('/').splitn(4, '/').nth(3)?;
    match keg.nodes.get(inside)? {
        Node::File { digest, .. } => Some(*digest),
        _ => None,
    }
}
