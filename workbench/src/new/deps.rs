//! What a source asks for: libraries that its build description names, as recipes of this tap.

use std::collections::BTreeSet;

use builder::recipe::Preset;

use crate::archive::Archive;

use super::{Known, Unsure, macros, text_of};

pub struct Needs {
    pub link: Vec<String>,
    pub missing: Vec<String>,
}

/// A name that a build description asks for.
type Asked = (String, &'static str);

pub fn deps(preset: Preset, inside: &Archive, known: &Known, unsure: &mut Vec<Unsure>) -> Needs {
    let asked = match preset {
        Preset::Autotools | Preset::Configure => autoconf(inside),
        Preset::Cmake => cmake(&text_of(inside, "CMakeLists.txt")),
        Preset::Meson => meson(&text_of(inside, "meson.build")),
        _ => Vec::new(),
    };
    let (mut link, mut missing) = (BTreeSet::new(), BTreeSet::new());
    let mut told = Vec::new();
    for (name, by) in asked.into_iter().filter(|(name, _)| !is_system(name)) {
        match recipe(&name, known) {
            Some(recipe) => {
                if link.insert(recipe.clone()) {
                    told.push(format!("{recipe} ({by} asks for {name})"));
                }
            }
            None => drop(missing.insert(name)),
        }
    }
    if !told.is_empty() {
        unsure.push(Unsure { key: "link", why: format!("guessed, needed or not: {}", told.join(", ")) });
    }
    let missing: Vec<String> = missing.into_iter().collect();
    if !missing.is_empty() {
        unsure.push(Unsure { key: "link", why: format!("no recipe here for {}", missing.join(", ")) });
    }
    Needs { link: link.into_iter().collect(), missing }
}

fn autoconf(inside: &Archive) -> Vec<Asked> {
    let text = ["configure.ac", "configure.in"].map(|file| text_of(inside, file)).concat();
    let mut asked = Vec::new();
    for name in ["PKG_CHECK_MODULES", "PKG_CHECK_MODULES_STATIC", "PKG_CHECK_EXISTS"] {
        let modules = usize::from(name != "PKG_CHECK_EXISTS");
        for call in macros::calls(&text, name) {
            asked.extend(modules_of(call.get(modules)).into_iter().map(|name| (name, "PKG_CHECK_MODULES")));
        }
    }
    for call in macros::calls(&text, "AC_CHECK_LIB") {
        asked.extend(call.first().map(|name| (name.clone(), "AC_CHECK_LIB")));
    }
    for call in macros::calls(&text, "AC_SEARCH_LIBS") {
        let libraries =
            call.get(1).map(|names| names.split_whitespace().map(str::to_string).collect::<Vec<_>>());
        // The first of several that would do: `ncursesw ncurses curses`.
        asked.extend(libraries.into_iter().flatten().take(1).map(|name| (name, "AC_SEARCH_LIBS")));
    }
    asked.retain(|(name, _)| is_plain(name));
    asked
}

/// `libfoo >= 1.2 bar` is libfoo and bar.
fn modules_of(argument: Option<&String>) -> Vec<String> {
    let argument = argument.map(|argument| argument.replace([',', '[', ']'], " ")).unwrap_or_default();
    let words: Vec<&str> = argument.split_whitespace().collect();
    let is_bound = |at: usize| at > 0 && words[at - 1].starts_with(['<', '>', '=']);
    let names =
        words.iter().enumerate().filter(|(at, word)| !is_bound(*at) && !word.starts_with(['<', '>', '=']));
    names.map(|(_, word)| word.to_string()).collect()
}

fn cmake(text: &str) -> Vec<Asked> {
    let mut asked = Vec::new();
    for name in ["find_package", "FIND_PACKAGE"] {
        for call in macros::calls(text, name) {
            let first = call.first().and_then(|call| call.split_whitespace().next().map(str::to_string));
            asked.extend(first.map(|name| (name, "find_package")));
        }
    }
    for name in ["pkg_check_modules", "pkg_search_module"] {
        for call in macros::calls(text, name) {
            let words = call.join(" ");
            let upper = |word: &&str| !matches!(*word, "REQUIRED" | "QUIET" | "IMPORTED_TARGET" | "GLOBAL");
            let words = words.split_whitespace().skip(1).filter(upper).collect::<Vec<_>>().join(" ");
            asked.extend(modules_of(Some(&words)).into_iter().map(|name| (name, "pkg_check_modules")));
        }
    }
    asked.retain(|(name, _)| is_plain(name));
    asked
}

fn meson(text: &str) -> Vec<Asked> {
    let mut asked = Vec::new();
    for name in ["dependency", "find_library"] {
        let calls = macros::calls(text, name);
        asked.extend(
            calls.into_iter().filter_map(|call| Some((call.into_iter().next()?, "meson's dependency()"))),
        );
    }
    asked.retain(|(name, _)| is_plain(name));
    asked
}

/// No variable, no macro's argument.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.+".contains(c))
}

/// What the C library has, or what only other systems have, or a build's own tools.
fn is_system(name: &str) -> bool {
    const SYSTEM: [&str; 42] = [
        "m",
        "c",
        "dl",
        "rt",
        "pthread",
        "pthreads",
        "threads",
        "nsl",
        "socket",
        "resolv",
        "util",
        "crypt",
        "intl",
        "iconv",
        "bind",
        "inet",
        "xnet",
        "gen",
        "elf",
        "posix4",
        "thread",
        "w",
        "sun",
        "network",
        "ws2_32",
        "iphlpapi",
        "bcrypt",
        "advapi32",
        "psapi",
        "doxygen",
        "git",
        "pkgconfig",
        "perl",
        "python",
        "pythoninterp",
        "python3",
        "atomic",
        "bsd",
        "sec",
        "PTHREAD",
        "openmp",
        "gnu",
    ];
    SYSTEM.contains(&name.to_lowercase().as_str())
}

/// Names of libraries that are not like their recipe's.
const ALIASES: [(&str, &str); 16] = [
    ("z", "zlib"),
    ("crypto", "openssl"),
    ("ssl", "openssl"),
    ("libcrypto", "openssl"),
    ("libssl", "openssl"),
    ("pcre2-8", "pcre2"),
    ("libpcre2-8", "pcre2"),
    ("tinfo", "ncurses"),
    ("curses", "ncurses"),
    ("ncursesw", "ncurses"),
    ("termcap", "ncurses"),
    ("liblzma", "xz"),
    ("lzma", "xz"),
    ("bz2", "bzip2"),
    ("cares", "c-ares"),
    ("sqlite3", "sqlite"),
];

/// The recipe or the virtual (which wins: a role may have chosen) that a library's name means.
fn recipe(name: &str, known: &Known) -> Option<String> {
    let lower = name.to_lowercase();
    let alias = ALIASES.iter().find(|(library, _)| *library == lower).map(|(_, recipe)| recipe.to_string());
    let without_lib = lower.strip_prefix("lib").map(str::to_string);
    let without_version =
        lower.trim_end_matches(|c: char| c.is_ascii_digit() || ".-_".contains(c)).to_string();
    let candidates =
        [alias, Some(lower.clone()), without_lib, Some(format!("lib{lower}")), Some(without_version)];
    candidates.into_iter().flatten().find_map(|candidate| {
        [format!("{candidate}-api"), candidate].into_iter().find(|name| known.contains(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_the_recipe_that_it_means() {
        let known: Known =
            ["zlib", "zlib-api", "openssl", "openssl-api", "libevent", "pcre2"].map(str::to_string).into();
        let found =
            ["z", "libcrypto", "event", "libpcre2-8", "ZLIB", "wrap"].map(|name| recipe(name, &known));
        let expected =
            [Some("zlib-api"), Some("openssl-api"), Some("libevent"), Some("pcre2"), Some("zlib-api"), None];
        assert_eq!(found, expected.map(|name| name.map(str::to_string)));
        assert_eq!(modules_of(Some(&"libfoo >= 1.2, bar".to_string())), ["libfoo", "bar"]);
    }
}
