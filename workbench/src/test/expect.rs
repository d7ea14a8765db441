//! What a program said against what the recipe's test says: faults at the words of the test that do not hold.

use builder::recipe::Test;
use kegs::{Fault, Text};

use super::door;
use super::excerpt::tail;
use super::program::{Ended, STREAM_MAX_BYTES, Said};

/// Everything that is not as the test says.
pub fn faults(text: &Text, name: &str, test: &Test, said: &Said) -> Vec<Fault> {
    let judge = Judge { text, name, test, said };
    if let Some(fault) = judge.end() {
        return vec![fault];
    }
    let streams = [judge.holds("stdout", &test.stdout), judge.holds("stderr", &test.stderr)];
    let long =
        [("stdout", &said.stdout), ("stderr", &said.stderr)].map(|(key, bytes)| judge.long(key, bytes));
    streams.into_iter().chain(long).chain([judge.regex()]).chain(judge.answer()).flatten().collect()
}

struct Judge<'a> {
    text: &'a Text,
    name: &'a str,
    test: &'a Test,
    said: &'a Said,
}

impl Judge<'_> {
    fn fault(&self, key: &str, what: String, help: String) -> Option<Fault> {
        Some(self.text.fault(self.test.span(key), format!("`{}` {what}", self.name)).help(help))
    }

    /// How it ended: nothing else is judged when that is wrong.
    fn end(&self) -> Option<Fault> {
        let wanted = self.test.status;
        match &self.said.end {
            Ended::Status(status) if *status == wanted => None,
            Ended::Status(status) => {
                self.fault("status", format!("exited {status}, expected {wanted}"), self.streams())
            }
            Ended::Served => None,
            Ended::NeverServed(how) => {
                let port = self.test.serve.unwrap_or_default();
                self.fault("serve", format!("{how} before port {port} accepted"), self.streams())
            }
            Ended::Not(why) if why.starts_with("ran longer") => {
                let key = if self.test.timeout_s.is_some() { "timeout" } else { "" };
                let timeout_s = super::written::timeout_s(self.test);
                self.fault(key, format!("did not end within {timeout_s} s and was killed"), self.streams())
            }
            Ended::Not(why) => self.fault("run", format!("did not run: {why}"), self.streams()),
        }
    }

    fn streams(&self) -> String {
        let mut parts = Vec::new();
        for (name, bytes) in [("standard output", &self.said.stdout), ("standard error", &self.said.stderr)] {
            if !bytes.is_empty() {
                parts.push(format!("its {name}:\n{}", tail(bytes, "  | ")));
            }
        }
        if parts.is_empty() { "it said nothing".into() } else { parts.join("\n") }
    }

    fn stream(&self, key: &str) -> &[u8] {
        if key == "stderr" { &self.said.stderr } else { &self.said.stdout }
    }

    fn holds(&self, key: &str, wanted: &Option<String>) -> Option<Fault> {
        let wanted = wanted.as_ref()?;
        if contains(self.stream(key), wanted.as_bytes()) {
            return None;
        }
        let mut help = difference(wanted, self.stream(key));
        if key == "stdout" && !self.said.stderr.is_empty() {
            help.push_str(&format!("\nits standard error:\n{}", tail(&self.said.stderr, "  | ")));
        }
        self.fault(key, format!("does not say it on {key}"), help)
    }

    fn long(&self, key: &str, bytes: &[u8]) -> Option<Fault> {
        if bytes.len() as u64 <= STREAM_MAX_BYTES {
            return None;
        }
        self.fault(
            key,
            format!("says more than 4 MiB on {key}"),
            "let it say less: pipes are not read to their end".into(),
        )
    }

    fn regex(&self) -> Option<Fault> {
        let wanted = self.test.regex.as_ref()?;
        let regex = match regex_lite::Regex::new(wanted) {
            Ok(regex) => regex,
            Err(error) => {
                return self.fault("regex", "is tested by no regular expression".into(), error.to_string());
            }
        };
        if regex.is_match(&String::from_utf8_lossy(&self.said.stdout)) {
            return None;
        }
        self.fault("regex", "says nothing like it on stdout".into(), difference(wanted, &self.said.stdout))
    }

    fn answer(&self) -> Vec<Option<Fault>> {
        let Some(get) = &self.test.get else { return Vec::new() };
        let Some((status, body)) = door::parse(&self.said.answer) else {
            let help = format!("it answered\n{}\n{}", tail(&self.said.answer, "  + "), self.streams());
            return vec![self.fault("get", "did not answer by HTTP".into(), help)];
        };
        let mut faults = Vec::new();
        if status != get.status {
            let what = format!("answered {status} to {}, expected {}", get.path, get.status);
            faults.push(self.fault(
                "get",
                what,
                format!("its answer:\n{}\n{}", tail(body, "  + "), self.streams()),
            ));
        }
        if let Some(wanted) = get.body.as_ref().filter(|wanted| !contains(body, wanted.as_bytes())) {
            faults.push(self.fault("get", "answered another body".into(), difference(wanted, body)));
        }
        faults
    }
}

/// `- expected`, `+ got`.
fn difference(wanted: &str, got: &[u8]) -> String {
    format!("expected it to hold, and got\n{}\n{}", tail(wanted.as_bytes(), "  - "), tail(got, "  + "))
}

pub fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn said(end: Ended, stdout: &str, stderr: &str, answer: &str) -> Said {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Said { end, stdout: bytes(stdout), stderr: bytes(stderr), answer: bytes(answer) }
    }

    fn check(test: Test, said: Said, expect: Expect) {
        let text = Text::new("recipe.toml", "");
        let faults = faults(&text, "tool -x", &test, &said);
        let lines: String = faults.iter().map(|fault| format!("{fault}\n")).collect();
        expect.assert_eq(&lines);
    }

    #[test]
    fn what_is_as_it_should_be_is_no_fault() {
        let test =
            Test { stdout: Some("oct".into()), regex: Some("^o.t$".into()), status: 3, ..Test::default() };
        check(test, said(Ended::Status(3), "oct", "noise", ""), expect![""]);
    }

    #[test]
    fn a_wrong_text_is_shown_beside_the_right_one() {
        let test = Test { stdout: Some("oct".into()), regex: Some("z+".into()), ..Test::default() };
        check(
            test,
            said(Ended::Status(0), "an octopus?\nno", "hm", ""),
            expect![[r#"
            recipe.toml:1:1: `tool -x` says nothing like it on stdout; expected it to hold, and got
              - z+
              + an octopus?
              + no
        "#]],
        );
        let test = Test { stdout: Some("oct".into()), regex: Some("(".into()), ..Test::default() };
        check(
            test,
            said(Ended::Status(0), "ten", "hm", ""),
            expect![[r#"
            recipe.toml:1:1: `tool -x` does not say it on stdout; expected it to hold, and got
              - oct
              + ten
            its standard error:
              | hm
            recipe.toml:1:1: `tool -x` is tested by no regular expression; found open group without closing ')'
        "#]],
        );
    }

    #[test]
    fn a_wrong_end_is_the_only_news() {
        let test = Test { stdout: Some("oct".into()), ..Test::default() };
        check(
            test.clone(),
            said(Ended::Status(139), "", "boom", ""),
            expect![[r#"
            recipe.toml:1:1: `tool -x` exited 139, expected 0; its standard error:
              | boom
        "#]],
        );
        check(
            test.clone(),
            said(Ended::Not("ran longer than its time".into()), "", "", ""),
            expect![[r#"
            recipe.toml:1:1: `tool -x` did not end within 60 s and was killed; it said nothing
        "#]],
        );
        let serve = Test { serve: Some(80), ..test };
        check(
            serve,
            said(Ended::NeverServed("exited 1".into()), "", "no such file", ""),
            expect![[r#"
            recipe.toml:1:1: `tool -x` exited 1 before port 80 accepted; its standard error:
              | no such file
        "#]],
        );
    }

    #[test]
    fn a_wrong_answer_is_told_by_status_and_body() {
        let get = builder::recipe::Get { path: "/a".into(), status: 200, body: Some("it works".into()) };
        let test = Test { serve: Some(80), get: Some(get), ..Test::default() };
        check(
            test.clone(),
            said(Ended::Served, "", "", "HTTP/1.1 200 OK\r\n\r\nit works, well"),
            expect![""],
        );
        check(
            test.clone(),
            said(Ended::Served, "", "", "HTTP/1.1 403 No\r\n\r\nforbidden"),
            expect![[r#"
            recipe.toml:1:1: `tool -x` answered 403 to /a, expected 200; its answer:
              + forbidden
            it said nothing
            recipe.toml:1:1: `tool -x` answered another body; expected it to hold, and got
              - it works
              + forbidden
        "#]],
        );
        check(
            test,
            said(Ended::Served, "", "", "220 mail\r\n"),
            expect![[r#"
            recipe.toml:1:1: `tool -x` did not answer by HTTP; it answered
              + 220 mail
            it said nothing
        "#]],
        );
    }
}
