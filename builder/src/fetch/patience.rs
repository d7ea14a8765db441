//! How long to wait, how often to try again.

use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Limits of one place's tries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// No byte for so long: the connection is given up.
    pub stall: Duration,
    /// Tries in a row that bring no new byte.
    pub tries: u32,
    /// Before the second try; doubles each time.
    pub pause: Duration,
    pub pause_max: Duration,
}

impl Default for Patience {
    /// 30 s without a byte, 5 tries, 0.5 s to 20 s between them: a place that is down costs 7.5 s, one that
    /// restarts is met again.
    fn default() -> Patience {
        Patience {
            stall: Duration::from_secs(30),
            tries: 5,
            pause: Duration::from_millis(500),
            pause_max: Duration::from_secs(20),
        }
    }
}

impl Patience {
    /// The pause after the `failed`th try in a row (from 1): exponential, three quarters to five quarters of it by
    /// chance, so that many builders do not come back at the same instant.
    pub fn pause_after(&self, failed: u32) -> Duration {
        let doubled = self.pause.saturating_mul(1 << failed.saturating_sub(1).min(16));
        // A fresh `RandomState` is seeded by the system: chance without a crate.
        let chance = std::hash::RandomState::new().build_hasher().finish() % 512;
        doubled.min(self.pause_max).mul_f64(0.75 + chance as f64 / 1024.0)
    }
}

/// `false` when `cancel` was set meanwhile.
pub fn pause(duration: Duration, cancel: &AtomicBool) -> bool {
    let end = Instant::now() + duration;
    while !cancel.load(Ordering::Relaxed) {
        match end.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => std::thread::sleep(left.min(Duration::from_millis(50))),
            _ => return true,
        }
    }
    false
}
