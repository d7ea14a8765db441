//! `rootbrew bump`: what is newer becomes a commit; what a site says is only data.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Ran, Site, Toy, site};

fn git(folder: &Path, words: &[&str]) -> String {
    let mut git = Command::new("git");
    git.current_dir(folder).args(["-c", "user.name=A", "-c", "user.email=a@host"]).args(words);
    Ran::of(&mut git).expect(0).out
}

/// A repository of the tap, with a first commit.
fn tracked(toy: &Toy) {
    git(&toy.tap(), &["init", "-q", "-b", "main"]);
    for (key, value) in [("user.name", "A"), ("user.email", "a@host")] {
        git(&toy.tap(), &["config", key, value]);
    }
    git(&toy.tap(), &["add", "-A"]);
    git(&toy.tap(), &["commit", "-q", "-m", "first"]);
}

fn source(version: &str, lines: &str) -> Vec<u8> {
    let folder = format!("toy-{version}/text");
    site::tar(&[(&folder, lines)])
}

/// A recipe of toy 1.0 whose source is on `site`, with `more` lines.
fn recipe(toy: &Toy, site: &Site, more: &str) {
    let source = format!(
        "source = {{ url = \"{}/toy-{{version}}.tar\", sha256 = \"{}\", size = 3 }} # as it was\n{more}",
        site.url,
        "0".repeat(64),
    );
    toy.recipe("toy", &[], &source, "true");
}

fn page(versions: &[&str]) -> Vec<u8> {
    let links = versions.iter().map(|version| format!("<a href=\"toy-{version}.tar.gz\">toy</a>\n"));
    format!("<html>{}</html>", links.collect::<String>()).into_bytes()
}

#[test]
fn a_newer_version_becomes_one_commit_and_the_work_tree_stays() {
    let new = source("1.2", "zero\none\nTWO\nthree\nfour\nFIVE\n");
    let site =
        Site::start([("/list", page(&["0.9", "1.0", "1.2", "1.3-rc1"])), ("/toy-1.2.tar", new.clone())]);
    let toy = Toy::without_store();
    let patch = |line: usize, before: &str, was: &str, is: &str| {
        format!("--- a/text\n+++ b/text\n@@ -{line},2 +{line},2 @@\n {before}\n-{was}\n+{is}\n")
    };
    toy.write("tap/recipes/toy/patches/taken.patch", patch(1, "one", "two", "TWO"));
    toy.write("tap/recipes/toy/patches/moved.patch", patch(3, "three", "four", "FOUR"));
    recipe(
        &toy,
        &site,
        &format!(
            "watch = {{ page = \"{}/list\" }}\npatches = [\"patches/taken.patch\", \"patches/moved.patch\"]",
            site.url
        ),
    );
    tracked(&toy);
    toy.write("tap/notes", "mine, not committed");
    toy.online(&["bump", "--dry-run"]).expect(0).says(&["toy 1.0 → 1.2 (page)"]);
    assert_eq!(git(&toy.tap(), &["branch", "--list", "bump/*"]), "");
    let ran = toy.online(&["bump"]).expect(0);
    ran.says(&["toy 1.0 → 1.2", "patches/taken.patch is in the new source, dropped", "bump/toy-1.2"]);
    ran.says(&["patches/moved.patch applies elsewhere, refreshed"]);
    assert_eq!(git(&toy.tap(), &["status", "--porcelain"]), "?? notes\n");
    assert_eq!(git(&toy.tap(), &["log", "--format=%s", "main..bump/toy-1.2"]), "toy: 1.0 → 1.2\n");
    let text = git(&toy.tap(), &["show", "bump/toy-1.2:recipes/toy/recipe.toml"]);
    for words in [
        "version = \"1.2\"",
        &kegs::Digest::of(&new).hex(),
        "# as it was",
        "patches = [\"patches/moved.patch\"]",
    ] {
        assert!(text.contains(words), "{words} is not in\n{text}");
    }
    let files = git(&toy.tap(), &["diff", "--name-status", "main", "bump/toy-1.2"]);
    assert_eq!(
        files,
        "M\trecipes/toy/patches/moved.patch\nD\trecipes/toy/patches/taken.patch\nM\trecipes/toy/recipe.toml\n"
    );
    toy.online(&["bump"]).expect(1).says(&["there is a branch `bump/toy-1.2` already"]);
}

#[test]
fn a_patch_that_fails_leaves_its_recipe_alone() {
    let site = Site::start([("/list", page(&["1.2"])), ("/toy-1.2.tar", source("1.2", "other\n"))]);
    let toy = Toy::without_store();
    toy.write("tap/recipes/toy/p.patch", "--- a/text\n+++ b/text\n@@ -1 +1 @@\n-one\n+ONE\n");
    recipe(&toy, &site, &format!("watch = {{ page = \"{}/list\" }}\npatches = [\"p.patch\"]", site.url));
    let before = fs::read(toy.tap().join("recipes/toy/recipe.toml")).expect("the recipe");
    toy.online(&["bump", "toy"]).expect(1).says(&["p.patch: hunk 1 of text"]);
    assert_eq!(fs::read(toy.tap().join("recipes/toy/recipe.toml")).expect("the recipe"), before);
}

#[test]
fn without_a_repository_the_files_are_changed_in_place() {
    let site = Site::start([("/list", page(&["1.2"])), ("/toy-1.2.tar", source("1.2", "one\n"))]);
    let toy = Toy::without_store();
    recipe(&toy, &site, &format!("watch = {{ page = \"{}/list\" }}", site.url));
    toy.online(&["bump", "toy"]).expect(0).says(&["no git repository tracks this tap"]);
    let text = fs::read_to_string(toy.tap().join("recipes/toy/recipe.toml")).expect("the recipe");
    assert!(text.contains("version = \"1.2\""), "{text}");
    toy.online(&["bump", "toy"]).expect(0).says(&["nothing newer"]);
}

#[test]
fn a_watch_page_that_is_nonsense_or_endless_is_a_fault_at_its_key() {
    let site = Site::start([("/list", b"<html>hello</html>".to_vec()), ("/huge", vec![b'x'; 100 << 20])]);
    for (path, said) in [
        ("list", "no version is found there"),
        ("huge", "more than the limit of 8388608 bytes"),
        ("none", "404"),
    ] {
        let toy = Toy::without_store();
        recipe(&toy, &site, &format!("watch = {{ page = \"{}/{path}\" }}", site.url));
        toy.online(&["bump", "toy"]).expect(1).says(&[said, "recipes/toy/recipe.toml:9:18"]);
    }
}

/// What a server of git says at first: each tag, all of one commit.
fn advertisement(tags: &[&str]) -> Vec<u8> {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let commit = "1".repeat(40);
    let mut said = line("# service=git-upload-pack\n") + "0000";
    said += &line(&format!("{commit} refs/heads/main\0ofs-delta\n"));
    tags.iter().for_each(|tag| said += &line(&format!("{commit} refs/tags/{tag}\n")));
    (said + "0000").into_bytes()
}

#[test]
fn a_tag_that_looks_like_an_option_is_a_name_and_no_more() {
    let tags = ["v1.0", "v1.2", "-v1.3", "--upload-pack=touch${IFS}touched"];
    let list = "/up.git/info/refs?service=git-upload-pack";
    let site = Site::start([("/toy-1.2.tar", source("1.2", "one\n")), (list, advertisement(&tags))]);
    let toy = Toy::without_store();
    recipe(&toy, &site, &format!("watch = {{ git = \"{}/up.git\" }}", site.url));
    toy.online(&["bump", "toy", "--dry-run"]).expect(0).says(&["toy 1.0 → 1.2 (tag)"]);
    assert!(!toy.path().join("touched").exists());
}

/// Our own recipes at an older version, in a tap of their own, in the user's own store.
#[test]
fn two_recipes_of_ours_are_bumped_and_build() {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let tap = folder.path().join("tap");
    fs::create_dir(&tap).expect("a tap");
    for part in ["recipes", "roles", "toolchains", "seeds", "agent", "host", "Cargo.toml", "Cargo.lock"] {
        Ran::of(Command::new("cp").arg("-a").arg(house.join(part)).arg(&tap)).expect(0);
    }
    let zlib = "{ debian = \"zlib=1:1.3.dfsg+really1.3.1-3/sid\", \
        sha256 = \"60dd315c07f616887caa029408308a018ace66e3d142726a97db164b3b8f69fb\", size = 1325737 }";
    let lz4 = "{ debian = \"lz4=1.9.4-1/bookworm\", \
        sha256 = \"0b0e3aa07c8c063ddf40b082bdf7e37a1562bda40a0ff5272957f3e987e0e54b\", size = 354063 }";
    for (name, from, source, to) in [("zlib", "1.3.1", zlib, "1.3.2"), ("lz4", "1.9.4", lz4, "1.10.0")] {
        older(&tap, name, from, source);
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["bump", name, "--to", to, "--build"]).arg("--tap").arg(&tap);
        let ran = Ran::of(&mut command).expect(0);
        ran.says(&[&format!("{name} {from} → {to}"), "Debian ", "done"]);
        let text =
            fs::read_to_string(tap.join("recipes").join(name).join("recipe.toml")).expect("the recipe");
        assert!(text.contains(&format!("\"{to}\"")), "{text}");
    }
}

fn older(tap: &PathBuf, name: &str, version: &str, source: &str) {
    let path = tap.join("recipes").join(name).join("recipe.toml");
    let text = fs::read_to_string(&path).expect("the recipe");
    let line = |line: &str| match line.split(' ').next() {
        Some("version") => format!("version = \"{version}\""),
        Some("source") => format!("source = {source}"),
        _ => line.to_string(),
    };
    let lines: Vec<String> = text.lines().map(line).collect();
    fs::write(path, lines.join("\n") + "\n").expect("the recipe is written");
}
