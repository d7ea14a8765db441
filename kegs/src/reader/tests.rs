//! The reader on small texts: places, nearest words, sizes.

use expect_test::{Expect, expect};

use super::*;

/// What a text with a list of strings at `a` and a size at `b` is told; each string's third byte is pointed at.
fn check(text: &str, expect: Expect) {
    struct Third;
    impl Read for Third {
        fn read(at: &Place, faults: &mut Faults) -> Option<Third> {
            at.string("a string", faults)?;
            faults.push(at.text.fault(at.within(2..3), "third"));
            Some(Third)
        }
    }
    let mut faults = Faults::default();
    parse(Path::new("t"), text.as_bytes(), &mut faults, |_, table| {
        table.or_default::<Vec<Third>>("a");
        table.take::<Size>("b").map(|size| size.bytes)
    });
    expect.assert_eq(&faults.or(()).map_or_else(|faults| faults.to_string(), |_| "right".to_string()));
}

#[test]
fn a_place_in_a_string_is_found_behind_every_quote() {
    check(
        "a = [\"abc\", 'abc', \"\"\"abc\"\"\", \"a\\u0062c\"]",
        expect![[r#"
        t:1:9: third
        t:1:16: third
        t:1:25: third
        t:1:31: third
    "#]],
    );
}

#[test]
fn unknown_keys_and_wrong_forms() {
    check(
        "bb = 1\na = 2\nb = \"x\"\nc.d = 1",
        expect![[r#"
        t:1:1: unknown key `bb` here; one of `a`, `b`
        t:2:5: expected a list, found an integer
        t:3:5: `x` is no size; as "512 KiB", "3.3 MB", "2 GiB"
        t:4:1: unknown key `c` here; one of `a`, `b`
    "#]],
    );
}

#[test]
fn nearest_words() {
    let words = ["zlib", "openssl", "license", "x"];
    let near = ["zlip", "zilb", "opensl", "licence", "y", "", "perl"].map(|word| nearest(word, words));
    assert_eq!(near, [Some("zlib"), Some("zlib"), Some("openssl"), Some("license"), None, None, None]);
}

#[test]
fn sizes() {
    let sizes = [
        "512",
        "1 KiB",
        "3.3 MB",
        "2GiB",
        "0 B",
        "1e3 B",
        "-1 B",
        "9999999999 GB",
        "1.2.3 MB",
        "MB",
        "8 MBit",
    ];
    let bytes = sizes.map(|text| Size::parse(text).map(|size| size.bytes));
    let right = [None, Some(1024), Some(3_300_000), Some(2 << 30), Some(0)];
    assert_eq!(bytes[..5], right);
    assert!(bytes[5..].iter().all(Option::is_none), "{bytes:?}");
}

#[test]
fn deep_texts_are_refused_and_not_followed() {
    let text = format!("a = {}", "[".repeat(100_000));
    let mut faults = Faults::default();
    assert!(parse(Path::new("t"), text.as_bytes(), &mut faults, |_, _| ()).is_none());
    let closed = format!("a = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(parse(Path::new("t"), closed.as_bytes(), &mut faults, |_, _| ()).is_none());
}
