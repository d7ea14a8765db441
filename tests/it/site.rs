//! A channel's pages by the built program: three images of a toy role, one of them rolled back, a line that is held; opened
//! from `file://` in Chromium in light and in dark, judged by axe-core, and everything named by somebody hostile.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::channel::Home;
use crate::support::{Ran, judge};

/// Pinned, so that a judge does not change its mind by itself.
const JUDGES: [&str; 2] = ["axe-core@4.14.1", "puppeteer-core@25.16.0"];
const JUDGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/it/site/judge.js");

/// What somebody would write who wants more than to be shown. The last letters turn the reading order around.
const HOSTILE: &str =
    "\"'><script>window.pwned=1</script><img src=x onerror=pwned=1>]]>{{ 7*7 }}\u{202e}gnp.exe";

struct Site {
    home: Home,
}

impl Site {
    fn new() -> Site {
        let home = Home::new();
        home.toy.write(
            "figures.json",
            r#"{"ready_ms":[410,530],"ram_bytes":[9000000],"ports":["tcp 0.0.0.0:80","<b>"]}"#,
        );
        let span = |name: &str, lane: u32, from: u32| serde_json::json!({ "name": name, "cat": "build", "ph": "X", "ts": from, "dur": 3_000_000, "tid": lane });
        let trace =
            serde_json::json!({ "traceEvents": [span("tool 1.0", 1, 0), span(HOSTILE, 2, 1_000_000)] });
        home.toy.write("trace.json", trace.to_string());
        let record = serde_json::json!({
            "id": "CVE-2026-0001", "summary": HOSTILE,
            "affected": [{ "package": { "ecosystem": HOSTILE, "name": "tool", "purl": "pkg:generic/tool" }, "versions": ["1.0"] }],
        });
        let other = serde_json::json!({
            "id": HOSTILE, "affected": [{ "package": { "ecosystem": "", "name": "tool", "purl": "pkg:generic/tool" }, "versions": ["1.0"] }],
        });
        home.toy.write("osv.jsonl", format!("{record}\n{other}\n"));
        Site { home }
    }

    /// Another image: the tool says something else, and has a file that is named so.
    fn publish(&self, text: &str) {
        let name = HOSTILE.replace('/', "∕").replace('\'', "'\\''");
        let tool = format!(
            "mkdir -p $OUT/bin \"$OUT/share/x<\"\nprintf 'a tool, {text}' >$OUT/bin/tool\nchmod 755 $OUT/bin/tool\n\
             printf '{text}' >\"$OUT/share/x</script>\"\nprintf '{text}' >\"$OUT/share/\"'{name}'"
        );
        self.home.toy.recipe("tool", &[], "runtime = { files = [\"share/**\"] }", &tool);
        let with = |name: &str| format!("box/{name}={}", self.home.toy.path().join(name).display());
        let hostile = format!("box/<b>{text}.txt={}", self.home.toy.path().join("agent").display());
        self.home
            .run(&[
                "channel",
                "publish",
                "public",
                "--line",
                "edge",
                "--keys",
                "keys",
                "--no-boot",
                "--with",
                &with("figures.json"),
                "--with",
                &with("trace.json"),
                "--with",
                &hostile,
            ])
            .expect(0);
    }

    fn change(&self, words: &[&str]) {
        self.home.run(&[&["channel"], words, &["--keys", "keys"]].concat()).expect(0);
    }

    /// What the program told of it.
    fn make(&self) -> Value {
        let words = ["channel", "site", "public", "--trusted", "keys/trusted", "--db", "osv.jsonl", "--json"];
        let ran = self.home.run(&words).expect(0);
        serde_json::from_str(ran.out.trim()).unwrap_or_else(|error| panic!("{error}: {ran}"))
    }

    /// Three images, the middle one again, and a line that is held.
    fn with_a_past() -> Site {
        let site = Site::new();
        site.publish("1.0");
        site.change(&["promote", "public", "edge", "stable"]);
        site.publish("2.0");
        site.publish("3.0 and more");
        site.change(&["rollback", "public", "edge", "box"]);
        site.change(&["hold", "public", "stable", "box", "--why", HOSTILE]);
        site
    }

    fn pages(&self) -> Vec<PathBuf> {
        let folder = self.home.public().join("site/image");
        let listed = fs::read_dir(folder).expect("its images").map(|entry| entry.expect("an entry").path());
        listed.filter(|path| path.extension().is_some_and(|kind| kind == "html")).collect()
    }

    /// The sha256 of the images' documents, by `channel log`, the newest first.
    fn edge(&self) -> Vec<String> {
        let ran = self.home.run(&["channel", "log", "public", "--keys", "keys", "--json"]).expect(0);
        let history: Value = serde_json::from_str(ran.out.lines().next().expect("edge")).expect("JSON");
        let entries = history["entries"].as_array().expect("entries").iter().rev();
        entries.map(|entry| entry["sha256"].as_str().expect("a digest").to_string()).collect()
    }
}

/// The folder that has them.
fn judges() -> PathBuf {
    let folder = judge::cache().join("site-1");
    fs::create_dir_all(&folder).expect("a folder for the judges");
    let whole = folder.join("whole");
    if !whole.exists() {
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"])
            .arg(&folder);
        Ran::of(npm.args(JUDGES)).expect(0);
        fs::write(&whole, "").expect("a mark that it is whole");
    }
    folder
}

/// What the judge saw on all pages, and of two images side by side.
fn judged(public: &Path, compared: &str) -> Value {
    let mut node = Command::new("node");
    node.arg(JUDGE).arg("/usr/bin/chromium").arg(public.join("index.html"));
    // `ROOTBREW_PICTURES`: for who wants to look.
    node.arg(std::env::var("ROOTBREW_PICTURES").unwrap_or_default()).arg(compared);
    let ran = Ran::of(node.env("NODE_PATH", judges().join("node_modules"))).expect(0);
    serde_json::from_str(ran.out.trim()).unwrap_or_else(|error| panic!("{error}: {ran}"))
}

#[test]
fn every_page_in_a_browser() {
    let site = Site::with_a_past();
    site.make();
    let edge = site.edge();
    let (two, three) = (&edge[0], &edge[1]);
    let told = judged(&site.home.public(), &format!("{two}..{three}"));
    assert_eq!(told["serious"], serde_json::json!([]), "{:#}", told["serious"]);
    assert_eq!(told["wrong"], serde_json::json!([]), "{:#}", told["wrong"]);
    // The door, lines, compare and three comparisons that pages lead to, vulnerabilities, two roles, three images.
    assert_eq!(told["pages"], 12, "{:#}", told["sizes"]);
    // The browser finds what we found.
    let column = |page: &str, table: &str, at: usize| -> Vec<String> {
        let rows = told["told"][page][table]
            .as_array()
            .unwrap_or_else(|| panic!("no {table}: {:#}", told["told"][page]));
        rows.iter().map(|row| row[at].as_str().expect("a cell").to_string()).collect()
    };
    let (image, compare) = (format!("site/image/{three}.html"), format!("site/compare.html#{two}..{three}"));
    for at in [0, 1, 2, 3] {
        let mut ours = column(&image, "moved-files", at);
        let mut theirs = column(&compare, "paths", at);
        ours.sort();
        theirs.sort();
        assert_eq!(ours, theirs);
    }
    assert!(column(&image, "moved-files", 0).iter().any(|path| path.contains("\\u{202e}gnp.exe")));
}

#[test]
fn what_is_said_stays_and_what_is_gone_goes() {
    let site = Site::with_a_past();
    let first = site.make();
    assert_eq!((first["images"].as_u64(), first["lines"].as_u64()), (Some(3), Some(2)), "{first}");
    assert_eq!(site.pages().len(), 3);
    let again = site.make();
    assert_eq!((again["written"].as_u64(), again["removed"].as_u64()), (Some(0), Some(0)), "{again}");
    site.home.verify().says(&["0 faults"]);
    site.change(&["prune", "public", "--keep", "1", "--days", "0", "--grace", "0"]);
    assert_eq!(site.pages().len(), 3, "prune removes no page");
    let pruned = site.make();
    // Of the image that is in no line any more: page, picture, data, and the picture of what moved.
    assert_eq!(pruned["removed"], 4, "{pruned}");
    assert_eq!(site.pages().len(), 2);
    site.home.verify().says(&["0 faults"]);
}

#[test]
fn nothing_hostile_is_markup() {
    let site = Site::with_a_past();
    site.make();
    let mut pages = site.pages();
    pages.extend(
        ["site/cve.html", "site/role/stable/box.html", "site/role/edge/box.html", "site/index.html"]
            .map(|path| site.home.public().join(path)),
    );
    for page in pages {
        let text = fs::read_to_string(&page).expect("a page");
        for sign in ["<script>window", "<img src=x", "\u{202e}", "49}}", "<b>"] {
            assert!(!text.contains(sign), "{}: {sign}", page.display());
        }
        let data = page.with_extension("js");
        if let Ok(data) = fs::read_to_string(data) {
            assert!(!data.contains('<') && !data.contains("\u{202e}"), "{}", page.display());
        }
    }
}

/// The others are told, and that one is said to be damaged.
#[test]
fn a_damaged_part_is_a_fault_of_its_page() {
    let site = Site::with_a_past();
    let image = site.edge()[0].clone();
    let document = site.home.public().join(format!("targets/edge/box/{image}.image.json"));
    let document: Value = serde_json::from_slice(&fs::read(document).expect("its document")).expect("JSON");
    let sha256 = document["parts"]["tree.txt"]["sha256"].as_str().expect("a digest");
    let blob = site.home.public().join(format!("blobs/{}/{sha256}", &sha256[..2]));
    let whole = fs::read(&blob).expect("the blob");
    fs::write(&blob, "# rootbrew tree 1\n").expect("damage");
    let told = site.make();
    assert!(told["faults"].to_string().contains("cut short or changed"), "{told}");
    let page = site.home.public().join(format!("site/image/{image}.html"));
    assert!(fs::read_to_string(&page).expect("its page").contains("cut short or changed"));
    fs::write(&blob, whole).expect("repair");
    assert_eq!(site.make()["faults"], serde_json::json!([]));
    assert!(!fs::read_to_string(&page).expect("its page").contains("cut short or changed"));
}

#[test]
fn a_front_door_of_somebody_else_stays() {
    let site = Site::new();
    site.publish("1.0");
    site.home.toy.write("public/index.html", "mine");
    let ran = site.home.run(&["channel", "site", "public", "--keys", "keys"]).expect(0);
    ran.says(&["index.html is another's"]);
    assert_eq!(fs::read_to_string(site.home.public().join("index.html")).expect("it"), "mine");
}
