//! The debug volume of an image: its programs by build-id, what was taken from each for debuggers, and the tools.
//!
//! ```text
//! manifest.toml                      role, image, [build_ids] path to id, of every program of the image that has one
//! bin/gdb -> ../kegs/gdb/0/bin/gdb   the tools, each link a relative one: the volume is mounted at VOLUME
//! usr/lib/debug/.build-id/7c/….debug
//! etc/shrc  kegs/gdb/0/etc/gdbinit   what makes them find it
//! ```
//! As an image: pure but for reading contents, the same tree for the same image and tools.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::os::unix::fs::FileExt;

use kegs::Digest;

use crate::content::Content;
use crate::tree::{Bytes, ImageTree, Kind, Node, Reason, Refused};

/// Where the agent mounts it.
pub const VOLUME: &str = "/run/rootbrew/debug";
const GDB: &str = "kegs/gdb/0";
const TERMINALS: &str = "kegs/ncurses/0/share/terminfo";

/// A program or library of an image. Without a build-id nothing can be found of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub path: String,
    pub build_id: Option<String>,
}

/// Every ELF file of a tree, by path.
///
/// # Errors
/// The content's.
pub fn programs(tree: &ImageTree, content: &dyn Content) -> io::Result<Vec<Program>> {
    let mut programs = Vec::new();
    for (path, node) in tree.iter() {
        let Kind::File(bytes) = &node.kind else { continue };
        if let Some(build_id) = of_file(bytes, content)? {
            programs.push(Program { path: format!("/{path}"), build_id });
        }
    }
    Ok(programs)
}

/// `None`: no ELF file; inside, its build-id.
fn of_file(bytes: &Bytes, content: &dyn Content) -> io::Result<Option<Option<String>>> {
    const ELF: &[u8] = b"\x7fELF";
    match bytes {
        Bytes::Inline(bytes) if bytes.starts_with(ELF) => {
            Ok(Some(host::build_id::build_id(&|from, size| {
                let from = usize::try_from(from).ok()?;
                Some(bytes.get(from..from.checked_add(size)?)?.to_vec())
            })))
        }
        Bytes::Stored(digest) if digest.size_bytes > 64 => {
            let file = content.open(digest)?;
            let read = |from: u64, size: usize| {
                let mut bytes = vec![0; size];
                file.read_exact_at(&mut bytes, from).ok()?;
                Some(bytes)
            };
            let is_elf = read(0, ELF.len()).is_some_and(|head| head == ELF);
            Ok(is_elf.then(|| host::build_id::build_id(&read)))
        }
        _ => Ok(None),
    }
}

/// What a volume is made of.
pub struct Wanted<'a> {
    pub role: &'a str,
    pub image_sha256: &'a str,
    /// Of the image.
    pub programs: &'a [Program],
    /// By build-id: what a debugger wants of it.
    pub debug: &'a BTreeMap<String, Digest>,
    /// As composed for an image of their own.
    pub tools: &'a ImageTree,
}

/// The volume's tree.
///
/// # Errors
/// A keg that holds what the volume's own files are called.
pub fn volume(wanted: &Wanted) -> Result<ImageTree, Refused> {
    let mut tree = ImageTree::default();
    let of_tools = wanted.tools.iter().filter(|(path, node)| !node.is_folder() && is_tool(path));
    for (path, node) in of_tools {
        tree.insert(path, moved(path, node))?;
    }
    let besides: Vec<String> =
        tree.iter().map(|(path, _)| path.to_string()).filter(|path| is_beside(path)).collect();
    for path in besides {
        let at = format!("bin/{}", path.rsplit('/').next().unwrap_or_default());
        if tree.get(&at).is_none() {
            tree.insert(&at, Node::link(format!("../{path}"), Reason::path(&path, "is a program")))?;
        }
    }
    for program in wanted.programs {
        told(&mut tree, program, wanted.debug)?;
    }
    let mut put = |path: &str, text: &str| {
        tree.insert(path, Node::inline(text, 0o444, Reason::image("makes the volume one")))
    };
    put("manifest.toml", &manifest(wanted))?;
    put("etc/shrc", SHRC)?;
    if wanted.tools.get(GDB).is_some() {
        put(&format!("{GDB}/etc/gdbinit"), &gdbinit())?;
    }
    if wanted.tools.get(TERMINALS).is_some() {
        let reason = Reason::image("the shell's TERMINFO names it");
        tree.insert("usr/share/terminfo", Node::link(format!("../../{TERMINALS}"), reason))?;
    }
    Ok(tree)
}

/// What a debugger wants of a program. Copies of one program are one.
fn told(tree: &mut ImageTree, program: &Program, debug: &BTreeMap<String, Digest>) -> Result<(), Refused> {
    let Some((id, digest)) = program.build_id.as_ref().and_then(|id| debug.get_key_value(id)) else {
        return Ok(());
    };
    let (first, rest) = id.split_at(2);
    let reason = Reason::image(format!("is of {}", program.path));
    tree.insert(
        &format!("usr/lib/debug/.build-id/{first}/{rest}.debug"),
        Node::stored(*digest, 0o444, reason),
    )
}

/// The programs of the image of which the volume has nothing to tell.
pub fn lacking<'a>(programs: &'a [Program], debug: &BTreeMap<String, Digest>) -> Vec<&'a Program> {
    let has = |program: &&Program| program.build_id.as_ref().is_some_and(|id| debug.contains_key(id));
    programs.iter().filter(|program| !has(program)).collect()
}

/// Not the agent and the names that every image holds.
fn is_tool(path: &str) -> bool {
    path.starts_with("kegs/") || path.starts_with("bin/") && path != "bin/rootbrewctl"
}

/// A program where no shell looks: `kegs/busybox/0/usr/bin/id`.
fn is_beside(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    matches!(parts.as_slice(), ["kegs", _, _, "usr", "bin" | "sbin", _])
}

/// An absolute link leads out of the volume: it becomes one from where it stands.
fn moved(path: &str, node: &Node) -> Node {
    match &node.kind {
        Kind::Link { target } if target.starts_with('/') => {
            let up = "../".repeat(path.matches('/').count());
            Node::link(format!("{up}{}", target.trim_start_matches('/')), node.reason.clone())
        }
        _ => node.clone(),
    }
}

fn manifest(wanted: &Wanted) -> String {
    let mut text = format!("role  = \"{}\"\nimage = \"{}\"\n", wanted.role, wanted.image_sha256);
    // Writing to a string can't fail.
    write!(text, "lacks = [").ok();
    let lacking = lacking(wanted.programs, wanted.debug);
    lacking.iter().for_each(|program| _ = write!(text, "{:?}, ", program.path));
    text.push_str("]\n\n[build_ids]\n");
    let with_id = wanted.programs.iter().filter_map(|one| Some((&one.path, one.build_id.as_ref()?)));
    with_id.for_each(|(path, id)| _ = writeln!(text, "{path:?} = \"{id}\""));
    text
}

/// Whatever it was configured with, gdb finds what the volume has; sources by the paths that the compiler wrote.
fn gdbinit() -> String {
    format!(
        "set debug-file-directory {VOLUME}/usr/lib/debug\nset auto-load safe-path {VOLUME}\n\
         set substitute-path /usr/src {VOLUME}/usr/src\nset history save off\nset confirm off\n"
    )
}

const SHRC: &str = "PS1='debug \\w # '\nHISTFILE=\nalias ll='ls -l'\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Folder;

    fn tools() -> ImageTree {
        let mut tools = ImageTree::default();
        let why = || Reason::role("asks");
        let mut put = |path: &str, node: Node| tools.insert(path, node).expect("a path");
        put("sbin/init", Node::inline("agent", 0o755, why()));
        put("bin/rootbrewctl", Node::link("/sbin/init", why()));
        put("bin/gdb", Node::link("/kegs/gdb/0/bin/gdb", why()));
        put("kegs/gdb/0/bin/gdb", Node::inline("gdb", 0o755, why()));
        put("kegs/busybox/0/usr/bin/id", Node::link("../../bin/busybox", why()));
        tools
    }

    #[test]
    fn a_volume_has_tools_and_what_was_taken_from_each_program() {
        let program =
            |path: &str, id: Option<&str>| Program { path: path.into(), build_id: id.map(str::to_string) };
        let programs =
            [program("/bin/a", Some("7c1e00")), program("/bin/b", Some("ff00")), program("/bin/c", None)];
        let debug =
            BTreeMap::from([("7c1e00".to_string(), Digest::of(b"debug")), ("99".into(), Digest::of(b"x"))]);
        let tools = tools();
        let wanted =
            Wanted { role: "web", image_sha256: "00", programs: &programs, debug: &debug, tools: &tools };
        let tree = volume(&wanted).expect("a volume");
        let paths: Vec<&str> =
            tree.iter().filter(|(_, node)| !node.is_folder()).map(|(path, _)| path).collect();
        let expected = [
            "bin/gdb",
            "bin/id",
            "etc/shrc",
            "kegs/busybox/0/usr/bin/id",
            "kegs/gdb/0/bin/gdb",
            "kegs/gdb/0/etc/gdbinit",
            "manifest.toml",
            "usr/lib/debug/.build-id/7c/1e00.debug",
        ];
        assert_eq!(paths, expected);
        assert_eq!(
            tree.get("bin/gdb").map(|node| &node.kind),
            Some(&Kind::Link { target: "../kegs/gdb/0/bin/gdb".into() })
        );
        let Some(Kind::File(Bytes::Inline(manifest))) = tree.get("manifest.toml").map(|node| &node.kind)
        else {
            panic!("a manifest");
        };
        expect_test::expect![[r#"
            role  = "web"
            image = "00"
            lacks = ["/bin/b", "/bin/c", ]

            [build_ids]
            "/bin/a" = "7c1e00"
            "/bin/b" = "ff00"
        "#]]
        .assert_eq(&String::from_utf8_lossy(manifest));
    }

    #[test]
    fn programs_are_found_by_their_bytes() {
        let folder = tempfile::tempdir().expect("a folder");
        let own = std::fs::read("/proc/self/exe").expect("this program");
        let digest = Digest::of(&own);
        std::fs::write(folder.path().join(digest.hex()), &own).expect("room");
        let mut tree = ImageTree::default();
        tree.insert("bin/a", Node::stored(digest, 0o755, Reason::role("asks"))).expect("a path");
        tree.insert("bin/b", Node::inline("#!/bin/sh", 0o755, Reason::role("asks"))).expect("a path");
        tree.insert("bin/c", Node::inline(&own[..4096], 0o755, Reason::role("asks"))).expect("a path");
        let found = programs(&tree, &Folder(folder.path().into())).expect("read");
        assert_eq!(found.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/bin/a", "/bin/c"]);
        assert_eq!(found[0].build_id.as_ref().map(String::len), Some(40));
        assert_eq!(found[0].build_id, found[1].build_id);
    }
}
