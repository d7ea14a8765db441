//! Versions out of a listing page: what a pattern finds in its bytes. The page is hostile: it is only searched.

use std::collections::BTreeSet;

use builder::recipe::Version;
use regex::Regex;

/// The largest listing that we know (a mirror's) has under 3 MB.
pub const PAGE_MAX_BYTES: u64 = 8 << 20;

pub fn versions(page: &[u8], pattern: &Regex) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(page);
    let found = pattern.captures_iter(&text).filter_map(|captures| captures.get(1));
    let found = found.map(|version| version.as_str().trim_end_matches(['.', '-', '_']).to_string());
    found.filter(|text| Version::parse(text).is_some()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_finds_versions_among_markup() {
        let page = b"<a href=\"toy-1.2.tar.gz\">toy-1.2.tar.gz</a> toy-1.10.tar.xz toy-doc-9.tar.gz toy-2.0-rc1.tar.gz \xff";
        let pattern = Regex::new(r"toy-(\d[0-9.]*(?:-rc\d)?)\.tar\.(?:gz|xz)").unwrap();
        assert_eq!(versions(page, &pattern), ["1.10", "1.2", "2.0-rc1"].map(str::to_string).into());
    }
}
