//! Names of roles, paths of targets, and the patterns by which a role is trusted with some of them.

/// A role's name is part of a file's name: small letters, digits, `-`, `_`, `.`, not first a dot; 64 bytes at most.
pub fn is_role_name(name: &str) -> bool {
    let letter = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"-_.".contains(&c);
    (1..=64).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(letter)
}

/// Names with `/` between them, which lead nowhere else; 512 bytes at most.
pub fn is_target_path(path: &str) -> bool {
    let name = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\0', '\\']);
    path.len() <= 512 && path.split('/').all(name)
}

/// Whether a pattern takes a path: name by name; `*` is any piece of a name, `?` one letter. Neither crosses a `/`
/// (specification, section 4.5, PATHPATTERN).
pub fn matches(pattern: &str, path: &str) -> bool {
    let (patterns, names) = (pattern.split('/'), path.split('/'));
    patterns.clone().count() == names.clone().count()
        && patterns.zip(names).all(|(pattern, name)| name_matches(pattern, name))
}

/// With one place to come back to, so that no pattern costs more than its length times the name's.
fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut back) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                back = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match back {
                Some((star, from)) => {
                    back = Some((star, from + 1));
                    (p, n) = (star + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, path, wanted) in [
            ("*/web/*", "edge/web/image.json", true),
            ("*/web/*", "edge/web/a/b", false),
            ("*/web/*", "edge/weber/image.json", false),
            ("a*b*c", "axxbyybzc", true),
            ("a*b*c", "axxbyybz", false),
            ("?", "é", true),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, path), wanted, "{pattern} {path}");
        }
        let long = "a".repeat(500);
        assert!(!matches(&format!("{}b", "a*".repeat(200)), &long));
    }

    #[test]
    fn names_lead_nowhere_else() {
        assert!(is_role_name("web-2.x") && is_target_path("edge/web/image.json"));
        for name in ["", ".web", "a/b", "Web", "é"] {
            assert!(!is_role_name(name), "{name}");
        }
        for path in ["", "/a", "a//b", "../a", "a/..", "a\0"] {
            assert!(!is_target_path(path), "{path}");
        }
    }
}
