//! Size: what an image's bytes are, by keg and by file.

use std::collections::BTreeMap;

use crate::tree::{ImageTree, Kind};

/// Bytes of files as they stand in the tree; give the stripped one for what the image holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// `nginx`, `openssl@3`, or `rootbrew` for what is of no keg; largest first.
    pub kegs: Vec<Share>,
    /// Paths, largest first.
    pub files: Vec<Share>,
    pub total_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    pub name: String,
    pub bytes: u64,
    pub files: usize,
}

/// Sums of a tree, with its `files_max` largest files.
pub fn size(tree: &ImageTree, files_max: usize) -> Size {
    let mut kegs: BTreeMap<String, Share> = BTreeMap::new();
    let mut files = Vec::new();
    for (path, node) in tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File(_))) {
        let bytes = node.size_bytes();
        let name = keg_of(path);
        let keg = kegs.entry(name.clone()).or_insert(Share { name, bytes: 0, files: 0 });
        keg.bytes += bytes;
        keg.files += 1;
        files.push(Share { name: path.to_string(), bytes, files: 1 });
    }
    let total_bytes = files.iter().map(|file| file.bytes).sum();
    let mut kegs: Vec<Share> = kegs.into_values().collect();
    largest_first(&mut kegs);
    largest_first(&mut files);
    files.truncate(files_max);
    Size { kegs, files, total_bytes }
}

fn largest_first(shares: &mut [Share]) {
    shares.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
}

/// The keg that a path of an image is of, as roles write it; `rootbrew` for what is of none.
pub fn keg_of(path: &str) -> String {
    match path.split('/').collect::<Vec<_>>().as_slice() {
        ["kegs", name, "0", ..] => name.to_string(),
        ["kegs", name, slot, ..] => format!("{name}@{slot}"),
        _ => "rootbrew".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Node, Reason};

    #[test]
    fn by_keg_and_by_file() {
        let mut tree = ImageTree::default();
        for (path, bytes) in
            [("kegs/a/0/bin/a", 10), ("kegs/a/0/lib/a", 20), ("kegs/openssl/3.0/lib/x", 25), ("sbin/init", 5)]
        {
            tree.insert(path, Node::inline(vec![0; bytes], 0o644, Reason::image("a test"))).unwrap();
        }
        let Size { kegs, files, total_bytes } = size(&tree, 2);
        let kegs: Vec<_> =
            kegs.iter().map(|keg| format!("{} {} {}", keg.name, keg.bytes, keg.files)).collect();
        assert_eq!(kegs, ["a 30 2", "openssl@3.0 25 1", "rootbrew 5 1"]);
        let files: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["kegs/openssl/3.0/lib/x", "kegs/a/0/lib/a"]);
        assert_eq!(total_bytes, 60);
    }
}
