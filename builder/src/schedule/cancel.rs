//! Cancelling: one word, said once, heard by every build that is under way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

/// Shared between who may say stop (Ctrl-C) and who must hear it.
#[derive(Default)]
pub struct Cancel {
    said: AtomicBool,
    hooks: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Cancel {
    /// Says stop. Running sandboxes end; the store stays one that goes on.
    pub fn cancel(&self) {
        self.said.store(true, Ordering::SeqCst);
        for hook in self.hooks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).iter() {
            hook();
        }
    }

    pub fn is_said(&self) -> bool {
        self.said.load(Ordering::SeqCst)
    }

    pub fn flag(&self) -> &AtomicBool {
        &self.said
    }

    /// `hook` is called when stop is said; at once when it was.
    pub fn on_cancel(&self, hook: impl Fn() + Send + 'static) {
        self.hooks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(Box::new(hook));
        if self.is_said() {
            self.cancel();
        }
    }
}
