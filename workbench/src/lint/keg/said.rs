//! What a build's log complained of and went on: switches that nobody took (K04).
//!
//! A log is read once: the note `lint-log/<sha256 of the key>` has the answer after.

use std::fs::File;
use std::io::{BufRead, BufReader};

use builder::recipe::Preset;
use kegs::{Digest, Store};

use super::super::finding::Finding;
use super::{Built, place};

const KIND: &str = "lint-log/1";

pub fn findings(store: &Store, built: &Built) -> Vec<Finding> {
    let ignored = ignored(store, &built.key);
    ignored.iter().filter_map(|switch| finding(built, switch)).collect()
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

fn ignored(store: &Store, key: &Digest) -> Vec<String> {
    let known = store.note(KIND, &key.hex()).and_then(|note| String::from_utf8(note).ok());
    if let Some(known) = known {
        return known.lines().map(str::to_string).collect();
    }
    let Some(found) = read(store, key) else { return Vec::new() };
    let text: String = found.iter().map(|switch| format!("{switch}\n")).collect();
    // A note that can't be kept costs only that the log is read again.
    store.set_note(KIND, &key.hex(), text.as_bytes()).ok();
    found
}

/// `None` where there is no log.
fn read(store: &Store, key: &Digest) -> Option<Vec<String>> {
    let log = zstd::Decoder::new(File::open(store.log_path(key)).ok()?).ok()?;
    let mut complaints = Complaints::default();
    for line in BufReader::new(log).split(b'\n') {
        complaints.hear(&String::from_utf8_lossy(&line.ok()?));
    }
    Some(complaints.switches)
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
