//! A toy: a tap, a store with the seed in it, a folder of sources, all in one temporary folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Events, Ran, leftover, seed};

const PROXIES: [&str; 6] =
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

pub struct Toy {
    folder: tempfile::TempDir,
}

impl Toy {
    pub fn new() -> Toy {
        let toy = Toy::without_store();
        seed::copy_store(&toy.store());
        toy
    }

    /// Where nothing has been built, fetched or unpacked.
    pub fn without_store() -> Toy {
        let toy =
            Toy { folder: tempfile::Builder::new().prefix("toy").tempdir().expect("a temporary folder") };
        toy.write("tap/seeds/toy.toml", &seed::text());
        toy.write("tap/toolchains/seed.toml", seed::TOOLCHAIN);
        fs::create_dir_all(toy.tap().join("recipes")).expect("a folder for recipes");
        fs::create_dir_all(toy.tap().join("roles")).expect("a folder for roles");
        fs::create_dir_all(toy.sources()).expect("a folder for sources");
        toy
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn tap(&self) -> PathBuf {
        self.path().join("tap")
    }

    pub fn store(&self) -> PathBuf {
        self.path().join("store")
    }

    pub fn sources(&self) -> PathBuf {
        self.path().join("sources")
    }

    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a path in the toy")).expect("its folder");
        fs::write(&path, text).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// A recipe: whose kegs its script sees, more lines of its `recipe.toml`, and the body of its install step.
    pub fn recipe(&self, name: &str, build: &[&str], more: &str, install: &str) {
        let plain = "summary = \"A toy\"\nlicense = \"MIT\"\npreset = \"script\"\ncc = \"seed\"\noverride = [\"finish\"]\n";
        let version = if more.contains("version =") { "" } else { "version = \"1.0\"\n" };
        self.write(
            &format!("tap/recipes/{name}/recipe.toml"),
            format!("{plain}{version}build = {build:?}\n{more}\n"),
        );
        self.steps(name, install);
    }

    /// `$OUT` exists when the body runs.
    pub fn steps(&self, name: &str, install: &str) {
        let text = format!(
            "do_build() {{ :; }}\ndo_finish() {{ :; }}\ndo_install() {{\nmkdir -p \"$OUT\"\n{install}\n}}\n"
        );
        self.write(&format!("tap/recipes/{name}/steps.sh"), text);
    }

    /// The program on this toy, not yet running.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let store = self.store().display().to_string();
        self.bare_command(&[&["--store", &store], arguments].concat())
    }

    /// The same without `--store`.
    pub fn bare_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        // Before the arguments, which may end in `-- COMMAND`.
        command.arg("--tap").arg(self.tap());
        command.arg("--offline").arg("--sources").arg(seed::sources()).arg("--sources").arg(self.sources());
        command.args(arguments);
        command.env_remove("ROOTBREW_STORE").env_remove("ROOTBREW_TAP").env_remove("MAKEFLAGS");
        command.env("XDG_CACHE_HOME", self.path().join("cache")).current_dir(self.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same with a network: of this machine alone.
    pub fn near(&self, arguments: &[&str]) -> Command {
        let store = self.store().display().to_string();
        let command = self.bare_command(&[&["--store", &store], arguments].concat());
        let words: Vec<_> = command.get_args().filter(|word| *word != "--offline").collect();
        let mut near = Command::new(command.get_program());
        near.args(words).envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        for name in ["ROOTBREW_STORE", "ROOTBREW_TAP", "MAKEFLAGS"].iter().chain(&PROXIES) {
            near.env_remove(name);
        }
        near.current_dir(self.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        near
    }

    /// The program with a network: what a site on this machine says.
    pub fn online(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(arguments).arg("--tap").arg(self.tap()).arg("--store").arg(self.store());
        command.env("XDG_CACHE_HOME", self.path().join("cache")).current_dir(self.path());
        for proxy in PROXIES {
            command.env_remove(proxy);
        }
        Ran::of(&mut command)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// A `--json` build that must end well.
    #[track_caller]
    pub fn build(&self, name: &str) -> Events {
        Events::of(&self.run(&["build", name, "--json"]).expect(0))
    }

    /// The store is whole, and nothing is alive.
    #[track_caller]
    pub fn is_whole(&self) {
        leftover::none(self.path());
        self.run(&["store", "verify"]).expect(0).says(&["0 damaged"]);
    }

    /// What a finished build came to: the output of each action that its root keeps.
    #[track_caller]
    pub fn outputs(&self, name: &str) -> String {
        let store = kegs::Store::open(&self.store()).expect("the store opens");
        let roots = store.roots().expect("the roots are read");
        let (_, kept) = roots
            .iter()
            .find(|(root, _)| *root == format!("kegs-{name}"))
            .expect("a finished build has a root");
        let mut lines: Vec<String> = kept
            .iter()
            .filter_map(|kept| match kept {
                kegs::collect::Kept::Action(key) => {
                    Some(format!("{key} {}", store.result(key).expect("a result").output))
                }
                _ => None,
            })
            .collect();
        lines.sort();
        lines.join("\n")
    }

    /// The files of a built keg, as text.
    #[track_caller]
    pub fn read(&self, keg: &str, file: &str) -> String {
        let note = fs::read_to_string(self.store().join("notes/output").join(keg)).expect("the keg is built");
        let digest: kegs::Digest = note.trim().parse().expect("a digest");
        let store = kegs::Store::open(&self.store()).expect("the store opens");
        let tree = store.tree(&digest).expect("the keg's tree");
        match tree.nodes.get(file) {
            Some(kegs::Node::File { digest, .. }) => {
                String::from_utf8(store.get(digest).expect("a blob")).expect("a text")
            }
            other => panic!("{keg}/{file} is {other:?}"),
        }
    }
}
