//! Files of the tap itself as a source: the folders that a recipe names, as they stand, by content.
//!
//! What begins with a dot is left out: editors and version control keep their things there. A link is refused: it could
//! bring any file of this machine into a build.

use std::io;
use std::path::Path;

use super::action::PrepareError;

/// Every file at or below `paths`, by its path in the tap, sorted.
pub fn files(tap: &Path, paths: &[String]) -> Result<Vec<(String, Vec<u8>)>, PrepareError> {
    let mut files = Vec::new();
    for path in paths {
        walk(tap, path, &mut files).map_err(|source| PrepareError::File { path: tap.join(path), source })?;
    }
    files.sort();
    files.dedup();
    Ok(files)
}

fn walk(tap: &Path, path: &str, files: &mut Vec<(String, Vec<u8>)>) -> io::Result<()> {
    let place = tap.join(path);
    let kind = place.symlink_metadata()?.file_type();
    if kind.is_file() {
        files.push((path.to_string(), std::fs::read(place)?));
        return Ok(());
    }
    if !kind.is_dir() {
        return Err(io::Error::other(format!("`{path}` is neither a file nor a folder")));
    }
    for entry in std::fs::read_dir(place)? {
        let name = entry?.file_name();
        let name =
            name.to_str().ok_or_else(|| io::Error::other(format!("a name in `{path}` is not UTF-8")))?;
        if !name.starts_with('.') {
            walk(tap, &format!("{path}/{name}"), files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_taken_and_nothing_hidden() {
        let tap = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(tap.path().join("agent/src")).unwrap();
        for (path, text) in
            [("agent/src/main.rs", "m"), ("agent/.main.rs.swp", "s"), ("agent/Cargo.toml", "c"), ("x", "x")]
        {
            std::fs::write(tap.path().join(path), text).unwrap();
        }
        let found = files(tap.path(), &["agent".into(), "agent/Cargo.toml".into()]).unwrap();
        let names: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(names, ["agent/Cargo.toml", "agent/src/main.rs"]);
    }

    #[test]
    fn a_link_brings_nothing_in() {
        let tap = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", tap.path().join("agent")).unwrap();
        let error = files(tap.path(), &["agent".into()]).unwrap_err().to_string();
        assert!(error.contains("neither a file nor a folder"), "{error}");
    }
}
