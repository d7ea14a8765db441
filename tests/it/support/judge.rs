//! A judge's Python: a venv with what was pinned, kept in the user's cache.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use super::Ran;

/// The interpreter that has `packages`, each pinned so that a judge does not change its mind by itself. `name` says which
/// judges, and their number when they change.
pub fn python(name: &str, packages: &[&str]) -> PathBuf {
    let folder = cache().join(name);
    let python = folder.join("bin/python3");
    let whole = folder.join("whole");
    // Tests run side by side, and one of them makes it.
    let lock = fs::File::create(lock_path(&folder)).expect("a lock");
    lock.lock().expect("the lock");
    if !whole.exists() {
        Ran::of(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&folder)).expect(0);
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
        Ran::of(Command::new(&python).args(install).args(packages)).expect(0);
        fs::write(&whole, "").expect("a mark that it is whole");
    }
    python
}

fn lock_path(folder: &Path) -> PathBuf {
    fs::create_dir_all(cache()).expect("a cache");
    folder.with_extension("lock")
}

/// Where judges are kept.
pub fn cache() -> PathBuf {
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME")).join(".cache");
    cache.unwrap_or_else(home).join("rootbrew-tests")
}
