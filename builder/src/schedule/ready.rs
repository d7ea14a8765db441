//! The ready queue: counters that go down as dependencies are done, and the longest remaining path first.
//!
//! Pure bookkeeping; it starts nothing.

use std::collections::BTreeSet;

use crate::plan::Plan;

/// Who waits, who is ready, who can't be any more.
pub struct Queue {
    missing: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    /// Seconds from the start of this one to the end of the last that needs it.
    path_s: Vec<f64>,
    ready: BTreeSet<usize>,
    lost: BTreeSet<usize>,
}

impl Queue {
    /// `wall_s` is how long each took before, or a guess.
    pub fn new(plan: &Plan, wall_s: &[f64]) -> Queue {
        let dependents = plan.dependents();
        let missing: Vec<usize> = plan.nodes().iter().map(|node| node.all_deps().len()).collect();
        let ready = (0..missing.len()).filter(|&at| missing[at] == 0).collect();
        Queue { path_s: paths(&dependents, wall_s), missing, dependents, ready, lost: BTreeSet::new() }
    }

    /// Those whose dependencies are all done, the longest path first.
    pub fn ready(&self) -> Vec<usize> {
        let mut ready: Vec<usize> = self.ready.iter().copied().collect();
        ready.sort_by(|&a, &b| self.path_s[b].total_cmp(&self.path_s[a]).then(a.cmp(&b)));
        ready
    }

    /// All of them, the longest path first.
    pub fn by_path(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.path_s.len()).collect();
        all.sort_by(|&a, &b| self.path_s[b].total_cmp(&self.path_s[a]).then(a.cmp(&b)));
        all
    }

    /// It was taken from the queue to run.
    pub fn take(&mut self, at: usize) {
        self.ready.remove(&at);
    }

    /// It is done: whoever lacked only this is ready.
    pub fn done(&mut self, at: usize) {
        self.ready.remove(&at);
        for &dependent in &self.dependents[at] {
            self.missing[dependent] -= 1;
            if self.missing[dependent] == 0 {
                self.ready.insert(dependent);
            }
        }
    }

    /// It failed: all that needs it is lost, and only that. Returns the newly lost, in the plan's order.
    pub fn failed(&mut self, at: usize) -> Vec<usize> {
        self.ready.remove(&at);
        let mut lost = BTreeSet::new();
        let mut stack = self.dependents[at].clone();
        while let Some(next) = stack.pop() {
            if self.lost.insert(next) {
                lost.insert(next);
                stack.extend(&self.dependents[next]);
            }
        }
        lost.into_iter().collect()
    }
}

/// For each its own seconds and the longest of what needs it. Dependents stand behind, so one pass from the end does.
fn paths(dependents: &[Vec<usize>], wall_s: &[f64]) -> Vec<f64> {
    let mut path_s = vec![0.0; dependents.len()];
    for at in (0..dependents.len()).rev() {
        let longest = dependents[at].iter().map(|&next| path_s[next]).fold(0.0, f64::max);
        path_s[at] = wall_s[at] + longest;
    }
    path_s
}
