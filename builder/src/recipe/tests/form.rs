//! What a single key says wrong.

use expect_test::expect;

use super::*;

#[test]
fn a_right_one_is_right() {
    check_more("patches = [\"there.patch\"]\ntest = { c = \"there.c\" }", expect!["right"]);
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
            recipes/t/recipe.toml:1:13: a string without its end; close it by `"` on the same line
            recipes/t/recipe.toml:2:11: `MIT` without quotes; text is quoted, a version too: `"MIT"`
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
fn facts() {
    check(
        format!(
            "summary = \"{}\"\nlicense = \"MIT, GPL\"\nversion = \"1\"\npreset = \"script\"\ncpe = \"openssl\"\ncve = {{ \"2026-1\" = \"gone\" }}\n\
             allow = {{ K22 = \"\" }}\nwithout = {{ lot = \"x\", pie = \"\" }}\n",
            "x".repeat(73)
        ),
        expect![[r#"
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
fn what_is_looked_for_at_a_place() {
    check_more(
        "[runtime]\nfiles = [\"/etc/ssl/../passwd\", \"/etc/ssl/cert.pem\"]\nat = { \"usr/share\" = \"share\", \"/x\" = \"/y\", \"/usr/share/zoneinfo\" = \"share/zoneinfo\" }",
        expect![[r#"
            recipes/t/recipe.toml:8:10: `/etc/ssl/../passwd` is no path; a path may not hold `..`
            recipes/t/recipe.toml:9:8: `usr/share` is no place in the image; where programs look, as "/usr/share/zoneinfo"
            recipes/t/recipe.toml:9:38: `/y` is not a path inside; write it without the leading `/`
        "#]],
    );
}
