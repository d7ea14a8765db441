//! Where a source comes from, and the version that this says.

use builder::recipe::Version;

use crate::archive::Archive;

use super::{Unsure, macros, text_of};

/// What is known before the archive is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    pub url: Option<String>,
    /// `name=version/suite`
    pub debian: Option<String>,
    pub home: Option<String>,
}

impl Origin {
    /// By the place; what the build description says is only compared, since it often is a macro's name.
    pub fn version(&self, inside: &Archive, unsure: &mut Vec<Unsure>) -> String {
        let of_debian = || upstream_version(self.debian.as_ref()?.split_once('=')?.1.split('/').next()?);
        let of_url = || version_in(self.url.as_ref()?);
        let written = written(inside);
        let Some(version) = of_debian().or_else(of_url) else {
            let why = match &written {
                Some(_) => "the address says none: taken from the build description".to_string(),
                None => "nothing says one: `0` stands there; write upstream's".to_string(),
            };
            unsure.push(Unsure { key: "version", why });
            return written.unwrap_or_else(|| "0".to_string());
        };
        if let Some(other) = written.filter(|written| *written != version) {
            let why = format!("the build description says {other}, the place {version}");
            unsure.push(Unsure { key: "version", why });
        }
        version
    }
}

/// Debian's version without its epoch, its revision, and the marks of a repacked archive:
/// `1:1.3.dfsg+really1.3.2-4` is `1.3.2`.
pub fn upstream_version(debian: &str) -> Option<String> {
    let version = debian.split_once(':').map_or(debian, |(_, version)| version);
    let version = version.rsplit_once('-').map_or(version, |(version, _)| version);
    let version = version.rsplit_once("+really").map_or(version, |(_, version)| version);
    let mark = ["+dfsg", "~dfsg", ".dfsg", "+ds", "~ds", "+debian", "+repack"];
    let end = mark.iter().filter_map(|mark| version.find(mark)).min().unwrap_or(version.len());
    Version::parse(&version[..end]).map(|version| version.to_string())
}

/// The version in a URL's last words: `…/v1.3.1.tar.gz`, `…/lmdb-LMDB_0.9.31.tar.gz`, `…/1.2/download`.
pub fn version_in(url: &str) -> Option<String> {
    let path = url.split(['?', '#']).next()?.split_once("://")?.1;
    path.split('/').skip(1).collect::<Vec<_>>().iter().rev().find_map(|word| in_word(word))
}

fn in_word(word: &str) -> Option<String> {
    let ends =
        [".tar", ".tgz", ".tbz", ".txz", ".tzst", ".zip", ".orig", "-src", ".src", ".crate", "-sources"];
    let end = ends.iter().filter_map(|end| word.find(end)).min().unwrap_or(word.len());
    let word = &word[..end];
    let begins = word.char_indices().filter(|(at, c)| {
        let before = word[..*at].chars().next_back();
        // After the name: `zlib-1.3`, `v1.3`, `LMDB_0.9`, `1.3`; not inside of `x264` or `sha256`.
        let parted = before.is_none_or(|before| "-_.".contains(before))
            || matches!(&word[..*at], "v" | "V")
            || word[..*at].ends_with("-v")
            || word[..*at].ends_with("_v");
        c.is_ascii_digit() && parted
    });
    let candidates = begins.map(|(at, _)| &word[at..]).filter_map(Version::parse);
    // The one with most parts to its right: the first that begins.
    candidates.map(|version| version.to_string()).next()
}

/// The URL with the version as a word, so that a bump changes one line.
pub fn with_words(url: &str, version: &str) -> String {
    let Some(version) = Version::parse(version).filter(|version| version.as_str().len() > 1) else {
        return url.replace(['{', '}'], "");
    };
    let short = format!("/{}.{}/", version.major(), version.minor());
    let url = url.replace(['{', '}'], "");
    // Not in the host, which may be a number too.
    let path = url.find("://").and_then(|at| Some(at + 3 + url[at + 3..].find('/')?)).unwrap_or(0);
    let (host, path) = url.split_at(path);
    let path = path.replace(version.as_str(), "{version}").replace(&short, "/{major}.{minor}/");
    format!("{host}{path}")
}

/// The version that a build description writes, where it is a plain one.
fn written(inside: &Archive) -> Option<String> {
    let configure = ["configure.ac", "configure.in"].map(|file| text_of(inside, file)).concat();
    let autoconf = macros::calls(&configure, "AC_INIT").into_iter().find_map(|call| call.into_iter().nth(1));
    let generated = || {
        let text = text_of(inside, "configure");
        let line = text.lines().find_map(|line| line.strip_prefix("PACKAGE_VERSION='"))?;
        line.strip_suffix('\'').map(str::to_string)
    };
    let keyed = |file: &str, key: &str| {
        let text = text_of(inside, file);
        let value = |line: &str| {
            line.trim().strip_prefix(key)?.trim_start().strip_prefix(['=', ':']).map(str::to_string)
        };
        text.lines().find_map(value).map(|value| value.trim().trim_matches([',', '"', '\'']).to_string())
    };
    let cmake = || {
        let call = macros::calls(&text_of(inside, "CMakeLists.txt"), "project").into_iter().next()?;
        let words: Vec<String> = call.join(" ").split_whitespace().map(str::to_string).collect();
        words.iter().skip_while(|word| *word != "VERSION").nth(1).cloned()
    };
    let plain = |text: String| Version::parse(text.trim_matches('"')).map(|version| version.to_string());
    generated()
        .and_then(plain)
        .or_else(|| autoconf.and_then(plain))
        .or_else(|| cmake().and_then(plain))
        .or_else(|| keyed("meson.build", "version").and_then(plain))
        .or_else(|| keyed("Cargo.toml", "version").and_then(plain))
        .or_else(|| keyed("pyproject.toml", "version").and_then(plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_a_place() {
        let urls = [
            ("https://zlib.net/fossils/zlib-1.3.1.tar.gz", "1.3.1"),
            ("https://github.com/lz4/lz4/archive/refs/tags/v1.10.0.tar.gz", "1.10.0"),
            ("https://host/LMDB/lmdb-LMDB_0.9.31.tar.bz2", "0.9.31"),
            ("https://host/x264-20240101.tar.xz", "20240101"),
            ("https://host/socat_1.8.0.3.orig.tar.gz", "1.8.0.3"),
            ("https://host/p/openssh-9.9p2.tar.gz", "9.9p2"),
        ];
        for (url, version) in urls {
            assert_eq!(version_in(url).as_deref(), Some(version), "{url}");
        }
        assert_eq!(version_in("https://host/latest.tar.gz"), None);
        let url = "https://download.host/x/1.2/x-1.2.3.tar.xz";
        assert_eq!(with_words(url, "1.2.3"), "https://download.host/x/{major}.{minor}/x-{version}.tar.xz");
    }

    #[test]
    fn debian_s_version_is_upstreams_with_marks() {
        let versions = [
            ("1:1.3.dfsg+really1.3.2-4", "1.3.2"),
            ("1.5.4+dfsg2-5", "1.5.4"),
            ("1:1.2.13.dfsg-1", "1.2.13"),
            ("3.5.1+ds1-2", "3.5.1"),
            ("4.0.33-1+really4.0.32-1", "4.0.32"),
            ("6.6+20260608-2", "6.6+20260608"),
            ("5.3.2~rc1-1", "5.3.2~rc1"),
            ("2:4.0.4-9", "4.0.4"),
        ];
        for (debian, upstream) in versions {
            assert_eq!(upstream_version(debian).as_deref(), Some(upstream), "{debian}");
        }
    }
}
