//! Follows a growing log: tells each `== step` mark when it is written. Woken by inotify, never by a clock.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify;

pub struct Watcher {
    log: File,
    notices: OwnedFd,
    bell: Arc<OwnedFd>,
}

/// Wakes a watcher, so that it sees that all is done.
pub struct Bell(Arc<OwnedFd>);

impl Watcher {
    pub fn new(log: &File) -> io::Result<Watcher> {
        let notices = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
        let path = format!("/proc/self/fd/{}", log.as_raw_fd());
        inotify::add_watch(&notices, path, inotify::WatchFlags::MODIFY)?;
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        Ok(Watcher { log: log.try_clone()?, notices, bell })
    }

    pub fn bell(&self) -> Bell {
        Bell(self.bell.clone())
    }

    /// Until `done`, after the bell has rung.
    pub fn watch(self, done: &AtomicBool, step: &(dyn Fn(&str) + Sync)) {
        let mut marks = Marks::default();
        loop {
            let last = done.load(Ordering::Relaxed);
            marks.read(&self.log, step);
            if last {
                return;
            }
            let mut polled = [self.notices.as_fd(), self.bell.as_fd()]
                .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
            poll(&mut polled, None).ok();
            let mut buffer = [0; 4096];
            rustix::io::read(&self.notices, &mut buffer).ok();
        }
    }
}

impl Bell {
    pub fn ring(&self) {
        // Full means that it is ringing already.
        rustix::io::write(&self.0, &1u64.to_ne_bytes()).ok();
    }
}

#[derive(Default)]
struct Marks {
    offset: u64,
    line: Vec<u8>,
}

impl Marks {
    fn read(&mut self, log: &File, step: &(dyn Fn(&str) + Sync)) {
        let mut buffer = [0; 16 << 10];
        while let Ok(count @ 1..) = log.read_at(&mut buffer, self.offset) {
            self.offset += count as u64;
            for &byte in &buffer[..count] {
                self.byte(byte, step);
            }
        }
    }

    fn byte(&mut self, byte: u8, step: &(dyn Fn(&str) + Sync)) {
        match byte {
            b'\n' => {
                let line = std::mem::take(&mut self.line);
                if let Some(name) =
                    std::str::from_utf8(&line).ok().and_then(|line| line.strip_prefix(super::STEP_MARK))
                {
                    step(name);
                }
            }
            // A mark is short; the rest of a long line can't make it one.
            _ if self.line.len() < 64 => self.line.push(byte),
            _ => {}
        }
    }
}
