//! Versions out of the tags of a repository: a tag's name is data, however it is spelt.

use builder::fetch::Tag;
use builder::recipe::Version;
use regex::Regex;

/// Each tag that names a version, by `pattern`, else by the way in which the tag of `current` is spelt, else by what is usual.
pub fn versions<'t>(tags: &'t [Tag], current: &Version, pattern: Option<&Regex>) -> Vec<(Version, &'t Tag)> {
    let own = tags.iter().find_map(|tag| Spelling::of(&tag.name, current));
    let version = |tag: &Tag| match (pattern, &own) {
        (Some(pattern), _) => Version::parse(pattern.captures(&tag.name)?.get(1)?.as_str()),
        (None, Some(spelling)) => spelling.version(&tag.name),
        (None, None) => usual(&tag.name),
    };
    tags.iter().filter_map(|tag| Some((version(tag)?, tag))).collect()
}

/// What stands before and after a version in a tag, and what parts its numbers.
#[derive(Debug, PartialEq, Eq)]
struct Spelling {
    before: String,
    after: String,
    point: char,
}

impl Spelling {
    /// How `current` is spelt in `tag`, where it is.
    fn of(tag: &str, current: &Version) -> Option<Spelling> {
        ['.', '_', '-'].into_iter().find_map(|point| {
            let spelt = current.as_str().replace('.', &point.to_string());
            let at = tag.rfind(&spelt)?;
            let (before, after) = (&tag[..at], &tag[at + spelt.len()..]);
            // `1.2` is not in `11.2` or `1.21`, and `1.2-rc1` is another version.
            let parted = !before.ends_with(|c: char| c.is_ascii_digit() || c == '.')
                && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || ".-_".contains(c));
            parted.then(|| Spelling { before: before.to_string(), after: after.to_string(), point })
        })
    }

    fn version(&self, tag: &str) -> Option<Version> {
        let spelt = tag.strip_prefix(&self.before)?.strip_suffix(self.after.as_str())?;
        Version::parse(&spelt.replace(self.point, "."))
    }
}

/// `1.2`, `v1.2`, `name-1.2`, `release-1.2`.
fn usual(tag: &str) -> Option<Version> {
    let parted = |before: &str| {
        before.is_empty()
            || matches!(before, "v" | "V")
            || ["-", "_", "/", ".", "-v", "/v"].iter().any(|end| before.ends_with(end))
    };
    let digits = tag.match_indices(|c: char| c.is_ascii_digit()).map(|(at, _)| at);
    digits.filter(|at| parted(&tag[..*at])).find_map(|at| Version::parse(&tag[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(current: &str, names: &[&str]) -> Vec<String> {
        let tags: Vec<Tag> =
            names.iter().map(|name| Tag { name: name.to_string(), commit: "0".repeat(40) }).collect();
        let versions = versions(&tags, &Version::parse(current).unwrap(), None);
        versions.iter().map(|(version, _)| version.to_string()).collect()
    }

    #[test]
    fn tags_are_read_as_the_current_one_is_spelt() {
        assert_eq!(
            found("8.20.0", &["curl-8_20_0", "curl-8_21_0", "tiny-8_22_0", "v9.0"]),
            ["8.20.0", "8.21.0"]
        );
        assert_eq!(
            found("2.1.12", &["release-2.1.12-stable", "release-2.1.13-stable"]),
            ["2.1.12-stable", "2.1.13-stable"]
        );
        assert_eq!(found("1.9", &["v1.10", "1.11", "lz4-1.12", "latest", "x264"]), ["1.10", "1.11", "1.12"]);
    }

    #[test]
    fn a_tag_that_looks_like_an_option_is_only_a_name() {
        assert_eq!(found("1.0", &["v1.0", "--upload-pack=touch /tmp/x", "-v1.1", "v1.1"]), ["1.0", "1.1"]);
    }
}
