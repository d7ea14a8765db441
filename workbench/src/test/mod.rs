//! Tests of kegs: a keg against its recipe's `[[test]]`s and against those that nobody writes, in the real sandbox, with its
//! runtime closure and nothing else.
//!
//! ```text
//! closure   the kegs that a keg reaches when it runs      program   one program among them, its streams, what it answered
//! compile   a file of tests/ to a program                 expect    what was said against what the recipe says
//! loads, offers, smoke: the tests that nobody writes      upstream  the suite that upstream wrote
//! ```
//! What a program said is an action's output: keyed by content, kept when it was right. So a second run of all starts
//! nothing; what is expected is compared here each time, outside. It prints nothing.

mod closure;
mod compile;
mod door;
mod excerpt;
mod expect;
mod files;
mod kept;
mod loads;
pub mod note;
mod offers;
mod program;
mod smoke;
mod upstream;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Instant;

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
    /// Recipe to the lints that its `allow` silences.
    pub allowed: BTreeMap<String, BTreeSet<String>>,
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
    /// What the recipe's `allow` silences.
    pub silenced: Vec<String>,
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
    /// ELF files in their closure.
    Loads,
    /// Paths of the build inside.
    Traces,
    Pc,
    Headers,
    Smoke,
    Upstream,
}

impl Kind {
    /// As `--json` says it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Written => "written",
            Kind::Loads => "loads",
            Kind::Traces => "traces",
            Kind::Pc => "pc",
            Kind::Headers => "headers",
            Kind::Smoke => "smoke",
            Kind::Upstream => "upstream",
        }
    }

    pub const ALL: [Kind; 7] =
        [Kind::Written, Kind::Loads, Kind::Traces, Kind::Pc, Kind::Headers, Kind::Smoke, Kind::Upstream];

    /// The lint that tells what only a test finds: a kind's, but for traces, which a lint sees by itself.
    pub fn told_by(word: &str) -> Option<&'static str> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word && *kind != Kind::Traces)?;
        kind.lint().map(|[id, _]| id)
    }

    /// The lint by which a recipe's `allow` silences it: id and name.
    pub fn lint(self) -> Option<[&'static str; 2]> {
        match self {
            Kind::Loads => Some(["K18", "not-loadable"]),
            Kind::Traces => Some(["K06", "build-path"]),
            Kind::Pc => Some(["K19", "pc-broken"]),
            Kind::Headers => Some(["K20", "header-broken"]),
            Kind::Written | Kind::Smoke | Kind::Upstream => None,
        }
    }
}

impl Checked {
    fn new(name: &str, kind: Kind) -> Checked {
        Checked {
            name: name.into(),
            kind,
            faults: Vec::new(),
            silenced: Vec::new(),
            found: true,
            wall_s: 0.0,
            keys: Vec::new(),
        }
    }

    /// Findings as faults at the recipe's version, unless the recipe allows their kind.
    fn take(&mut self, bench: &Bench, at: usize, kept: kept::Kept) {
        self.found &= kept.found;
        self.keys.push(kept.key);
        let silent = self.kind.lint().is_some_and(|lint| bench.allows(at, &lint));
        let variant = bench.variant(at);
        for finding in kept.findings {
            let message = format!("`{}` {}", finding.file, finding.what);
            if silent {
                self.silenced.push(message);
                continue;
            }
            let fault = variant.text.fault(variant.span.clone(), message);
            self.faults.push(match finding.detail.trim_end() {
                "" => fault,
                detail => fault.help(detail),
            });
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
        Bench { store, ground, plan, outputs, cancel, allowed: BTreeMap::new(), running }
    }

    /// Runs every test of one keg, in order.
    pub fn test(&self, at: usize, wish: Wish) -> Result<Vec<Checked>> {
        let mut done = Vec::new();
        for test in self.variant(at).tests.iter().filter(|test| written::runs(test)) {
            done.push(written::test(self, at, test)?);
        }
        done.push(timed(|| loads::test(self, at))?);
        done.push(timed(|| loads::traces(self, at))?);
        let begun = Instant::now();
        let mut offers = offers::test(self, at)?;
        offers.iter_mut().take(1).for_each(|first| first.wall_s = begun.elapsed().as_secs_f64());
        done.extend(offers);
        if wish.smoke {
            let begun = Instant::now();
            let wall_s = |checked| Checked { wall_s: begun.elapsed().as_secs_f64(), ..checked };
            done.extend(smoke::test(self, at)?.map(wall_s));
        }
        if wish.upstream {
            done.push(timed(|| upstream::test(self, at))?);
        }
        note::remember(self, at, &done)?;
        Ok(done)
    }

    fn allows(&self, at: usize, lint: &[&str]) -> bool {
        let allowed = self.allowed.get(&self.variant(at).name);
        allowed.is_some_and(|allowed| lint.iter().any(|lint| allowed.contains(*lint)))
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

fn timed(test: impl FnOnce() -> Result<Checked>) -> Result<Checked> {
    let begun = Instant::now();
    let checked = test()?;
    Ok(Checked { wall_s: begun.elapsed().as_secs_f64(), ..checked })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}
