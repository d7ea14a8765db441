//! What a service says of itself by sd_notify: datagrams of lines `NAME=value` on the socket in `NOTIFY_SOCKET`.
//!
//! Believed only from a process of the service's own cgroup (the kernel says who sent it). What is no word of ours, or
//! makes no sense, is noise and passed over; a flood of it is read in parts.

use std::fs;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixDatagram;

use rustix::net::sockopt::set_socket_passcred;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, UCred, recvmsg};

use crate::passwd::User;
use host::error::{Error, Result};

/// systemd's own limit is a page too.
const MESSAGE_MAX_BYTES: usize = 4096;
const MESSAGES_A_TURN: usize = 64;
const STATUS_MAX_LETTERS: usize = 200;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    Ready,
    /// It reads its configuration again; microseconds of CLOCK_MONOTONIC at which it began, where it says so.
    Reloading(Option<u64>),
    Stopping,
    Alive,
    /// It asks to be ended as if it had been silent for too long.
    Trigger,
    /// The number of its main process, as its own processes are counted.
    Main(i32),
    Status(String),
    /// Somebody else spoke.
    Foreign,
}

pub struct Notify(UnixDatagram);

/// What has come, and whether there is more.
#[derive(Debug, Default)]
pub struct Heard {
    pub said: Vec<Said>,
    pub more: bool,
}

impl Notify {
    /// A socket that only the service's user (and root) may write to.
    pub fn bind(path: &str, user: User) -> Result<Notify> {
        let tried = || Error::world(format!("make {path}"));
        if fs::symlink_metadata(path).is_ok() {
            fs::remove_file(path).map_err(tried())?;
        }
        let socket = UnixDatagram::bind(path).map_err(tried())?;
        socket.set_nonblocking(true).map_err(tried())?;
        set_socket_passcred(&socket, true).map_err(|cause| tried()(cause.into()))?;
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).map_err(tried())?;
        Ok(Notify(socket))
    }

    /// Reads what has come, of those whom `ours` knows by process and user.
    pub fn hear(&self, ours: &dyn Fn(i32, u32) -> bool) -> Heard {
        let mut heard = Heard::default();
        for _ in 0..MESSAGES_A_TURN {
            let mut message = [0; MESSAGE_MAX_BYTES];
            match self.receive(&mut message) {
                None => return heard,
                Some((size, Some(from))) if ours(from.pid.as_raw_nonzero().get(), from.uid.as_raw()) => {
                    heard.said.extend(parse(&message[..size]));
                }
                Some(_) => heard.said.push(Said::Foreign),
            }
        }
        heard.more = true;
        heard
    }

    /// One message; longer ones are of nobody's making, and come back empty. Descriptors that came with it are closed.
    fn receive(&self, message: &mut [u8]) -> Option<(usize, Option<UCred>)> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8), ScmCredentials(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let got = recvmsg(&self.0, &mut [IoSliceMut::new(message)], &mut control, flags).ok()?;
        let from = control.drain().find_map(|part| match part {
            RecvAncillaryMessage::ScmCredentials(from) => Some(from),
            _ => None,
        });
        let whole = !got.flags.contains(ReturnFlags::TRUNC);
        Some((if whole { got.bytes } else { 0 }, from))
    }
}

impl AsFd for Notify {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

fn parse(message: &[u8]) -> Vec<Said> {
    let text = String::from_utf8_lossy(message);
    let pairs: Vec<(&str, &str)> = text.split('\n').filter_map(|line| line.split_once('=')).collect();
    let since = pairs.iter().find(|(name, _)| *name == "MONOTONIC_USEC");
    let since = since.and_then(|(_, value)| value.parse().ok());
    pairs.iter().filter_map(|pair| word(*pair, since)).collect()
}

fn word(pair: (&str, &str), since: Option<u64>) -> Option<Said> {
    Some(match pair {
        ("READY", "1") => Said::Ready,
        ("RELOADING", "1") => Said::Reloading(since),
        ("STOPPING", "1") => Said::Stopping,
        ("WATCHDOG", "1") => Said::Alive,
        ("WATCHDOG", "trigger") => Said::Trigger,
        ("MAINPID", number) => Said::Main(number.parse().ok().filter(|pid| *pid > 1)?),
        ("STATUS", text) => {
            let plain = text.chars().filter(|letter| !letter.is_control());
            Said::Status(plain.take(STATUS_MAX_LETTERS).collect())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_noise() {
        assert_eq!(parse(b"READY=1\nSTATUS=up \x1b[2J\n"), [Said::Ready, Said::Status("up [2J".into())]);
        assert_eq!(parse(b"RELOADING=1\nMONOTONIC_USEC=12"), [Said::Reloading(Some(12))]);
        assert_eq!(parse(b"MAINPID=7\nWATCHDOG=1"), [Said::Main(7), Said::Alive]);
        for noise in [&b""[..], b"READY", b"READY=2", b"MAINPID=-1", b"MAINPID=1", b"\xff\0\xfe=", b"\n\n=\n"]
        {
            assert_eq!(parse(noise), [], "{noise:?}");
        }
        let Said::Status(long) = &parse(format!("STATUS={}", "\u{e9}".repeat(900)).as_bytes())[0] else {
            panic!()
        };
        assert_eq!(long.chars().count(), 200);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = b"READY=1\nSTATUS=up \xc3\xa9\nRELOADING=1\nMONOTONIC_USEC=12\nMAINPID=7\nWATCHDOG=1\n";
        crate::chance::rounds(19, 100_000, |chance| {
            for said in parse(&chance.change(whole, 0)) {
                assert!(!matches!(said, Said::Main(pid) if pid <= 1));
            }
        });
    }

    #[test]
    fn the_sender_is_known_and_garbage_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let me = User { uid: rustix::process::geteuid().as_raw(), gid: rustix::process::getegid().as_raw() };
        let notify = Notify::bind(path.to_str().unwrap(), me).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        let own = std::process::id() as i32;
        sender.send_to(b"READY=1", &path).unwrap();
        assert_eq!(notify.hear(&|pid, _| pid == own).said, [Said::Ready]);
        sender.send_to(b"READY=1", &path).unwrap();
        assert_eq!(notify.hear(&|pid, _| pid != own).said, [Said::Foreign]);
        sender.send_to(&[b'X'; 20_000], &path).unwrap();
        sender.send_to(b"", &path).unwrap();
        sender.send_to(b"READY=1", &path).unwrap();
        assert_eq!(notify.hear(&|_, _| true).said, [Said::Ready]);
        assert!(!notify.hear(&|_, _| true).more);
    }
}
