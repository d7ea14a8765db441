//! Looking into images: of a toy role, of image files, of a role at a commit; and files that are no images, or lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use expect_test::expect;

use crate::support::{Ran, Toy};

/// A role whose kegs are a program, which is data to the assembler, and a kernel.
fn toy() -> Toy {
    let toy = Toy::new();
    toy.recipe("tool", &[], "", "mkdir -p $OUT/bin $OUT/share\nprintf 'a tool, 1.0' >$OUT/bin/tool\nchmod 755 $OUT/bin/tool\nprintf 'words of it' >$OUT/share/words");
    toy.recipe("linux", &[], "", "mkdir -p $OUT/boot\necho kernel >$OUT/boot/vmlinuz");
    toy.write(
        "tap/roles/box.toml",
        "summary = \"A box\"\nkegs = [\"tool\"]\nkernel = \"linux\"\nfiles = [\"/kegs/tool/0/share/words\"]\n\n[service.tool]\nrun = [\"tool\"]\nuser = \"box\"\n",
    );
    toy.write("agent", "an agent");
    toy
}

/// The program with the toy's agent.
fn run(toy: &Toy, arguments: &[&str]) -> Ran {
    Ran::of(toy.command(arguments).env("ROOTBREW_AGENT", toy.path().join("agent")))
}

/// The program where no tap is.
fn outside(toy: &Toy, arguments: &[&str]) -> Ran {
    let elsewhere = toy.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(arguments).current_dir(elsewhere).env_remove("ROOTBREW_TAP").env_remove("ROOTBREW_STORE");
    Ran::of(command.env("XDG_CACHE_HOME", toy.path().join("cache")))
}

fn written(toy: &Toy) -> PathBuf {
    let out = toy.path().join("out");
    run(toy, &["image", "box", "--to", &out.to_string_lossy()]).expect(0);
    out
}

#[test]
fn a_role_and_its_image_say_the_same() {
    let toy = toy();
    let out = written(&toy);
    let (folder, alone) =
        (format!("{}/", out.display()), toy.path().join("alone.erofs").display().to_string());
    fs::copy(out.join("root.erofs"), &alone).expect("a copy");
    let list = run(&toy, &["ls", "box"]).expect(0).out;
    for place in [&folder, &alone] {
        assert_eq!(outside(&toy, &["ls", place]).expect(0).out, list);
        assert_eq!(outside(&toy, &["cat", place, "/bin/tool"]).expect(0).out, "a tool, 1.0");
        assert_eq!(outside(&toy, &["cat", place, "kegs/tool/0/share/words"]).expect(0).out, "words of it");
        outside(&toy, &["size", place]).expect(0).says(&["root image on disk", "22 B  tool (2 files)"]);
        run(&toy, &["diff", "box", place]).expect(0).says(&["are the same"]);
    }
    expect![[r#"
        drwxr-xr-x 0:0  0 /kegs/tool
        drwxr-xr-x 0:0  0 /kegs/tool/0
        drwxr-xr-x 0:0  0 /kegs/tool/0/bin
        -rwxr-xr-x 0:0 11 /kegs/tool/0/bin/tool
        drwxr-xr-x 0:0  0 /kegs/tool/0/share
        -rw-r--r-- 0:0 11 /kegs/tool/0/share/words
    "#]]
    .assert_eq(&outside(&toy, &["ls", &alone, "/kegs/tool/"]).expect(0).out);
    let twin = fs::read_to_string(out.join("tree.txt")).expect("a twin");
    assert_eq!(run(&toy, &["text", "box"]).expect(0).out, twin);
    assert_eq!(outside(&toy, &["text", &folder]).expect(0).out, twin);
    let unknown = |line: &str| line.split(" # ").next().unwrap_or_default().to_string();
    let without: Vec<String> = twin.lines().map(unknown).collect();
    let text = outside(&toy, &["text", &alone]).expect(0);
    assert_eq!(text.out.lines().map(unknown).collect::<Vec<_>>(), without);
    text.says(&["# image: unknown"]);
    let why = outside(&toy, &["why", &folder, "/kegs/tool/0/bin/tool"]).expect(0).out;
    assert_eq!(
        why,
        run(&toy, &["why", "box", "/kegs/tool/0/bin/tool"])
            .expect(0)
            .out
            .replace("role box", &format!("image {folder}"))
    );
    outside(&toy, &["why", &alone, "/bin/tool"]).expect(1).says(&["tree.txt, must lie beside it"]);
    let json = outside(&toy, &["ls", &alone, "/bin/tool", "--json"]).expect(0);
    json.says(&["\"kind\":\"link\"", "\"target\":\"/kegs/tool/0/bin/tool\"", "\"mode\":\"0777\""]);
}

#[test]
fn what_is_not_in_an_image_and_what_is_no_image() {
    let toy = toy();
    let out = written(&toy);
    let root = out.join("root.erofs").display().to_string();
    outside(&toy, &["cat", &root, "/bin/tol"])
        .expect(1)
        .says(&["/bin/tol is not in the image of", "/bin/tool?"]);
    outside(&toy, &["cat", &root, "/bin"]).expect(1).says(&["/bin is a folder and no file"]);
    outside(&toy, &["cat", &root, "/etc/resolv.conf"])
        .expect(1)
        .says(&["/etc/resolv.conf leads to /run/etc, which is not there"]);
    outside(&toy, &["ls", &root, "/none"]).expect(1).says(&["/none is not in the image of"]);
    run(&toy, &["ls", "bix"]).expect(1).says(&["bix"]);
    outside(&toy, &["ls", "./none.erofs"]).expect(1).says(&["./none.erofs", "No such file"]);
    // A folder of that name is meant as `./out`.
    run(&toy, &["ls", "out"]).expect(1).says(&["no role is called `out`", "./out"]);
    outside(&toy, &["ls", &out.join("tree.txt").display().to_string()])
        .expect(1)
        .says(&["it is no erofs image"]);
    run(&toy, &["diff", "box"]).expect(2);
    run(&toy, &["diff", &root, "--base", "HEAD"]).expect(1).says(&["is a file"]);
    run(&toy, &["diff", "box", "--base", "HEAD"]).expect(1).says(&["no git repository has"]);
}

/// Each command on a damaged image: the place is said, the exit is 1, and nothing is written anywhere.
#[test]
fn images_that_are_cut_short_or_lie() {
    let toy = toy();
    let out = written(&toy);
    let whole = fs::read(out.join("root.erofs")).expect("an image");
    let good = out.join("root.erofs").display().to_string();
    let folder = toy.path().join("bad");
    fs::create_dir(&folder).expect("a folder");
    let bad = folder.join("bad.erofs");
    let path = bad.display().to_string();
    let lie = |at: usize, bytes: &[u8]| {
        let mut image = whole.clone();
        image[at..at + bytes.len()].copy_from_slice(bytes);
        image
    };
    let unsealed = |mut image: Vec<u8>| {
        // Without its checksum's feature, the lie itself is met.
        image[1024 + 8] &= !1;
        image
    };
    for (image, said) in [
        (whole[..whole.len() - 1].to_vec(), "it is cut short or lies"),
        (whole[..700].to_vec(), "it is no erofs image: 700 bytes"),
        (Vec::new(), "it is no erofs image: 0 bytes"),
        (lie(1024, b"nope"), "it is no erofs image"),
        (lie(1024 + 36, &[0xff; 4]), "it says 4294967295 blocks"),
        (lie(1024 + 48, b"another uuid"), "its checksum is"),
        (unsealed(lie(1024 + 16, &[0xff; 8])), "it says 18446744073709551615 inodes"),
        (unsealed(lie(1024 + 12, &[30])), "has blocks of 2^30 bytes"),
        (unsealed(lie(1024 + 14, &[0xff, 0xff])), "inode 65535 is beyond the image"),
        (unsealed(lie(1024 + 40, &[0xff; 4])), "is beyond the image"),
    ] {
        fs::write(&bad, image).expect("a bad image");
        for arguments in [
            vec!["ls", &path],
            vec!["cat", &path, "/etc/passwd"],
            vec!["text", &path],
            vec!["diff", &path, &good],
            vec!["diff", &good, &path],
            vec!["size", &path, "--svg", "size.svg"],
            vec!["why", &path, "/sbin/init"],
        ] {
            let ran = outside(&toy, &arguments).expect(1);
            ran.says(&[said, &path]);
            assert_eq!(ran.out, "", "{ran}");
        }
    }
    let names = |folder: &Path| fs::read_dir(folder).expect("a folder").count();
    assert_eq!((names(&folder), names(&toy.path().join("elsewhere"))), (1, 0));
}

#[test]
fn a_twin_of_another_image_is_left_aside() {
    let toy = toy();
    let out = written(&toy);
    let twin = out.join("tree.txt");
    let text = fs::read_to_string(&twin).expect("a twin");
    let root = out.join("root.erofs").display().to_string();
    for (other, said) in [
        (
            text.replace(" /kegs/tool/0/share/words", " /kegs/tool/0/share/wordz"),
            "first at /kegs/tool/0/share/words",
        ),
        (
            text.lines().take(4).map(|line| line.to_string() + "\n").collect(),
            "it is of another image, first at",
        ),
        ("# rootbrew tree 1\nnonsense\n".to_string(), "line 2: `nonsense` is no path's line"),
        (text.repeat(50), "are too many for this image's"),
    ] {
        fs::write(&twin, other).expect("another twin");
        outside(&toy, &["text", &root]).expect(0).says(&["warning:", said, "# image: unknown"]);
        outside(&toy, &["why", &root, "/sbin/init"]).expect(1);
    }
}

fn git(toy: &Toy, words: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(toy.tap()).args(["-c", "user.name=A", "-c", "user.email=a@host"]).args(words);
    Ran::of(&mut git).expect(0);
}

#[test]
fn a_role_against_itself_at_a_commit() {
    let toy = toy();
    git(&toy, &["init", "-q", "-b", "main"]);
    git(&toy, &["add", "-A"]);
    git(&toy, &["commit", "-q", "-m", "first"]);
    run(&toy, &["diff", "box", "--base", "main"]).expect(0).says(&["are the same: "]);
    toy.recipe("tool", &[], "version = \"1.1\"", "mkdir -p $OUT/bin $OUT/lib $OUT/share\nprintf 'a better tool, 1.1' >$OUT/bin/tool\nchmod 755 $OUT/bin/tool\nprintf 'words of it' >$OUT/share/words\nprintf more >$OUT/share/more");
    toy.write(
        "tap/roles/box.toml",
        "summary = \"A box\"\nkegs = [\"tool\"]\nkernel = \"linux\"\nfiles = [\"/kegs/tool/0/share/more\"]\n\n[service.tool]\nrun = [\"tool\"]\nuser = \"box\"\n",
    );
    let ran = run(&toy, &["diff", "box", "--base", "main"]).expect(0);
    let out: Vec<&str> = ran.out.lines().collect();
    assert!(
        out[0].starts_with("box at ") && out[0].contains(" → box: 1 added, 1 removed, 2 changed; "),
        "{ran}"
    );
    ran.says(&["Versions: tool 1.0 → 1.1.", "Kegs: "]);
    ran.says(&[
        "added         +4 B  /kegs/tool/0/share/more",
        "removed      -11 B  /kegs/tool/0/share/words",
    ]);
    ran.says(&["changed       +7 B  /kegs/tool/0/bin/tool  (11 B → 18 B)", "/etc/rootbrew/role.toml"]);
    let json = run(&toy, &["diff", "box", "--base", "main", "--json"]).expect(0);
    let line = json.out.lines().find(|line| line.contains("\"event\":\"diff\"")).expect("a diff");
    let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!(value["same"], false);
    assert_eq!(value["old"]["versions"]["tool"], "1.0");
    // The work tree is as it was, and what stands there now is what is kept.
    run(&toy, &["image", "box", "--text"]).expect(0).says(&["/kegs/tool/0/share/more"]);
    run(&toy, &["diff", "box", "--base", "none"]).expect(1).says(&["`none` is no commit here"]);
}

#[test]
fn pictures_of_where_the_bytes_go() {
    let toy = toy();
    let out = written(&toy);
    let path = |name: &str| toy.path().join(name).display().to_string();
    let root = out.join("root.erofs").display().to_string();
    outside(&toy, &["size", &root, "--svg", &path("a.svg"), "--html", &path("a.html")]).expect(0);
    run(&toy, &["size", "box", "--svg", &path("b.svg")]).expect(0);
    for name in ["a.svg", "a.html", "b.svg"] {
        let text = fs::read_to_string(path(name)).expect("a picture");
        assert!(text.contains("/kegs/tool/0/bin/tool") && text.contains("root image "), "{text}");
        // Nothing is asked of any other place.
        assert_eq!(text.matches("http").count(), text.matches("http://www.w3.org/2000/svg").count());
    }
    let svg = Ran::of(
        Command::new("python3")
            .args(["-c", "import sys, xml.dom.minidom as m; m.parse(sys.argv[1])"])
            .arg(path("a.svg")),
    );
    svg.expect(0);
    outside(&toy, &["size", &root, "--svg", "/nowhere/a.svg"])
        .expect(1)
        .says(&["cannot write /nowhere/a.svg"]);
}
