//! Asks a guest, from outside, by the real clients that the role names.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{BootError, Guest, tether};

/// A client that has heard nothing for this long will not.
const LIMIT: Duration = Duration::from_secs(60);
/// What is kept of an answer; the rest is read and dropped.
const OUTPUT_MAX_BYTES: u64 = 1 << 20;

/// One command of a role's `[[check]]`. `{host}` and `{port:N}` stand for where the guest's port N is reached, `{env:X}`
/// for a value of its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    pub run: Vec<String>,
    /// What it writes must hold each of these.
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    /// How it must exit.
    pub status: u16,
}

/// Whence checks are asked: their folder, and what the guest's environment says.
#[derive(Debug)]
pub struct Desk<'a> {
    pub folder: &'a Path,
    pub environment: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command as it ran, its words filled in.
    pub command: Vec<String>,
    /// The line that the check is about: the first that holds what it asks for, else the first that the client wrote.
    pub status: String,
    /// Wall time of the client.
    pub ms: u64,
    /// All that the client wrote on its standard output, at most 1 MiB.
    pub output: String,
}

/// Runs the checks in order.
///
/// # Errors
/// The first that does not end as it should within 60 s, lacks what it should say, names a port that is not forwarded, or
/// whose client is not installed; with what the client said.
pub fn check(guest: &Guest, checks: &[Check], desk: &Desk) -> Result<Vec<Answer>, BootError> {
    check_within(guest, checks, desk, LIMIT)
}

/// The same, with another limit for each check.
///
/// # Errors
/// As [`check`].
pub fn check_within(
    guest: &Guest,
    checks: &[Check],
    desk: &Desk,
    limit: Duration,
) -> Result<Vec<Answer>, BootError> {
    let meaning = |word: &str| meaning(word, &|port| guest.port(port), &desk.environment);
    checks.iter().map(|check| ask(&fill(check, &meaning)?, check, desk.folder, limit)).collect()
}

fn ask(words: &[String], check: &Check, folder: &Path, limit: Duration) -> Result<Answer, BootError> {
    let (program, arguments) = words.split_first().ok_or_else(|| failed(words, "it has no command", ""))?;
    let started = Instant::now();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = tether::spawn(command).map_err(|source| BootError::start(program, source))?;
    let output = gather(child.stdout.take());
    let talk = gather(child.stderr.take());
    let heard = output.recv_timeout(limit).ok().filter(|_| ended_by(&child, started + limit));
    if heard.is_none() {
        // It fails only when the client has just ended.
        drop(child.kill());
    }
    let status = child.wait().map_err(BootError::world("wait for", program))?;
    let ms = started.elapsed().as_millis() as u64;
    match heard {
        None => Err(failed(
            words,
            &format!("no answer within {} s", limit.as_secs()),
            &talk.recv().unwrap_or_default(),
        )),
        Some(output) => {
            let talk = talk.recv().unwrap_or_default();
            judge(check, status, &output, &talk)
                .map_err(|reason| failed(words, &reason, &format!("{output}{talk}")))?;
            Ok(Answer { command: words.to_vec(), status: telling(check, &output, &talk), ms, output })
        }
    }
}

/// What of the answer is not as the check says.
fn judge(check: &Check, status: ExitStatus, output: &str, talk: &str) -> Result<(), String> {
    if status.code() != Some(check.status.into()) {
        return Err(status.to_string());
    }
    let lacks = |name: &str, text: &str, wanted: &[String]| {
        let missing = wanted.iter().find(|wanted| !text.contains(wanted.as_str()));
        missing.map_or(Ok(()), |missing| Err(format!("{name} does not hold `{missing}`")))
    };
    lacks("standard output", output, &check.stdout)?;
    lacks("standard error", talk, &check.stderr)
}

/// The one line that is shown of an answer.
fn telling(check: &Check, output: &str, talk: &str) -> String {
    let wanted = check.stdout.first().or(check.stderr.first()).map_or("", String::as_str);
    let line = output.lines().chain(talk.lines()).find(|line| line.contains(wanted));
    line.unwrap_or_default().trim().to_string()
}

/// Whether it ended in time: a client may close its output and stay. It is not reaped.
fn ended_by(child: &Child, end: Instant) -> bool {
    let Some(pid) = Pid::from_raw(child.id() as i32) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
    loop {
        match waitid(WaitId::Pid(pid), options) {
            Ok(None) if Instant::now() < end => thread::sleep(Duration::from_millis(2)),
            Ok(None) => return false,
            // An error: it is gone, which `wait` tells.
            _ => return true,
        }
    }
}

/// Reads to the end on a thread of its own: a client that fills one pipe must not stop at the other.
fn gather(from: Option<impl Read + Send + 'static>) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut from) = from {
            // What came before an error is what there is to show.
            drop(from.by_ref().take(OUTPUT_MAX_BYTES).read_to_end(&mut kept));
            drop(std::io::copy(&mut from, &mut std::io::sink()));
        }
        // Nobody receives once the limit has passed.
        drop(send.send(String::from_utf8_lossy(&kept).into_owned()));
    });
    receive
}

fn failed(words: &[String], reason: &str, talk: &str) -> BootError {
    BootError::Check {
        command: words.join(" "),
        reason: reason.into(),
        output: talk.lines().map(Into::into).collect(),
    }
}

/// Fills the words in braces.
fn fill(check: &Check, meaning: &dyn Fn(&str) -> Result<String, String>) -> Result<Vec<String>, BootError> {
    let filled = check.run.iter().map(|word| fill_word(word, meaning)).collect::<Result<_, _>>();
    filled.map_err(|reason| failed(&check.run, &reason, ""))
}

pub(super) fn fill_word(
    word: &str,
    meaning: &dyn Fn(&str) -> Result<String, String>,
) -> Result<String, String> {
    let Some((before, rest)) = word.split_once('{') else { return Ok(word.into()) };
    let (name, after) = rest.split_once('}').ok_or_else(|| format!("`{{{rest}` has no end"))?;
    Ok(format!("{before}{}{}", meaning(name)?, fill_word(after, meaning)?))
}

/// `port` knows where a guest's port is reached.
fn meaning(
    name: &str,
    port: &dyn Fn(u16) -> Option<u16>,
    environment: &BTreeMap<String, String>,
) -> Result<String, String> {
    if name == "host" {
        return Ok("127.0.0.1".into());
    }
    if let Some(name) = name.strip_prefix("env:") {
        let value = environment.get(name).cloned();
        return value.ok_or_else(|| format!("the environment has no text `{name}`"));
    }
    let number = name.strip_prefix("port:").ok_or_else(|| {
        format!("unknown word `{{{name}}}`; there are `{{host}}`, `{{port:N}}` and `{{env:NAME}}`")
    })?;
    let number = number.parse().map_err(|_| format!("`{number}` is not a port"))?;
    port(number).map(|host| host.to_string()).ok_or_else(|| format!("the role does not open port {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn words(text: &str) -> Check {
        Check { run: text.split(' ').map(Into::into).collect(), ..Check::default() }
    }

    fn check_fill(text: &str, expected: Expect) {
        let environment = BTreeMap::from([("password".to_string(), "p{w".to_string())]);
        let port = |port| (port == 443).then_some(40443);
        let filled = fill(&words(text), &|word| meaning(word, &port, &environment));
        expected.assert_eq(&filled.map_or_else(|error| error.to_string(), |words| words.join(" ")));
    }

    #[test]
    fn words_are_filled() {
        check_fill(
            "curl https://{host}:{port:443}/{host}",
            expect!["curl https://127.0.0.1:40443/127.0.0.1"],
        );
        check_fill("redis-cli -a {env:password}", expect!["redis-cli -a p{w"]);
    }

    #[test]
    fn words_that_cannot_be() {
        check_fill("curl {port:80}", expect!["check `curl {port:80}`: the role does not open port 80"]);
        check_fill("curl {port:http}", expect!["check `curl {port:http}`: `http` is not a port"]);
        check_fill(
            "curl {hosts}",
            expect![
                "check `curl {hosts}`: unknown word `{hosts}`; there are `{host}`, `{port:N}` and `{env:NAME}`"
            ],
        );
        check_fill("curl {env:x}", expect!["check `curl {env:x}`: the environment has no text `x`"]);
        check_fill("curl {host", expect!["check `curl {host`: `{host` has no end"]);
    }

    fn check_ask(run: &[&str], expected: Expect) {
        check_asked(
            &Check { run: run.iter().map(ToString::to_string).collect(), ..Check::default() },
            expected,
        );
    }

    fn check_asked(check: &Check, expected: Expect) {
        expected.assert_eq(&match ask(&check.run, check, Path::new("/"), LIMIT) {
            Ok(answer) => format!("{} {:?}", answer.status, answer.output),
            Err(error) => error.to_string(),
        });
    }

    #[test]
    fn the_client_decides() {
        check_ask(
            &["printf", "HTTP/1.1 200 OK\\r\\n\\r\\nhello"],
            expect![[r#"HTTP/1.1 200 OK "HTTP/1.1 200 OK\r\n\r\nhello""#]],
        );
        check_ask(
            &["sh", "-c", "echo no route >&2; exit 7"],
            expect![[r#"
                check `sh -c echo no route >&2; exit 7`: exit status: 7
                  | no route"#]],
        );
        check_ask(
            &["rootbrew-no-such-client"],
            expect![[r#"
                `rootbrew-no-such-client` is not installed
                help: apt-get install rootbrew-no-such-client"#]],
        );
    }

    #[test]
    fn an_answer_must_hold_what_is_asked() {
        let says = |status, stdout: &str| Check {
            run: ["sh", "-c", "echo one; echo two; echo three >&2; exit 3"].map(Into::into).to_vec(),
            stdout: vec![stdout.into()],
            stderr: vec!["three".into()],
            status,
        };
        check_asked(&says(3, "two"), expect![[r#"two "one\ntwo\n""#]]);
        check_asked(
            &says(3, "four"),
            expect![[r#"
                check `sh -c echo one; echo two; echo three >&2; exit 3`: standard output does not hold `four`
                  | one
                  | two
                  | three"#]],
        );
        check_asked(
            &says(0, "two"),
            expect![[r#"
                check `sh -c echo one; echo two; echo three >&2; exit 3`: exit status: 3
                  | one
                  | two
                  | three"#]],
        );
    }

    #[test]
    fn a_client_that_is_silent_and_stays_is_seen() {
        let mut child = Command::new("sleep").arg("30").stdout(Stdio::null()).spawn().unwrap();
        assert!(!ended_by(&child, Instant::now() + Duration::from_millis(20)));
        child.kill().unwrap();
        assert!(ended_by(&child, Instant::now() + LIMIT));
        child.wait().unwrap();
    }

    #[test]
    fn an_answer_without_end_is_cut() {
        let check = words("head -c 5000000 /dev/zero");
        let answer = ask(&check.run, &check, Path::new("/"), LIMIT).unwrap();
        assert_eq!(answer.output.len() as u64, OUTPUT_MAX_BYTES);
    }
}
