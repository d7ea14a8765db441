//! Words from outside: the machine's ends, asked for without a shell.
//!
//! Two ways in, both of them the machine's own hardware: a virtio port named `org.rootbrew.control`, and the console.
//! One word a line: `poweroff`, `reboot`, `status`, `figures`. The answer comes on the same way. Nothing here comes from the network.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::lines::Lines;
use crate::wait::{News, Waiter};

const PORT: &str = "org.rootbrew.control";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    PowerOff,
    Reboot,
    Status,
    Figures,
}

/// The ways in that this machine has.
#[derive(Default)]
pub struct Control(Vec<Lines<File>>);

impl Control {
    /// A way that cannot be opened or watched is left out: the machine serves without.
    pub fn open(waiter: &Waiter) -> Control {
        let mut ways = Vec::new();
        for path in port().into_iter().chain(["/dev/console".to_string()]) {
            let watched = open(&path).and_then(|file| {
                waiter.watch(&file, News::Control(ways.len() as u32))?;
                Ok(file)
            });
            ways.extend(watched.ok().map(Lines::new));
        }
        Control(ways)
    }

    /// The words that have come on way `index`. Anything that is no word of ours is noise, and passed over.
    pub fn asked(&mut self, index: u32) -> Vec<Ask> {
        let mut asked = Vec::new();
        if let Some(way) = self.0.get_mut(index as usize) {
            way.drain(|line| asked.extend(parse(line)));
        }
        asked
    }

    /// A host that does not listen misses the answer; it may ask again.
    pub fn answer(&mut self, index: u32, text: &str) {
        if let Some(way) = self.0.get_mut(index as usize) {
            writeln!(way.reader(), "{text}").unwrap_or_default();
        }
    }
}

fn parse(line: &str) -> Option<Ask> {
    match line.trim() {
        "poweroff" => Some(Ask::PowerOff),
        "reboot" => Some(Ask::Reboot),
        "status" => Some(Ask::Status),
        "figures" => Some(Ask::Figures),
        _ => None,
    }
}

/// `/dev/vport…` of the port with our name.
fn port() -> Option<String> {
    let ports = fs::read_dir("/sys/class/virtio-ports").ok()?;
    ports.flatten().find_map(|port| {
        let name = fs::read_to_string(port.path().join("name")).ok()?;
        (name.trim() == PORT).then(|| format!("/dev/{}", port.file_name().display()))
    })
}

fn open(path: &str) -> std::io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    silence(&file);
    Ok(file)
}

/// No echo: the console's text is what the machine says, not what it is told. Not every way is a terminal.
fn silence(file: &File) {
    if let Ok(mut modes) = tcgetattr(file) {
        modes.local_modes -= LocalModes::ECHO;
        tcsetattr(file, OptionalActions::Now, &modes).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(parse(" poweroff "), Some(Ask::PowerOff));
        assert_eq!(parse("status"), Some(Ask::Status));
        for noise in ["", "power off", "poweroff now", "POWEROFF"] {
            assert_eq!(parse(noise), None);
        }
    }
}
