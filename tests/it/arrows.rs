//! The house as its drawing says (docs/architecture.md): who knows whom, who prints, how long a file is.
//!
//! Reads manifests and sources as text. A list of exceptions here may only shrink.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate and the rooms that it may know. `agent` knows the least: what PID 1 links, every host carries.
const ARROWS: [(&str, &[&str]); 9] = [
    ("kegs", &[]),
    ("trust", &[]),
    ("builder", &["kegs"]),
    ("assembler", &["kegs", "host"]),
    ("workbench", &["kegs", "builder", "assembler"]),
    ("host", &[]),
    ("agent", &["host", "trust"]),
    ("ci", &["kegs", "trust", "builder", "assembler", "workbench"]),
    ("cli", &["kegs", "trust", "builder", "assembler", "workbench", "host", "ci"]),
];

/// Those whose words go to a terminal only by way of `cli`.
const LIBRARIES: [&str; 7] = ["kegs", "trust", "builder", "assembler", "workbench", "host", "ci"];

/// A file that is longer has two nouns.
const LINES_MAX: usize = 400;

/// Files that are longer, with what they may have. A file may leave this list, and no other may enter.
const LONG: [(&str, usize); 6] = [
    ("assembler/src/closure/tests.rs", 440),
    ("builder/src/fetch/tests.rs", 500),
    ("builder/src/plan/tests.rs", 570),
    ("builder/src/preset/tests.rs", 500),
    ("builder/src/seed/tests.rs", 650),
    ("builder/tests/sandbox/inside.rs", 450),
];

fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(house().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file that git tracks, or would.
fn files() -> Vec<String> {
    let listed =
        Command::new("git").args(["ls-files", "-co", "--exclude-standard"]).current_dir(house()).output();
    let listed = listed.unwrap_or_else(|error| panic!("git, which knows the house's files: {error}"));
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines().filter(|path| house().join(path).is_file()).map(str::to_string).collect()
}

fn sources() -> impl Iterator<Item = (String, String)> {
    files().into_iter().filter(|path| path.ends_with(".rs")).map(|path| {
        let text = read(&path);
        (path, text)
    })
}

fn is_test(path: &str) -> bool {
    ["tests.rs", "_test.rs"].iter().any(|end| path.ends_with(end)) || path.contains("/tests/")
}

/// Of each source line what is code: no comment, and no file of tests or beyond `#[cfg(test)] mod tests {`.
fn code<'a>(path: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let text = if is_test(path) { "" } else { text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("") };
    let lines = text.lines().enumerate().map(|(at, line)| (at + 1, line.split("//").next().unwrap_or("")));
    lines.collect()
}

/// Whether `line` has `word` where no longer word ends, as `ci::` in `use ci::boot` and not in `specie::`.
fn says(line: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| !line[..at].ends_with(letter))
}

/// Everything that is wrong, and not only the first.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The crates below `[dependencies]` and the like of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        match line.strip_prefix('[') {
            Some(head) => inside = head.contains("dependencies"),
            None if inside => names.extend(line.split(['.', ' ', '=']).next().map(str::to_string)),
            None => {}
        }
    }
    names
}

#[test]
fn no_arrow_points_up() {
    let mut wrong = Vec::new();
    for (room, may) in ARROWS {
        let named = dependencies(&read(&format!("{room}/Cargo.toml")));
        for other in
            ARROWS.iter().map(|(other, _)| *other).filter(|other| *other != room && !may.contains(other))
        {
            if named.contains(other) {
                wrong.push(format!("{room}/Cargo.toml names `{other}`"));
            }
            let path_of_other = format!("{other}::");
            for (path, text) in sources().filter(|(path, _)| path.starts_with(&format!("{room}/"))) {
                let lines = code(&path, &text).into_iter().filter(|(_, line)| {
                    // A module of one's own may be called as another room is: `crate::builder::`.
                    says(line, &path_of_other) && !line.contains(&format!("::{path_of_other}"))
                });
                wrong.extend(
                    lines.map(|(at, line)| {
                        format!("{path}:{at}: {room} may not know {other}: {}", line.trim())
                    }),
                );
            }
        }
    }
    assert_none(&wrong);
}

#[test]
fn every_room_of_the_workspace_is_drawn() {
    let workspace = read("Cargo.toml");
    let members = workspace.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    assert_eq!(members, ARROWS.iter().map(|(room, _)| *room).collect());
}

#[test]
fn libraries_print_nothing() {
    let words = ["println!", "print!", "eprintln!", "eprint!", "dbg!"];
    let mut wrong = Vec::new();
    for (path, text) in
        sources().filter(|(path, _)| LIBRARIES.iter().any(|room| path.starts_with(&format!("{room}/src/"))))
    {
        let lines =
            code(&path, &text).into_iter().filter(|(_, line)| words.iter().any(|word| says(line, word)));
        wrong.extend(lines.map(|(at, line)| format!("{path}:{at}: only `cli` prints: {}", line.trim())));
    }
    assert_none(&wrong);
}

#[test]
fn nothing_is_left_to_do_by_a_panic() {
    let words = ["todo!(", "unimplemented!("];
    let mut wrong = Vec::new();
    for (path, text) in sources().filter(|(path, _)| !path.ends_with("it/arrows.rs")) {
        let lines = text.lines().enumerate().filter(|(_, line)| words.iter().any(|word| says(line, word)));
        wrong.extend(lines.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())));
    }
    assert_none(&wrong);
}

#[test]
fn a_file_holds_one_noun() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        let listed = LONG.iter().find(|(long, _)| *long == path).map(|(_, max)| *max);
        if lines > listed.unwrap_or(LINES_MAX) {
            wrong.push(format!(
                "{path}: {lines} lines, {} at most: part it by its nouns",
                listed.unwrap_or(LINES_MAX)
            ));
        }
        if listed.is_some() && lines <= LINES_MAX {
            wrong.push(format!("{path}: short by now, so take it from the list"));
        }
    }
    wrong.extend(
        LONG.iter()
            .filter(|(path, _)| !house().join(path).exists())
            .map(|(path, _)| format!("{path}: gone, so take it from the list")),
    );
    assert_none(&wrong);
}

#[test]
fn every_module_says_what_it_is() {
    let silent =
        sources().filter(|(path, text)| path.contains("/src/") && !is_test(path) && !text.starts_with("//!"));
    assert_none(&silent.map(|(path, _)| format!("{path}: begin with `//!`")).collect::<Vec<_>>());
}

#[test]
fn every_dependency_has_its_reason() {
    let manifest = read("Cargo.toml");
    let table = manifest.split("[workspace.dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    let outside = table.lines().filter(|line| line.contains(" = ") && !line.contains("path = "));
    let silent =
        outside.filter(|line| line.split_once('#').is_none_or(|(_, reason)| reason.trim().len() < 5));
    let mut wrong: Vec<String> =
        silent.map(|line| format!("Cargo.toml: a reason is missing: {line}")).collect();
    for (room, _) in ARROWS {
        let path = format!("{room}/Cargo.toml");
        let own = read(&path);
        let lines = own
            .split("dependencies]")
            .skip(1)
            .flat_map(|part| part.split("\n[").next().unwrap_or("").lines());
        let lines = lines.filter(|line| line.contains('=') && !line.contains("workspace"));
        wrong.extend(lines.map(|line| format!("{path}: take it from the workspace's table: {line}")));
    }
    assert_none(&wrong);
}

#[test]
fn no_program_runs_while_we_are_compiled() {
    let scripts =
        files().into_iter().filter(|path| Path::new(path).file_name().is_some_and(|name| name == "build.rs"));
    // A module of tests may have this name; beside a manifest it is a program.
    let scripts = scripts.filter(|path| house().join(path).with_file_name("Cargo.toml").exists());
    assert_none(&scripts.collect::<Vec<_>>());
    for (room, _) in ARROWS {
        assert!(!read(&format!("{room}/Cargo.toml")).contains("build ="), "{room} has a build script");
    }
}

/// Where crates, Debian packages, images come from is the machine's business: asked, and never written.
#[test]
fn no_registry_is_named() {
    // In pieces, so that not even this file names one.
    let hosts: [&[&str]; 13] = [
        &["deb", "debian", "org"],
        &["security", "debian", "org"],
        &["ftp", "debian", "org"],
        &["snapshot", "debian", "org"],
        &["archive", "ubuntu", "com"],
        &["static", "crates", "io"],
        &["index", "crates", "io"],
        &["pypi", "org"],
        &["registry", "npmjs", "org"],
        &["proxy", "golang", "org"],
        &["ghcr", "io"],
        &["quay", "io"],
        &["docker", "io"],
    ];
    let hosts = hosts.map(|pieces| pieces.join("."));
    let mut wrong = Vec::new();
    // The lock file is cargo's: it names its index by a fixed word, whatever the place.
    for path in files().into_iter().filter(|path| path != "Cargo.lock") {
        let Ok(text) = fs::read_to_string(house().join(&path)) else { continue };
        let lines = text.lines().enumerate().filter(|(_, line)| hosts.iter().any(|host| line.contains(host)));
        wrong.extend(lines.map(|(at, line)| format!("{path}:{}: {}", at + 1, line.trim())));
    }
    assert_none(&wrong);
}

#[test]
fn the_readmes_two_commands_are_there() {
    let readme = read("README.md");
    let commands = readme.lines().filter_map(|line| line.strip_prefix("./")?.split_whitespace().next());
    let commands: Vec<&str> = commands.collect();
    assert_eq!(commands, ["ci/demo", "ci/test"]);
    for path in commands.into_iter().chain([".ci/run"]) {
        let mode = fs::metadata(house().join(path))
            .unwrap_or_else(|error| panic!("{path}: {error}"))
            .permissions()
            .mode();
        assert!(mode & 0o111 == 0o111, "{path} is not executable: {mode:o}");
    }
    assert!(read(".ci/run").lines().any(|line| line.split_whitespace().any(|word| word == "./ci/test")));
}

/// A check that finds nothing must be able to.
#[test]
fn the_checks_see_what_they_look_for() {
    let named = dependencies(
        "[package]\nname = \"x\"\n[dependencies]\nkegs.workspace = true\nci = { path = \"..\" }\n[lib]\ncli = 1\n",
    );
    assert_eq!(named, ["kegs", "ci"].map(str::to_string).into());
    let text = "use ci::boot; // cli::main\nuse specie::x;\n#[cfg(test)]\nmod tests {\n    dbg!(1);";
    let lines = code("builder/src/a.rs", text);
    let found =
        |word: &str| lines.iter().filter(|(_, line)| says(line, word)).map(|(at, _)| *at).collect::<Vec<_>>();
    assert_eq!((found("ci::"), found("cli::"), found("dbg!")), (vec![1], vec![], vec![]));
    assert!(code("builder/src/plan/tests.rs", text).is_empty());
}
