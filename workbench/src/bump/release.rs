//! Which versions are releases, and which of them belong to a slot's series.

use builder::recipe::Version;
use builder::recipe::facts::Watch;

/// Whether what is not finished counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Releases {
    Stable,
    WithPre,
}

/// Words that say "not yet", beside those by which a version sorts before its release.
const UNFINISHED: [&str; 14] = [
    "alpha",
    "beta",
    "dev",
    "pre",
    "rc",
    "git",
    "svn",
    "cvs",
    "snapshot",
    "nightly",
    "test",
    "preview",
    "unstable",
    "experimental",
];

pub fn is_pre(version: &Version) -> bool {
    let text = version.as_str().to_lowercase();
    let mut words = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
    if words.any(|word| UNFINISHED.contains(&word)) {
        return true;
    }
    // `1.0b2` and `3.0.0a1` are before 1.0 and 3.0.0; `1.1.1b` and `2026b` are after.
    let digits = text.trim_end_matches(|c: char| c.is_ascii_digit());
    digits.len() < text.len()
        && digits.ends_with(['a', 'b'])
        && digits[..digits.len() - 1].ends_with(|c: char| c.is_ascii_digit())
}

/// What a slot follows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Series {
    begins: Option<String>,
    even_minor: Option<()>,
    ignore: Vec<String>,
}

impl Series {
    /// `watch` says it; else a slot that is named by the beginning of its version (`3.0` of 3.0.22) is its own series.
    pub fn of(slot: &str, version: &Version, watch: Option<&Watch>) -> Series {
        let own = Some(slot.to_string()).filter(|slot| slot != "0" && begins(version.as_str(), slot));
        Series {
            begins: watch.and_then(|watch| watch.series.clone()).or(own),
            even_minor: watch
                .and_then(|watch| watch.stable.as_deref())
                .filter(|word| *word == "even-minor")
                .map(|_| ()),
            ignore: watch.map(|watch| watch.ignore.clone()).unwrap_or_default(),
        }
    }

    pub fn holds(&self, version: &Version, releases: Releases) -> bool {
        let text = version.as_str();
        let in_series = self.begins.as_ref().is_none_or(|series| begins(text, series));
        let is_even = version.minor().ends_with(['0', '2', '4', '6', '8']);
        let is_ignored = self.ignore.iter().any(|ignored| matches(ignored, text));
        let is_done = releases == Releases::WithPre || !is_pre(version);
        in_series && (self.even_minor.is_none() || is_even) && !is_ignored && is_done
    }
}

/// `3.0` begins `3.0` and `3.0.22`, not `3.01`.
fn begins(version: &str, series: &str) -> bool {
    let rest = version.strip_prefix(series);
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// A version as written, or one whose end is any: `2.0.*`.
fn matches(pattern: &str, version: &str) -> bool {
    pattern.strip_suffix('*').map_or(pattern == version, |beginning| version.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn what_is_not_finished_is_no_release() {
        let pre =
            ["1.0-rc1", "1.0rc2", "1.0b2", "3.0.0a1", "2.0~git2024", "1.3-dev", "9.5.0-alpha.1", "1.0~beta"];
        let done = ["1.0", "1.1.1b", "2026b", "9.9p2", "2.1.12-stable", "6.6+20260608", "1.0.20"];
        assert_eq!(pre.map(|text| is_pre(&version(text))), [true; 8]);
        assert_eq!(done.map(|text| is_pre(&version(text))), [false; 7]);
    }

    #[test]
    fn a_series_is_what_watch_says_or_the_slot_s_name() {
        let held = |series: &Series, text: &str| series.holds(&version(text), Releases::Stable);
        let own = Series::of("3.0", &version("3.0.20"), None);
        assert!(held(&own, "3.0.22") && !held(&own, "3.01") && !held(&own, "3.5.7"));
        let unnamed = Series::of("0", &version("1.26.3"), None);
        assert!(held(&unnamed, "2.0"));
        let watch =
            Watch { stable: Some("even-minor".into()), ignore: vec!["1.28.*".into()], ..Watch::default() };
        let even = Series::of("0", &version("1.26.3"), Some(&watch));
        assert!(held(&even, "1.30.0") && !held(&even, "1.27.1") && !held(&even, "1.28.4"));
        let pre = Series::of("0", &version("1.0"), None);
        assert!(pre.holds(&version("1.1-rc1"), Releases::WithPre) && !held(&pre, "1.1-rc1"));
    }
}
