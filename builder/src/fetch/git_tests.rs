use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use expect_test::{Expect, expect};

use super::*;

struct Origin {
    folder: tempfile::TempDir,
    repository: git2::Repository,
    commit: String,
}

/// `src/main.c` and `entries` (name, mode), tagged `v1`.
fn origin(entries: &[(&str, i32)]) -> Origin {
    let folder = tempfile::tempdir().unwrap();
    let repository = git2::Repository::init_bare(folder.path()).unwrap();
    let commit = {
        let blob = repository.blob(b"main.c").unwrap();
        let mut inner = repository.treebuilder(None).unwrap();
        inner.insert("main.c", blob, 0o100644).unwrap();
        let mut root = repository.treebuilder(None).unwrap();
        root.insert("src", inner.write().unwrap(), 0o040000).unwrap();
        for (name, mode) in entries {
            root.insert(name, blob, *mode).unwrap();
        }
        let tree = repository.find_tree(root.write().unwrap()).unwrap();
        let who = git2::Signature::new("a", "a@b", &git2::Time::new(0, 0)).unwrap();
        let commit = repository.commit(Some("refs/heads/main"), &who, &who, "one", &tree, &[]).unwrap();
        repository.tag("v1", &repository.find_object(commit, None).unwrap(), &who, "one", false).unwrap();
        commit.to_string()
    };
    Origin { folder, repository, commit }
}

fn check(entries: &[(&str, i32)], tag: &str, commit: Option<&str>, expected: Expect) {
    let store = tempfile::tempdir().unwrap();
    let blobs = Folder::open(store.path()).unwrap();
    let origin = origin(entries);
    let url = origin.folder.path().display().to_string();
    let commit = Commit::parse(commit.unwrap_or(&origin.commit)).unwrap();
    let text = match fetch_git(&url, tag, commit, &blobs) {
        Ok(tree) => tree.nodes.iter().map(|(path, node)| format!("{path} {node:?}\n")).collect(),
        Err(error) => format!("{error}\n").replace(&url, "URL").replace(&origin.commit, "FOUND"),
    };
    expected.assert_eq(&text);
    assert_eq!(origin.repository.references().unwrap().count(), 2, "the origin was changed");
}

#[test]
fn modes_and_links() {
    check(
        &[("configure", 0o100755), ("link", 0o120000)],
        "v1",
        None,
        expect![[r#"
        configure File { digest: a0cb465674c1/6, executable: true }
        link Link { target: "main.c" }
        src/main.c File { digest: a0cb465674c1/6, executable: false }
    "#]],
    );
}

#[test]
fn a_commit_without_a_tag() {
    let (store, origin) = (tempfile::tempdir().unwrap(), origin(&[]));
    let blobs = Folder::open(store.path()).unwrap();
    let url = origin.folder.path().display().to_string();
    let tree = fetch_git(&url, &origin.commit, Commit::parse(&origin.commit).unwrap(), &blobs).unwrap();
    assert_eq!(tree.nodes.keys().collect::<Vec<_>>(), ["src/main.c"]);
}

#[test]
fn a_submodule_is_refused() {
    check(
        &[("third_party", 0o160000)],
        "v1",
        None,
        expect![[r#"
        `third_party` of URL is a submodule; submodules are not fetched: name its repository as another source
    "#]],
    );
}

#[test]
fn a_tag_that_is_not_there() {
    check(
        &[],
        "v2",
        None,
        expect![[r#"
        cannot fetch `v2` of URL: it has no such tag
    "#]],
    );
}

#[test]
fn a_tag_that_moved() {
    check(
        &[],
        "v1",
        Some(&"1".repeat(40)),
        expect![[r#"
        tag `v1` of URL is commit FOUND now, expected 1111111111111111111111111111111111111111: the tag was moved
    "#]],
    );
}

#[test]
fn a_commit_is_written_whole() {
    for text in ["", "v1", "abc123", &"g".repeat(40), &"A".repeat(40), &"a".repeat(41)] {
        let error = Commit::parse(text).unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is not a commit id: 40 lower-case hex digits"));
    }
}

/// git's own server program behind a socket: what forges run.
fn serve(folder: PathBuf) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/repository", listener.local_addr().unwrap());
    std::thread::spawn(move || listener.incoming().for_each(|stream| backend(stream.unwrap(), &folder)));
    url
}

fn backend(mut stream: TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while reader.read_line(&mut head).unwrap() > 2 {}
    let header = |name: &str| {
        let line = head.lines().find_map(|line| line.to_lowercase().strip_prefix(name).map(str::to_string));
        line.unwrap_or_default().trim().to_string()
    };
    let mut body = vec![0; header("content-length:").parse().unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    let mut words = head.split_whitespace();
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut git = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", folder)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", method)
        .env("PATH_INFO", path.strip_prefix("/repository").unwrap())
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type:"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    git.stdin.take().unwrap().write_all(&body).unwrap();
    let answer = git.wait_with_output().unwrap().stdout;
    stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n").unwrap();
    stream.write_all(&answer).unwrap();
}

#[test]
fn over_http() {
    let (store, origin) = (tempfile::tempdir().unwrap(), origin(&[("configure", 0o100755)]));
    let blobs = Folder::open(store.path()).unwrap();
    let url = serve(origin.folder.path().to_path_buf());
    for asked in ["v1", &origin.commit] {
        let tree = fetch_git(&url, asked, Commit::parse(&origin.commit).unwrap(), &blobs).unwrap();
        assert_eq!(tree.nodes.keys().collect::<Vec<_>>(), ["configure", "src/main.c"]);
    }
    let page = super::server::Server::start(b"x", &[super::server::Answer::Html]);
    let error = fetch_git(&page.url, "v1", Commit::parse(&origin.commit).unwrap(), &blobs).unwrap_err();
    expect!["cannot fetch `v1` of URL: the server speaks no git here (it sends `text/html`)"]
        .assert_eq(&error.to_string().replace(&page.url, "URL"));
}
