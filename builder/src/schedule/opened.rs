//! What an action opened of each keg that it was shown, kept beside its result as a note of the store.
//!
//! Heard by the sandbox while the action ran; never in the key, never in the output. No note means that nobody heard,
//! which is not the same as that nothing was opened. The note `opened/<sha256 of the key>`, a line a thing:
//!
//! ```text
//! /kegs/zlib/0 <tab> header <tab> 2 <tab> include/zlib.h <tab> include/zconf.h     how many files, and the first
//! seed <tab> program <tab> /usr/bin/m4                                             each program of the seed
//! lost                                                                             there may have been more
//! ```

use std::collections::{BTreeMap, BTreeSet};

use kegs::{Digest, Store, StoreError};

use crate::sandbox::{Loss, Observe, Opened};

const KIND: &str = "opened";

/// As many paths of a class are kept as a person would look at.
const FIRST_MAX: usize = 8;

/// What a file of a keg is to a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    Header,
    Library,
    PkgConfig,
    /// It was started, whatever its name.
    Program,
    Other,
}

const CLASSES: [(Class, &str); 5] = [
    (Class::Header, "header"),
    (Class::Library, "library"),
    (Class::PkgConfig, "pkgconfig"),
    (Class::Program, "program"),
    (Class::Other, "other"),
];

/// Files of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Few {
    pub count: usize,
    /// In the order of names, relative to the keg.
    pub first: Vec<String>,
}

/// What one action opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Observed {
    /// By prefix (`/kegs/zlib/0`); a keg of which nothing was opened is not here.
    pub kegs: BTreeMap<String, BTreeMap<Class, Few>>,
    /// Programs of the seed that were started.
    pub programs: BTreeSet<String>,
    /// The kernel dropped events: what is not here may have been opened all the same.
    pub lost: Loss,
}

/// What is to be heard of a build: its kegs whole, and the programs of its seed.
pub(super) fn wish() -> Observe {
    Observe { files: "/kegs/".into(), programs: "/usr".into() }
}

impl Observed {
    pub fn new(opened: &Opened) -> Observed {
        let mut observed = Observed { lost: opened.lost, ..Observed::default() };
        for path in opened.files.keys() {
            let Some((keg, file)) = parts(path) else { continue };
            let class = if opened.programs.contains(path) { Class::Program } else { class(file) };
            observed.take(keg, class, file);
        }
        let of_seed = opened.programs.iter().filter(|path| parts(path).is_none());
        observed.programs = of_seed.cloned().collect();
        observed
    }

    fn take(&mut self, keg: &str, class: Class, file: &str) {
        let few = self.kegs.entry(keg.into()).or_default().entry(class).or_default();
        few.count += 1;
        if few.first.len() < FIRST_MAX {
            few.first.push(file.into());
        }
    }

    /// Keeps it beside the result of `key`.
    pub fn remember(&self, store: &Store, key: &Digest) -> Result<(), StoreError> {
        store.set_note(KIND, &key.hex(), self.to_text().as_bytes())
    }

    /// `None` when nobody heard the action of `key`, or the note is not understood.
    pub fn remembered(store: &Store, key: &Digest) -> Option<Observed> {
        Observed::parse(std::str::from_utf8(&store.note(KIND, &key.hex())?).ok()?)
    }

    fn to_text(&self) -> String {
        let mut text = String::new();
        for (keg, classes) in &self.kegs {
            for (class, few) in classes {
                text += &format!("{keg}\t{}\t{}\t{}\n", class.word(), few.count, few.first.join("\t"));
            }
        }
        self.programs.iter().for_each(|program| text += &format!("seed\tprogram\t{program}\n"));
        if self.lost == Loss::Some {
            text += "lost\n";
        }
        text
    }

    fn parse(text: &str) -> Option<Observed> {
        let mut observed = Observed::default();
        for line in text.lines() {
            match line.split('\t').collect::<Vec<_>>().as_slice() {
                ["lost"] => observed.lost = Loss::Some,
                ["seed", "program", program] => drop(observed.programs.insert(program.to_string())),
                [keg, class, count, first @ ..] => {
                    let first = first.iter().map(|path| path.to_string()).collect();
                    let few = Few { count: count.parse().ok()?, first };
                    observed.kegs.entry(keg.to_string()).or_default().insert(Class::parse(class)?, few);
                }
                _ => return None,
            }
        }
        Some(observed)
    }
}

impl Class {
    fn word(self) -> &'static str {
        CLASSES.iter().find(|(class, _)| *class == self).map_or("other", |(_, word)| word)
    }

    fn parse(word: &str) -> Option<Class> {
        CLASSES.iter().find(|(_, known)| *known == word).map(|(class, _)| *class)
    }
}

/// `/kegs/zlib/0/include/zlib.h` to `/kegs/zlib/0` and `include/zlib.h`. A name that would tear the note's line is no path.
fn parts(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/kegs/").filter(|rest| !rest.contains(['\t', '\n']))?;
    let (name, rest) = rest.split_once('/')?;
    let (slot, file) = rest.split_once('/')?;
    Some((&path[.."/kegs/".len() + name.len() + 1 + slot.len()], file))
}

fn class(file: &str) -> Class {
    let name = file.rsplit('/').next().unwrap_or(file);
    if file.contains("/pkgconfig/") && name.ends_with(".pc") {
        Class::PkgConfig
    } else if file.starts_with("include/") || [".h", ".hpp", ".hh"].iter().any(|end| name.ends_with(end)) {
        Class::Header
    } else if name.ends_with(".a") || name.ends_with(".so") || name.contains(".so.") {
        Class::Library
    } else {
        Class::Other
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    fn opened() -> Opened {
        let files = [
            "/kegs/zlib/0/include/zlib.h",
            "/kegs/zlib/0/lib/libz.so.1.3.1",
            "/kegs/zlib/0/lib/pkgconfig/zlib.pc",
            "/kegs/make/0/bin/make",
            "/kegs/perl/0/lib/perl5/strict.pm",
            "/kegs/odd/0/a\tb",
        ];
        Opened {
            files: files.map(|path| (path.to_string(), 3)).into(),
            programs: ["/usr/bin/m4".to_string(), "/kegs/make/0/bin/make".into()].into(),
            lost: Loss::Nothing,
        }
    }

    #[test]
    fn what_was_opened_is_told_by_keg_and_class() {
        expect![[r#"
            /kegs/make/0	program	1	bin/make
            /kegs/perl/0	other	1	lib/perl5/strict.pm
            /kegs/zlib/0	header	1	include/zlib.h
            /kegs/zlib/0	library	1	lib/libz.so.1.3.1
            /kegs/zlib/0	pkgconfig	1	lib/pkgconfig/zlib.pc
            seed	program	/usr/bin/m4
        "#]]
        .assert_eq(&Observed::new(&opened()).to_text());
    }

    #[test]
    fn a_note_is_read_as_it_was_written_and_nonsense_is_none() {
        let observed = Observed { lost: Loss::Some, ..Observed::new(&opened()) };
        assert_eq!(Observed::parse(&observed.to_text()), Some(observed));
        assert_eq!(Observed::parse("/kegs/zlib/0\theader\tmany\n"), None);
        assert_eq!(Observed::parse("hello\n"), None);
    }

    #[test]
    fn of_many_files_the_first_are_named_and_all_counted() {
        let files = (0..100).map(|n| (format!("/kegs/linux-headers/0/include/{n:03}.h"), 1)).collect();
        let observed = Observed::new(&Opened { files, ..Opened::default() });
        let few = &observed.kegs["/kegs/linux-headers/0"][&Class::Header];
        assert_eq!((few.count, few.first.len(), few.first[7].as_str()), (100, 8, "include/007.h"));
    }
}
