//! Asks a guest, from outside, by the real clients that the role names.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::{BootError, Guest, tether};

/// A client that has heard nothing for this long will not.
const LIMIT: Duration = Duration::from_secs(60);
/// What is kept of an answer; the rest is read and dropped.
const OUTPUT_MAX_BYTES: u64 = 1 << 20;

/// One command of a role's `[[check]]`. `{host}` and `{port:N}` stand for where the guest's port N is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    pub run: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The command as it ran, its words filled in.
    pub command: Vec<String>,
    /// The first line that the client wrote: with `curl -i` the status line.
    pub status: String,
    /// Wall time of the client.
    pub ms: u64,
    /// All that the client wrote on its standard output, at most 1 MiB.
    pub output: String,
}

/// Runs the checks in order.
///
/// # Errors
/// The first that does not end with status 0 within 60 s, names a port that is not forwarded, or whose client is not
/// installed; with what the client said.
pub fn check(guest: &Guest, checks: &[Check]) -> Result<Vec<Answer>, BootError> {
    checks.iter().map(|check| ask(&fill(check, &|port| guest.port(port))?)).collect()
}

fn ask(words: &[String]) -> Result<Answer, BootError> {
    let (program, arguments) = words.split_first().ok_or_else(|| failed(words, "it has no command", ""))?;
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = tether::spawn(command).map_err(|source| BootError::start(program, source))?;
    let output = gather(child.stdout.take());
    let talk = gather(child.stderr.take());
    let heard = output.recv_timeout(LIMIT);
    if heard.is_err() {
        // It fails only when the client has just ended.
        drop(child.kill());
    }
    let status = child.wait().map_err(BootError::world("wait for", program))?;
    let ms = started.elapsed().as_millis() as u64;
    match heard {
        Err(_) => Err(failed(
            words,
            &format!("no answer within {} s", LIMIT.as_secs()),
            &talk.recv().unwrap_or_default(),
        )),
        Ok(_) if !status.success() => {
            Err(failed(words, &status.to_string(), &talk.recv().unwrap_or_default()))
        }
        Ok(output) => Ok(Answer {
            command: words.to_vec(),
            status: output.lines().next().unwrap_or_default().trim().into(),
            ms,
            output,
        }),
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

/// Fills the words in braces. `port` knows where a guest's port is reached.
fn fill(check: &Check, port: &dyn Fn(u16) -> Option<u16>) -> Result<Vec<String>, BootError> {
    let filled = check.run.iter().map(|word| fill_word(word, port)).collect::<Result<_, _>>();
    filled.map_err(|reason| failed(&check.run, &reason, ""))
}

fn fill_word(word: &str, port: &dyn Fn(u16) -> Option<u16>) -> Result<String, String> {
    let Some((before, rest)) = word.split_once('{') else { return Ok(word.into()) };
    let (name, after) = rest.split_once('}').ok_or_else(|| format!("`{{{rest}` has no end"))?;
    Ok(format!("{before}{}{}", meaning(name, port)?, fill_word(after, port)?))
}

fn meaning(name: &str, port: &dyn Fn(u16) -> Option<u16>) -> Result<String, String> {
    if name == "host" {
        return Ok("127.0.0.1".into());
    }
    let number = name
        .strip_prefix("port:")
        .ok_or_else(|| format!("unknown word `{{{name}}}`; there are `{{host}}` and `{{port:N}}`"))?;
    let number = number.parse().map_err(|_| format!("`{number}` is not a port"))?;
    port(number).map(|host| host.to_string()).ok_or_else(|| format!("the role does not open port {number}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn words(text: &str) -> Check {
        Check { run: text.split(' ').map(Into::into).collect() }
    }

    fn check_fill(text: &str, expected: Expect) {
        let filled = fill(&words(text), &|port| (port == 443).then_some(40443));
        expected.assert_eq(&filled.map_or_else(|error| error.to_string(), |words| words.join(" ")));
    }

    #[test]
    fn words_are_filled() {
        check_fill(
            "curl https://{host}:{port:443}/{host}",
            expect!["curl https://127.0.0.1:40443/127.0.0.1"],
        );
    }

    #[test]
    fn words_that_cannot_be() {
        check_fill("curl {port:80}", expect!["check `curl {port:80}`: the role does not open port 80"]);
        check_fill("curl {port:http}", expect!["check `curl {port:http}`: `http` is not a port"]);
        check_fill(
            "curl {hosts}",
            expect!["check `curl {hosts}`: unknown word `{hosts}`; there are `{host}` and `{port:N}`"],
        );
        check_fill("curl {host", expect!["check `curl {host`: `{host` has no end"]);
    }

    fn check_ask(run: &[&str], expected: Expect) {
        let run: Vec<_> = run.iter().map(ToString::to_string).collect();
        expected.assert_eq(&match ask(&run) {
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
    fn an_answer_without_end_is_cut() {
        let answer = ask(&["head", "-c", "5000000", "/dev/zero"].map(Into::into)).unwrap();
        assert_eq!(answer.output.len() as u64, OUTPUT_MAX_BYTES);
    }
}
