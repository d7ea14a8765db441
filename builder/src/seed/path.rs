//! Paths out of a `.deb`: made relative, merged under `usr`, kept inside the tree.

/// Folders that Debian merged into `usr` (bookworm's `.deb`s still name both). The links stand in every seed's tree.
pub const MERGED: [&str; 4] = ["bin", "lib", "lib64", "sbin"];

/// What no build reads. Half of all entries, a fifth of the bytes.
const DROPPED: [&str; 8] = [
    "usr/share/bug",
    "usr/share/doc",
    "usr/share/doc-base",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/menu",
];

/// `./lib//x/` → `usr/lib/x`; the root is the empty path. Else what is wrong, to follow the path in a sentence.
pub fn clean(raw: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "has a name that is not UTF-8")?;
    if text.starts_with('/') {
        return Err("is an absolute path");
    }
    if text.contains('\0') {
        return Err("has a NUL in its name");
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err("leaves the archive (`..`)"),
            _ => parts.push(part),
        }
    }
    Ok(merge_usr(&parts.join("/")))
}

fn merge_usr(path: &str) -> String {
    let first = path.split('/').next().unwrap_or_default();
    if MERGED.contains(&first) { format!("usr/{path}") } else { path.to_string() }
}

/// Whether `path` is, or lies in, what no build reads.
pub fn is_dropped(path: &str) -> bool {
    DROPPED.iter().any(|dropped| {
        path.strip_prefix(dropped).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// A link's target as it is kept: relative, and never above the root. `at` is the link's own clean path.
/// An absolute target is made relative, so that a tree grafted elsewhere still points into itself.
pub fn target(at: &str, raw: &[u8]) -> Result<String, &'static str> {
    let text = std::str::from_utf8(raw).map_err(|_| "is a link whose target is not UTF-8")?;
    if text.is_empty() || text.contains('\0') {
        return Err("is a link to nothing");
    }
    let depth = at.matches('/').count();
    if let Some(absolute) = text.strip_prefix('/') {
        let inner = clean(absolute.as_bytes()).map_err(|_| "is a link that leaves the tree")?;
        let up = "../".repeat(depth);
        return Ok(if up.is_empty() && inner.is_empty() { ".".to_string() } else { format!("{up}{inner}") });
    }
    // Only leading `..`s: after a name they would climb from wherever *that* link points, which no text can tell.
    let mut parts = text.split('/').filter(|part| !matches!(*part, "" | "."));
    let climbs = parts.by_ref().take_while(|part| *part == "..").count();
    if climbs > depth || parts.any(|part| part == "..") {
        return Err("is a link that leaves the tree");
    }
    Ok(text.to_string())
}
