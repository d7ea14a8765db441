//! What recipes become: layers merged, options settled, words expanded.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use kegs::fault::Faults;

use super::super::*;

const SHA256: &str = "bb329a0a2cd0274d05519d61c667c062e06990d72e125ee2dfa8de64f0119d16";

/// The recipe `t`, right but for what `more` says, with a file `x86_64.config` beside it.
fn recipe(more: &str) -> (Recipe, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x86_64.config"), b"").unwrap();
    let head = "summary = \"s\"\nlicense = \"MIT OR X11\"\nversion = \"1.2.3\"\nsource = \"https://x.org/x-{version}.tar.gz\"";
    let text = format!("{head}\nsha256 = \"{SHA256}\"\n{more}\n");
    let mut faults = Faults::default();
    let recipe = Recipe::parse("t", folder.path(), Path::new("recipe.toml"), text.as_bytes(), &mut faults);
    (recipe.unwrap_or_else(|| panic!("{faults}")), folder)
}

fn choice(asked: &str) -> Choice {
    let one = |word: &str| match (word.strip_prefix('-'), word.split_once('=')) {
        (Some(name), _) => (name.to_string(), OptionValue::Off),
        (None, Some((name, value))) => (name.to_string(), OptionValue::Value(value.to_string())),
        (None, None) => (word.to_string(), OptionValue::On),
    };
    Choice(asked.split_whitespace().map(one).collect())
}

/// The options that are on after `asked`, or what is refused.
fn check_settled(options: &str, asked: &str, expect: Expect) {
    let (recipe, _folder) = recipe(&format!("preset = \"configure\"\n[option]\n{options}"));
    let told = match recipe.settle(&choice(asked)) {
        Ok(settled) => {
            settled.iter().map(|(name, value)| format!("{name}={value:?}")).collect::<Vec<_>>().join(" ")
        }
        Err(refused) => {
            refused.iter().map(|one| format!("{}; {}", one.message, one.help)).collect::<Vec<_>>().join("\n")
        }
    };
    expect.assert_eq(&told);
}

const TLS: &str = "ssl = { default = true }\nhttp2 = { needs = [\"ssl\"], default = true }\nhttp3 = { needs = [\"ssl\"] }\n\
    plain = { excludes = [\"ssl\"] }\nmode = { values = [\"a\", \"b\"] }";

#[test]
fn defaults_give_way_and_askings_stand() {
    check_settled(TLS, "", expect![[r#"http2=On http3=Off mode=Value("a") plain=Off ssl=On"#]]);
    check_settled(TLS, "-ssl", expect![[r#"http2=Off http3=Off mode=Value("a") plain=Off ssl=Off"#]]);
    check_settled(TLS, "plain mode=b", expect![[r#"http2=Off http3=Off mode=Value("b") plain=On ssl=Off"#]]);
    check_settled(
        TLS,
        "http3 -ssl",
        expect!["`http3` needs `ssl`; ask for one of the two, `http3` or `ssl`, and not for both"],
    );
    check_settled(
        TLS,
        "plain ssl",
        expect!["`plain` excludes `ssl`; ask for one of the two, `plain` or `ssl`, and not for both"],
    );
    check_settled(
        TLS,
        "htp3 mode=c ssl=x mode",
        expect![[r#"
            unknown option `htp3`; did you mean `http3`?
            a value that `mode` cannot have; one of `a`, `b`
            a value that `ssl` cannot have; `true` or `false`; a choice has `values`"#]],
    );
    check_settled("a = { needs = [\"b\"] }\nb = { needs = [\"a\"] }", "a", expect!["a=On b=On"]);
    check_settled(
        "a = { needs = [\"b\"] }\nb = { needs = [\"c\"] }\nc = {}",
        "a -c",
        expect!["`b` needs `c`; ask for one of the two, `b` or `c`, and not for both"],
    );
}

#[test]
fn switches_are_in_the_presets_syntax() {
    for (preset, expect) in [
        ("autotools", expect!["--enable-x +a --without-y -b --enable-z=v"]),
        ("cmake", expect!["-Dx=ON +a -Dwith-y=OFF -b -Dz=v"]),
        ("meson", expect!["-Dx=enabled +a -Dwith-y=disabled -b -Dz=v"]),
    ] {
        let options = "[option]\na = { flag = \"x\", default = true, args = [\"+a\"] }\nb = { flag = \"with-y\", args_off = [\"-b\"] }\nc = { flag = \"z\", values = [\"v\"] }";
        let (recipe, _folder) = recipe(&format!("preset = \"{preset}\"\n{options}"));
        let variant = recipe.variant(None, &Choice::default(), "x86_64").unwrap();
        expect.assert_eq(&variant.args.join(" "));
    }
}

#[test]
fn layers_lie_over_one_another() {
    let (recipe, _folder) = recipe(
        "preset = \"make\"\ndefault_slot = \"2\"\nargs = [\"--a\", \"--b\"]\nenv = { A = \"{slot}\", B = \"b\" }\nlink = [\"zlib\"]\n\
         targets = { build = [\"all\"], install = [\"in\"] }\n\
         [slot.1]\nargs = [\"--one\"]\n[slot.2]\nargs_drop = [\"--a\"]\nenv = { B = \"{major}.{minor}\" }\ntargets = { build = \"two\" }\nlink = [\"perl\"]\n\
         version = \"2.5\"\nsha256 = \"243a86649cf6f23eeb6a2ff2456e09e5d77dd9018a54d3d96b0c6bdd6ba6c7f1\"\n\
         [arch.aarch64]\nargs = [\"--arm={triplet}\"]\nargs_drop = [\"--b\"]",
    );
    let show = |slot, arch| {
        let variant = recipe.variant(slot, &Choice::default(), arch).unwrap();
        let links: Vec<_> = variant.link.iter().map(|dep| dep.name.clone()).collect();
        let source = &variant.sources[0];
        format!(
            "{} {} {:?} {:?} {:?} {:?} {} {}\n",
            variant.keg(),
            variant.version,
            variant.args,
            variant.env,
            variant.targets.build,
            links,
            source.urls[0],
            hex::encode(&source.sha256.unwrap()[..2]),
        )
    };
    expect![[r#"
        /kegs/t/1 1.2.3 ["--a", "--b", "--one"] {"A": "1", "B": "b"} ["all"] ["zlib"] https://x.org/x-1.2.3.tar.gz bb32
        /kegs/t/2 2.5 ["--b"] {"A": "2", "B": "2.5"} ["two"] ["zlib", "perl"] https://x.org/x-2.5.tar.gz 243a
        /kegs/t/2 2.5 ["--arm=aarch64-linux-musl"] {"A": "2", "B": "2.5"} ["two"] ["zlib", "perl"] https://x.org/x-2.5.tar.gz 243a
    "#]].assert_eq(&(show(Some("1"), "x86_64") + &show(None, "x86_64") + &show(None, "aarch64")));
}

#[test]
fn options_bring_what_they_say() {
    let (recipe, _folder) = recipe(
        "preset = \"kbuild\"\nkconfig = { base = \"tinyconfig\", set = { A = true } }\n[option]\n\
         x = { default = true, kconfig = [\"{arch}.config\"], license = \"BSD-2-Clause\", link = [\"pcre2[jit] >= 10\"], build_args = [\"X={keg:pcre2}\"] }",
    );
    let mut variant = recipe.variant(None, &Choice::default(), "x86_64").unwrap();
    assert_eq!(variant.kconfig.as_ref().unwrap().fragments, ["x86_64.config"]);
    assert_eq!(variant.license, "(MIT OR X11) AND BSD-2-Clause");
    assert_eq!(variant.link[0].options, choice("jit"));
    assert_eq!(&variant.text.content[variant.link[0].bound_span.clone().unwrap()], "10");
    assert_eq!(&variant.text.content[variant.link[0].name_span.clone()], "pcre2");
    assert_eq!(variant.place_kegs(&|_| None), Err(vec!["pcre2".to_string()]));
    variant.place_kegs(&|dep| Some(format!("/kegs/{dep}/0"))).unwrap();
    assert_eq!(variant.build_args, ["X=/kegs/pcre2/0"]);
    let off = recipe.variant(None, &choice("-x"), "x86_64").unwrap();
    assert_eq!((off.link.len(), off.license.as_str()), (0, "MIT OR X11"));
    expect![[r#"
        recipe.toml:9:34: no file `aarch64.config`; looked in `recipes/t/`
    "#]]
    .assert_eq(&recipe.variant(None, &Choice::default(), "aarch64").unwrap_err().to_string());
}

#[test]
fn what_cannot_be_asked_of_a_recipe() {
    let (recipe, _folder) = recipe("archs = [\"x86_64\"]\npreset = \"make\"\n[option]\njit = {}");
    let mut told = String::new();
    for (slot, asked, arch) in [(Some("1"), "", "x86_64"), (None, "jot", "x86_64"), (None, "", "riscv64")] {
        told += &recipe.variant(slot, &choice(asked), arch).unwrap_err().to_string();
    }
    expect![[r#"
        recipe.toml:3:11: `t` has no slot `1`; one of `0`
        recipe.toml:3:11: unknown option `jot`; did you mean `jit`?
        recipe.toml:6:10: `t` does not build on `riscv64`; one of `x86_64`
    "#]]
    .assert_eq(&told);
}

#[test]
fn seed_and_linkage_are_layers_too() {
    let (recipe, _folder) =
        recipe("cc = \"seed\"\nlinkage = \"shared\"\npreset = \"make\"\n[slot.a]\nlinkage = \"static\"");
    let variant = recipe.variant(None, &Choice::default(), "x86_64").unwrap();
    assert_eq!((variant.cc, variant.linkage), (Cc::Seed, Linkage::Static));
}

#[test]
fn sources_of_every_kind() {
    let (recipe, _folder) = recipe(
        "preset = \"make\"\n[slot.a]\nsource = [\n { url = [\"https://a.org/{name}\", \"https://b.org/x\"], debian = \"t={version}-1/sid\", sha256 = \
         \"243a86649cf6f23eeb6a2ff2456e09e5d77dd9018a54d3d96b0c6bdd6ba6c7f1\", size = 12 },\n { git = \"https://c.org/x\", tag = \"v{version}\", commit = \
         \"e89fff89ac9af12e8d4ce9d5fd07beb408ca730f\", into = \"sub\", when = \"o\" } ]\n[option]\no = { default = true }",
    );
    let all = |asked| recipe.variant(None, &choice(asked), "x86_64").unwrap().sources;
    let [archive, git] = all("").try_into().unwrap();
    assert_eq!(archive.urls, ["https://a.org/t", "https://b.org/x"]);
    let debian = Debian { name: "t".into(), version: "1.2.3-1".into(), suite: Some("sid".into()) };
    assert_eq!((archive.debian, archive.size_bytes, archive.strip), (Some(debian), Some(12), 1));
    assert_eq!((git.git.unwrap().tag.as_deref(), git.into.as_deref()), (Some("v1.2.3"), Some("sub")));
    assert_eq!(all("-o").len(), 1);
}

#[test]
fn who_provides_what() {
    let tap = tempfile::tempdir().unwrap();
    for name in ["one", "two"] {
        let folder = tap.path().join("recipes").join(name);
        fs::create_dir_all(&folder).unwrap();
        let text = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1\"\npreset = \"script\"\nprovides = [\"z-api\"]\ndefault_slot = \"b\"\n\
            [slot.a]\nprovides = [\"y-api\"]\n[slot.b]\n";
        fs::write(folder.join("recipe.toml"), text).unwrap();
        fs::write(folder.join("steps.sh"), b"").unwrap();
    }
    let catalogue = load(tap.path()).unwrap_or_else(|faults| panic!("{faults}"));
    let show = |providers: &Vec<Provider>| {
        providers.iter().map(|one| format!("{}@{}", one.recipe, one.slot)).collect()
    };
    let shown: BTreeMap<_, Vec<String>> =
        catalogue.provides.iter().map(|(name, all)| (name.as_str(), show(all))).collect();
    assert_eq!(shown["y-api"], ["one@a", "two@a"]);
    assert_eq!(shown["z-api"], ["one@a", "one@b", "two@a", "two@b"]);
    assert_eq!(catalogue.nearest("tow"), Some("two"));
}
