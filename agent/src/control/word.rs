//! The words that a machine understands, each a line.

use super::Size;
use crate::chaos;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    PowerOff,
    Reboot,
    Status,
    Figures,
    /// One line a service.
    Top,
    Events {
        follow: bool,
    },
    /// What a service wrote, or all of them.
    Log {
        service: Option<String>,
        lines: usize,
        follow: bool,
    },
    /// What the environment came to.
    Env,
    /// The operator's own environment, which goes before all others; empty: none.
    Put(Vec<u8>),
    Reload(String),
    Restart(String),
    /// Of the debug volume, for a terminal of this size and kind.
    Shell {
        size: Size,
        term: String,
    },
    Cores,
    Core(String),
    DropCores,
    /// The word of the one who keeps cores.
    Kept(String),
    /// A fault on purpose.
    Chaos(chaos::Fault),
}

pub const WORDS: &str = "status, top, log, events, env, env put, env drop, reload, restart, shell, cores, figures, reboot, poweroff";
/// Of a log that is asked for without a number.
const LOG_LINES: usize = 100;

pub fn parse(line: &str) -> Option<Ask> {
    let mut words: Vec<&str> = line.split_whitespace().collect();
    // As it is written elsewhere; a console has no programs.
    if words.first() == Some(&"rootbrewctl") {
        words.remove(0);
    }
    Some(match words.as_slice() {
        ["poweroff"] => Ask::PowerOff,
        ["reboot"] => Ask::Reboot,
        ["status"] => Ask::Status,
        ["figures"] => Ask::Figures,
        ["top"] => Ask::Top,
        ["events"] => Ask::Events { follow: false },
        ["events", "-f"] => Ask::Events { follow: true },
        ["log", rest @ ..] => log(rest)?,
        ["env"] => Ask::Env,
        ["env", "drop"] => Ask::Put(Vec::new()),
        ["reload", service] => Ask::Reload(service.to_string()),
        ["restart", service] => Ask::Restart(service.to_string()),
        ["shell", rest @ ..] => shell(rest)?,
        ["cores"] => Ask::Cores,
        ["cores", "get", name] => Ask::Core(name.to_string()),
        ["cores", "drop"] => Ask::DropCores,
        ["kept", ..] => Ask::Kept(words[1..].join(" ")),
        words => Ask::Chaos(chaos::parse(words)?),
    })
}

/// `[COLUMNSxROWS [TERM]]`
fn shell(words: &[&str]) -> Option<Ask> {
    let size = words.first().map_or(Some(USUAL_SIZE), |word| size(word))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || "-+.".contains(c);
    let term = words.get(1).filter(|term| term.len() < 32 && term.chars().all(fits));
    (words.len() <= 2).then(|| Ask::Shell { size, term: term.unwrap_or(&USUAL_TERM).to_string() })
}

/// A line without a word on itself: what each understands.
const USUAL_SIZE: Size = (80, 24);
const USUAL_TERM: &str = "vt100";

/// `80x24`
pub fn size(word: &str) -> Option<Size> {
    let (columns, rows) = word.split_once('x')?;
    Some((columns.parse().ok()?, rows.parse().ok()?))
}

/// `[-f] [-n N] [SERVICE]`
fn log(words: &[&str]) -> Option<Ask> {
    let (mut service, mut lines, mut follow) = (None, LOG_LINES, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-f" => follow = true,
            "-n" => lines = words.next()?.parse().ok()?,
            name if !name.starts_with('-') && service.is_none() => service = Some(name.to_string()),
            _ => return None,
        }
    }
    Some(Ask::Log { service, lines, follow })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(parse(" poweroff "), Some(Ask::PowerOff));
        assert_eq!(parse("status"), Some(Ask::Status));
        let log = Ask::Log { service: Some("nginx".into()), lines: 7, follow: true };
        assert_eq!(parse("log -f nginx -n 7"), Some(log));
        assert_eq!(parse("restart nginx"), Some(Ask::Restart("nginx".into())));
        let shell = |size, term: &str| Some(Ask::Shell { size, term: term.into() });
        assert_eq!(parse("shell"), shell((80, 24), "vt100"));
        assert_eq!(parse("rootbrewctl shell"), shell((80, 24), "vt100"));
        assert_eq!(parse("shell 120x40 xterm-256color"), shell((120, 40), "xterm-256color"));
        assert_eq!(parse("shell 120x40 ../x"), shell((120, 40), "vt100"));
        for noise in [
            "",
            "power off",
            "poweroff now",
            "POWEROFF",
            "log -n",
            "log -x",
            "restart",
            "log a b",
            "shell 80",
            "shell 80x-1",
            "cores get",
        ] {
            assert_eq!(parse(noise), None);
        }
    }
}
