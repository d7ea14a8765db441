//! Tests of kegs: a keg against its recipe's `[[test]]`s and against those that nobody writes, in the real sandbox, with its
//! runtime closure and nothing else.
//!
//! ```text
//! closure   the kegs that a keg reaches when it runs      program   one program among them, its streams, what it answered
//! compile   a file of tests/ to a program                 expect    what was said against what the recipe says
//! ```
//! What a program said is an action's output: keyed by content, kept when it was right. So a second run of all starts
//! nothing; what is expected is compared here each time, outside. It prints nothing.

mod closure;
mod compile;
mod door;
mod excerpt;
mod expect;
mod files;
mod program;
mod written;

use std::sync::{Arc, Mutex};

use builder::plan::Plan;
use builder::recipe::{Dep, Variant};
use builder::sandbox::Canceller;
use builder::schedule::Cancel;
use builder::schedule::action::Ground;
use kegs::{Digest, Fault, Store};

/// What all tests stand on: a plan that is built.
pub struct Bench<'a> {
    pub store: &'a Store,
    pub ground: &'a Ground,
    pub plan: &'a Plan,
    /// The output tree of each node.
    pub outputs: &'a [Digest],
    pub cancel: &'a Cancel,
    running: Arc<Mutex<Vec<Canceller>>>,
}

/// Which tests, besides those that always run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// Each program of `bin/` is asked for its version.
    pub smoke: bool,
    /// Upstream's own suite.
    pub upstream: bool,
}

/// One test, done.
#[derive(Debug)]
pub struct Checked {
    /// As a person calls it: `zpipe.c`, `pcre2grep -o o.t`, `headers`.
    pub name: String,
    pub kind: Kind,
    /// None: it is good.
    pub faults: Vec<Fault>,
    /// Nothing ran: what it said was in the store.
    pub found: bool,
    pub wall_s: f64,
    /// The action behind it, to be kept.
    pub keys: Vec<Digest>,
}

/// Whose test it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A `[[test]]` of the recipe.
    Written,
}

impl Kind {
    /// As `--json` says it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Written => "written",
        }
    }
}

/// Why there is no verdict: the machine, or Ctrl-C. What a test found is a [`Fault`] and no error.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    #[error(transparent)]
    Store(#[from] kegs::StoreError),
    #[error(transparent)]
    Sandbox(#[from] builder::sandbox::SandboxError),
    #[error("{0}")]
    World(String),
    #[error("cancelled")]
    Cancelled,
}

type Result<T> = std::result::Result<T, TestError>;

impl<'a> Bench<'a> {
    pub fn new(
        store: &'a Store,
        ground: &'a Ground,
        plan: &'a Plan,
        outputs: &'a [Digest],
        cancel: &'a Cancel,
    ) -> Bench<'a> {
        let running = Arc::new(Mutex::new(Vec::<Canceller>::new()));
        let heard = running.clone();
        cancel.on_cancel(move || lock(&heard).iter().for_each(Canceller::cancel));
        Bench { store, ground, plan, outputs, cancel, running }
    }

    /// Runs every test of one keg, in order.
    pub fn test(&self, at: usize, _wish: Wish) -> Result<Vec<Checked>> {
        let variant = self.variant(at);
        variant
            .tests
            .iter()
            .filter(|test| written::runs(test))
            .map(|test| written::test(self, at, test))
            .collect()
    }

    fn variant(&self, at: usize) -> &Variant {
        &self.plan.nodes()[at].variant
    }

    /// The keg that the plan has for a dependency of a test.
    fn keg_of(&self, dep: &Dep) -> Option<usize> {
        let is = |variant: &Variant| {
            (variant.name == dep.name || variant.provides.contains(&dep.name))
                && dep.slot.as_ref().is_none_or(|slot| *slot == variant.slot)
        };
        self.plan.nodes().iter().position(|node| is(&node.variant))
    }

    /// Ends with the others when stop is said.
    fn hold(&self, canceller: Canceller) {
        lock(&self.running).push(canceller.clone());
        if self.cancel.is_said() {
            canceller.cancel();
        }
    }

    fn go_on(&self) -> Result<()> {
        if self.cancel.is_said() { Err(TestError::Cancelled) } else { Ok(()) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
