//! What only the whole recipe, or its folder, shows to be wrong; and the small forms inside strings.

use expect_test::expect;

use super::*;

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
            recipes/t/recipe.toml:7:65: `{keg:pcre2}` names no dependency; add `pcre2` to `build`, `link` or `run`
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
            recipes/t/recipe.toml:14:7: unknown architecture `arm64`; one of `aarch64`, `arm`, `i686`, `loongarch64`, `powerpc64le`, `riscv64`, `s390x`, `x86_64`
        "#]],
    );
    check_more(
        "preset = \"x\"",
        expect![[r#"
        recipes/t/recipe.toml:7:1: this stands here twice; leave one of the two out
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
fn sources() {
    check_more(
        "[slot.a]\nsource = { url = \"x.org\", sha = 1 }\n[slot.b]\nsource = {}\n[slot.c]\nsource = { git = \"https://x.org\", tag = \"v1\" }\n\
         [slot.d]\nsource = { url = \"https://x.org\", file = \"there.patch\", sha256 = \"AB\" }\n[slot.e]\nsource = { debian = \"zlib 1.2\" }\n\
         [slot.f]\nsource = { debian = \"zlib=1:1.3.1-1/book worm\", size = \"x\" }\n[slot.g]\nsource = { commit = \"abc\" }",
        expect![[r#"
            recipes/t/recipe.toml:8:18: `x.org` is no URL; it begins with `https://`
            recipes/t/recipe.toml:8:27: unknown key `sha` in a source; one of `url`, `debian`, `crate`, `file`, `git`, `tag`, `commit`, `tap`, `sha256`, `size`, `into`, `strip`, `unpack`, `when`, `signature`
            recipes/t/recipe.toml:10:10: a source without a place; add `url`, `debian`, `crate`, `git`, `file` or `tap`
            recipes/t/recipe.toml:12:12: `git` without `commit`; add the commit that the tag is: tags move
            recipes/t/recipe.toml:14:10: a source of two kinds; `url`, `debian` and `crate` are the same bytes; `git`, `file` and `tap` are each a source of its own
            recipes/t/recipe.toml:14:66: not a sha256; 64 lower-case hex digits
            recipes/t/recipe.toml:16:21: `zlib 1.2` is not name=version; as apt names a source: "zlib=1:1.3.1-1", or with a suite: "zlib=1:1.3.1-1/bookworm"
            recipes/t/recipe.toml:18:21: `zlib=1:1.3.1-1/book worm` is not name=version; as apt names a source: "zlib=1:1.3.1-1", or with a suite: "zlib=1:1.3.1-1/bookworm"
            recipes/t/recipe.toml:18:56: `x` is no size; as "512 KiB", "3.3 MB", "2 GiB"
            recipes/t/recipe.toml:20:10: a source without a place; add `url`, `debian`, `crate`, `git`, `file` or `tap`
            recipes/t/recipe.toml:20:12: `commit` without `git`; `git = "https://…"` says of what
            recipes/t/recipe.toml:20:21: not a commit; its whole name: 40 lower-case hex digits (64 in a sha256 repository)
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
