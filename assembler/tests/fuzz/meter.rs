//! A meter of memory: the system's allocator, which counts what is held and the most that was.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

struct Metered;

#[global_allocator]
static METERED: Metered = Metered;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call goes to the system's allocator as it came; counting allocates nothing.
unsafe impl GlobalAlloc for Metered {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        // SAFETY: the caller's own.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller's own.
        unsafe { System.dealloc(at, layout) }
    }
}

pub struct Meter {
    before: usize,
}

/// Counts from now on, on all threads.
pub fn start() -> Meter {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    Meter { before }
}

impl Meter {
    /// The most that was held at once since the start, beyond what was held then.
    pub fn most(&self) -> usize {
        MOST.load(Relaxed).saturating_sub(self.before)
    }
}
