//! What lasts: a real guest whose power is cut, whose disk grows, whose disk is overwritten.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::roles::tap;

/// `rootbrew boot keep`, until it is dropped: then it is killed, and QEMU with it, as by a power cut.
struct Guest {
    child: Child,
    port: u16,
    console: Vec<String>,
}

impl Guest {
    fn boot(tap: &Path, disk: &str) -> Guest {
        let mut boot = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        boot.args(["boot", "keep", "--console", "--data", disk, "--tap"]).arg(tap);
        let mut child = boot.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        let (mut console, mut port) = (Vec::new(), None);
        loop {
            let line =
                lines.next().unwrap_or_else(|| panic!("it ended:\n{}", console.join("\n"))).expect("text");
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["port", "6379", place] = words[..] {
                port = place.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            }
            let is_ready = words.first() == Some(&"ready") && line.contains("since the kernel");
            console.push(line);
            if is_ready {
                break;
            }
        }
        // Its console must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Guest { child, port: port.expect("a forwarded port"), console }
    }

    fn says(&self, word: &str) {
        assert!(self.console.iter().any(|line| line.contains(word)), "{word}:\n{}", self.console.join("\n"));
    }

    /// One word to valkey, and the first line of its answer that is no length, once it has read its data.
    fn ask(&self, words: &str) -> String {
        loop {
            let answer = self.ask_once(words);
            if !answer.starts_with("-LOADING") {
                return answer;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    fn ask_once(&self, words: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("valkey listens");
        stream.write_all(format!("{words}\r\n").as_bytes()).expect("it hears");
        let mut lines = BufReader::new(stream).lines().map(|line| line.expect("text"));
        let line = lines.next().expect("an answer");
        if line.starts_with('$') && line != "$-1" { lines.next().expect("its text") } else { line }
    }

    fn cut_the_power(mut self) {
        self.child.kill().expect("our child");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn data_outlives_a_power_cut_and_a_larger_disk_and_a_lost_disk_is_said() {
    let tap = tap("data");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let disk: PathBuf = folder.path().join("disk");
    let of = |size: &str| format!("{}:{size}", disk.display());

    let guest = Guest::boot(tap.path(), &of("192M"));
    guest.says("data: /dev/vdb is blank: an ext4 is made on it");
    assert_eq!(guest.ask("SET kept for-long"), "+OK");
    guest.cut_the_power();

    let guest = Guest::boot(tap.path(), &of("384M"));
    guest.says("data: grown from 192 to 384 MiB");
    assert_eq!(guest.ask("GET kept"), "for-long");
    guest.cut_the_power();

    let overwrite = |bytes: usize| {
        let file = fs::File::options().write(true).open(&disk).expect("the disk");
        file.write_all_at(&vec![0xA5; bytes], 0).expect("room");
    };
    // All that could be repaired.
    overwrite(200 << 20);
    let guest = Guest::boot(tap.path(), &of("384M"));
    guest.says("it holds something that is no ext4, and is left as it is; /data is memory");
    assert_eq!((guest.ask("PING"), guest.ask("GET kept")), ("+PONG".into(), "$-1".into()));
}
