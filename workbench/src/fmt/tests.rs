//! Texts beside their canonical form; and what must hold of every form.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

fn check(text: &str, expect: Expect) {
    check_file(File::Recipe, text, expect);
}

fn check_file(file: File, text: &str, expect: Expect) {
    let formatted = format(file, text, Keys::Sorted).unwrap_or_else(|error| panic!("{error}"));
    expect.assert_eq(&formatted);
    holds(file, text);
}

/// A form is its own form, means what the text means, and has each of its comments once.
fn holds(file: File, text: &str) {
    for keys in [Keys::Sorted, Keys::AsWritten] {
        let once = format(file, text, keys).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let twice = format(file, &once, keys).unwrap_or_else(|error| panic!("{error}\n{once}"));
        assert_eq!(once, twice, "of\n{text}");
        assert_eq!(comments(text), comments(&once), "of\n{text}");
        assert_eq!(means(text), means(&once));
    }
}

/// Sorted, as keys may change places. A `#` in a string is told twice by both.
fn comments(text: &str) -> Vec<&str> {
    let mut all: Vec<&str> = text.lines().filter_map(|line| Some(line[line.find('#')?..].trim())).collect();
    all.sort_unstable();
    all
}

#[test]
fn keys_are_sorted_and_aligned() {
    check(
        "version='1.2'\nsummary=\"S\"   # what it is\n\n\n# of the distribution\npreset = \"make\"\nsource={sha256=\"ab\",debian='x=1'}\ndefault_slot = \"3\"\n",
        expect![[r#"
            summary = "S"  # what it is
            version = "1.2"

            source  = { debian = "x=1", sha256 = "ab" }
            # of the distribution
            preset  = "make"
            default_slot = "3"
        "#]],
    );
}

#[test]
fn blocks_stay_apart_and_comments_stay_at_their_keys() {
    check(
        "\n\n# The file's.\n\n# Its version.\nversion = \"1\"\nsummary = \"s\"\n\n\n# A block's.\n\n# The preset's.\npreset = \"make\" # why\nsource = \"u\"\n#end\n",
        expect![[r##"
            # The file's.

            summary = "s"
            # Its version.
            version = "1"

            # A block's.

            source  = "u"
            # The preset's.
            preset  = "make"  # why
            #end
        "##]],
    );
}

#[test]
fn lists_are_broken_where_they_are_long_or_hold_comments() {
    check(
        "args = [ # first\n  \"--a\" , \"--b\", # of b\n  # of c\n \"--c\" # behind c\n # last\n]\nremove = [\n \"x\",\n \"y\" ]\n\
         build_args = [\n\"CFLAGS=-Wno-everything-that-is-long\", \"LDFLAGS=-Wl,--as-needed,--and-many-more\", \"PROGRAMS=a b c d e f g\"]\n",
        expect![[r#"
            args   = [  # first
            	"--a",
            	"--b",  # of b
            	# of c
            	"--c",  # behind c
            	# last
            ]
            build_args = [
            	"CFLAGS=-Wno-everything-that-is-long",
            	"LDFLAGS=-Wl,--as-needed,--and-many-more",
            	"PROGRAMS=a b c d e f g",
            ]
            remove = ["x", "y"]
        "#]],
    );
}

#[test]
fn sections_are_sorted_and_parted_by_one_empty_line() {
    check(
        "summary = \"s\"\n[[test]]\nrun = [\"a\"]\n[test.get]\npath = \"/\"\n# of the options\n[option]\na = { default = true, summary = 'it''s' }\n".replace("'it''s'", "\"it's\"").as_str(),
        expect![[r#"
            summary = "s"

            # of the options
            [option]
            a = { summary = "it's", default = true }

            [[test]]
            run = ["a"]

            [test.get]
            path = "/"
        "#]],
    );
    check(
        "[[test]]\nrun = [\"a\"]\n# second\n[[test]] # two\nserve = 1\nrun = [\"b\"]\n[slot.3] \nversion='3'\n[slot.\"3.0\"]\nversion=\"3.0\"\noption.x.summary = \"dotted\"\n",
        expect![[r#"
            [slot."3"]
            version = "3"

            [slot."3.0"]
            version = "3.0"
            option.x.summary = "dotted"

            [[test]]
            run = ["a"]

            # second
            [[test]]  # two
            run   = ["b"]
            serve = 1
        "#]],
    );
}

#[test]
fn roles() {
    check_file(
        File::Role,
        "kegs = [\"nginx\"]\nsummary = \"s\"\n[limits]\nports = [80]\nroot_disk = \"8 MB\"\n[service.nginx]\nuser = \"web\"\nready={tcp=443}\nrun = [\"nginx\"]\n[options.openssl]\nquic = false      # not served\nold_tls = false\n",
        expect![[r#"
            summary = "s"
            kegs    = ["nginx"]

            [options.openssl]
            quic    = false  # not served
            old_tls = false

            [service.nginx]
            run   = ["nginx"]
            ready = { tcp = 443 }
            user  = "web"

            [limits]
            root_disk = "8 MB"
            ports     = [80]
        "#]],
    );
}

#[test]
fn texts_that_are_no_toml_have_no_form() {
    assert!(matches!(format(File::Recipe, "a = ", Keys::Sorted), Err(FormatError::Syntax(_))));
}

#[test]
fn odd_texts_keep_what_they_mean() {
    for text in [
        "",
        "\n\n",
        "# only a comment",
        "a.b.c = 1\na.b.d = 2\na.e = 3\n",
        "[a]\n[a.b]\nx = 1\n[c]\n",
        "[a.b.c]\nx = 1\n# e\n",
        "x = '''\nlines\n'''\ny = \"\"\"\n a \"b\" \\\n c\"\"\"\n",
        "'quoted key' = 1\n\"a.b\" = 2\n3 = 4\n\"\" = 5\n",
        "t = { a = { b = [1, [2, 3], { c = 4 }] }, d.e = 5 }\n",
        "x = 0x1F\ny = 1_000\nz = 1e3\nd = 2026-01-01T00:00:00Z\ni = inf\n",
        "[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[a.c]\n",
        "a = [\n\n# c\n\n]\n",
        "a = [1, # one\n\n\n2,\n\n# end\n]# eol\n",
        "s = \"tab\\tand \\u00e9 and # hash\"\nl = 'C:\\path'\n",
        "a = 1\r\nb = 2\r\n\r\n[c]\r\n",
        "[x] # header\n# first\n\na = 1\n",
        "a = 1\n\n# before\n\n[x]\n",
    ] {
        holds(File::Recipe, text);
    }
}

#[test]
fn every_recipe_and_role_of_the_tap_has_a_form() {
    let tap = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for entry in fs::read_dir(tap.join("recipes")).unwrap() {
        holds(File::Recipe, &fs::read_to_string(entry.unwrap().path().join("recipe.toml")).unwrap());
        count += 1;
    }
    for entry in fs::read_dir(tap.join("roles")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "toml") {
            holds(File::Role, &fs::read_to_string(path).unwrap());
            count += 1;
        }
    }
    assert!(count > 10, "{count} texts");
}

/// Cut, doubled and bent texts: what still is TOML keeps its meaning and has one form.
#[test]
fn no_bytes_make_it_panic_or_lie() {
    let text =
        fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../recipes/openssl/recipe.toml")).unwrap();
    kegs::reader::mutate::each(&text, 1_000, |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        match format(File::Recipe, text, Keys::Sorted) {
            Ok(once) => assert_eq!(format(File::Recipe, &once, Keys::Sorted).ok(), Some(once), "of\n{text}"),
            Err(error) => assert!(matches!(error, FormatError::Syntax(_)), "{error} of\n{text}"),
        }
    });
}
