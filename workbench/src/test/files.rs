//! The files of a recipe's `tests/`: seen by each of its tests, in the working folder.

use std::fs;
use std::path::Path;

use super::{Result, TestError};

/// Tests are small: more is a source, not a test.
const FILE_MAX_BYTES: u64 = 16 << 20;

/// One file, by its path below `tests/`.
#[derive(Debug, Clone)]
pub struct TestFile {
    pub path: String,
    pub bytes: Vec<u8>,
    pub executable: bool,
}

/// All of them, sorted; links are followed by nobody, and refused.
pub fn test_files(recipe: &Path) -> Result<Vec<TestFile>> {
    let folder = recipe.join("tests");
    let mut files = Vec::new();
    if folder.is_dir() {
        walk(&folder, "", &mut files)?;
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

fn walk(folder: &Path, at: &str, files: &mut Vec<TestFile>) -> Result<()> {
    let here = folder.join(at);
    for entry in fs::read_dir(&here).map_err(tried("list", &here))? {
        let entry = entry.map_err(tried("list", &here))?;
        let name = entry.file_name();
        let name = name.to_str().ok_or_else(|| refused(&entry.path(), "its name is not UTF-8"))?;
        let path = if at.is_empty() { name.to_string() } else { format!("{at}/{name}") };
        let kind = entry.file_type().map_err(tried("look at", &entry.path()))?;
        if kind.is_dir() {
            walk(folder, &path, files)?;
        } else {
            files.push(file(&entry.path(), path)?);
        }
    }
    Ok(())
}

fn file(from: &Path, path: String) -> Result<TestFile> {
    let metadata = fs::symlink_metadata(from).map_err(tried("look at", from))?;
    if !metadata.is_file() {
        return Err(refused(from, "it is no plain file"));
    }
    if metadata.len() > FILE_MAX_BYTES {
        return Err(refused(from, "it is larger than 16 MiB"));
    }
    let executable = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    Ok(TestFile { path, bytes: fs::read(from).map_err(tried("read", from))?, executable })
}

fn refused(path: &Path, why: &str) -> TestError {
    TestError::World(format!("{} can't be a test's file: {why}", path.display()))
}

fn tried<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> TestError + 'a {
    move |error| TestError::World(format!("cannot {what} {}: {error}", path.display()))
}
