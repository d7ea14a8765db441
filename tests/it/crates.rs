//! Preset `cargo` without a compiler: crates from their places into the sandbox, and files of the tap. The recipes' own
//! steps tell what stood there; what cargo makes of it, the web role's agent shows.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

use crate::support::{Ran, Toy, seed};

/// A crate as the registry packs it, but not compressed: the toy's tar does not find out by itself.
fn packed(toy: &Toy) -> Vec<u8> {
    toy.write("pack/one-1.0.0/Cargo.toml", "[package]\nname = \"one\"\nversion = \"1.0.0\"\n");
    let mut tar = Command::new("tar");
    tar.args(["-c", "--sort=name", "--mtime=@0", "one-1.0.0"]).current_dir(toy.path().join("pack"));
    tar.output().expect("tar runs").stdout
}

/// A recipe `user` whose lock has the crate, and whose keg tells what its build saw.
fn toy() -> (Toy, Vec<u8>) {
    let toy = Toy::new();
    let bytes = packed(&toy);
    let digest = kegs::Digest::of(&bytes).hex();
    toy.recipe("user", &[], "source = { tap = \"own\" }\ncargo = { lock = \"Cargo.lock\" }", INSTALL);
    let recipe = toy.tap().join("recipes/user/recipe.toml");
    let text = std::fs::read_to_string(&recipe).expect("the recipe");
    let text = text.replace("\"script\"", "\"cargo\"");
    let text = text.replace("[\"finish\"]", "[\"build\", \"install\", \"finish\"]");
    std::fs::write(&recipe, text).expect("the recipe is written");
    let lock = format!(
        "version = 4\n\n[[package]]\nname = \"one\"\nversion = \"1.0.0\"\n\
         source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{digest}\"\n"
    );
    toy.write("tap/recipes/user/Cargo.lock", lock);
    toy.write("tap/own/main.rs", "fn main() {}\n");
    toy.write("tap/own/.main.rs.swp", "an editor's");
    (toy, bytes)
}

const INSTALL: &str = "cp /build/vendor/one-1.0.0/Cargo.toml \"$OUT/manifest\"
cp /build/vendor/one-1.0.0/.cargo-checksum.json \"$OUT/checksum\"
cp /build/.cargo/config.toml \"$OUT/config\"
cp Cargo.lock \"$OUT/lock\"
find . -type f | sort >\"$OUT/files\"";

#[test]
fn a_crate_of_the_lock_is_beside_the_source() {
    let (toy, bytes) = toy();
    toy.write("sources/one-1.0.0.crate", &bytes);
    toy.build("user");
    assert!(toy.read("user", "manifest").contains("name = \"one\""));
    let digest = kegs::Digest::of(&bytes).hex();
    assert!(toy.read("user", "checksum").contains(&digest));
    assert!(toy.read("user", "lock").contains(&digest));
    assert!(toy.read("user", "config").contains("directory = \"/build/vendor\""));
    assert_eq!(toy.read("user", "files"), "./Cargo.lock\n./own/main.rs\n");
}

#[test]
fn files_of_the_tap_are_in_the_key_and_hidden_ones_are_not() {
    let (toy, bytes) = toy();
    toy.write("sources/one-1.0.0.crate", &bytes);
    toy.build("user");
    toy.write("tap/own/.main.rs.swp", "another");
    toy.write("tap/beside.rs", "another");
    toy.run(&["build", "user"]).expect(0).says(&["nothing to build"]);
    toy.write("tap/own/main.rs", "fn main() { loop {} }\n");
    toy.run(&["build", "user"]).expect(0).says(&["file changed: `src/0/own/main.rs`"]);
}

#[test]
fn a_crate_that_no_place_has_is_named() {
    let (toy, _) = toy();
    let ran = toy.run(&["build", "user"]).expect(1);
    ran.says(&["no place has `crate one 1.0.0`", "crate one 1.0.0: not asked: offline"]);
    toy.is_whole();
}

#[test]
fn other_bytes_are_no_crate() {
    let (toy, _) = toy();
    toy.write("sources/one-1.0.0.crate", "other bytes");
    toy.run(&["build", "user"])
        .expect(1)
        .says(&["no place has `crate one 1.0.0`", "other bytes: expected sha256"]);
    toy.is_whole();
}

#[test]
fn a_hostile_lock_is_a_fault_at_its_line() {
    let (toy, _) = toy();
    let lock = "[[package]]\nname = \"../../etc\"\nversion = \"1.0.0\"\n\
                [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"git+https://x.example/b#1\"\n";
    toy.write("tap/recipes/user/Cargo.lock", lock);
    let ran = toy.run(&["build", "user"]).expect(1);
    ran.says(&[
        "no crate's name",
        "recipes/user/Cargo.lock:2:8",
        "a crate from git",
        "recipes/user/Cargo.lock:7:10",
    ]);
}

/// A registry on this machine: the form of its URLs, no crate in its index, and one crate's bytes.
fn registry(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("its address"));
    let config = format!("{{\"dl\": \"{base}/crates/{{crate}}-{{version}}.crate\"}}").into_bytes();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let asked = lines.next().unwrap_or_default();
            lines.take_while(|line| !line.is_empty()).for_each(drop);
            let (status, body) = match asked.split(' ').nth(1) {
                Some("/index/config.json") => ("200 OK", config.as_slice()),
                Some("/crates/one-1.0.0.crate") => ("200 OK", bytes.as_slice()),
                _ => ("404 Not Found", b"".as_slice()),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // An asker that hung up has its answer.
            (&stream).write_all(&[head.as_bytes(), body].concat()).ok();
        }
    });
    base
}

/// The machine's cargo is asked, with a mirror in its configuration.
#[test]
fn cargo_says_where_crates_are() {
    let (toy, bytes) = toy();
    let base = registry(bytes);
    let config = format!(
        "[source.crates-io]\nreplace-with = \"toy\"\n[source.toy]\nregistry = \"sparse+{base}/index/\"\n"
    );
    toy.write("cargo/config.toml", config);
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(["build", "user"]).arg("--tap").arg(toy.tap()).arg("--store").arg(toy.store());
    command.arg("--sources").arg(seed::sources()).env("XDG_CACHE_HOME", toy.path().join("cache"));
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    Ran::of(command.env("CARGO_HOME", toy.path().join("cargo"))).expect(0).says(&["crate one 1.0.0"]);
    assert!(toy.read("user", "manifest").contains("name = \"one\""));
}
