use super::side::written_taps;
use super::told::other_keys;

#[test]
fn keys_of_a_text_that_differ_in_more_than_comments() {
    let base = "# one\nsummary = \"a\"\nlicense = \"MIT\"\nargs = [\"x\"]\n[slot.\"3\"]\nversion = \"3\"\n";
    let check = |new: &str, expected: &[&str]| {
        assert_eq!(other_keys(new, base).into_iter().collect::<Vec<_>>(), expected, "{new}");
    };
    check(base, &[]);
    check(&base.replace("# one", "# two\n\n"), &[]);
    check(&base.replace("\"a\"", "\"b\""), &["summary"]);
    check(
        &base.replace("version = \"3\"", "version = \"4\"").replace("license", "licence"),
        &["licence", "license", "slot"],
    );
    check("no toml", &["args", "license", "slot", "summary"]);
}

#[test]
fn what_a_recipe_takes_of_its_tap() {
    let taps = |text: &str| written_taps(text).into_iter().collect::<Vec<_>>();
    assert_eq!(taps("source = { tap = [\"agent\", \"Cargo.toml\"] }"), ["Cargo.lock", "Cargo.toml", "agent"]);
    assert_eq!(
        taps("[[source]]\ntap = \"a\"\n[[source]]\nurl = \"b\"\n[slot.\"1\"]\nsource = { tap = [\"c\"] }"),
        ["Cargo.lock", "a", "c"]
    );
    assert!(taps("summary = \"a tap\"").is_empty() && taps("= tap").is_empty());
}
