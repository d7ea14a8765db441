//! The binary cache by the built program: a toy role lent by one store and taken by another; entries that lie, lack, or are
//! signed by others; pushes and pulls that are killed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Chance, Ran, Toy, leftover};

/// `box` is made of `tool`, which `base` and `more` are seen by, and of a kernel.
struct Home {
    toy: Toy,
    root: String,
}

impl Home {
    fn new() -> Home {
        let toy = Toy::new();
        toy.recipe(
            "base",
            &[],
            "",
            "echo base >$OUT/base\nmkdir $OUT/many\nfor n in $(seq 40); do echo $n >$OUT/many/$n; done",
        );
        toy.recipe("more", &["base"], "", "cp $KEG_BASE/base $OUT/more");
        toy.recipe("linux", &[], "", "mkdir -p $OUT/boot\necho kernel >$OUT/boot/vmlinuz");
        let role = "summary = \"A box\"\nkegs = [\"tool\"]\nkernel = \"linux\"\n\n[service.tool]\nrun = [\"tool\"]\nuser = \"box\"\n";
        toy.write("tap/roles/box.toml", role);
        toy.write("agent", "an agent");
        toy.write("passphrase", "correct horse battery staple\n");
        let mut home = Home { toy, root: String::new() };
        home.edit("1.0");
        home.root = home.init("public", "keys");
        home
    }

    fn init(&self, channel: &str, keys: &str) -> String {
        self.lender(&["channel", "init", channel, "--keys", keys]).expect(0).out.trim().to_string()
    }

    /// Another tool.
    fn edit(&self, text: &str) {
        let tool = format!(
            "mkdir -p $OUT/bin\nprintf 'a tool, {text} ' >$OUT/bin/tool\ncat $KEG_MORE/more $KEG_BASE/base >>$OUT/bin/tool\n\
             chmod 755 $OUT/bin/tool"
        );
        self.toy.recipe("tool", &["base", "more"], "", &tool);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.toy.path().join(name)
    }

    fn environment(&self, command: &mut Command) {
        command.env("ROOTBREW_AGENT", self.path("agent"));
        command.env("ROOTBREW_PASSPHRASE_FILE", self.path("passphrase"));
        command.env("XDG_STATE_HOME", self.path("state"));
        command.env_remove("ROOTBREW_CACHE").env_remove("ROOTBREW_CACHE_ROOT");
    }

    /// In the store that builds.
    fn lender(&self, arguments: &[&str]) -> Ran {
        let mut command = self.toy.command(arguments);
        self.environment(&mut command);
        Ran::of(&mut command)
    }

    fn publish(&self) -> Ran {
        self.lender(&[
            "channel",
            "publish",
            "public",
            "--line",
            "edge",
            "--keys",
            "keys",
            "--kegs",
            "--no-boot",
        ])
        .expect(0)
    }

    /// In a store of its own, without a seed.
    fn taker_command(&self, store: &str, arguments: &[&str]) -> Command {
        let store = self.path(store);
        let mut command =
            self.toy.bare_command(&[&["--store", &store.to_string_lossy()], arguments].concat());
        self.environment(&mut command);
        command
    }

    fn taker(&self, store: &str, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.taker_command(store, arguments))
    }

    /// The same with the cache.
    fn take(&self, store: &str, arguments: &[&str]) -> Ran {
        let cached = ["--cache", "public", "--cache-root", &self.root];
        self.taker(store, &[&cached, arguments].concat())
    }

    #[track_caller]
    fn is_whole(&self, store: &str) {
        leftover::none(self.toy.path());
        self.taker(store, &["store", "verify"]).expect(0).says(&["0 damaged"]);
    }

    fn image(&self, folder: &str) -> Vec<u8> {
        fs::read(self.path(folder).join("root.erofs")).expect("an image")
    }

    /// Of the index: where the pack of a keg's tree lies.
    fn pack(&self, keg: &str) -> PathBuf {
        let index = self.index();
        let entries = index["entries"].as_array().expect("entries");
        let entry =
            entries.iter().find(|entry| entry["keg"].as_str().is_some_and(|name| name.starts_with(keg)));
        let output = entry.expect("the keg is lent")["output"].as_str().expect("a tree").to_string();
        let sha256 = index["packs"][output]["sha256"].as_str().expect("a pack").to_string();
        self.path("public/blobs").join(&sha256[..2]).join(sha256)
    }

    fn index(&self) -> serde_json::Value {
        let folder = self.path("public/targets/edge/kegs");
        let newest = fs::read_dir(&folder)
            .expect("indexes")
            .flatten()
            .max_by_key(|entry| entry.metadata().and_then(|found| found.modified()).expect("its time"));
        serde_json::from_slice(&fs::read(newest.expect("an index").path()).expect("an index")).expect("JSON")
    }
}

#[test]
fn taken_into_a_fresh_store_and_nothing_is_built_or_unpacked() {
    let home = Home::new();
    home.publish().says(&["lent", "edge/kegs"]);
    home.lender(&["image", "box", "--to", "built"]).expect(0);
    home.take("fresh", &["plan", "box"]).expect(0).says(&["0 in store, 4 in cache, 0 to build"]);
    let image = home.take("fresh", &["image", "box", "--to", "taken"]).expect(0);
    image.is_silent_of(&["seed", "built   ", "build   "]);
    // The image alone came: no keg was read.
    image.says(&["taken from", "1 packs"]);
    assert_eq!(home.image("built"), home.image("taken"));
    home.is_whole("fresh");
    // Known by now, whoever is asked.
    home.taker("fresh", &["build", "box"]).expect(0).says(&["0 to build", "box in store"]);
    home.taker("fresh", &["store", "gc", "--yes"]).expect(0);
    home.taker("fresh", &["build", "box"]).expect(0).says(&["box in store"]);
    home.is_whole("fresh");
}

#[test]
fn what_changed_is_built_on_what_is_taken() {
    let home = Home::new();
    home.publish();
    home.edit("2.0");
    let build = home.take("fresh", &["build", "box"]).expect(0);
    build.says(&["3 in cache, 1 to build", "built   tool 1.0"]);
    build.is_silent_of(&["built   base", "built   more", "built   linux"]);
    home.is_whole("fresh");
    home.take("fresh", &["build", "box"]).expect(0).says(&["nothing to build"]);
    home.publish().says(&["moved"]);
    // Lent again: what is there stays there.
    home.publish().says(&["0 packs, 0 B new"]);
    home.lender(&["channel", "verify", "public", "--keys", "keys"]).expect(0).says(&["0 faults"]);
    home.lender(&[
        "channel", "prune", "public", "--keys", "keys", "--keep", "1", "--days", "0", "--grace", "0",
    ])
    .expect(0);
    home.lender(&["channel", "verify", "public", "--keys", "keys"]).expect(0).says(&["0 faults"]);
    home.take("other", &["build", "box"]).expect(0).says(&["0 to build"]);
    home.is_whole("other");
}

#[test]
fn a_pack_that_lies_or_is_gone_is_told_and_its_keg_is_built() {
    let home = Home::new();
    home.publish();
    let (lies, gone) = (home.pack("base"), home.pack("more"));
    let mut bytes = fs::read(&lies).expect("a pack");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&lies, bytes).expect("the channel is ours");
    fs::remove_file(gone).expect("the channel is ours");
    home.edit("2.0");
    let build = home.take("fresh", &["build", "box"]).expect(0);
    build.says(&[
        "base 1.0 can't be had, and is made here",
        "more 1.0 can't be had",
        "built   base 1.0",
        "built   tool 1.0",
    ]);
    build.is_silent_of(&["failed", "built   linux"]);
    home.is_whole("fresh");
    home.lender(&["channel", "verify", "public", "--keys", "keys"]).expect(1).says(&["is damaged"]);
}

#[test]
fn who_is_not_trusted_or_not_there_lends_nothing_and_ends_nothing() {
    let home = Home::new();
    home.publish();
    // Another channel's signatures at the place that is trusted.
    home.take("fresh", &["plan", "box"]).expect(0).says(&["4 in cache"]);
    home.init("others", "keys-of-others");
    fs::remove_dir_all(home.path("public/metadata")).expect("the channel is ours");
    let copied =
        Command::new("cp").arg("-a").arg(home.path("others/metadata")).arg(home.path("public")).status();
    assert!(copied.expect("cp runs").success());
    let build = home.take("second", &["build", "box"]).expect(0);
    build.says(&[
        "warning: the cache is not used",
        "signatures are there that must be",
        "built   base",
        "built   tool",
    ]);
    home.is_whole("second");
    // Nobody said what to trust of it.
    home.taker("third", &["--cache", "others", "build", "box"]).expect(0).says(&["--cache-root"]);
    home.taker("third", &["--cache", "nowhere", "plan", "box"]).expect(0).is_silent_of(&["panicked"]);
    let mut command = home.taker_command(
        "fourth",
        &["--cache", "http://127.0.0.1:9", "--cache-root", &home.root, "build", "box"],
    );
    Ran::of(&mut command).expect(0).says(&["warning: the cache is not used", "built   tool"]);
}

/// Taken by one run, and missed by another that names no cache.
#[test]
fn what_was_left_elsewhere_is_built() {
    let home = Home::new();
    home.publish();
    home.take("fresh", &["image", "box", "--to", "taken"]).expect(0);
    home.edit("2.0");
    let build = home.taker("fresh", &["build", "box"]).expect(0);
    build.says(&["no --cache is given", "built   base 1.0", "built   tool 1.0"]);
    home.is_whole("fresh");
}

#[test]
fn a_keg_that_was_taken_is_checked_and_told_as_taken() {
    let home = Home::new();
    home.publish();
    home.take("fresh", &["check", "more"]).expect(0).says(&["same", "more"]);
    home.is_whole("fresh");
    home.init("second", "keys2");
    let words = ["channel", "publish", "second", "--line", "edge", "--keys", "keys2", "--kegs", "--no-boot"];
    home.take("another", &words).expect(0).is_silent_of(&["built   "]);
    home.is_whole("another");
    let blobs = walk(&home.path("second/blobs"));
    let is_told = |path: &PathBuf| {
        fs::read_to_string(path)
            .ok()
            .and_then(|text| serde_json::from_str::<serde_json::Value>(&text).ok())
            .is_some_and(|envelope| {
                envelope["payloadType"].as_str() == Some("application/vnd.in-toto+json")
                    && decoded(envelope["payload"].as_str().unwrap_or_default())
                        .contains("\"taken\":{\"base\":\"")
            })
    };
    assert!(blobs.iter().any(is_told), "no provenance says what was taken");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let folders = fs::read_dir(folder).expect("blobs").flatten();
    folders
        .flat_map(|entry| fs::read_dir(entry.path()).expect("blobs").flatten().map(|entry| entry.path()))
        .collect()
}

fn decoded(base64: &str) -> String {
    let mut command = Command::new("base64");
    let mut child =
        command.arg("-d").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("base64 of coreutils");
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), base64.as_bytes()).expect("it reads");
    String::from_utf8(child.wait_with_output().expect("it ends").stdout).expect("JSON")
}

const KILLS: usize = 40;

#[test]
fn killed_pushes_and_pulls_go_on() {
    let home = Home::new();
    let begun = Instant::now();
    home.publish();
    let whole_us = begun.elapsed().as_micros() as u64;
    let mut chance = Chance(0xcac4e);
    for at in 0..KILLS {
        let mut command = match at % 2 {
            0 => {
                home.edit(&at.to_string());
                let mut command = home.toy.command(&[
                    "channel",
                    "publish",
                    "public",
                    "--line",
                    "edge",
                    "--keys",
                    "keys",
                    "--kegs",
                    "--no-boot",
                ]);
                home.environment(&mut command);
                command
            }
            _ => home.taker_command(
                "killed",
                &["--cache", "public", "--cache-root", &home.root, "build", "box", "tool"],
            ),
        };
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(chance.below(whole_us)));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is our child");
        child.wait().expect("it ends");
    }
    leftover::none(home.toy.path());
    home.publish();
    home.lender(&["channel", "verify", "public", "--keys", "keys"]).expect(0).says(&["0 faults"]);
    home.take("killed", &["build", "box", "tool"]).expect(0).says(&["nothing to build"]);
    home.is_whole("killed");
}
