//! Users and groups of the image, from `/etc/passwd`. Never asks a name service.

use host::error::{Error, Result};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct User {
    pub uid: u32,
    pub gid: u32,
}

pub const ROOT: User = User { uid: 0, gid: 0 };

/// `name:password:uid:gid:…`, passwd(5); a line that is not of this form is passed over.
pub fn find(passwd: &str, name: &str) -> Result<User> {
    if name == "root" {
        return Ok(ROOT);
    }
    let user = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let found = fields.next() == Some(name);
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        found.then_some(User { uid, gid })
    });
    user.ok_or_else(|| Error::input(format!("/etc/passwd has no user `{name}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_names_in_whole_lines() {
        let passwd = "root:x:0:0::/:/\nwebmaster:x:7:7::/:/\nbroken:x:\n\nweb:x:900:901:web:/:/bin/false\n";
        assert_eq!(find(passwd, "web").unwrap(), User { uid: 900, gid: 901 });
        assert_eq!(find("", "root").unwrap(), ROOT);
        assert_eq!(find(passwd, "broken").unwrap_err().to_string(), "/etc/passwd has no user `broken`");
    }
}
