//! Users of an image: root, and those that the role's services name. No one has a password or a shell.

use std::collections::BTreeMap;

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

/// `/etc/passwd` for root and these, sorted by name.
pub fn passwd(names: &[String]) -> String {
    lines("root:x:0:0:root:/:/sbin/nologin\n", names, |name, uid| {
        format!("{name}:x:{uid}:{uid}:{name}:/:/sbin/nologin\n")
    })
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
        let alone = passwd(&["web".to_string()]);
        let both = passwd(&["web".to_string(), "mail".to_string(), "root".to_string(), "web".to_string()]);
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
    fn names() {
        assert!(is_name("web") && is_name("_x-1"));
        for name in ["", "1a", "a:b", "a\nb", "Web", "a b", &"a".repeat(33)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
