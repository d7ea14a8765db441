//! What apt's source index says of a source: every version that a suite has, with its upstream archives.
//!
//! It only reads the index; the bytes are fetched as any pinned source is, and their digest decides.

use std::path::Path;

use super::super::wanted::Network;
use super::{Age, Apt, AptError, Kind, Listed, archives, likely_suites, run};

/// One source in one suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub name: String,
    /// Debian's own: `1:1.3.dfsg+really1.3.2-4`.
    pub version: String,
    pub suite: String,
    /// The `.orig` archives; their URLs are not in the index.
    pub originals: Vec<Listed>,
    pub home: Option<String>,
}

impl Apt {
    /// The versions of source `name` in `suite`, or (`None`) in all suites where it is likely to be. A suite that the
    /// archive does not have is passed over where it was not asked for by name. Blocks on the network for lists.
    pub fn records(
        &self,
        name: &str,
        suite: Option<&str>,
        network: Network,
    ) -> Result<Vec<Record>, AptError> {
        let archives = archives(&self.state)?;
        let suites = match suite {
            Some(suite) => vec![suite.to_string()],
            None => self.by_lists(likely_suites("", &archives)),
        };
        let mut records = Vec::new();
        for one in &suites {
            if network == Network::Offline && !self.has_lists(one, Kind::Source) {
                continue;
            }
            let age = if network == Network::Offline { Age::Any } else { Age::Fresh };
            match self.lists(one, Kind::Source, &archives, age) {
                Ok(folder) => records.extend(in_suite(&folder, name, one)?),
                Err(AptError::Failed { .. }) if suite.is_none() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(records)
    }
}

fn in_suite(folder: &Path, name: &str, suite: &str) -> Result<Vec<Record>, AptError> {
    let config = folder.join("apt.conf");
    let config = config.to_string_lossy();
    match run("apt-cache", &["-c", &config, "showsrc", "--only-source", "--", name]) {
        Ok(said) => Ok(parse(&said, suite)),
        // Exit 100: this suite has no such source.
        Err(AptError::Failed { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// deb822: paragraphs of `Key: value`, further lines of a value begin with a space.
fn parse(said: &str, suite: &str) -> Vec<Record> {
    said.split("\n\n").filter_map(|paragraph| record(paragraph, suite)).collect()
}

fn record(paragraph: &str, suite: &str) -> Option<Record> {
    let value = |key: &str| {
        let line = paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))?;
        Some(line.trim().to_string())
    };
    let files = paragraph.lines().skip_while(|line| !line.starts_with("Checksums-Sha256:")).skip(1);
    let files = files.take_while(|line| line.starts_with(' ')).filter_map(original);
    Some(Record {
        name: value("Package")?,
        version: value("Version")?,
        suite: suite.to_string(),
        originals: files.collect(),
        home: value("Homepage"),
    })
}

/// `.orig`, or the whole of a source that has no other upstream than Debian (`ca-certificates_20250419.tar.xz`).
pub(super) fn is_upstream(file: &str) -> bool {
    let is_archive = file.contains(".orig") || (file.contains(".tar.") && !file.contains(".debian.tar."));
    is_archive && !file.ends_with(".asc")
}

/// ` SHA256 SIZE FILE`, where the file is upstream's.
fn original(line: &str) -> Option<Listed> {
    let mut words = line.split_whitespace();
    let sha256 = kegs::digest::parse_sha256(words.next()?)?;
    let size_bytes = words.next()?.parse().ok()?;
    let file = words.next().filter(|file| is_upstream(file))?;
    Some(Listed { url: String::new(), file: file.to_string(), size_bytes, sha256: Some(sha256) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_gives_versions_and_upstream_archives() {
        let said = "Package: lz4\nBinary: liblz4-1, lz4\nVersion: 1.10.0-10\nFiles:\n 9eb4 2069 lz4_1.10.0-10.dsc\n\
            Checksums-Sha256:\n eb4cf57b1d20a136ed9fc3f8284a8c676fe93ae96a914df55a5be1c463e28aa5 2069 lz4_1.10.0-10.dsc\n \
            537512904744b35e232912055ccf8ec66d768639ff3abe5788d90d792ec5f48b 387114 lz4_1.10.0.orig.tar.gz\n\
            1dfb75f5b1bd7fe0ab1b4e80d0df1b0f2d9d3f3f5f0d2f6b3cc5bbb8b1f0a1c2 15476 lz4_1.10.0-10.debian.tar.xz\n\
            Homepage: https://github.com/lz4/lz4\n\nPackage: native\nVersion: 3\nChecksums-Sha256:\n \
            33b44ef78653ecd3f0f2f13e5bba6be466be2e7da72182f737912b81798ba5d2 277504 native_3.tar.xz\n\n";
        let records = parse(said, "sid");
        let lz4 = &records[0];
        assert_eq!((lz4.version.as_str(), lz4.originals.len()), ("1.10.0-10", 1));
        assert_eq!(lz4.originals[0].size_bytes, 387_114);
        assert_eq!(lz4.home.as_deref(), Some("https://github.com/lz4/lz4"));
        assert_eq!(records[1].originals[0].file, "native_3.tar.xz");
    }
}
