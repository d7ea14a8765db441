//! Globs inside a keg: `*` and `?` stay within one name, `**` spans folders. No classes, no braces.

/// Whether the whole of `path` matches.
pub fn matches(glob: &str, path: &str) -> bool {
    let globs: Vec<&str> = glob.split('/').collect();
    let names: Vec<&str> = path.split('/').collect();
    folders(&globs, &names)
}

fn folders(globs: &[&str], names: &[&str]) -> bool {
    match globs {
        [] => names.is_empty(),
        ["**", rest @ ..] => (0..=names.len()).any(|skipped| folders(rest, &names[skipped..])),
        [glob, rest @ ..] => names.split_first().is_some_and(|(name, names)| {
            self::name(glob.as_bytes(), name.as_bytes()) && folders(rest, names)
        }),
    }
}

/// Linear but for stars: on a mismatch only the last star is tried again, which is enough.
fn name(glob: &[u8], name: &[u8]) -> bool {
    let (mut g, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match glob.get(g) {
            Some(b'*') => {
                star = Some((g, n));
                g += 1;
            }
            Some(byte) if *byte == b'?' || *byte == name[n] => {
                g += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (g, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    glob[g..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn what_globs_match() {
        for (glob, path) in [
            ("etc/ssl/openssl.cnf", "etc/ssl/openssl.cnf"),
            ("lib/*.so", "lib/x.so"),
            ("lib/*.so*", "lib/x.so.1"),
            ("share/**", "share/a/b"),
            ("share/**/x", "share/x"),
            ("**", "a/b"),
            ("a?c*", "abcde"),
        ] {
            assert!(matches(glob, path), "{glob} {path}");
        }
        for (glob, path) in
            [("lib/*", "lib/a/b"), ("*.so", "x.so.1"), ("a?", "a"), ("", "a"), ("share/**/x", "share/a/y")]
        {
            assert!(!matches(glob, path), "{glob} {path}");
        }
    }
}
