//! The words between caller, helper and init: one JSON object a packet, with file descriptors beside it.
//!
//! Sequenced packets, so that a word arrives whole or not at all, whoever sends it. The inside never holds the
//! caller's end: init speaks to the helper, the helper to the caller.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use serde::{Deserialize, Serialize};

use super::observe::Observe;
use super::setup::{Abilities, End, SandboxError, Setup};

/// Larger than any word: the longest is an error with two paths (4 KiB each) in it.
const WORD_MAX_BYTES: usize = 64 << 10;

#[derive(Debug, Serialize, Deserialize)]
pub enum Word {
    /// Caller to helper, with the fds of the order (a [`Spec`]) and of the command's standard input.
    Begin,
    /// Helper to init: the ids are mapped and the cgroup holds you.
    Go,
    /// Init to helper, with the fd of its root: everything is mounted, and a [`Word::Go`] more is awaited.
    Mounted,
    /// Init to helper to caller, with the fds of `/build` and of a socket of its network: the command runs.
    Started(Abilities),
    /// Anybody inward to the caller: there is no sandbox.
    Failed(Failure),
    /// Init to helper: the command's wait status.
    Status(i32),
    /// Init to helper: a fork was refused, where no cgroup tells.
    Exhausted,
    /// Helper to caller: nothing is alive in it any more. Where it was heard, with the fds of what it opened
    /// ([`super::observe::read`]) and of what heard it.
    Ended(Report),
}

/// The order: too long for a packet, so it travels as a file in memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Spec {
    pub setup: Setup,
    pub terminal: Terminal,
    pub observe: Option<Observe>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Terminal {
    /// A session of its own, no terminal.
    None,
    /// The caller's: `rootbrew shell`.
    Callers,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Failure {
    Refused { cause: String, help: String },
    Setup(String),
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Report {
    pub end: End,
    pub wall_s: f64,
    pub cpu_s: f64,
    pub memory_peak_bytes: Option<u64>,
}

impl From<Failure> for SandboxError {
    fn from(failure: Failure) -> SandboxError {
        match failure {
            Failure::Refused { cause, help } => SandboxError::Refused { cause, help },
            Failure::Setup(text) => SandboxError::Setup(text),
        }
    }
}

/// Two connected ends.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// Sends one word whole, and with it copies of `fds` (at most two).
pub fn send(socket: impl AsFd, word: &Word, fds: &[BorrowedFd]) -> io::Result<()> {
    let text = serde_json::to_vec(word)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        assert!(beside.push(SendAncillaryMessage::ScmRights(fds)), "at most two fds travel with a word");
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(&text)], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// The next word and its fds; `None` when the other end is closed.
pub fn receive(socket: impl AsFd, flags: RecvFlags) -> io::Result<Option<(Word, Vec<OwnedFd>)>> {
    let mut text = vec![0; WORD_MAX_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let mut listen = || {
        rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(&mut text)], &mut beside, flags)
            .map(|got| got.bytes)
    };
    let bytes = loop {
        match listen() {
            // An end that died with words of ours unread says so once, and before its own last words.
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNRESET) => {}
            other => break other?,
        }
    };
    let fds = beside.drain().filter_map(rights).flatten().collect();
    if bytes == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&text[..bytes])?, fds)))
}

fn rights(message: RecvAncillaryMessage) -> Option<Vec<OwnedFd>> {
    match message {
        RecvAncillaryMessage::ScmRights(fds) => Some(fds.collect()),
        _ => None,
    }
}
