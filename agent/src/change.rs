//! A change at run time: another environment becomes other files, is checked aside, swapped in by renames, and taken back when
//! a service does not come back with it.
//!
//! ```text
//! news ─▶ settle 100 ms ─▶ check, render ─▶ services' checkers, each sees the new files in their places ─▶ swap
//!      ─▶ reload or restart ─▶ ready: done | not ready: the old files again, reload or restart
//! ```
//! What comes meanwhile is the next change. Nothing here waits: each step is done when its news comes or its time is over.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use host::change::{self, Does, Plan};
use host::environment::Source;
use host::render::Files;
use host::{Environment, Error, Result, Role};
use rustix::process::Pid;

use crate::events::tell;
use crate::service::{Checker, Supervisor};
use crate::{render, source};

/// Where the files stand before they are checked.
const ASIDE: &str = "/run/rootbrew/next";
/// A burst of changes is one: this long after the last of them,
const SETTLE: Duration = Duration::from_millis(100);
/// and at most this long after the first.
const SETTLE_MOST: Duration = Duration::from_secs(1);

/// What the machine runs with.
pub struct Live {
    pub role: Role,
    /// `/etc/passwd`.
    pub users: String,
    pub host: String,
    pub templates: PathBuf,
    pub environment: Environment,
    pub files: Files,
    /// What a metadata server said at the start: it is not asked again.
    pub far: Option<Source>,
}

#[derive(Default)]
pub struct Change {
    /// The first and the last word of a burst.
    asked: Option<(Instant, Instant)>,
    doing: Option<Doing>,
    /// Why the last change was refused or taken back.
    pub refused: Option<String>,
}

struct Next {
    environment: Environment,
    files: Files,
    plan: Plan,
    begun: Instant,
    /// The services' first event after they were told.
    from: u64,
}

enum Doing {
    Checking {
        next: Next,
        checkers: Vec<Checker>,
    },
    /// The files are swapped; `back` are those that were, when this is the way forth.
    Swapped {
        next: Next,
        back: Option<Files>,
        until: Instant,
    },
}

impl Change {
    /// Something was written.
    pub fn asked(&mut self) {
        let now = Instant::now();
        let (first, _) = self.asked.unwrap_or((now, now));
        self.asked = Some((first, now));
    }

    /// When [`Change::step`] must run; `None`: only news can change anything.
    pub fn due(&self) -> Option<Instant> {
        match &self.doing {
            None => self.asked.map(|(first, last)| (last + SETTLE).min(first + SETTLE_MOST)),
            Some(Doing::Checking { checkers, .. }) => checkers.iter().map(|checker| checker.until).min(),
            Some(Doing::Swapped { until, .. }) => Some(*until),
        }
    }

    /// Does what is due.
    pub fn step(&mut self, live: &mut Live, supervisor: &mut Supervisor) {
        let now = Instant::now();
        match self.doing.take() {
            None => {
                if self.due().is_some_and(|due| due <= now) {
                    self.asked = None;
                    self.begin(live, supervisor);
                }
            }
            Some(Doing::Checking { next, mut checkers }) => {
                checkers.iter_mut().for_each(|checker| checker.end_at(now));
                match checkers.iter().find_map(Checker::verdict_if_bad) {
                    Some(why) => self.refuse(&why),
                    None if checkers.iter().all(Checker::is_good) => self.swap(live, supervisor, next),
                    None => self.doing = Some(Doing::Checking { next, checkers }),
                }
            }
            Some(Doing::Swapped { next, back, until }) => {
                self.watch(live, supervisor, (next, back, until), now >= until);
            }
        }
    }

    /// A child of ours has ended.
    pub fn reaped(&mut self, pid: Pid, status: i32) {
        if let Some(Doing::Checking { checkers, .. }) = &mut self.doing {
            checkers.iter_mut().for_each(|checker| checker.reaped(pid, status));
        }
    }

    fn begin(&mut self, live: &mut Live, supervisor: &mut Supervisor) {
        let next = match next(live) {
            Ok(next) => next,
            Err(fault) => return self.refuse(&fault.to_string()),
        };
        if next.plan.is_empty() {
            self.refused = None;
            live.environment = next.environment;
            return tell("environment: nothing changes");
        }
        match checkers(live, supervisor, &next) {
            Ok(checkers) => self.doing = Some(Doing::Checking { next, checkers }),
            Err(fault) => return self.refuse(&fault.to_string()),
        }
        self.step(live, supervisor);
    }

    fn refuse(&mut self, why: &str) {
        fs::remove_dir_all(ASIDE).unwrap_or_default();
        tell(format_args!("environment refused, all stays as it is: {why}"));
        self.refused = Some(why.to_string());
    }

    fn swap(&mut self, live: &mut Live, supervisor: &mut Supervisor, next: Next) {
        fs::remove_dir_all(ASIDE).unwrap_or_default();
        let back = live.files.clone();
        if let Err(fault) = put(live, &next.plan, &next.files) {
            // Some may be there already.
            put(live, &next.plan, &back)
                .unwrap_or_else(|fault| tell(format_args!("cannot go back: {fault}")));
            return self.refuse(&fault.to_string());
        }
        let next = Next { from: act(supervisor, &next.plan), ..next };
        let until = Instant::now() + patience(&live.role, &next.plan);
        self.doing = Some(Doing::Swapped { next, back: Some(back), until });
    }

    fn watch(
        &mut self,
        live: &mut Live,
        supervisor: &mut Supervisor,
        (next, back, until): (Next, Option<Files>, Instant),
        is_late: bool,
    ) {
        let states: Vec<_> =
            touched(&next.plan).map(|name| (name, supervisor.again(name, next.from))).collect();
        let bad = states.iter().find_map(|(name, state)| match state {
            Some(Err(why)) => Some(format!("{name}: {why}")),
            None if is_late => Some(format!("{name}: not ready in time")),
            _ => None,
        });
        match (bad, back) {
            (None, back) if states.iter().any(|(_, state)| state.is_none()) => {
                self.doing = Some(Doing::Swapped { next, back, until });
            }
            (None, Some(_)) => self.done(live, next),
            (None, None) => tell(format_args!("the last good environment serves again, {} ms", ms(&next))),
            (Some(why), Some(back)) => self.go_back(live, supervisor, next, back, &why),
            (Some(why), None) => tell(format_args!("and the last good environment does not serve: {why}")),
        }
    }

    fn done(&mut self, live: &mut Live, next: Next) {
        self.refused = None;
        let did = touched(&next.plan).map(|name| format!(", {name} {}", next.plan.services[name].0.word()));
        let files: Vec<&str> = next.plan.files.iter().map(String::as_str).collect();
        let line = format!("environment changed: {}{}", files.join(" "), did.collect::<String>());
        tell(format_args!("{line}, {} ms", ms(&next)));
        (live.environment, live.files) = (next.environment, next.files);
    }

    fn go_back(&mut self, live: &Live, supervisor: &mut Supervisor, next: Next, back: Files, why: &str) {
        tell(format_args!("environment taken back: {why}"));
        self.refused = Some(why.to_string());
        if let Err(fault) = put(live, &next.plan, &back) {
            return tell(format_args!("cannot go back: {fault}"));
        }
        let next = Next { begun: Instant::now(), from: act(supervisor, &next.plan), ..next };
        let until = Instant::now() + patience(&live.role, &next.plan);
        self.doing = Some(Doing::Swapped { next, back: None, until });
    }
}

/// What all sources come to now.
fn next(live: &Live) -> Result<Next> {
    let begun = Instant::now();
    let environment =
        host::environment::check(&live.role.env, &live.host, &source::all(&live.role, live.far.as_ref())?)?;
    if environment.network != live.environment.network || environment.words != live.environment.words {
        return Err(Error::input("host and network change with a reboot only"));
    }
    let mut files = render::all(&live.role, &environment, &live.templates)?;
    // What is kept was written once.
    for (path, file) in &live.files {
        if live.role.config.get(path).is_some_and(|config| config.keep) {
            files.insert(path.clone(), file.clone());
        }
    }
    let plan = change::plan(&live.role, &live.files, &files);
    Ok(Next { environment, files, plan, begun, from: 0 })
}

/// Writes the files aside and starts the checkers of those services that read them.
fn checkers(live: &Live, supervisor: &mut Supervisor, next: &Next) -> Result<Vec<Checker>> {
    let mut views = BTreeMap::new();
    for (at, path) in next.plan.files.iter().enumerate() {
        if let Some(file) = next.files.get(path) {
            let aside = Path::new(ASIDE).join(at.to_string());
            render::write_aside(&aside, file, &live.users)?;
            views.insert(PathBuf::from(path), aside);
        }
    }
    let started = touched(&next.plan).map(|name| supervisor.checker(name, &views));
    started.filter_map(Result::transpose).collect()
}

fn put(live: &Live, plan: &Plan, files: &Files) -> Result<()> {
    for path in &plan.files {
        match files.get(path) {
            Some(file) => render::write(Path::new(path), file, &live.users)?,
            None => fs::remove_file(path).unwrap_or_default(),
        }
    }
    Ok(())
}

/// The services that have something to do.
fn touched(plan: &Plan) -> impl Iterator<Item = &str> {
    plan.services.iter().filter(|(_, (does, _))| *does != Does::Stay).map(|(name, _)| name.as_str())
}

/// Tells each; the number of the first event that is an answer.
fn act(supervisor: &mut Supervisor, plan: &Plan) -> u64 {
    let (_, from) = supervisor.events().since(u64::MAX);
    for name in touched(plan) {
        let told = match plan.services[name].0 {
            Does::Reload => supervisor.reload(name),
            _ => supervisor.restart(name),
        };
        // One that does not run can't be reloaded: with the new files it may start.
        if told.is_err() {
            supervisor.restart(name).unwrap_or_else(|fault| tell(&fault));
        }
    }
    from
}

/// The longest that one of them may take.
fn patience(role: &Role, plan: &Plan) -> Duration {
    let longest = touched(plan).map(|name| role.service[name].ready_s + role.service[name].stop_s).max();
    Duration::from_secs(longest.unwrap_or(0))
}

fn ms(next: &Next) -> u128 {
    next.begun.elapsed().as_millis()
}
