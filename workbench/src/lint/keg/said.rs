//! What a build's log tells: switches that nobody took (K04), others' libraries that were compiled (S11).
//!
//! A log is read once: the note `lint-log/<sha256 of the key>` has the answer after.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};

use builder::recipe::Preset;
use kegs::{Digest, Store};

use super::super::finding::Finding;
use super::{Built, place};

/// Raised when the same log would tell otherwise.
const KIND: &str = "lint-log-1";

/// An object that only this library has, by the library.
const OBJECTS: [(&str, &str); 15] = [
    ("brotli", "backward_references_hq"),
    ("bzip2", "randtable"),
    ("c-ares", "ares_init"),
    ("expat", "xmlparse"),
    ("libevent", "evutil_rand"),
    ("libffi", "prep_cif"),
    ("libuv", "uv-common"),
    ("lz4", "lz4hc"),
    ("ncurses", "lib_tparm"),
    ("pcre2", "pcre2_compile"),
    ("readline", "histexpand"),
    ("sqlite", "sqlite3"),
    ("xz", "lzma_encoder"),
    ("zlib", "inflate"),
    ("zstd", "zstd_lazy"),
];

pub fn findings(store: &Store, built: &Built) -> Vec<Finding> {
    let told = told(store, &built.key);
    let ignored = told.switches.iter().filter_map(|switch| finding(built, switch));
    ignored.chain(told.libraries.iter().filter_map(|library| bundled(built, library))).collect()
}

/// Only what the tap has a recipe for: what else is there to be done? A kernel is its own world.
fn bundled(built: &Built, library: &str) -> Option<Finding> {
    let variant = built.variant();
    let is_itself =
        variant.name.contains(library) || variant.provides.iter().any(|name| name.starts_with(library));
    let has_recipe = built.plan.nodes().iter().any(|node| node.variant.name == library);
    if is_itself || !has_recipe || variant.preset == Preset::Kbuild {
        return None;
    }
    let message = format!("`{}` compiled a copy of `{library}` that its source carries", built.name());
    let help = format!(
        "a switch for the system's, and \"{library}\" to `link`: faults are mended there once for all"
    );
    Some(Finding::new("S11", place::maker(built, message).help(help)))
}

/// `None` for a switch that the preset gives, not the recipe.
fn finding(built: &Built, switch: &str) -> Option<Finding> {
    let span = place::argument(built, &|written| is(switch, written))?;
    let text = &built.variant().text;
    let who = match built.variant().preset {
        Preset::Cmake => "cmake",
        Preset::Meson => "meson",
        _ => "configure",
    };
    let written_out = text.content[span.clone()].trim_matches(['"', '\'']).starts_with('-');
    let message = format!("{who} does not know `{switch}` and went on without it");
    let fault =
        text.fault(span, message).label("ignored").help("take it out, or see how this version calls it");
    let edit = place::without(&fault);
    let finding = Finding::new("K04", fault);
    // A `flag` is an option's only effect: without it the option is to be rewritten by a person.
    Some(if written_out { finding.fix(format!("takes `{switch}` out"), vec![edit]) } else { finding })
}

/// Whether `written` in a recipe became `switch` on a command line. `written` may be an option's `flag`.
fn is(switch: &str, written: &str) -> bool {
    let starts = |start: &str| {
        written.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with(['=', ':']))
    };
    let name = |text: &str| {
        let text = text.trim_start_matches("--");
        let cut =
            ["enable-", "disable-", "without-", "with-"].iter().find_map(|family| text.strip_prefix(family));
        cut.unwrap_or(text).to_string()
    };
    match written.strip_prefix('-') {
        Some(_) => starts(switch) || starts(&format!("-D{switch}")),
        None => name(written) == name(switch),
    }
}

/// What one log tells.
#[derive(Default)]
struct Told {
    switches: Vec<String>,
    libraries: Vec<String>,
}

fn told(store: &Store, key: &Digest) -> Told {
    let known = store.note(KIND, &key.hex()).and_then(|note| String::from_utf8(note).ok());
    if let Some(known) = known {
        let of = |word: &str| {
            known.lines().filter_map(|line| Some(line.strip_prefix(word)?.to_string())).collect()
        };
        return Told { switches: of("switch "), libraries: of("library ") };
    }
    let Some(told) = read(store, key) else { return Told::default() };
    let switches = told.switches.iter().map(|switch| format!("switch {switch}\n"));
    let text: String =
        switches.chain(told.libraries.iter().map(|library| format!("library {library}\n"))).collect();
    // A note that can't be kept costs only that the log is read again.
    store.set_note(KIND, &key.hex(), text.as_bytes()).ok();
    told
}

/// `None` where there is no log.
fn read(store: &Store, key: &Digest) -> Option<Told> {
    let log = zstd::Decoder::new(File::open(store.log_path(key)).ok()?).ok()?;
    let (mut complaints, mut libraries) = (Complaints::default(), BTreeSet::new());
    for line in BufReader::new(log).split(b'\n') {
        let line = line.ok()?;
        let line = String::from_utf8_lossy(&line);
        complaints.hear(&line);
        let made = OBJECTS.iter().filter(|(_, object)| makes(&line, object));
        libraries.extend(made.map(|(library, _)| library.to_string()));
    }
    Some(Told { switches: complaints.switches, libraries: libraries.into_iter().collect() })
}

/// Whether an object of this name stands in the line.
fn makes(line: &str, object: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    line.match_indices(object).any(|(at, _)| {
        let rest = &line[at + object.len()..];
        let is_object = [".o", ".lo", ".c.o"]
            .iter()
            .any(|end| rest.strip_prefix(end).is_some_and(|rest| !rest.starts_with(letter)));
        is_object && !line[..at].ends_with(letter)
    })
}

/// How the tools say it, each in the words of its own source.
#[derive(Default)]
struct Complaints {
    switches: Vec<String>,
    /// cmake lists the names on lines of their own, after a blank one.
    listing: Listing,
}

#[derive(Default, PartialEq)]
enum Listing {
    #[default]
    Not,
    Begun,
    Names,
}

/// Before a list of switches, parted by `, `.
const LISTS: [&str; 3] = ["unrecognized options: ", "unrecognised options: ", "Unknown options: "];

/// Before one switch.
const SINGLES: [&str; 2] = ["unknown option ignored: ", ": unknown option "];

impl Complaints {
    fn hear(&mut self, line: &str) {
        let line = line.trim_end();
        if self.listing != Listing::Not {
            self.list(line);
        }
        if line.ends_with("Manually-specified variables were not used by the project:") {
            self.listing = Listing::Begun;
        }
        if let Some(list) = LISTS.iter().find_map(|words| Some(line.split_once(words)?.1)) {
            self.switches
                .extend(list.trim_matches(['"', '.']).split(", ").map(|switch| switch.trim().to_string()));
        } else if let Some(one) = SINGLES.iter().find_map(|words| Some(line.split_once(words)?.1)) {
            self.switches.push(one.trim_matches(['"', '\'']).to_string());
        }
    }

    fn list(&mut self, line: &str) {
        match (line.trim(), &self.listing) {
            ("", Listing::Begun) => {}
            ("", _) => self.listing = Listing::Not,
            (name, _) if line.starts_with("  ") => {
                self.switches.push(name.to_string());
                self.listing = Listing::Names;
            }
            _ => self.listing = Listing::Not,
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(log: &str, expected: Expect) {
        let mut complaints = Complaints::default();
        log.lines().for_each(|line| complaints.hear(line));
        expected.assert_eq(&complaints.switches.join(" "));
    }

    #[test]
    fn each_tool_is_understood() {
        check(
            "configure: WARNING: unrecognized options: --disable-x, --with-y\n",
            expect!["--disable-x --with-y"],
        );
        check("unknown option ignored: --frob\n", expect!["--frob"]);
        check("./configure: unknown option --frob\n", expect!["--frob"]);
        check("WARNING: Unknown options: \"docs, tests\"\n", expect!["docs tests"]);
        check(
            "CMake Warning:\n  Manually-specified variables were not used by the project:\n\n    BUILD_X\n    BUILD_Y\n\n\n-- Build files\n",
            expect!["BUILD_X BUILD_Y"],
        );
        check("checking whether options are known... yes\n", expect![""]);
    }

    #[test]
    fn objects_are_told_from_other_words() {
        assert!(
            makes("cc -c -o zlib/inflate.o zlib/inflate.c", "inflate") && makes("  CC inflate.lo", "inflate")
        );
        assert!(
            !makes("cc -o zlib_inflate.o", "inflate")
                && !makes("cc inflate.c", "inflate")
                && !makes("inflate.obj", "inflate")
        );
    }

    #[test]
    fn a_switch_is_found_as_it_was_written() {
        assert!(
            is("--with-y", "--with-y=/usr")
                && is("BUILD_X", "-DBUILD_X=ON")
                && is("BUILD_X", "-DBUILD_X:BOOL=ON")
        );
        assert!(is("--disable-jit", "jit") && is("--without-zlib", "with-zlib"));
        assert!(!is("--with-y", "--with-yy") && !is("BUILD_X", "-DBUILD_XY=ON"));
    }
}
