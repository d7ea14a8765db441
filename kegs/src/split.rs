//! Split: what a build took from its programs for debuggers, as an outcome's debug tree has it (docs/formats.md, "The debug
//! keg").
//!
//! ```text
//! .build-id/7c/1e….debug        what was taken
//! .build-id/7c/1e…              a link to the program: /kegs/nginx/0/bin/nginx
//! ```

use crate::{Digest, Node, Tree};

/// One program's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split<'t> {
    /// Build-id in hex, as the names say it: a hostile tree may say anything.
    pub id: String,
    pub debug: Digest,
    /// Where the program stands.
    pub program: Option<&'t str>,
}

/// By path. What is laid out otherwise is passed over.
pub fn splits(tree: &Tree) -> impl Iterator<Item = Split<'_>> {
    tree.nodes.iter().filter_map(|(path, node)| {
        let Node::File { digest, .. } = node else { return None };
        let link = path.strip_suffix(".debug")?;
        let (first, rest) = link.strip_prefix(".build-id/")?.split_once('/')?;
        let program = match tree.nodes.get(link) {
            Some(Node::Link { target }) => Some(target.as_str()),
            _ => None,
        };
        Some(Split { id: format!("{first}{rest}"), debug: *digest, program })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_link() {
        let mut tree = Tree::default();
        let file = |text: &[u8]| Node::File { digest: Digest::of(text), executable: false };
        tree.insert(".build-id/7c/1e00.debug", file(b"split"));
        tree.insert(".build-id/7c/1e00", Node::Link { target: "/kegs/a/0/bin/a".into() });
        tree.insert(".build-id/7c/alone.debug", file(b"alone"));
        tree.insert(".build-id/short.debug", file(b"at no place"));
        tree.insert("lib/x.debug", file(b"another's"));
        let found: Vec<_> = splits(&tree).collect();
        let split =
            |id: &str, text: &[u8], program| Split { id: id.into(), debug: Digest::of(text), program };
        assert_eq!(
            found,
            [split("7c1e00", b"split", Some("/kegs/a/0/bin/a")), split("7calone", b"alone", None)]
        );
    }
}
