//! An action's turn: another process may run the same one, and whoever waits for it must still hear a cancel.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};

use kegs::{Digest, Held, Store, StoreError};

use super::Cancel;

enum News {
    Locked(Result<Held, StoreError>),
    Cancelled,
}

/// Waits for an action's lock; `None` when cancelled first. The scheduler and other actions go on meanwhile.
pub fn wait(store: &Store, key: &Digest, cancel: &Cancel) -> Result<Option<Held>, StoreError> {
    let (sender, receiver) = channel();
    let heard = Mutex::new(sender.clone());
    cancel.on_cancel(move || tell(&heard, News::Cancelled));
    let (store, key) = (Store::open(store.folder())?, *key);
    // A thread of its own, that may outlive us: the kernel's wait for a lock has no other end than the lock.
    std::thread::spawn(move || sender.send(News::Locked(store.lock_action(&key))));
    match receiver.recv() {
        Ok(News::Locked(held)) => held.map(Some),
        Ok(News::Cancelled) | Err(_) => Ok(None),
    }
}

fn tell(sender: &Mutex<Sender<News>>, news: News) {
    // A receiver that is gone has its lock.
    sender.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).send(news).ok();
}
