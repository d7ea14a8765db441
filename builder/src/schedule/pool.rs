//! One pool of job slots for the whole build, shared into the sandboxes by GNU make's job server protocol.
//!
//! A running action holds one slot (a job server client's implicit one) and has a fifo of its own. The pool keeps one
//! token offered in each fifo while slots are free, and counts what is out, so that a killed build's tokens come back:
//! ```text
//! slots = free + running actions + tokens put into fifos (taken by a client, or still lying there)
//! ```
//! Woken by inotify on the fifos, never by a clock. An action that waits to start comes before tokens: while one waits,
//! nothing new is offered and every token that comes back is kept.
//!
//! Protocol: GNU make manual, "POSIX Jobserver Interaction", `--jobserver-auth=fifo:PATH` (make 4.4, ninja 1.13).

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::inotify;

/// The pool; the thread that watches the fifos ends with it.
pub struct Pool {
    shared: Arc<Shared>,
    watcher: Option<JoinHandle<()>>,
}

/// A running action's slot and fifo. Dropped: the slot and every token that was out are free again.
pub struct Seat {
    shared: Arc<Shared>,
    id: u64,
    fifo: PathBuf,
}

struct Shared {
    state: Mutex<State>,
    watch: OwnedFd,
    bell: OwnedFd,
    /// Called when a slot is free and somebody waits for one.
    freed: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    free: usize,
    waiting: bool,
    closing: bool,
    next_id: u64,
    seats: BTreeMap<u64, Fifo>,
}

struct Fifo {
    file: File,
    /// Tokens that we put in and have not taken back.
    put: usize,
}

impl Pool {
    /// `slots` ≥ 1. `freed` is called from the pool's thread.
    pub fn new(slots: usize, freed: impl Fn() + Send + Sync + 'static) -> io::Result<Pool> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State { free: slots.max(1), ..State::default() }),
            watch: inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?,
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
            freed: Box::new(freed),
        });
        let watched = shared.clone();
        let watcher = std::thread::Builder::new().name("job pool".into()).spawn(move || watched.watch())?;
        Ok(Pool { shared, watcher: Some(watcher) })
    }

    /// A slot with a fifo made at `fifo`; `None` when all are taken: `freed` is called when one comes back.
    pub fn enter(&self, fifo: &Path) -> io::Result<Option<Seat>> {
        let mut state = self.shared.lock();
        if state.free == 0 {
            state.reclaim();
        }
        if state.free == 0 {
            state.waiting = true;
            self.shared.ring();
            return Ok(None);
        }
        let file = make_fifo(fifo)?;
        inotify::add_watch(
            &self.shared.watch,
            fifo,
            inotify::WatchFlags::ACCESS | inotify::WatchFlags::MODIFY,
        )?;
        state.waiting = false;
        state.free -= 1;
        let id = state.next_id;
        state.next_id += 1;
        state.seats.insert(id, Fifo { file, put: 0 });
        state.offer();
        Ok(Some(Seat { shared: self.shared.clone(), id, fifo: fifo.to_path_buf() }))
    }

    /// Nobody waits any more: free slots are offered again.
    pub fn nobody_waits(&self) {
        let mut state = self.shared.lock();
        state.waiting = false;
        state.offer();
    }

    /// Slots that nobody uses and that lie in no fifo.
    pub fn free(&self) -> usize {
        self.shared.lock().free
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closing = true;
        self.shared.ring();
        if let Some(watcher) = self.watcher.take() {
            // A panic of the watcher has been printed by its own thread; there is nothing to add.
            watcher.join().ok();
        }
    }
}

impl Seat {
    /// The fifo to bind into the sandbox.
    pub fn fifo(&self) -> &Path {
        &self.fifo
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(fifo) = state.seats.remove(&self.id) {
            state.free += 1 + fifo.put;
        }
        std::fs::remove_file(&self.fifo).ok();
        self.shared.settle(&mut state);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two statements that can panic: going on is right.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn ring(&self) {
        // Full means that it is ringing already.
        rustix::io::write(&self.bell, &1u64.to_ne_bytes()).ok();
    }

    /// Takes back what lies unused, offers what is free, or tells that a slot is there.
    fn settle(&self, state: &mut State) {
        if state.waiting {
            state.reclaim();
            if state.free > 0 {
                (self.freed)();
            }
            return;
        }
        state.offer();
    }

    fn watch(&self) {
        loop {
            self.sleep();
            let mut state = self.lock();
            if state.closing {
                return;
            }
            self.settle(&mut state);
        }
    }

    /// Until a fifo was read or written, or the bell rang. While an action waits, a token that comes back wakes us by
    /// itself too: a client that returns one and takes it again at once is raced by a reader, not by a notice.
    fn sleep(&self) {
        let fifos: Vec<OwnedFd> = {
            let state = self.lock();
            let waits = state.waiting && state.free == 0;
            let clone = |fifo: &Fifo| fifo.file.as_fd().try_clone_to_owned().ok();
            if waits { state.seats.values().filter_map(clone).collect() } else { Vec::new() }
        };
        let steady = [self.watch.as_fd(), self.bell.as_fd()];
        let all = steady.into_iter().chain(fifos.iter().map(|fd| fd.as_fd()));
        let mut polled: Vec<PollFd> = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        // A signal ends the wait early: the state is looked at once more, which is harmless.
        poll(&mut polled, None).ok();
        let mut buffer = [0; 4096];
        rustix::io::read(&self.watch, &mut buffer).ok();
        rustix::io::read(&self.bell, &mut buffer[..8]).ok();
    }
}

impl State {
    /// Takes every token that lies unused.
    fn reclaim(&mut self) {
        for fifo in self.seats.values_mut() {
            self.free += fifo.take(usize::MAX);
        }
    }

    /// One token in each fifo while slots are free; those who hold the fewest come first. A token that lies unused while
    /// another action has none left is moved there.
    fn offer(&mut self) {
        let hungry = self.seats.values().any(|fifo| fifo.put > 0 && fifo.lying() == 0);
        for fifo in self.seats.values_mut() {
            let spare = fifo.lying().saturating_sub(usize::from(!(hungry && self.free == 0)));
            self.free += fifo.take(spare);
        }
        let mut empty: Vec<&mut Fifo> = self.seats.values_mut().filter(|fifo| fifo.lying() == 0).collect();
        // With a slot to move, whoever used up its tokens comes before who never took one.
        empty.sort_by_key(|fifo| (fifo.put == 0 && hungry, fifo.put));
        for fifo in empty.into_iter().take(self.free) {
            self.free -= fifo.put_one();
        }
    }
}

impl Fifo {
    /// Tokens in the fifo that no client has taken.
    fn lying(&self) -> usize {
        rustix::io::ioctl_fionread(&self.file).map_or(0, |count| count as usize)
    }

    fn take(&mut self, most: usize) -> usize {
        let mut buffer = [0; 64];
        let most = most.min(buffer.len());
        if most == 0 {
            return 0;
        }
        let count = self.file.read(&mut buffer[..most]).unwrap_or(0);
        // A client that wrote more than it took must not make slots out of nothing.
        let ours = count.min(self.put);
        self.put -= ours;
        ours
    }

    fn put_one(&mut self) -> usize {
        let count = self.file.write(b"+").unwrap_or(0);
        self.put += count;
        count
    }
}

/// Read and write at once, so that opening waits for nobody and the fifo outlives its clients.
fn make_fifo(path: &Path) -> io::Result<File> {
    let mode = rustix::fs::Mode::from_raw_mode(0o666);
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0)?;
    // The umask took bits away; the sandbox's user is not always ours.
    rustix::fs::chmod(path, mode)?;
    OpenOptions::new().read(true).write(true).custom_flags(libc::O_NONBLOCK).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    fn pool(slots: usize) -> (tempfile::TempDir, Pool, Receiver<()>) {
        let (sender, receiver) = channel();
        let sender = Mutex::new(sender);
        let freed = move || {
            sender.lock().unwrap().send(()).ok();
        };
        (tempfile::tempdir().unwrap(), Pool::new(slots, freed).unwrap(), receiver)
    }

    fn seat(pool: &Pool, folder: &Path, name: &str) -> Option<Seat> {
        pool.enter(&folder.join(name)).unwrap()
    }

    /// What a job server's client does: opens the fifo by its path, blocks for a token.
    fn client(seat: &Seat) -> File {
        OpenOptions::new().read(true).write(true).open(seat.fifo()).unwrap()
    }

    fn take(client: &mut File) {
        client.read_exact(&mut [0]).unwrap();
    }

    #[test]
    fn one_action_gets_every_slot_and_gives_them_back() {
        let (folder, pool, _) = pool(4);
        let only = seat(&pool, folder.path(), "a").unwrap();
        let mut client = client(&only);
        (0..3).for_each(|_| take(&mut client));
        assert_eq!(pool.free(), 0);
        drop(only);
        assert_eq!(pool.free(), 4, "killed: nothing was written back by the client");
    }

    #[test]
    fn one_that_waits_comes_before_tokens() {
        let (folder, pool, freed) = pool(2);
        let first = seat(&pool, folder.path(), "a").unwrap();
        let mut client = client(&first);
        take(&mut client);
        assert!(seat(&pool, folder.path(), "b").is_none());
        client.write_all(b"+").unwrap();
        freed.recv_timeout(Duration::from_secs(10)).unwrap();
        let second = seat(&pool, folder.path(), "b");
        assert!(second.is_some());
        assert_eq!(pool.free(), 0);
        drop((first, second));
        assert_eq!(pool.free(), 2);
    }

    #[test]
    fn an_idle_token_is_taken_back_for_an_action() {
        let (folder, pool, _) = pool(2);
        let _first = seat(&pool, folder.path(), "a").unwrap();
        assert!(seat(&pool, folder.path(), "b").is_some());
    }

    #[test]
    fn a_token_that_lies_idle_moves_to_who_has_none_left() {
        let (folder, pool, _) = pool(4);
        let idle = seat(&pool, folder.path(), "idle").unwrap();
        let busy = seat(&pool, folder.path(), "busy").unwrap();
        let mut client = client(&busy);
        (0..2).for_each(|_| take(&mut client));
        assert_eq!(pool.free(), 0);
        drop((idle, busy));
        assert_eq!(pool.free(), 4);
    }

    #[test]
    fn tokens_made_up_by_a_client_make_no_slots() {
        let (folder, pool, _) = pool(2);
        let seat = seat(&pool, folder.path(), "a").unwrap();
        client(&seat).write_all(&[b'+'; 50]).unwrap();
        drop(seat);
        assert_eq!(pool.free(), 2);
    }
}
