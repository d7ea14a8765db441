//! A channel by the built program: a toy role published, taken from a folder and from a site, rolled back; killed at any
//! instant; and its metadata judged by python-tuf's client.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Chance, Ran, Toy, judge, leftover};

/// Pinned, so that a judge does not change its mind by itself.
const JUDGES: [&str; 2] = ["tuf==7.0.1", "securesystemslib[crypto]==1.6.0"];

pub struct Home {
    pub toy: Toy,
    root: String,
    /// What names the channel on a command line, and what the environment says beside.
    place: String,
    environment: BTreeMap<String, String>,
}

impl Home {
    /// A role with a kernel, and a channel that is empty.
    pub fn new() -> Home {
        Home::at("public", BTreeMap::new())
    }

    pub fn at(place: &str, environment: BTreeMap<String, String>) -> Home {
        let toy = Toy::new();
        let tool = "mkdir -p $OUT/bin\nprintf 'a tool, 1.0' >$OUT/bin/tool\nchmod 755 $OUT/bin/tool";
        toy.recipe("tool", &[], "", tool);
        toy.recipe("linux", &[], "", "mkdir -p $OUT/boot\necho kernel >$OUT/boot/vmlinuz");
        let role = "summary = \"A box\"\nkegs = [\"tool\"]\nkernel = \"linux\"\n\n[service.tool]\nrun = [\"tool\"]\nuser = \"box\"\n";
        toy.write("tap/roles/box.toml", role);
        toy.write("agent", "an agent");
        toy.write("passphrase", "correct horse battery staple\n");
        let mut home = Home { toy, root: String::new(), place: place.to_string(), environment };
        home.root = home.run(&["channel", "init", place, "--keys", "keys"]).expect(0).out.trim().to_string();
        home
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = match self.environment.is_empty() {
            true => self.toy.command(arguments),
            false => self.toy.near(arguments),
        };
        command.env("ROOTBREW_AGENT", self.toy.path().join("agent"));
        command.env("ROOTBREW_PASSPHRASE_FILE", self.toy.path().join("passphrase"));
        command.env("XDG_STATE_HOME", self.toy.path().join("state"));
        command.envs(&self.environment);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    pub fn public(&self) -> PathBuf {
        self.toy.path().join("public")
    }

    /// Another image: the tool says something else.
    pub fn edit(&self, text: &str) {
        let tool =
            format!("mkdir -p $OUT/bin\nprintf 'a tool, {text}' >$OUT/bin/tool\nchmod 755 $OUT/bin/tool");
        self.toy.steps("tool", &tool);
    }

    pub fn publish(&self) -> Ran {
        self.run(&["channel", "publish", &self.place, "--line", "edge", "--keys", "keys", "--no-boot"])
            .expect(0)
    }

    pub fn verify(&self) -> Ran {
        self.run(&["channel", "verify", &self.place, "--keys", "keys"]).expect(0)
    }

    pub fn pull(&self, from: &str) -> Ran {
        Ran::of(&mut self.pulling(from))
    }

    fn pulling(&self, from: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["pull", "edge", "box", "--from", from, "--root", &self.root, "--to", "out", "--all"]);
        for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(proxy);
        }
        command.envs(&self.environment);
        command.env("XDG_STATE_HOME", self.toy.path().join("state")).current_dir(self.toy.path());
        command.env("XDG_CACHE_HOME", self.toy.path().join("cache"));
        command
    }

    pub fn pulled(&self) -> Vec<u8> {
        fs::read(self.toy.path().join("out/root.erofs")).expect("a root")
    }
}

#[test]
fn published_taken_and_rolled_back() {
    let home = Home::new();
    home.publish().says(&["moved", "edge/box"]);
    home.publish().says(&["same"]);
    home.pull("public").expect(0);
    let first = home.pulled();
    let image = home.toy.path().join("image");
    home.run(&["image", "box", "--to", &image.to_string_lossy()]).expect(0);
    assert_eq!(first, fs::read(image.join("root.erofs")).expect("the image"));
    for part in ["vmlinuz", "tree.txt", "facts.json", "image.spdx.json", "image.cdx.json", "provenance.json"]
    {
        assert!(home.toy.path().join("out").join(part).exists(), "{part}");
    }
    home.edit("2.0");
    home.publish().says(&["moved"]);
    home.pull("public").expect(0);
    assert_ne!(home.pulled(), first);
    let diff = fs::read_to_string(home.toy.path().join("out/diff.json")).expect("a diff");
    assert!(diff.contains("/kegs/tool/0/bin/tool"), "{diff}");
    home.run(&["channel", "rollback", "public", "edge", "box", "--keys", "keys"]).expect(0);
    home.pull("public").expect(0);
    assert_eq!(home.pulled(), first);
    home.run(&["channel", "promote", "public", "edge", "stable", "--keys", "keys"])
        .expect(0)
        .says(&["stable/box"]);
    home.run(&["channel", "log", "public", "--keys", "keys"])
        .expect(0)
        .says(&["rolled back", "promoted from edge"]);
    home.verify().says(&["2 lines", "0 faults"]);
    home.run(&["channel", "prune", "public", "--keys", "keys", "--keep", "1", "--days", "0", "--grace", "0"])
        .expect(0);
    home.verify();
}

#[test]
fn what_is_over_its_limits_is_not_published() {
    let home = Home::new();
    let path = home.toy.path().join("tap/roles/box.toml");
    let role = fs::read_to_string(&path).expect("the role");
    fs::write(&path, format!("{role}\n[limits]\nfiles = 1\n")).expect("the role");
    let publish = ["channel", "publish", "public", "--line", "edge", "--keys", "keys", "--no-boot"];
    home.run(&publish).expect(1).says(&["`files` is", "the limit is 1"]);
    assert_eq!(home.run(&["channel", "log", "public", "--keys", "keys"]).expect(0).out, "");
}

#[test]
fn no_secret_is_said() {
    let home = Home::new();
    let ran = home.publish();
    let told = format!("{}{}", ran.out, ran.err);
    assert!(!told.contains("correct horse") && !told.contains("PRIVATE KEY"), "{told}");
    let wrong = home.toy.path().join("wrong");
    fs::write(&wrong, "wrong\n").expect("a file");
    let mut command = home.command(&["channel", "refresh", "public", "--keys", "keys"]);
    let ran = Ran::of(command.env("ROOTBREW_PASSPHRASE_FILE", &wrong)).expect(1);
    ran.says(&["the passphrase is not this key's"]);
}

#[test]
fn another_root_is_not_trusted() {
    let mut home = Home::new();
    home.publish();
    home.root = "0".repeat(64);
    home.pull("public").expect(1).says(&["and 0000", "is trusted"]);
}

/// A server of static files that cuts each connection after so many bytes of a body, and knows ranges.
fn site(root: PathBuf, cut_bytes: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("its address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            answer(&stream, &root, cut_bytes);
        }
    });
    url
}

fn answer(mut stream: &TcpStream, root: &Path, cut_bytes: usize) {
    let mut reader = BufReader::new(stream);
    let (mut path, mut from, mut line) = (String::new(), 0, String::new());
    while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_string();
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap_or(0);
        }
        line.clear();
    }
    let head = match fs::read(root.join(&path)) {
        Err(_) => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_string(),
        Ok(bytes) => {
            let (status, whole) =
                if from > 0 { ("206 Partial Content", bytes.len()) } else { ("200 OK", bytes.len()) };
            let rest = &bytes[from.min(whole)..];
            let range = format!("Content-Range: bytes {from}-{}/{whole}\r\n", whole.saturating_sub(1));
            let head = format!(
                "HTTP/1.1 {status}\r\n{range}Content-Length: {}\r\nConnection: close\r\n\r\n",
                rest.len()
            );
            let sent = &rest[..rest.len().min(cut_bytes)];
            // Who hung up has heard enough.
            stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent)).ok();
            return;
        }
    };
    stream.write_all(head.as_bytes()).ok();
}

#[test]
fn taken_from_a_site_that_cuts_every_answer() {
    let home = Home::new();
    home.publish();
    // Metadata too: a root has more.
    let url = site(home.public(), 2000);
    home.pull(&url).expect(0);
    let image = home.toy.path().join("image");
    home.run(&["image", "box", "--to", &image.to_string_lossy()]).expect(0);
    assert_eq!(home.pulled(), fs::read(image.join("root.erofs")).expect("the image"));
}

const PULLS_KILLED: u64 = 60;

/// What a pull had before it was killed is whole, and the next one goes on from there.
#[test]
fn a_pull_that_is_killed_goes_on() {
    let home = Home::new();
    home.publish();
    let url = site(home.public(), usize::MAX);
    let begun = Instant::now();
    home.pull(&url).expect(0);
    let whole_us = begun.elapsed().as_micros() as u64;
    let right = home.pulled();
    let mut chance = Chance(0x5eed);
    for _ in 0..PULLS_KILLED {
        let root = home.toy.path().join("out/root.erofs");
        fs::remove_file(&root).ok();
        let mut command = home.pulling(&url);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(chance.below(whole_us)));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is our child");
        child.wait().expect("it ends");
        assert!(fs::read(&root).is_ok_and(|found| found == right) || !root.exists(), "half a root");
    }
    home.pull(&url).expect(0);
    assert_eq!(home.pulled(), right);
    home.verify();
}

/// A channel is verified and told from far away too, by its root of trust alone.
#[test]
fn verified_from_a_site() {
    let home = Home::new();
    home.publish();
    let url = site(home.public(), usize::MAX);
    let verify = |root: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["channel", "verify", &url, "--keys", root]).current_dir(home.toy.path());
        Ran::of(command.env_remove("http_proxy").env_remove("HTTP_PROXY").env_remove("all_proxy"))
    };
    verify("keys").expect(0).says(&["1 images", "0 faults"]);
    let blobs = home.public().join("blobs");
    let folder = fs::read_dir(blobs).expect("blobs").next().expect("one").expect("a folder").path();
    let blob = fs::read_dir(folder).expect("a folder").next().expect("one").expect("a blob").path();
    fs::write(&blob, "other").expect("a lie");
    verify("keys").expect(1).says(&["is damaged", "1 faults"]);
}

const KILLS: usize = 200;

#[test]
fn killed_at_two_hundred_instants_the_line_stays_valid() {
    let home = Home::new();
    home.publish();
    let begun = Instant::now();
    home.edit("0");
    home.publish();
    let whole_us = begun.elapsed().as_micros() as u64;
    let mut chance = Chance(0x5eed);
    for at in 0..KILLS {
        if at % 4 == 0 {
            home.edit(&at.to_string());
        }
        let words: &[&str] = match at % 4 {
            0 | 1 => &["channel", "publish", "public", "--line", "edge", "--keys", "keys", "--no-boot"],
            2 => &["channel", "promote", "public", "edge", "stable", "--keys", "keys"],
            _ => &[
                "channel", "prune", "public", "--keys", "keys", "--keep", "2", "--days", "0", "--grace", "0",
            ],
        };
        let mut command = home.command(words);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(chance.below(whole_us)));
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is our child");
        child.wait().expect("it ends");
        if at % 10 == 9 {
            home.verify();
            home.pull("public").expect(0);
        }
    }
    leftover::none(home.toy.path());
    home.publish();
    home.verify();
}

pub fn python() -> PathBuf {
    judge::python("tuf-1", &JUDGES)
}

/// The reference client: from the first root to the bytes of a target.
pub const JUDGE: &str = r#"
import sys, os
from tuf.ngclient import Updater
from tuf.ngclient.fetcher import FetcherInterface
from tuf.api.exceptions import DownloadHTTPError
class Files(FetcherInterface):
    def _fetch(self, url):
        try:
            return iter([open(url.removeprefix("file://"), "rb").read()])
        except FileNotFoundError:
            raise DownloadHTTPError("absent", 404)
public, kept, path = sys.argv[1:]
os.makedirs(kept, exist_ok=True)
updater = Updater(metadata_dir=kept, metadata_base_url=f"file://{public}/metadata/", target_dir=kept,
                  target_base_url=f"file://{public}/targets/", fetcher=Files(),
                  bootstrap=open(f"{public}/metadata/1.root.json", "rb").read())
updater.refresh()
target = updater.get_targetinfo(path)
if target is None:
    sys.exit(f"no target {path}")
print(open(updater.download_target(target)).read())
"#;

#[test]
fn python_tuf_follows_it_too() {
    let home = Home::new();
    for text in ["1", "2"] {
        home.edit(text);
        home.publish();
        for name in ["image", "history"] {
            let path = format!("edge/box/{name}.json");
            let mut judge = Command::new(python());
            judge.args(["-c", JUDGE]).arg(home.public()).arg(home.toy.path().join("kept")).arg(&path);
            Ran::of(&mut judge).expect(0).says(&["\"format\":1"]);
        }
    }
}

/// And openssl reads its keys, by the passphrase.
#[test]
fn openssl_reads_the_keys() {
    let home = Home::new();
    let mut openssl = Command::new("openssl");
    openssl.args(["pkey", "-noout", "-text", "-passin"]);
    openssl.arg(format!("file:{}", home.toy.path().join("passphrase").display()));
    openssl.arg("-in").arg(home.toy.path().join("keys/publish.pem"));
    Ran::of(&mut openssl).expect(0).says(&["ED25519 Private-Key"]);
}
