//! The role's files, as the environment makes them: written aside, then renamed, so that nobody ever reads half of one.
//!
//! Owner and mode are set before the rename, so a secret is never readable by another for an instant.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use host::error::{Error, Result};
use host::render::{self, File, Files};
use host::{Environment, Role};

use crate::passwd;

/// All of the role's files, but for those that are kept and stand there.
pub fn all(role: &Role, environment: &Environment, templates: &Path) -> Result<Files> {
    let template = |name: &str| {
        let path = templates.join(name);
        fs::read_to_string(&path).map_err(Error::world(format!("read {}", path.display())))
    };
    render::all(role, environment, &|path, config| !(config.keep && Path::new(path).exists()), &template)
}

/// Puts files where they belong.
pub fn write_all(files: &Files, users: &str) -> Result<()> {
    files.iter().try_for_each(|(path, file)| write(Path::new(path), file, users))
}

/// One file, in one instant.
pub fn write(path: &Path, wanted: &File, users: &str) -> Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::input(format!("config.{}: not the path of a file", path.display())));
    };
    let aside = folder.join(format!(".{}.new", name.display()));
    write_aside(&aside, wanted, users)?;
    fs::rename(&aside, path).map_err(Error::world(format!("replace {}", path.display())))
}

/// One file with its owner and mode, at a place that nobody reads yet.
pub fn write_aside(aside: &Path, wanted: &File, users: &str) -> Result<()> {
    let tried = |what: &str| Error::world(format!("{what} {}", aside.display()));
    let owner = passwd::find(users, &wanted.owner)?;
    fs::create_dir_all(aside.parent().unwrap_or(Path::new("/"))).map_err(tried("make the folder of"))?;
    let mut file = create(aside).map_err(tried("write"))?;
    file.write_all(wanted.text.as_bytes()).map_err(tried("write"))?;
    chown(aside, Some(owner.uid), Some(owner.gid)).map_err(tried("give its owner to"))?;
    fs::set_permissions(aside, fs::Permissions::from_mode(wanted.mode)).map_err(tried("give its mode to"))
}

/// A leftover of a killed run is cut short, not trusted.
fn create(aside: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(aside)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    /// Renders `template` to a file of a real folder; gives the file's text.
    fn check(template: &str, keys: &str, before: Option<&str>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/out.conf");
        fs::write(folder.path().join("t"), template).unwrap();
        if let Some(text) = before {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        let me = rustix::process::geteuid().as_raw();
        let users = format!("me:x:{me}:{}::/:\n", rustix::process::getegid().as_raw());
        let role = format!(
            "[config.\"{}\"]\ntemplate = \"t\"\nowner = \"me\"\nmode = \"0400\"\n{keys}",
            path.display()
        );
        let role = host::role::parse(&role).unwrap();
        let environment = host::environment::check(&role.env, "web", &[]).unwrap();
        write_all(&all(&role, &environment, folder.path()).unwrap(), &users).unwrap();
        assert!(before.is_some() || fs::metadata(&path).unwrap().mode() & 0o777 == 0o400);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing is left aside");
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn what_is_kept_stays_and_the_rest_is_replaced() {
        assert_eq!(check("new", "keep = true", Some("old")), "old");
        assert_eq!(check("new", "keep = true", None), "new");
        assert_eq!(check("{{ stage }}", "", Some("old")), "dev");
    }
}
