use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};

use super::server::{Answer, Server};
use super::*;

/// 200 bytes, no two windows of which look alike.
const BODY: &[u8] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

struct World {
    folder: tempfile::TempDir,
    blobs: Folder,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Folder::open(&folder.path().join("store")).unwrap();
        World { folder, blobs }
    }

    fn fetch(&self, wanted: Wanted, places: &Places) -> Result<Digest, FetchError> {
        fetch(&[wanted], places, &self.blobs, &|_| {}, &AtomicBool::new(false)).remove(0)
    }

    /// Names of all files in the store, partial ones too.
    fn files(&self) -> Vec<String> {
        let store = self.folder.path().join("store");
        let names = |folder: PathBuf| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let all = names(store.clone()).chain(names(store.join("partial")));
        let mut files: Vec<String> = all
            .filter(|entry| entry.file_type().unwrap().is_file())
            .map(|entry| entry.path().strip_prefix(&store).unwrap().display().to_string())
            .collect();
        files.sort();
        files
    }

    fn partial(&self) -> PathBuf {
        self.blobs.partial(&Digest::of(BODY).sha256)
    }
}

fn quick() -> Places {
    let patience = Patience {
        // Far from what a busy machine needs for an answer; the tests of stalls set their own.
        stall: Duration::from_secs(20),
        tries: 3,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(4),
    };
    Places { patience, ..Places::default() }
}

fn body(urls: &[&str]) -> Wanted {
    Wanted {
        name: "file-1.0".into(),
        sha256: Digest::of(BODY).sha256,
        size_bytes: Some(BODY.len() as u64),
        urls: urls.iter().map(|url| url.to_string()).collect(),
        ..Wanted::default()
    }
}

/// What became of it: `right` when exactly the right blob is in the store and nothing else.
fn told(world: &World, result: &Result<Digest, FetchError>) -> String {
    let hex = Digest::of(BODY).hex();
    match result {
        Ok(digest) => {
            assert_eq!((*digest, world.files()), (Digest::of(BODY), vec![hex]));
            "right\n".to_string()
        }
        Err(error) => {
            assert_eq!(world.files(), Vec::<String>::new(), "something was kept");
            format!("{error}\n").replace(&hex, "BODY")
        }
    }
}

/// A server that answers by `script`: what was asked of it, what came of it.
fn check(script: &[Answer], expected: Expect) {
    check_from(b"", body(&[]), script, expected);
}

fn check_from(left: &[u8], wanted: Wanted, script: &[Answer], expected: Expect) {
    check_with(&quick(), left, wanted, script, expected);
}

fn check_with(places: &Places, left: &[u8], wanted: Wanted, script: &[Answer], expected: Expect) {
    let (world, server) = (World::new(), Server::start(BODY, script));
    if !left.is_empty() {
        fs::write(world.partial(), left).unwrap();
    }
    let result = world.fetch(Wanted { urls: vec![server.url.clone()], ..wanted }, places);
    let text = format!("{}{}", server.asked(), told(&world, &result)).replace(&server.url, "URL");
    expected.assert_eq(&text);
}

#[test]
fn a_good_server() {
    check(
        &[Answer::Good],
        expect![[r#"
        GET
        right
    "#]],
    );
    check(
        &[Answer::Slow],
        expect![[r#"
        GET
        right
    "#]],
    );
    check(
        &[Answer::NoLength(200)],
        expect![[r#"
        GET
        right
    "#]],
    );
}

#[test]
fn a_server_that_is_down_for_a_moment() {
    check(
        &[Answer::Status("503 Service Unavailable"), Answer::Good],
        expect![[r#"
        GET
        GET
        right
    "#]],
    );
    check(
        &[Answer::Status("429 Too Many Requests"), Answer::Silent, Answer::Good],
        expect![[r#"
        GET
        GET
        GET
        right
    "#]],
    );
    check(
        &[Answer::Status("503 Service Unavailable")],
        expect![[r#"
        GET
        GET
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: the server answers 503 Service Unavailable (3 tries)
    "#]],
    );
}

#[test]
fn not_there_is_asked_once() {
    check(
        &[Answer::Status("404 Not Found")],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: the server answers 404 Not Found
    "#]],
    );
    check(
        &[Answer::Status("403 Forbidden")],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: the server answers 403 Forbidden
    "#]],
    );
}

#[test]
fn cut_short_is_resumed() {
    check(
        &[Answer::CutAfter(120), Answer::Good],
        expect![[r#"
        GET
        GET from 120 if "v1"
        right
    "#]],
    );
    check(
        &[Answer::CutAfter(10), Answer::CutAfter(10), Answer::CutAfter(10), Answer::Good],
        expect![[r#"
        GET
        GET from 10 if "v1"
        GET from 20 if "v1"
        GET from 30 if "v1"
        right
    "#]],
    );
    check(
        &[Answer::CutAfter(120), Answer::IgnoresRange],
        expect![[r#"
        GET
        GET from 120 if "v1"
        right
    "#]],
    );
    check(
        &[Answer::CutAfter(120), Answer::OtherRange, Answer::Good],
        expect![[r#"
        GET
        GET from 120 if "v1"
        GET
        right
    "#]],
    );
    check(
        &[Answer::NoLength(50), Answer::Good],
        expect![[r#"
        GET
        GET from 50
        right
    "#]],
    );
}

#[test]
fn stalled_is_resumed() {
    let patience = Patience { stall: Duration::from_millis(1500), ..quick().patience };
    let places = Places { patience, ..quick() };
    let check = |script: &[Answer], expected| check_with(&places, b"", body(&[]), script, expected);
    check(
        &[Answer::StallsAfter(33), Answer::Good],
        expect![[r#"
        GET
        GET from 33 if "v1"
        right
    "#]],
    );
    check(
        &[Answer::StallsAfter(0)],
        expect![[r#"
        GET
        GET
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: no byte for 1.5 s, after 0 bytes (3 tries)
    "#]],
    );
}

#[test]
fn wrong_bytes() {
    let unsized_body = || Wanted { size_bytes: None, ..body(&[]) };
    let small = || Wanted { size_bytes: Some(90), ..body(&[]) };
    check(
        &[Answer::OtherBytes],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: other bytes: expected sha256 BODY, found aa20c23e3201834050679e1d88941b9a6fed0557c9a705cb2c315e2e63fd486d (200 bytes)
    "#]],
    );
    check(
        &[Answer::Html],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          URL: an HTML page and not the file
    "#]],
    );
    check_from(
        b"",
        unsized_body(),
        &[Answer::Html],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY)
          URL: an HTML page and not the file
    "#]],
    );
    check_from(
        b"",
        unsized_body(),
        &[Answer::NoLength(150)],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY)
          URL: other bytes: expected sha256 BODY, found 5d09ef9839ed06c4042d37879a463b90d41287a86cb2efba9085185138ffe57a (150 bytes)
    "#]],
    );
    check_from(
        b"",
        small(),
        &[Answer::Good],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 90 bytes)
          URL: other bytes: expected 90 bytes, found 200
    "#]],
    );
    check_from(
        b"",
        small(),
        &[Answer::NoLength(200)],
        expect![[r#"
        GET
        no place has `file-1.0` (sha256 BODY, 90 bytes)
          URL: more than the limit of 90 bytes
    "#]],
    );
}

#[test]
fn what_an_earlier_run_left() {
    let unsized_body = || Wanted { size_bytes: None, ..body(&[]) };
    check_from(
        &BODY[..77],
        body(&[]),
        &[Answer::Good],
        expect![[r#"
        GET from 77
        right
    "#]],
    );
    check_from(
        b"of another file",
        body(&[]),
        &[Answer::Good],
        expect![[r#"
        GET from 15
        GET
        right
    "#]],
    );
    check_from(
        BODY,
        body(&[]),
        &[Answer::Good],
        expect![[r#"
        right
    "#]],
    );
    check_from(
        &[7; 300],
        body(&[]),
        &[Answer::Good],
        expect![[r#"
        GET
        right
    "#]],
    );
    check_from(
        &[7; 100],
        unsized_body(),
        &[Answer::Good],
        expect![[r#"
        GET from 100
        GET
        right
    "#]],
    );
}

#[test]
fn places_are_asked_in_order_until_one_is_right() {
    let world = World::new();
    let (bad, good) = (Server::start(BODY, &[Answer::OtherBytes]), Server::start(BODY, &[Answer::Good]));
    let folder = world.folder.path().join("sources");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("file.tar.gz"), "old").unwrap();
    let base = |server: &Server| server.url.replace("file.tar.gz", "");
    let mirror = Mirror { prefix: base(&bad), replacement: base(&good) };
    let places = Places { folders: vec![folder], mirrors: vec![mirror], ..quick() };
    assert_eq!(told(&world, &world.fetch(body(&[&bad.url]), &places)), "right\n");
    assert_eq!((bad.asked().as_str(), good.asked().as_str()), ("GET\n", "GET\n"));
    // Now it is in the store, and nobody is asked again.
    world.fetch(body(&[&bad.url]), &places).unwrap();
    assert_eq!(bad.asked(), "GET\n");
}

#[test]
fn a_folder_without_network() {
    let world = World::new();
    let folder = world.folder.path().join("sources");
    fs::create_dir(&folder).unwrap();
    let places = Places { folders: vec![folder.clone()], network: Network::Offline, ..quick() };
    let fetched = || {
        let result = world.fetch(body(&["http://host.invalid/a/file.tar.gz?raw=1"]), &places);
        told(&world, &result).replace(&folder.display().to_string(), "FOLDER")
    };
    expect![[r#"
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          FOLDER: no file of that name
          http://host.invalid/a/file.tar.gz?…: not asked: offline
    "#]]
    .assert_eq(&fetched());
    fs::write(folder.join("file.tar.gz"), "other").unwrap();
    expect![[r#"
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          FOLDER: other bytes: expected sha256 BODY, found d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa (5 bytes)
          http://host.invalid/a/file.tar.gz?…: not asked: offline
    "#]].assert_eq(&fetched());
    fs::write(folder.join(Digest::of(BODY).hex()), BODY).unwrap();
    expect![[r#"
        right
    "#]]
    .assert_eq(&fetched());
}

#[test]
fn a_source_without_a_place() {
    let world = World::new();
    expect![[r#"
        no place has `file-1.0` (sha256 BODY, 200 bytes)
          it names no place: no URL, no `debian`, and no `--sources` folder was given
    "#]]
    .assert_eq(&told(&world, &world.fetch(body(&[]), &quick())));
}

#[test]
fn cancelled_keeps_the_part_and_ends() {
    let (world, server) = (World::new(), Server::start(BODY, &[Answer::StallsAfter(60)]));
    let (cancel, done) = (AtomicBool::new(false), AtomicBool::new(false));
    let places = Places { patience: Patience::default(), ..quick() };
    let result = std::thread::scope(|scope| {
        scope.spawn(|| {
            let limit = Instant::now() + Duration::from_secs(20);
            let has_part = || fs::metadata(world.partial()).is_ok_and(|partial| partial.len() == 60);
            while !has_part() && Instant::now() < limit && !done.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(5));
            }
            cancel.store(true, Ordering::Relaxed);
        });
        let result = fetch(&[body(&[&server.url])], &places, &world.blobs, &|_| {}, &cancel).remove(0);
        done.store(true, Ordering::Relaxed);
        result
    });
    assert!(matches!(result, Err(FetchError::Cancelled)), "{result:?}");
    assert_eq!(fs::read(world.partial()).unwrap(), BODY[..60]);
}

#[test]
fn three_who_want_the_same_fetch_it_once() {
    let (world, server) = (World::new(), Server::start(BODY, &[Answer::Slow]));
    let wanted = [body(&[&server.url]), body(&[&server.url]), body(&[&server.url])];
    let places = Places { patience: Patience::default(), ..quick() };
    let results = fetch(&wanted, &places, &world.blobs, &|_| {}, &AtomicBool::new(false));
    results.iter().for_each(|result| assert_eq!(told(&world, result), "right\n"));
    assert_eq!(server.asked(), "GET\n");
}

#[test]
fn names_in_a_folder_are_plain() {
    let urls = ["http://host.invalid/..", "http://host.invalid/a.tar?b#c", "http://host.invalid/"];
    let names = body(&urls).file_names();
    assert_eq!(names[..2], ["a.tar".to_string(), "file-1.0".to_string()]);
    assert!(names.iter().all(|name| Path::new(name).components().count() == 1));
}

#[test]
#[ignore = "needs Debian's archive"]
fn a_debian_source() {
    let world = World::new();
    let places = Places { apt: Some(world.folder.path().join("apt")), ..Places::default() };
    // trixie's bzip2 is upstream's own archive.
    let sha256 = "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2269";
    let debian = |sha256: &str, version: &str, suite: Option<&str>| Wanted {
        name: "bzip2-1.0.8".into(),
        sha256: kegs::digest::parse_sha256(sha256).unwrap(),
        debian: Some(Debian {
            name: "bzip2".into(),
            version: version.into(),
            suite: suite.map(str::to_string),
            file: None,
        }),
        ..Wanted::default()
    };
    let other = "ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2260";
    let error = world.fetch(debian(other, "9.9.9-1", Some("trixie")), &places).unwrap_err();
    let error = error.to_string();
    let (head, asked) = error.split_once(" (asked: ").unwrap();
    expect![[r#"
        no place has `bzip2-1.0.8` (sha256 ab5a03176ee106d3f0fa90e381da478ddae405918153cca248e682cd0c4a2260)
          Debian source bzip2=9.9.9-1: no suite asked has `bzip2=9.9.9-1`"#]]
    .assert_eq(head);
    assert!(asked.contains("trixie") && asked.contains("sid"), "{asked}");
    // A revision that is gone, as a security update makes them go: another one's archive has our digest.
    assert_eq!(
        world.fetch(debian(sha256, "1.0.8-1~gone", Some("trixie")), &places).unwrap().size_bytes,
        810029
    );
    let fresh = World::new();
    assert_eq!(fresh.fetch(debian(sha256, "1.0.8-6", None), &places).unwrap().size_bytes, 810029);
}
