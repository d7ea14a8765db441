//! Hostile archives and hostile builds: refused or contained, the store unharmed, the host untouched.

use std::fs;
use std::path::PathBuf;

use crate::support::{Events, Toy};

/// One member of a tar archive, as ustar writes it (POSIX.1-1988): 512 bytes of header, then the contents.
fn member(name: &str, kind: u8, link: &str, mode: u32, contents: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, format!("{mode:07o}").as_bytes());
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, format!("{:011o}", contents.len()).as_bytes());
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    put(329, b"0000001");
    put(337, b"0000003");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend(contents);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A toy whose recipe `evil` has these members as its source.
fn toy(members: &[Vec<u8>], install: &str) -> Toy {
    let toy = Toy::new();
    let mut archive = members.concat();
    archive.extend([0; 1024]);
    let sha256 = kegs::Digest::of(&archive).hex();
    toy.write("sources/evil-1.0.tar", &archive);
    let source =
        format!("source = {{ url = \"http://127.0.0.1:9/evil-{{version}}.tar\", sha256 = \"{sha256}\" }}");
    toy.recipe("evil", &[], &source, install);
    toy
}

/// Whether it is refused or built, a file of the host is as it was and the store is whole.
fn contained(toy: &Toy, victim: &PathBuf) {
    fs::write(victim, "untouched").expect("a temporary file");
    toy.run(&["build", "evil"]);
    assert_eq!(fs::read_to_string(victim).expect("it is there"), "untouched");
    toy.is_whole();
}

#[test]
fn an_archive_that_climbs_out() {
    let victim = std::env::temp_dir().join(format!("rootbrew-victim-{}", std::process::id()));
    let climb = format!("evil/{}{}", "../".repeat(12), victim.strip_prefix("/").expect("absolute").display());
    contained(&toy(&[member(&climb, b'0', "", 0o644, b"overwritten")], "echo x >\"$OUT/x\""), &victim);
    let absolute = victim.to_string_lossy().into_owned();
    contained(&toy(&[member(&absolute, b'0', "", 0o644, b"overwritten")], "echo x >\"$OUT/x\""), &victim);
    let folder = std::env::temp_dir();
    let name = victim.file_name().expect("a name").to_string_lossy();
    let through = [
        member("evil/out", b'2', &folder.to_string_lossy(), 0o777, b""),
        member(&format!("evil/out/{name}"), b'0', "", 0o644, b"overwritten"),
    ];
    contained(&toy(&through, "echo x >\"$OUT/x\""), &victim);
    fs::remove_file(&victim).expect("it is there");
}

#[test]
fn an_archive_with_a_device() {
    let toy = toy(&[member("evil/null", b'3', "", 0o666, b"")], "cp -a null \"$OUT/null\"");
    let ran = toy.run(&["build", "evil"]).expect(1);
    ran.is_silent_of(&["built   evil"]);
    toy.is_whole();
}

#[test]
fn an_archive_that_is_a_bomb() {
    // 30 MB of zeros, 30 kB packed.
    let zeros = member("evil/zeros", b'0', "", 0o644, &vec![0; 30 << 20]);
    let packed = zstd::bulk::compress(&[zeros, vec![0; 1024]].concat(), 3).expect("it packs");
    let toy = Toy::new();
    toy.write("sources/bomb-1.0.tar.zst", &packed);
    let sha256 = kegs::Digest::of(&packed).hex();
    let source = format!(
        "source = {{ url = \"http://127.0.0.1:9/bomb-1.0.tar.zst\", sha256 = \"{sha256}\", unpack = false }}"
    );
    toy.recipe("bomb", &[], &source, "yes | head -c 30000000 >\"$OUT/zeros\"");
    let ran = toy.run(&["build", "bomb", "--json", "--limit", "output=8M"]).expect(1);
    assert_eq!(Events::of(&ran).why("bomb"), "wrote more than its limit of bytes", "{ran}");
    toy.is_whole();
}

fn check(install: &str, why: &str) {
    let toy = Toy::new();
    toy.recipe("evil", &[], "", install);
    let ran = toy.run(&["build", "evil", "--json"]).expect(1);
    assert_eq!(Events::of(&ran).why("evil"), why, "{ran}");
    toy.is_whole();
    assert!(!toy.store().join("roots/kegs-evil").exists());
}

#[test]
fn a_setuid_file() {
    check("echo x >\"$OUT/su\"; chmod 4755 \"$OUT/su\"", "exited 1");
    // Where the command goes on all the same, what it made is not setuid.
    let toy = Toy::new();
    toy.recipe("sly", &[], "", "echo x >\"$OUT/su\"; chmod 755 \"$OUT/su\"; chmod 4755 \"$OUT/su\" || :; ls -l \"$OUT\" >\"$OUT/list\"");
    toy.build("sly");
    assert!(toy.read("sly", "list").contains("-rwxr-xr-x"), "{}", toy.read("sly", "list"));
}

#[test]
fn a_fifo() {
    check("mkfifo \"$OUT/pipe\"", "`pipe` is a fifo; a keg holds files, folders and links");
}

#[test]
fn a_link_out() {
    check("ln -s /etc/shadow \"$OUT/shadow\"", "`shadow` is a link to `/etc/shadow`, which leaves the keg");
    check("ln -s ../../../../etc \"$OUT/etc\"", "`etc` is a link to `../../../../etc`, which leaves the keg");
}

#[test]
fn a_name_that_is_not_utf_8() {
    check("touch \"$OUT/$(printf 'caf\\351')\"", "`caf\\xe9`: a name that is not UTF-8");
}

#[test]
fn an_output_folder_that_is_a_link() {
    let toy = Toy::new();
    toy.recipe("evil", &[], "", "rm -r \"$OUT\"; ln -s /etc \"$OUT\"");
    toy.run(&["build", "evil"]).expect(1).says(&["installed nothing under /kegs/evil/0"]);
    toy.is_whole();
}

#[test]
fn nothing_of_the_host_is_seen() {
    let toy = Toy::new();
    let secret = toy.path().join("secret");
    fs::write(&secret, "do not tell").expect("a file");
    let body = format!(
        "ls /root /home /sys >\"$OUT/seen\" 2>&1 || :; cat {} >>\"$OUT/seen\" 2>&1 || :; ls /proc | grep -c '^[0-9]*$' >\"$OUT/count\"",
        secret.display()
    );
    toy.recipe("spy", &[], "", &body);
    toy.build("spy");
    assert!(!toy.read("spy", "seen").contains("do not tell"), "{}", toy.read("spy", "seen"));
    let count: u32 = toy.read("spy", "count").trim().parse().expect("a number");
    assert!(count < 10, "it sees {count} processes");
}
