//! What stands for a lock where there are none: marks in the bucket, each counting a while longer than its holder lives.
//!
//! ```text
//! locks/alone            who removes; one, by `If-None-Match: *`       60      how many seconds it counts after it was
//! locks/shared-<chance>  who publishes; any number                     60      put last, by the service's own clock
//! ```
//! Each puts its mark and then looks for the other's: of two that come at once at least one sees the other (an S3 reads what
//! was written), and who sees one steps back, waits by chance, and comes again. A thread puts the mark again five times in
//! what it counts. Who could not for half of that makes no request any more that only a holder may make: so when a mark has
//! ceased to count, its holder ceased before. Times are compared of files of one service, so no clock of ours is believed.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use object_store::{ObjectMeta, PutMode};

use super::bucket::Objects;
use super::error::{ChannelError, Result, wrong};
use super::shelf::Held;

const ALONE: &str = "locks/alone";
const SHARED: &str = "locks/shared-";
/// A mark that says more was put by nobody of us.
const HOLD_MAX_S: u64 = 3600;
/// So many times what a mark counts is waited for the others.
const PATIENCE: u32 = 5;

/// Marks of ours, by which we know that we may.
pub struct Marks {
    pub hold: Duration,
    ours: Mutex<Vec<Arc<Mark>>>,
}

struct Mark {
    path: String,
    /// Before the last request that put it was sent.
    put: Mutex<Instant>,
}

impl Marks {
    pub fn new(hold: Duration) -> Marks {
        Marks {
            hold: hold.clamp(Duration::from_secs(1), Duration::from_secs(HOLD_MAX_S)),
            ours: Mutex::default(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.ours().is_empty()
    }

    fn ours(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Mark>>> {
        self.ours.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// # Errors
    /// A mark of ours may have ceased to count.
    pub fn are_fresh(&self, place: &str) -> Result<()> {
        let is_old = |mark: &&Arc<Mark>| mark.since_put() > self.hold / 2;
        match self.ours().iter().find(is_old) {
            None => Ok(()),
            Some(mark) => {
                let why = format!(
                    "{} could not be put again in time; the same command goes on from here",
                    mark.path
                );
                Err(ChannelError::Unreachable { place: place.to_string(), why })
            }
        }
    }
}

impl Mark {
    fn since_put(&self) -> Duration {
        self.put.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    fn renew(&self, objects: &Objects) -> Result<()> {
        let before = Instant::now();
        objects.write(&self.path, &body(objects), PutMode::Overwrite)?;
        *self.put.lock().unwrap_or_else(PoisonError::into_inner) = before;
        Ok(())
    }
}

fn body(objects: &Objects) -> Vec<u8> {
    objects.marks.hold.as_secs().to_string().into_bytes()
}

/// Puts its mark again and again until it is dropped; then removes it.
struct Hold {
    objects: Arc<Objects>,
    mark: Arc<Mark>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Hold {
    /// Of a mark that was put by a request sent at `put`.
    fn of(objects: &Arc<Objects>, path: String, put: Instant) -> Hold {
        let mark = Arc::new(Mark { path, put: Mutex::new(put) });
        objects.marks.ours().push(mark.clone());
        let (stop, stopped) = channel();
        let (of_thread, renewed) = (objects.clone(), mark.clone());
        let thread = std::thread::spawn(move || {
            let pause = of_thread.marks.hold / 5;
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(pause) {
                // Once it was too old it stays so: somebody may have been alone meanwhile.
                if renewed.since_put() > of_thread.marks.hold / 2 {
                    return;
                }
                // Who needs it looks how old it is.
                renewed.renew(&of_thread).ok();
            }
        });
        Hold { objects: objects.clone(), mark, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It panics nowhere, and if it did, there is nothing more to do.
            thread.join().ok();
        }
        self.objects.marks.ours().retain(|mark| !Arc::ptr_eq(mark, &self.mark));
        // One that stays ceases to count by itself; one that is not ours any more is not touched.
        if self.mark.since_put() < self.objects.marks.hold / 2 {
            self.objects.delete(&self.mark.path).ok();
        }
    }
}

/// For who puts files that nothing points to yet.
pub fn share(objects: &Arc<Objects>) -> Result<Held> {
    let began = Instant::now();
    loop {
        let path = format!("{SHARED}{:016x}", chance());
        let put = Instant::now();
        objects.write(&path, &body(objects), PutMode::Overwrite)?;
        let hold = Hold::of(objects, path.clone(), put);
        let now_s = seconds(&look(objects, &path)?);
        match objects.read(ALONE)? {
            Some((body, meta)) if counts(&body, &meta, now_s) => drop(hold),
            _ => return Ok(Box::new(hold)),
        }
        wait(objects, began, "somebody removes files")?;
    }
}

/// For who removes what nothing points to.
pub fn alone(objects: &Arc<Objects>) -> Result<Held> {
    let began = Instant::now();
    loop {
        if let Some(hold) = try_alone(objects)? {
            return Ok(Box::new(hold));
        }
        wait(objects, began, "others are at work, or died a moment ago")?;
    }
}

fn try_alone(objects: &Arc<Objects>) -> Result<Option<Hold>> {
    let put = Instant::now();
    if !objects.write(ALONE, &body(objects), PutMode::Create)? && !take_over(objects)? {
        return Ok(None);
    }
    let hold = Hold::of(objects, ALONE.to_string(), put);
    let now_s = seconds(&look(objects, ALONE)?);
    for meta in objects.below(SHARED)? {
        let path = objects.short(&meta).to_string();
        match objects.read(&path)? {
            Some((body, meta)) if counts(&body, &meta, now_s) => return Ok(None),
            // Of the dead.
            Some(_) => objects.delete(&path)?,
            None => {}
        }
    }
    Ok(Some(hold))
}

/// The mark of one who died, if it is.
fn take_over(objects: &Objects) -> Result<bool> {
    let Some((body_found, meta)) = objects.read(ALONE)? else { return Ok(false) };
    match counts(&body_found, &meta, server_now_s(objects)?) {
        true => Ok(false),
        false => objects.replace(ALONE, &body(objects), &meta),
    }
}

/// A second more: services tell whole ones.
fn counts(body: &[u8], meta: &ObjectMeta, now_s: u64) -> bool {
    let said = std::str::from_utf8(body).ok().and_then(|text| text.trim().parse::<u64>().ok());
    now_s.saturating_sub(seconds(meta)) <= said.unwrap_or(HOLD_MAX_S).min(HOLD_MAX_S) + 1
}

fn look(objects: &Objects, path: &str) -> Result<ObjectMeta> {
    objects.head(path)?.ok_or_else(|| wrong(path, "was put, and is not there: is this an S3 that forgets?"))
}

fn seconds(meta: &ObjectMeta) -> u64 {
    meta.last_modified.timestamp().max(0) as u64
}

/// By the service's own clock: what it says of a file that was just put.
pub fn server_now_s(objects: &Objects) -> Result<u64> {
    let path = format!("locks/now-{:016x}", chance());
    objects.write(&path, b"", PutMode::Overwrite)?;
    let now_s = seconds(&look(objects, &path)?);
    objects.delete(&path)?;
    Ok(now_s)
}

fn wait(objects: &Objects, began: Instant, why: &str) -> Result<()> {
    if began.elapsed() > objects.marks.hold * PATIENCE {
        return Err(ChannelError::Asked(format!(
            "locks/ of the bucket: {why}, for a long time; try again later"
        )));
    }
    std::thread::sleep(Duration::from_millis(100 + chance() % 400));
    Ok(())
}

/// A fresh `RandomState` is seeded by the system: chance without a crate.
fn chance() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish()
}
