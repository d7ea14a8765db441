//! What a keg's files say of themselves. A tree is read once: the note `lint-keg/<sha256 of the tree>` has the answer after.

use assembler::closure::{elf as needs, script};
use kegs::{Digest, Node, Store, StoreError, Tree};
use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader, SectionHeader};
use object::{Endianness, FileKind, Object};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Raised when the same bytes would give other facts.
const VERSION: u32 = 3;
const KIND: &str = "lint-keg";

/// Two copies of less are no matter: smaller than a block of an image, many are empty on purpose.
const TWIN_MIN_BYTES: u64 = 16 << 10;

/// Where the builder's sandbox has its tree and its output: neither is there when the keg is used.
const BUILD_PATHS: [&[u8]; 2] = [b"/build/source", b"/build/out"];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    version: u32,
    pub files: usize,
    pub programs: usize,
    /// Archives and shared libraries.
    pub libraries: usize,
    pub elves: Vec<Elf>,
    pub scripts: Vec<Script>,
    /// Files that name the builder's own folders.
    pub build_paths: Vec<String>,
    /// Paths with the same bytes, and how many those are.
    pub twins: Vec<(Vec<String>, u64)>,
}

/// A program or a shared library.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Elf {
    pub path: String,
    pub interpreter: Option<String>,
    pub needed: Vec<String>,
    pub soname: Option<String>,
    pub search: Vec<String>,
    pub executable_stack: bool,
    pub text_relocations: bool,
    pub relro: bool,
    pub now: bool,
    pub position_independent: bool,
    pub dynamic: bool,
    /// A table of its symbols, which stripping takes.
    pub symbols: bool,
    /// Names of libraries among its strings, where it calls `dlopen` and has no note of them.
    pub dlopens: Vec<String>,
}

/// An executable text and its first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Script {
    pub path: String,
    pub interpreter: String,
    pub by_env: Option<String>,
    pub line_bytes: usize,
}

impl Facts {
    /// # Errors
    /// A tree or a file that can't be read.
    pub fn of(store: &Store, root: &Digest) -> Result<Facts, StoreError> {
        if let Some(known) = remembered(store, root) {
            return Ok(known);
        }
        let facts = read(store, &store.tree(root)?)?;
        if let Ok(text) = serde_json::to_vec(&facts) {
            // A note that can't be kept costs only that it is read again.
            store.set_note(KIND, &root.hex(), &text).ok();
        }
        Ok(facts)
    }
}

fn remembered(store: &Store, root: &Digest) -> Option<Facts> {
    let facts: Facts = serde_json::from_slice(&store.note(KIND, &root.hex())?).ok()?;
    (facts.version == VERSION).then_some(facts)
}

fn read(store: &Store, tree: &Tree) -> Result<Facts, StoreError> {
    let files: Vec<(&String, &Digest, bool)> = tree
        .nodes
        .iter()
        .filter_map(|(path, node)| match node {
            Node::File { digest, executable } => Some((path, digest, *executable)),
            _ => None,
        })
        .collect();
    let mut facts = Facts { version: VERSION, files: files.len(), twins: twins(&files), ..Facts::default() };
    facts.programs = files.iter().filter(|(path, _, executable)| *executable && is_program(path)).count();
    facts.libraries = files.iter().filter(|(path, ..)| is_library(path)).count();
    let read: Vec<One> = files
        .par_iter()
        .map(|(path, digest, executable)| Ok(one(path, &store.get(digest)?, *executable)))
        .collect::<Result<_, StoreError>>()?;
    for one in read {
        facts.elves.extend(one.elf);
        facts.scripts.extend(one.script);
        facts.build_paths.extend(one.build_path);
    }
    Ok(facts)
}

#[derive(Default)]
struct One {
    elf: Option<Elf>,
    script: Option<Script>,
    build_path: Option<String>,
}

fn one(path: &str, bytes: &[u8], executable: bool) -> One {
    let names_build = BUILD_PATHS.iter().any(|folder| names(bytes, folder));
    One {
        elf: elf(path, bytes),
        script: executable.then(|| script(path, bytes)).flatten(),
        build_path: names_build.then(|| path.to_string()),
    }
}

/// Whether the folder is named, and not one whose name only begins so.
fn names(bytes: &[u8], folder: &[u8]) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    memchr::memmem::find_iter(bytes, folder).any(|at| !bytes.get(at + folder.len()).is_some_and(goes_on))
}

fn script(path: &str, bytes: &[u8]) -> Option<Script> {
    let found = script::interpreter(bytes)?;
    let line_bytes = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    Some(Script { path: path.into(), interpreter: found.path, by_env: found.by_env, line_bytes })
}

fn is_program(path: &str) -> bool {
    path.starts_with("bin/") || path.starts_with("sbin/")
}

pub fn is_library(path: &str) -> bool {
    path.starts_with("lib/") && (path.ends_with(".a") || path.ends_with(".so") || path.contains(".so."))
}

fn twins(files: &[(&String, &Digest, bool)]) -> Vec<(Vec<String>, u64)> {
    let mut by_digest = std::collections::BTreeMap::<&Digest, Vec<String>>::new();
    let large = files.iter().filter(|(_, digest, _)| digest.size_bytes >= TWIN_MIN_BYTES);
    large.for_each(|(path, digest, _)| by_digest.entry(digest).or_default().push(path.to_string()));
    let twins = by_digest.into_iter().filter(|(_, paths)| paths.len() > 1);
    twins.map(|(digest, paths)| (paths, digest.size_bytes)).collect()
}

/// `None` for what is no program and no shared library: objects and modules of a kernel too.
fn elf(path: &str, bytes: &[u8]) -> Option<Elf> {
    if !needs::is_elf(bytes) {
        return None;
    }
    let mut found = match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => marks::<elf::FileHeader32<Endianness>>(bytes)?,
        Ok(FileKind::Elf64) => marks::<elf::FileHeader64<Endianness>>(bytes)?,
        _ => return None,
    };
    let needs = needs::needs(bytes).ok()?;
    let noted = !needs.dlopen.is_empty();
    found.path = path.into();
    found.interpreter = needs.interpreter;
    found.needed = needs.needed;
    found.search = needs.search;
    found.soname = needs.soname;
    if !noted && imports(bytes, b"dlopen") {
        found.dlopens = library_names(bytes);
        found.dlopens.retain(|name| !found.needed.contains(name) && found.soname.as_ref() != Some(name));
    }
    Some(found)
}

fn imports(bytes: &[u8], name: &[u8]) -> bool {
    let imports = object::File::parse(bytes).and_then(|file| file.imports()).unwrap_or_default();
    imports.iter().any(|import| import.name() == name)
}

fn marks<Header: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Elf> {
    let header = Header::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    if !matches!(header.e_type(endian), elf::ET_EXEC | elf::ET_DYN) {
        return None;
    }
    let mut found = Elf { position_independent: header.e_type(endian) == elf::ET_DYN, ..Elf::default() };
    let sections = header.sections(endian, bytes).ok();
    found.symbols = sections.is_some_and(|all| all.iter().any(|one| one.sh_type(endian) == elf::SHT_SYMTAB));
    // Without the header, the kernel gives a stack that can be executed (execstack(8)).
    found.executable_stack = true;
    for segment in header.program_headers(endian, bytes).ok()? {
        match segment.p_type(endian) {
            elf::PT_GNU_STACK => found.executable_stack = segment.p_flags(endian) & elf::PF_X != 0,
            elf::PT_GNU_RELRO => found.relro = true,
            elf::PT_DYNAMIC => {
                found.dynamic = true;
                let entries = segment.dynamic(endian, bytes).ok().flatten().unwrap_or(&[]);
                entries.iter().for_each(|entry| {
                    found.note(entry.d_tag(endian).into(), entry.d_val(endian).into());
                });
            }
            _ => {}
        }
    }
    Some(found)
}

impl Elf {
    fn note(&mut self, tag: u64, value: u64) {
        let is = |wanted: u32| tag == u64::from(wanted);
        let has = |flag: u32| value & u64::from(flag) != 0;
        self.now |= is(elf::DT_BIND_NOW)
            || is(elf::DT_FLAGS) && has(elf::DF_BIND_NOW)
            || is(elf::DT_FLAGS_1) && has(elf::DF_1_NOW);
        self.text_relocations |= is(elf::DT_TEXTREL) || is(elf::DT_FLAGS) && has(elf::DF_TEXTREL);
    }
}

/// Words of the form `libx.so`, `libx.so.1`, as C strings.
fn library_names(bytes: &[u8]) -> Vec<String> {
    let mut names: Vec<String> = bytes
        .split(|byte| *byte == 0)
        .filter(|text| text.len() < 64 && text.starts_with(b"lib"))
        .filter_map(|text| std::str::from_utf8(text).ok())
        .filter(|text| is_library_name(text))
        .map(str::to_string)
        .collect();
    names.sort();
    names.dedup();
    names
}

fn is_library_name(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || "_-+.".contains(c);
    let Some((stem, version)) = text.split_once(".so") else { return false };
    let numbered = version.is_empty()
        || version.starts_with('.') && version[1..].chars().all(|c| c.is_ascii_digit() || c == '.');
    stem.len() > 3 && stem.chars().all(word) && numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_libraries_are_told_from_other_strings() {
        let names = library_names(
            b"\0libz.so.1\0libfoo.so\0lib%s.so\0liberty\0lib.so\0libx.so.in\0path/libz.so\0libz.so.1\0",
        );
        assert_eq!(names, ["libfoo.so", "libz.so.1"]);
    }
}
