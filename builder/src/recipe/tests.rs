//! Bad recipes beside what they are told, and the examples of the catalogue in every slot and with every option.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use kegs::fault::Faults;

use super::*;

const EXAMPLES: [(&str, &str); 8] = [
    ("busybox", include_str!("examples/busybox.toml")),
    ("dropbear", include_str!("examples/dropbear.toml")),
    ("linux", include_str!("examples/linux.toml")),
    ("nginx", include_str!("examples/nginx.toml")),
    ("openssl", include_str!("examples/openssl.toml")),
    ("pcre2", include_str!("examples/pcre2.toml")),
    ("ripgrep", include_str!("examples/ripgrep.toml")),
    ("zlib", include_str!("examples/zlib.toml")),
];

/// Files that the examples name.
const BESIDE: [&str; 13] = [
    "busybox/tools.config",
    "busybox/ash.config",
    "busybox/net.config",
    "dropbear/localoptions.h",
    "linux/base.config",
    "linux/virtio.config",
    "linux/x86_64.config",
    "linux/aarch64.config",
    "linux/modules.config",
    "linux/verity.config",
    "linux/wireguard.config",
    "zlib/tests/zpipe.c",
    "zlib/recipe.toml",
];

fn put(tap: &Path, path: &str, bytes: &[u8]) {
    let path = tap.join("recipes").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn examples() -> tempfile::TempDir {
    let tap = tempfile::tempdir().unwrap();
    BESIDE.iter().for_each(|path| put(tap.path(), path, b""));
    EXAMPLES.iter().for_each(|(name, text)| put(tap.path(), &format!("{name}/recipe.toml"), text.as_bytes()));
    tap
}

#[test]
fn the_examples_resolve_in_every_slot_and_with_every_option() {
    let tap = examples();
    let catalogue = load(tap.path()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(catalogue.recipes.len(), EXAMPLES.len());
    for recipe in catalogue.recipes.values() {
        for slot in recipe.slots() {
            for arch in ["x86_64", "aarch64"] {
                recipe
                    .variant(Some(slot), &Choice::default(), arch)
                    .unwrap_or_else(|faults| panic!("{faults}"));
            }
            for (option, _) in recipe.options() {
                for value in [OptionValue::On, OptionValue::Off] {
                    let choice = Choice([(option.to_string(), value.clone())].into());
                    let variant = recipe
                        .variant(Some(slot), &choice, "x86_64")
                        .unwrap_or_else(|faults| panic!("{faults}"));
                    assert_eq!(variant.options[option], value);
                }
            }
        }
    }
}

/// What a recipe `t` is told; files `there.patch` and `tests/there.c` stand beside it.
fn check(text: impl AsRef<[u8]>, expect: Expect) {
    let tap = tempfile::tempdir().unwrap();
    put(tap.path(), "t/recipe.toml", text.as_ref());
    put(tap.path(), "t/there.patch", b"");
    put(tap.path(), "t/tests/there.c", b"");
    expect.assert_eq(&load(tap.path()).map_or_else(|faults| faults.to_string(), |_| "right".to_string()));
}

const SHA256: &str = "bb329a0a2cd0274d05519d61c667c062e06990d72e125ee2dfa8de64f0119d16";

/// A recipe that is right but for what `more` says, from line 7 on.
fn check_more(more: &str, expect: Expect) {
    let head = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1.2\"\nsource = \"https://x.org/x-{version}.tar.gz\"";
    check(format!("{head}\nsha256 = \"{SHA256}\"\npreset = \"autotools\"\n{more}\n"), expect);
}

#[test]
fn a_right_one_is_right() {
    check_more("patches = [\"there.patch\"]\ntest = { c = \"there.c\" }", expect![["right"]]);
}

#[test]
fn an_empty_recipe_is_told_what_it_lacks() {
    check(
        "",
        expect![[r#"
            recipes/t/recipe.toml:1:1: `summary` is missing; one line: what it is, as `summary = "…"`
            recipes/t/recipe.toml:1:1: `license` is missing; an SPDX expression, as `license = "MIT"`
            recipes/t/recipe.toml:1:1: `version` is missing; in the recipe, or in each slot: `version = "…"`
            recipes/t/recipe.toml:1:1: `preset` is missing; in the recipe, or in each slot: `preset = "…"`
            recipes/t/recipe.toml:1:1: `source` is missing; `source = "https://…"`; only the preset `script` may have none
        "#]],
    );
}

#[test]
fn what_it_lacks_beside_its_head() {
    check(
        "summary = \"s\"\nlicense = \"MIT\"\n",
        expect![[r#"
        recipes/t/recipe.toml:1:1: `version` is missing; in the recipe, or in each slot: `version = "…"`
        recipes/t/recipe.toml:1:1: `preset` is missing; in the recipe, or in each slot: `preset = "…"`
        recipes/t/recipe.toml:1:1: `source` is missing; `source = "https://…"`; only the preset `script` may have none
    "#]],
    );
}

#[test]
fn syntax() {
    check(
        "summary = \"s\nlicense = MIT\n[option\n",
        expect![[r#"
        recipes/t/recipe.toml:1:13: invalid basic string, expected `"`
        recipes/t/recipe.toml:2:11: string values must be quoted, expected literal string
        recipes/t/recipe.toml:3:8: unclosed table, expected `]`
    "#]],
    );
}

#[test]
fn not_utf_8() {
    check(
        b"summary = \"s\"\nlicense = \"M\xffT\"\n",
        expect![[r#"
        recipes/t/recipe.toml:2:13: not UTF-8 (byte 0xff); save the file as UTF-8
    "#]],
    );
}

#[test]
fn unknown_keys_have_a_nearest() {
    check_more(
        "sumary = \"x\"\ndepends = []\nsource_url = 1\n[option]\nx = { arg = [\"y\"] }\n[slot.0]\nversoin = \"1\"\n[runtime]\nfile = []",
        expect![[r#"
            recipes/t/recipe.toml:7:1: unknown key `sumary` in a recipe; did you mean `summary`?
            recipes/t/recipe.toml:8:1: unknown key `depends` in a recipe; `link` for libraries, `build` for programs that run here, `run` for what no ELF file shows
            recipes/t/recipe.toml:9:1: unknown key `source_url` in a recipe; none of the 49 is like it
            recipes/t/recipe.toml:11:7: unknown key `arg` in an option; did you mean `args`?
            recipes/t/recipe.toml:13:1: unknown key `versoin` in a slot or an architecture; did you mean `version`?
            recipes/t/recipe.toml:15:1: unknown key `file` in `runtime`; did you mean `files`?
        "#]],
    );
}

#[test]
fn wrong_forms() {
    check_more(
        "args = \"x\"\nenv = [\"A=1\"]\nstatic = \"yes\"\njobs = 0\nmemory = \"3 Gigs\"\nbuild = [1, \"zlib\"]\ncc = \"gcc\"\nlinkage = \"dynamic\"\n\
         override = [\"compile\"]\nprovides = \"x\"",
        expect![[r#"
            recipes/t/recipe.toml:7:8: expected a list, found a string
            recipes/t/recipe.toml:8:7: expected a table, found a list
            recipes/t/recipe.toml:9:10: expected true or false, found a string
            recipes/t/recipe.toml:10:8: a build needs a job; at least 1; leave the key out for no limit
            recipes/t/recipe.toml:11:10: `3 Gigs` is no size; as "512 KiB", "3.3 MB", "2 GiB"
            recipes/t/recipe.toml:12:10: expected a dependency, found an integer
            recipes/t/recipe.toml:13:6: `gcc` is no compiler's origin; one of `profile`, `seed`
            recipes/t/recipe.toml:14:11: `dynamic` is no linkage; one of `static`, `shared`
            recipes/t/recipe.toml:15:13: `compile` is no step; one of `configure`, `build`, `check`, `install`, `finish`
            recipes/t/recipe.toml:16:12: expected a list, found a string
        "#]],
    );
}

#[test]
fn versions() {
    for version in ["\"v1.2\"", "\"latest\"", "1.2", "\"1/2\"", "\"\""] {
        let text = format!(
            "summary = \"s\"\nlicense = \"MIT\"\npreset = \"make\"\nsource = {{ file = \"there.patch\" }}\nversion = {version}"
        );
        let expect = match version {
            "\"v1.2\"" => expect![[r#"
                recipes/t/recipe.toml:5:11: `v1.2` is no version; leave out the `v`; a tag may say `v{version}`
            "#]],
            "\"latest\"" => expect![[r#"
                recipes/t/recipe.toml:5:11: `latest` is no version; a version begins with a digit
            "#]],
            "1.2" => expect![[r#"
                recipes/t/recipe.toml:5:11: expected a version in quotes, found a float
            "#]],
            "\"1/2\"" => expect![[r#"
                recipes/t/recipe.toml:5:11: `1/2` is no version; a version has letters, digits and `. + ~ _ -`
            "#]],
            _ => expect![[r#"
                recipes/t/recipe.toml:5:11: `` is no version; a version begins with a digit
            "#]],
        };
        check(text, expect);
    }
}

#[test]
fn paths_stay_inside_and_files_are_there() {
    check_more(
        "patches = [\"../x.patch\", \"/etc/x\", \"ther.patch\", \"a//b\"]\nsubdir = \"..\"\nremove = [\"share/../..\"]\n\
         inject = { \"../x\" = \"there.patch\" }\nsymlinks = { \"bin/x\" = \"../../../etc/passwd\", \"lib/y\" = \"/etc/y\", \"bin/ok\" = \"../lib/ok\" }\n\
         test = { c = \"not.c\" }",
        expect![[r#"
            recipes/t/recipe.toml:7:12: `../x.patch` is not a path inside; a path may not hold `..`
            recipes/t/recipe.toml:7:26: `/etc/x` is not a path inside; write it without the leading `/`
            recipes/t/recipe.toml:7:36: no file `ther.patch`; did you mean `there.patch`?
            recipes/t/recipe.toml:7:50: `a//b` is not a path inside; write it without `.`, `//` and a trailing `/`
            recipes/t/recipe.toml:8:10: `..` is not a path inside; a path may not hold `..`
            recipes/t/recipe.toml:9:11: `share/../..` is not a path inside; a path may not hold `..`
            recipes/t/recipe.toml:10:12: `../x` is not a path inside; a path may not hold `..`
            recipes/t/recipe.toml:11:24: `../../../etc/passwd` leaves the keg; a link stays inside its keg, or names another as `{keg:dep}/…`
            recipes/t/recipe.toml:11:57: `/etc/y` leaves the keg; a link stays inside its keg, or names another as `{keg:dep}/…`
            recipes/t/recipe.toml:12:14: no file `tests/not.c`; looked in `recipes/t/`
        "#]],
    );
}

#[test]
fn files_that_are_absent() {
    check_more(
        "patches = [\"ther.patch\"]\noverride = [\"build\"]\ntest = { c = \"not.c\" }",
        expect![[r#"
        recipes/t/recipe.toml:7:12: no file `ther.patch`; did you mean `there.patch`?
        recipes/t/recipe.toml:8:13: no file `steps.sh`; looked in `recipes/t/`
        recipes/t/recipe.toml:9:14: no file `tests/not.c`; looked in `recipes/t/`
    "#]],
    );
}

#[test]
fn words_in_braces() {
    check_more(
        "args = [\"{vresion}\", \"{keg}/x\", \"{\", \"}\", \"a{}b\", \"{keg:zlib}\", \"{keg:pcre2}\", \"{keg:}\"]\nlink = [\"zlib\"]",
        expect![[r#"
            recipes/t/recipe.toml:7:10: unknown word `{vresion}`; did you mean `version`?
            recipes/t/recipe.toml:7:34: a brace without its other half; braces hold one word, as in `{version}`
            recipes/t/recipe.toml:7:39: a brace without its other half; braces hold one word, as in `{version}`
            recipes/t/recipe.toml:7:45: unknown word `{}`; one of `name`, `version`, `major`, `minor`, `slot`, `keg`, `arch`, `triplet`, `kernel_image`, `keg:dep`
            recipes/t/recipe.toml:7:65: `{keg:pcre2}` names no dependency; one of `zlib`
            recipes/t/recipe.toml:7:81: unknown word `{keg:}`; a dependency's name follows, as in `{keg:zlib}`
        "#]],
    );
}

#[test]
fn words_that_name_no_dependency() {
    check_more(
        "args = [\"{keg:zlip}\"]\nlink = [\"zlib\"]",
        expect![[r#"
        recipes/t/recipe.toml:7:9: `{keg:zlip}` names no dependency; did you mean `zlib`?
    "#]],
    );
}

#[test]
fn dependencies() {
    check_more(
        "link = [\"zlib\", \"openssl@3\", \"pcre2[jit,-utf16,mode=x] >= 10.40\", \"Zlib\", \"zlib@\", \"zlib[\", \"zlib[a\", \"zlib = 1\", \
         \"zlib < 2\", \"zlib >= v1\", \"zlib >= \", \"\", \"zlib[-a=b]\", \"zlib \"]",
        expect![[r#"
            recipes/t/recipe.toml:7:68: `Zlib` is not a recipe's name; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:81: a slot is missing; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:90: an option is missing; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:100: `]` is missing; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:109: `= 1` is no lower bound; a tap holds one version a slot: only ` >= version` can follow, or name a slot by `@`
            recipes/t/recipe.toml:7:121: `< 2` is no lower bound; a tap holds one version a slot: only ` >= version` can follow, or name a slot by `@`
            recipes/t/recipe.toml:7:136: `v1` is no version; leave out the `v`; a tag may say `v{version}`
            recipes/t/recipe.toml:7:150: `` is no version; a version begins with a digit
            recipes/t/recipe.toml:7:154: a recipe's name is missing; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:164: an option is off or has a value; as in "zlib", "openssl@3", "pcre2[jit,-utf16] >= 10.40"
            recipes/t/recipe.toml:7:177: `` is no lower bound; a tap holds one version a slot: only ` >= version` can follow, or name a slot by `@`
        "#]],
    );
}

#[test]
fn sources() {
    check_more(
        "[slot.a]\nsource = { url = \"x.org\", sha = 1 }\n[slot.b]\nsource = {}\n[slot.c]\nsource = { git = \"https://x.org\", tag = \"v1\" }\n\
         [slot.d]\nsource = { url = \"https://x.org\", file = \"there.patch\", sha256 = \"AB\" }\n[slot.e]\nsource = { debian = \"zlib 1.2\" }\n\
         [slot.f]\nsource = { debian = \"zlib=1:1.3.1-1/book worm\", size = \"x\" }\n[slot.g]\nsource = { commit = \"abc\" }",
        expect![[r#"
            recipes/t/recipe.toml:8:18: `x.org` is no URL; it begins with `https://`
            recipes/t/recipe.toml:8:27: unknown key `sha` in a source; one of `url`, `debian`, `file`, `git`, `tag`, `commit`, `sha256`, `size`, `into`, `strip`, `unpack`, `when`, `signature`
            recipes/t/recipe.toml:10:10: a source without a place; add `url`, `debian`, `git` or `file`
            recipes/t/recipe.toml:12:12: `git` without `commit`; add the commit that the tag is: tags move
            recipes/t/recipe.toml:14:10: a source of two kinds; `url` and `debian` are the same bytes; `git` and `file` are each a source of its own
            recipes/t/recipe.toml:14:66: not a sha256; 64 lower-case hex digits
            recipes/t/recipe.toml:16:21: `zlib 1.2` is not name=version; as apt names a source: "zlib=1:1.3.1-1", or with a suite: "zlib=1:1.3.1-1/bookworm"
            recipes/t/recipe.toml:18:21: `zlib=1:1.3.1-1/book worm` is not name=version; as apt names a source: "zlib=1:1.3.1-1", or with a suite: "zlib=1:1.3.1-1/bookworm"
            recipes/t/recipe.toml:18:56: `x` is no size; as "512 KiB", "3.3 MB", "2 GiB"
            recipes/t/recipe.toml:20:10: a source without a place; add `url`, `debian`, `git` or `file`
            recipes/t/recipe.toml:20:12: `commit` without `git`; `git = "https://…"` says of what
            recipes/t/recipe.toml:20:21: not a commit; its whole name: 40 lower-case hex digits (64 in a sha256 repository)
        "#]],
    );
}

#[test]
fn digests() {
    check_more(
        "default_slot = \"z\"\n[slot.a]\nversion = \"2\"\n[slot.b]\nsource = []\n[slot.c]\nsource = [{ url = \"https://x.org/y\" }, { file = \"there.patch\" }]\n\
         [slot.d]\nsource = { url = \"https://x.org/y\", when = \"no\" }",
        expect![[r#"
            recipes/t/recipe.toml:7:16: no slot `z`; one of `a`, `b`, `c`, `d`
            recipes/t/recipe.toml:9:11: a source without a digest; add `sha256 = "…"`: the digest decides, the place does not
            recipes/t/recipe.toml:11:10: `source` is empty; leave the key out, or name a source
            recipes/t/recipe.toml:13:11: a source without a digest; add `sha256 = "…"`: the digest decides, the place does not
            recipes/t/recipe.toml:15:10: a source without a digest; add `sha256 = "…"`: the digest decides, the place does not
            recipes/t/recipe.toml:15:44: no such option; there is none
        "#]],
    );
}

#[test]
fn options() {
    check_more(
        "[option]\na = { default = \"yes\" }\nb = { values = [\"x\", \"y\"], default = \"z\" }\nc = { values = [\"x\"], default = true }\nD = {}",
        expect![[r#"
            recipes/t/recipe.toml:8:17: a default that the option cannot have; `true` or `false`; a choice has `values`
            recipes/t/recipe.toml:9:38: a default that the option cannot have; one of `x`, `y`
            recipes/t/recipe.toml:10:33: a default that the option cannot have; one of `x`
            recipes/t/recipe.toml:11:1: `D` is no name for an option; lower-case letters, digits and `. _ + -`, a letter or digit first
        "#]],
    );
    check_more(
        "[option]\na = { needs = [\"bb\"] }\nb = { default = true, needs = [\"c\"], excludes = [\"d\"] }\nc = {}\nd = { default = true }",
        expect![[r#"
            recipes/t/recipe.toml:8:16: no other option `bb`; one of `b`, `c`, `d`
            recipes/t/recipe.toml:9:32: `b` is on by default, `c` is off; change one of the two defaults
            recipes/t/recipe.toml:9:50: `b` is on by default, `d` is on; change one of the two defaults
        "#]],
    );
}

#[test]
fn layers() {
    check_more(
        "default_slot = \"2\"\nargs = [\"--a\", \"--b\"]\narchs = [\"x86-64\"]\n[slot.1]\nargs_drop = [\"--c\"]\n[slot.\"1.0\"]\nargs_drop = [\"--a\"]\n[arch.arm64]\nargs = []",
        expect![[r#"
            recipes/t/recipe.toml:7:16: no slot `2`; one of `1`, `1.0`
            recipes/t/recipe.toml:9:10: unknown architecture `x86-64`; did you mean `x86_64`?
            recipes/t/recipe.toml:11:14: nothing to take away; did you mean `--a`?
            recipes/t/recipe.toml:14:7: unknown architecture `arm64`; one of `aarch64`, `arm`, `i686`, `loongarch64`, `powerpc64le`, `riscv64`, `s390x`, `x86_64`
        "#]],
    );
    check_more(
        "preset = \"x\"",
        expect![[r#"
        recipes/t/recipe.toml:7:1: duplicate key
    "#]],
    );
    check_more(
        "[slot.1]\npreset = \"configre\"\n[option]\nx = { flag = \"x\" }\n[slot.2]\npreset = \"configure\"",
        expect![[r#"
            recipes/t/recipe.toml:8:10: `configre` is no preset; did you mean `configure`?
            recipes/t/recipe.toml:10:14: the preset `configure` has no switch for `flag`; write `args` and `args_off`
        "#]],
    );
    check_more(
        "[slot.2]\npreset = \"configure\"\n[option]\nx = { flag = \"x\" }",
        expect![[r#"
        recipes/t/recipe.toml:10:14: the preset `configure` has no switch for `flag`; write `args` and `args_off`
    "#]],
    );
}

#[test]
fn facts() {
    check(
        format!(
            "summary = \"{}\"\nlicense = \"MIT, GPL\"\nversion = \"1\"\npreset = \"script\"\ncpe = \"openssl\"\ncve = {{ \"2026-1\" = \"gone\" }}\n\
             allow = {{ K22 = \"\" }}\nwithout = {{ lot = \"x\", pie = \"\" }}\n",
            "x".repeat(73)
        ),
        expect![[r#"
            recipes/t/recipe.toml:1:11: a summary of 73 characters; at most 72 characters, no article, no name
            recipes/t/recipe.toml:2:11: `MIT,` does not stand right in a licence; an SPDX expression, as "MIT" or "GPL-2.0-only AND bzip2-1.0.6"
            recipes/t/recipe.toml:4:10: no file `steps.sh`; looked in `recipes/t/`
            recipes/t/recipe.toml:5:7: `openssl` is no vendor:product; as "f5:nginx"
            recipes/t/recipe.toml:6:9: `2026-1` is no CVE; as "CVE-2026-1234"
            recipes/t/recipe.toml:6:20: `gone` is no status; one of `fixed`, `not-affected`, `disputed`
            recipes/t/recipe.toml:7:17: a reason is missing; say why: the next author asks
            recipes/t/recipe.toml:8:13: unknown key `lot` in `without`; did you mean `lto`?
            recipes/t/recipe.toml:8:30: a reason is missing; say why: the next author asks
        "#]],
    );
}

#[test]
fn tests_of_a_recipe() {
    check_more(
        "[[test]]\nstdin = \"x\"\n[[test]]\nrun = \"a | b\"\n[[test]]\nrun = \"a\"\nc = \"there.c\"\n[[test]]\nrun = [\"a\"]\nget = {}\nserve = 70000",
        expect![[r#"
            recipes/t/recipe.toml:7:1: a test that runs nothing; add `run`, or `c` with a file of `tests/`
            recipes/t/recipe.toml:10:7: a sign that only a shell knows; write the arguments as a list
            recipes/t/recipe.toml:11:1: a test that is two; `run`, `c`, `cxx`: one each `[[test]]`
            recipes/t/recipe.toml:16:1: `get` without `serve`; `serve = 8080` says where the program listens
            recipes/t/recipe.toml:17:9: 70000 is out of range; from 0 to 65535
        "#]],
    );
}

#[test]
fn kconfig() {
    check_more(
        "kconfig = { frag = [], set = { CONFIG_X = true, \"A B\" = 1, OK = \"y\\nn\" } }",
        expect![[r#"
            recipes/t/recipe.toml:7:13: unknown key `frag` in `kconfig`; one of `base`, `fragments`, `set`
            recipes/t/recipe.toml:7:32: `CONFIG_X` is no symbol; leave out `CONFIG_`
            recipes/t/recipe.toml:7:49: `A B` is no symbol; letters, digits and `_`
            recipes/t/recipe.toml:7:65: a symbol's value is one line; leave out the line break
        "#]],
    );
}

#[test]
fn all_faults_of_all_files_in_one_go() {
    let tap = tempfile::tempdir().unwrap();
    put(tap.path(), "a/recipe.toml", b"summary = 1\n");
    put(tap.path(), "b/recipe.toml", b"x = [\n");
    put(tap.path(), "c/readme", b"");
    put(tap.path(), "D/recipe.toml", b"");
    expect![[r#"
        recipes/D/recipe.toml:1:1: `D` is no name for a recipe; rename the folder: lower-case letters, digits and `. _ + -`, a letter or digit first
        recipes/a/recipe.toml:1:1: `license` is missing; an SPDX expression, as `license = "MIT"`
        recipes/a/recipe.toml:1:1: `version` is missing; in the recipe, or in each slot: `version = "…"`
        recipes/a/recipe.toml:1:1: `preset` is missing; in the recipe, or in each slot: `preset = "…"`
        recipes/a/recipe.toml:1:1: `source` is missing; `source = "https://…"`; only the preset `script` may have none
        recipes/a/recipe.toml:1:11: expected a string, found an integer
        recipes/b/recipe.toml:1:6: unclosed array, expected `]`
        recipes/c/recipe.toml:1:1: cannot read it: No such file or directory (os error 2); each folder of `recipes/` has a `recipe.toml`
    "#]].assert_eq(&load(tap.path()).unwrap_err().to_string());
}

#[test]
fn a_virtual_is_no_recipe() {
    let tap = examples();
    put(tap.path(), "ng/recipe.toml", EXAMPLES[7].1.replace("zlib-api", "zlib").as_bytes());
    put(tap.path(), "ng/tests/zpipe.c", b"");
    expect![[r#"
        recipes/ng/recipe.toml:7:13: `zlib` is a recipe; a virtual has a name of its own, as `zlib-api`
    "#]]
    .assert_eq(&load(tap.path()).unwrap_err().to_string());
}

#[test]
fn no_bytes_make_it_panic() {
    let tap = examples();
    for (name, text) in EXAMPLES {
        let folder = tap.path().join("recipes").join(name);
        kegs::reader::mutate::each(text.as_bytes(), 2_000, |bytes| {
            let mut faults = Faults::default();
            let recipe = Recipe::parse(name, &folder, Path::new("recipe.toml"), bytes, &mut faults);
            assert_eq!(recipe.is_none(), !faults.0.is_empty());
            // Drawing a fault reads its place.
            assert_eq!(faults.to_string().is_empty(), faults.0.is_empty());
            let Some(recipe) = recipe else { return };
            // A recipe without a fault resolves, unless its words now name a file that is absent.
            for slot in recipe.slots() {
                if let Err(faults) = recipe.variant(Some(slot), &Choice::default(), "x86_64") {
                    let told = faults.to_string();
                    assert!(told.contains("no file") || told.contains("does not build on"), "{told}");
                }
            }
        });
    }
}
