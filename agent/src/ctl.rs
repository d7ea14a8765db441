//! `rootbrewctl`: the agent's other face. It asks the machine that it runs on over the control's socket, and prints the answer.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::{env, fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::control::{SOCKET, WORDS};

/// Of base64: a line of the control's.
const LINE_BYTES: usize = 3000;

/// By the name that it was started under.
pub fn is_asked(name: &OsStr) -> bool {
    Path::new(name).file_name().is_some_and(|name| name == "rootbrewctl")
}

/// The exit status: 0, or 1 when the machine or the way to it said no.
pub fn run() -> i32 {
    let words: Vec<String> = env::args().skip(1).collect();
    if words.is_empty() || words[0] == "--help" {
        println!(
            "rootbrewctl WORD\nwords: {WORDS}\n`env put FILE` puts an environment; `log` takes -f, -n N and a service"
        );
        return i32::from(words.is_empty());
    }
    match ask(&words) {
        Ok(()) => 0,
        Err(cause) => {
            eprintln!("rootbrewctl: {cause}");
            1
        }
    }
}

fn ask(words: &[String]) -> io::Result<()> {
    let mut stream = UnixStream::connect(SOCKET).map_err(|cause| {
        io::Error::other(format!("{SOCKET}: {cause}: is the agent PID 1 here, and am I root?"))
    })?;
    match words {
        [shell, ..] if shell == "shell" => {
            let way =
                "say `shell` on the console, or `rootbrew ctl GUEST shell`: a shell wants a way of its own";
            return Err(io::Error::other(way));
        }
        [env, put, file] if env == "env" && put == "put" => {
            writeln!(stream, "env put")?;
            let text = BASE64.encode(fs::read(file)?);
            for line in text.as_bytes().chunks(LINE_BYTES) {
                stream.write_all(&[line, b"\n"].concat())?;
            }
            writeln!(stream, ".")?;
        }
        words => writeln!(stream, "{}", words.join(" "))?,
    }
    let follows = words.iter().any(|word| word == "-f");
    for line in BufReader::new(stream).lines() {
        let line = line?;
        if let Some(text) = line.strip_prefix("+ ") {
            println!("{text}");
        } else if let Some(why) = line.strip_prefix("error: ") {
            return Err(io::Error::other(why.to_string()));
        } else if line == "ok" && !follows {
            return Ok(());
        }
    }
    if follows { Ok(()) } else { Err(io::Error::other("the agent went away")) }
}
