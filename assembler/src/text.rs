//! The text twin: an image tree as text, one line a path, made to be printed and diffed, and to be read back.
//!
//! ```text
//! # rootbrew tree 1
//! folder 0755 0:0 - - /bin # /bin/nginx: stands in it
//! link 0777 0:0 - - /bin/nginx -> /kegs/nginx/0/bin/nginx # role: service nginx runs nginx
//! file 0755 0:0 7370112 <sha256, 64 hex digits> /kegs/nginx/0/bin/nginx # /bin/nginx: points to it
//! ```
//! Kind, mode, owner:group, bytes, sha256, path, target, reason. No column is padded, so a change of one line is a
//! change of one line. In paths and targets, bytes up to and with the space, `#`, `\` and DEL are `\xNN`; in reasons
//! only line ends are.

use std::fmt::Write;

use kegs::{Digest, digest::parse_sha256};

use crate::tree::{By, Bytes, ImageTree, Kind, Node, Reason};

const FIRST_LINE: &str = "# rootbrew tree 1";

/// Sorted by path, the root first. The same tree gives the same text.
pub fn print(tree: &ImageTree) -> String {
    let mut text = format!("{FIRST_LINE}\n");
    for (path, node) in tree.iter() {
        text.push_str(&line(path, node));
        text.push('\n');
    }
    text
}

fn line(path: &str, node: &Node) -> String {
    let (kind, content, target) = match &node.kind {
        Kind::Folder => ("folder", "- -".to_string(), String::new()),
        Kind::Link { target } => ("link", "- -".to_string(), format!(" -> {}", escape(target))),
        Kind::File(bytes) => ("file", format!("{} {}", bytes.len(), bytes.digest().hex()), String::new()),
    };
    let Node { mode, uid, gid, reason, .. } = node;
    let reason = reason.to_string().replace('\\', "\\x5c").replace('\n', "\\x0a").replace('\r', "\\x0d");
    format!("{kind} {mode:04o} {uid}:{gid} {content} /{}{target} # {reason}", escape(path))
}

/// Text as it stands in a twin: no space, no control character, nothing that a terminal obeys.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '\0'..=' ' | '#' | '\\' | '\x7f' => {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\x{:02x}", character as u32);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Which line of a text is not a tree's, from 1, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct NotATree {
    pub line: usize,
    pub what: String,
}

/// The tree of a text; its files are `Stored`.
///
/// # Errors
/// The first line that is not as `print` writes it.
pub fn parse(text: &str) -> Result<ImageTree, NotATree> {
    let mut lines = text.lines().enumerate();
    if lines.next().map(|(_, first)| first) != Some(FIRST_LINE) {
        return Err(NotATree { line: 1, what: format!("is not `{FIRST_LINE}`") });
    }
    let mut tree = ImageTree::default();
    for (at, line) in lines {
        let refuse = |what: String| NotATree { line: at + 1, what };
        let (path, node) = parse_line(line).ok_or_else(|| refuse(format!("`{line}` is no path's line")))?;
        tree.put(&path, node).map_err(|refused| refuse(refused.to_string()))?;
    }
    Ok(tree)
}

fn parse_line(line: &str) -> Option<(String, Node)> {
    let (head, reason) = line.split_once(" # ")?;
    let words: Vec<&str> = head.split(' ').collect();
    let [kind, mode, owner, size, sha256, path, rest @ ..] = words.as_slice() else { return None };
    let kind = match (*kind, *size, *sha256, rest) {
        ("folder", "-", "-", []) => Kind::Folder,
        ("link", "-", "-", ["->", target]) => Kind::Link { target: unescape(target)? },
        ("file", size, sha256, []) => Kind::File(Bytes::Stored(Digest {
            sha256: parse_sha256(sha256)?,
            size_bytes: size.parse().ok()?,
        })),
        _ => return None,
    };
    let (uid, gid) = owner.split_once(':')?;
    let mode = u16::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o7777)?;
    let node = Node {
        kind,
        mode,
        uid: uid.parse().ok()?,
        gid: gid.parse().ok()?,
        reason: parse_reason(&unescape(reason)?)?,
    };
    Some((unescape(path.strip_prefix('/')?)?, node))
}

fn parse_reason(text: &str) -> Option<Reason> {
    // A path may hold ": ", a clause never does: ours are written here, in this crate.
    let (by, how) = text.rsplit_once(": ")?;
    Some(match (by, by.strip_prefix('/')) {
        ("image", _) => Reason::image(how),
        ("role", _) => Reason::role(how),
        (_, Some(path)) => Reason { by: By::Path(path.to_string()), how: how.to_string() },
        _ => return None,
    })
}

fn unescape(text: &str) -> Option<String> {
    let mut parts = text.split("\\x");
    let mut plain = parts.next()?.to_string();
    for part in parts {
        let byte = u8::from_str_radix(part.get(..2)?, 16).ok().filter(u8::is_ascii)?;
        plain.push(byte.into());
        plain.push_str(&part[2..]);
    }
    (!plain.is_empty() || text.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn tree() -> ImageTree {
        let mut tree = ImageTree::default();
        let node = Node::stored(Digest::of(b"x"), 0o755, Reason::path("bin/a", "points to it"));
        tree.insert("kegs/a/0/bin/a", node).unwrap();
        tree.insert("bin/a", Node::link("/kegs/a/0/bin/a", Reason::role("service a runs a"))).unwrap();
        tree.insert("tmp", Node::folder(0o1777, Reason::image("mounted on at boot"))).unwrap();
        tree
    }

    #[test]
    fn a_line_a_path() {
        expect![[r##"
            # rootbrew tree 1
            folder 0755 0:0 - - / # image: the root
            folder 0755 0:0 - - /bin # /bin/a: stands in it
            link 0777 0:0 - - /bin/a -> /kegs/a/0/bin/a # role: service a runs a
            folder 0755 0:0 - - /kegs # /kegs/a/0/bin/a: stands in it
            folder 0755 0:0 - - /kegs/a # /kegs/a/0/bin/a: stands in it
            folder 0755 0:0 - - /kegs/a/0 # /kegs/a/0/bin/a: stands in it
            folder 0755 0:0 - - /kegs/a/0/bin # /kegs/a/0/bin/a: stands in it
            file 0755 0:0 1 2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881 /kegs/a/0/bin/a # /bin/a: points to it
            folder 1777 0:0 - - /tmp # image: mounted on at boot
        "##]]
        .assert_eq(&print(&tree()));
    }

    #[test]
    fn what_is_printed_is_read_back() {
        let mut tree = tree();
        let odd = "odd/a b#c\\x20\n\u{1}ä: -> /";
        let name = odd.trim_end_matches('/').trim_end_matches(" -> ");
        tree.insert(name, Node::link(" -> #\\", Reason::path(name, "points\nto \\ it"))).unwrap();
        assert_eq!(parse(&print(&tree)), Ok(tree));
    }

    fn check(text: &str, expected: Expect) {
        let text = format!("{FIRST_LINE}\n{text}");
        expected.assert_eq(&parse(&text).map(|_| String::new()).unwrap_or_else(|error| error.to_string()));
    }

    #[test]
    fn what_is_no_tree() {
        assert_eq!(parse("").unwrap_err().line, 1);
        check("folder 0755 0:0 - - /a", expect!["line 2: `folder 0755 0:0 - - /a` is no path's line"]);
        check(
            "folder 0755 0:0 - - /a # image: x\nlink 0777 0:0 - - /b # image: x",
            expect!["line 3: `link 0777 0:0 - - /b # image: x` is no path's line"],
        );
        check(
            "folder 0755 0:0 - - /../a # image: x",
            expect![
                "line 2: `../a` is not a path that an image can hold (empty, `.`, `..`, a NUL, a name over 255 bytes or all over 4095)"
            ],
        );
        check("folder 0755 0:0 - - /a/b # image: x", expect!["line 2: `a/b` stands in no folder"]);
        check(
            "folder 0755 0:0 - - /a # image: x\nfolder 0755 0:0 - - /a # image: x",
            expect!["line 3: `a` is there already, as something else"],
        );
        check(
            "link 0777 0:0 - - /b -> \\xff # image: x",
            expect![[r#"line 2: `link 0777 0:0 - - /b -> \xff # image: x` is no path's line"#]],
        );
    }
}
