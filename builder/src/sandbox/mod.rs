//! The sandbox: one command with everything it may observe, and nothing else.
//!
//! A small single-threaded helper (this program, executed again) makes the namespaces by direct system calls, so that
//! many sandboxes can start at once from a threaded program. The way of one action:
//!
//! ```text
//! caller ── start ──> helper (own session)  waits: end, time, bytes, cancel; holds the cgroup
//!                       └─ init (pid 1 inside)  mounts, then reaps; its death ends all that is inside
//!                            └─ the command     no capabilities, seccomp, fixed limits
//! ```
//! It never runs anything unsandboxed, never shows a file that was not declared, leaves nothing behind, and prints
//! nothing. It knows no recipe, no store and no key.
//!
//! Verbs: [`start`], [`enter`], [`probe`], [`helper_main_if_asked`], [`check_outputs`].

mod cause;
mod cgroup;
mod filter;
mod helper;
mod inside;
mod links;
mod message;
mod observe;
mod outputs;
mod payload;
mod proc;
mod root;
mod running;
mod setup;
mod stage;
mod sys;
mod watch;

pub use helper::helper_main_if_asked;
pub use observe::{Loss, Observe, Opened};
pub use outputs::{Entry, Kind, OutputError, check_outputs};
pub use running::{Canceller, Running, Streams, enter, probe, start, start_observed, start_on};
pub use setup::{
    Abilities, Bind, Build, End, Ended, Face, Limiter, Limits, Link, Order, ProcKind, SandboxError, Setup,
    Stage, StageFrom, UserKind,
};

/// Makes a test binary able to start sandboxes: `cargo test` gives it a `main` that is not ours, so the helper's entry
/// runs before it. Once a test binary, at its top.
#[macro_export]
macro_rules! sandbox_in_tests {
    () => {
        // SAFETY: the C library calls each entry of .init_array once before main, on the only thread there is.
        #[used]
        #[unsafe(link_section = ".init_array")]
        static SANDBOX_HELPER: extern "C" fn() = {
            extern "C" fn become_helper() {
                $crate::sandbox::helper_main_if_asked();
            }
            become_helper
        };
    };
}
