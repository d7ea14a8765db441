//! Users of an image: root, and those that the role's services name. No one has a password; a shell only who has one in
//! the role.

use std::collections::{BTreeMap, BTreeSet};

use kegs::Digest;

/// Where derived ids start: above every distribution's system users; below `UID_COUNT` + this, a 16-bit number.
const UID_FIRST: u32 = 10_000;
const UID_COUNT: u32 = 50_000;

/// The id of a user and of its group, from the name alone: it stays when other users come or go, so that files on a
/// data partition keep their owner.
pub fn uid(name: &str) -> u32 {
    let hash = Digest::of(name.as_bytes()).sha256;
    UID_FIRST + u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) % UID_COUNT
}

/// What useradd(8) takes, and no name that stands in the files already.
pub fn is_name(name: &str) -> bool {
    let first = |byte: &u8| byte.is_ascii_lowercase() || *byte == b'_';
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    name.len() <= 32 && name.as_bytes().first().is_some_and(first) && name.bytes().all(rest)
}

/// Pairs of names that have one id, each with that id.
pub fn collisions(names: &[String]) -> Vec<(String, String, u32)> {
    let mut owner: BTreeMap<u32, &String> = BTreeMap::new();
    let mut found = Vec::new();
    for name in names {
        match owner.insert(uid(name), name) {
            Some(other) if other != name => found.push((other.clone(), name.clone(), uid(name))),
            _ => {}
        }
    }
    found
}

/// The last two fields of passwd(5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub shell: String,
    pub home: String,
}

const NOLOGIN: &str = "/sbin/nologin";

impl Default for Login {
    fn default() -> Login {
        Login { shell: NOLOGIN.to_string(), home: "/".to_string() }
    }
}

/// `/etc/passwd` for root and these, sorted by name.
pub fn passwd(names: &[String], logins: &BTreeMap<String, Login>) -> String {
    lines("root:x:0:0:root:/:/sbin/nologin\n", names, |name, uid| {
        let Login { shell, home } = logins.get(name).cloned().unwrap_or_default();
        format!("{name}:x:{uid}:{uid}:{name}:{home}:{shell}\n")
    })
}

/// `/etc/shells`; `None` where nobody has one.
pub fn shells(logins: &BTreeMap<String, Login>) -> Option<String> {
    let shells: BTreeSet<&str> = logins.values().map(|login| login.shell.as_str()).collect();
    let lines: String =
        shells.iter().filter(|shell| **shell != NOLOGIN).map(|shell| format!("{shell}\n")).collect();
    (!lines.is_empty()).then_some(lines)
}

/// `/etc/group`, a group for each user.
pub fn group(names: &[String]) -> String {
    lines("root:x:0:\n", names, |name, gid| format!("{name}:x:{gid}:\n"))
}

fn lines(root: &str, names: &[String], line: impl Fn(&str, u32) -> String) -> String {
    let mut names: Vec<&String> = names.iter().filter(|name| *name != "root").collect();
    names.sort();
    names.dedup();
    names.iter().fold(root.to_string(), |text, name| text + &line(name, uid(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_names_own() {
        let none = BTreeMap::new();
        let alone = passwd(&["web".to_string()], &none);
        let names = ["web".to_string(), "mail".to_string(), "root".to_string(), "web".to_string()];
        let both = passwd(&names, &none);
        let line = |text: &str| text.lines().find(|line| line.starts_with("web:")).map(str::to_string);
        assert_eq!(line(&alone), line(&both));
        assert_eq!(both.lines().count(), 3);
    }

    #[test]
    fn two_names_with_one_id_are_found() {
        let names: Vec<String> = (0..2000).map(|at| format!("user{at}")).collect();
        let found = collisions(&names);
        assert!(!found.is_empty());
        assert!(found.iter().all(|(one, two, id)| one != two && uid(one) == *id && uid(two) == *id));
        assert!(collisions(&["web".to_string(), "web".to_string()]).is_empty());
    }

    #[test]
    fn who_has_a_shell_may_log_in() {
        let jump = Login { shell: "/bin/sh".into(), home: "/data/jump".into() };
        let logins = BTreeMap::from([("jump".to_string(), jump), ("web".to_string(), Login::default())]);
        let text = passwd(&["jump".to_string(), "web".to_string()], &logins);
        let fields = |name: &str| {
            text.lines()
                .find(|line| line.starts_with(name))
                .and_then(|line| line.split_once(&format!(":{name}:")))
                .map(|(_, rest)| rest)
        };
        assert_eq!(fields("jump"), Some("/data/jump:/bin/sh"));
        assert_eq!(fields("web"), Some("/:/sbin/nologin"));
        assert_eq!(shells(&logins).as_deref(), Some("/bin/sh\n"));
        assert_eq!(shells(&BTreeMap::new()), None);
    }

    #[test]
    fn names() {
        assert!(is_name("web") && is_name("_x-1"));
        for name in ["", "1a", "a:b", "a\nb", "Web", "a b", &"a".repeat(33)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
