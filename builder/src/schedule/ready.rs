//! The ready queue: counters that go down as dependencies are done, and the longest remaining path first.
//!
//! Pure bookkeeping; it starts nothing.

use std::collections::BTreeSet;

use crate::plan::Plan;

/// Who waits, who is ready, who can't be any more.
pub struct Queue {
    missing: Vec<usize>,
    dependents: Vec<Vec<usize>>,
    /// All, the longest path first: seconds from the start of one to the end of the last that needs it.
    by_path: Vec<usize>,
    /// Where each stands in `by_path`.
    rank: Vec<usize>,
    /// Ranks, so that the longest path is the smallest.
    ready: BTreeSet<usize>,
    lost: BTreeSet<usize>,
}

impl Queue {
    /// `wall_s` is how long each took before, or a guess.
    pub fn new(plan: &Plan, wall_s: &[f64]) -> Queue {
        let dependents = plan.dependents();
        let missing: Vec<usize> = plan.nodes().iter().map(|node| node.all_deps().len()).collect();
        let path_s = paths(&dependents, wall_s);
        let mut by_path: Vec<usize> = (0..missing.len()).collect();
        by_path.sort_by(|&a, &b| path_s[b].total_cmp(&path_s[a]).then(a.cmp(&b)));
        let mut rank = vec![0; missing.len()];
        by_path.iter().enumerate().for_each(|(place, &at)| rank[at] = place);
        let ready = (0..missing.len()).filter(|&at| missing[at] == 0).map(|at| rank[at]).collect();
        Queue { by_path, rank, missing, dependents, ready, lost: BTreeSet::new() }
    }

    /// Those whose dependencies are all done, the longest path first.
    pub fn ready(&self) -> Vec<usize> {
        self.ready.iter().map(|&rank| self.by_path[rank]).collect()
    }

    /// All of them, the longest path first.
    pub fn by_path(&self) -> &[usize] {
        &self.by_path
    }

    /// It was taken from the queue to run.
    pub fn take(&mut self, at: usize) {
        self.ready.remove(&self.rank[at]);
    }

    /// It is done: whoever lacked only this is ready.
    pub fn done(&mut self, at: usize) {
        self.ready.remove(&self.rank[at]);
        for &dependent in &self.dependents[at] {
            self.missing[dependent] -= 1;
            if self.missing[dependent] == 0 {
                self.ready.insert(self.rank[dependent]);
            }
        }
    }

    /// It failed: all that needs it is lost, and only that. Returns the newly lost, in the plan's order.
    pub fn failed(&mut self, at: usize) -> Vec<usize> {
        self.ready.remove(&self.rank[at]);
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use expect_test::{Expect, expect};
    use kegs::Faults;

    use super::*;
    use crate::plan::{Asked, AskedKeg, Implied, plan};
    use crate::recipe::{Catalogue, Recipe};

    /// A line is `name seconds: what it links`; all are asked.
    fn planned(text: &str) -> (Plan, Vec<f64>) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("steps.sh"), "").unwrap();
        let mut catalogue = Catalogue::default();
        let mut asked = Asked { arch: "x86_64".into(), ..Asked::default() };
        let mut seconds = BTreeMap::new();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (head, links) = line.split_once(':').unwrap();
            let (name, wall_s) = head.split_once(' ').unwrap();
            let links: Vec<String> = links.split_whitespace().map(|name| format!("\"{name}\"")).collect();
            let head =
                "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1\"\npreset = \"script\"\ncc = \"seed\"";
            let text = format!("{head}\nlink = [{}]\n", links.join(", "));
            let mut faults = Faults::default();
            let recipe = Recipe::parse(name, folder.path(), Path::new(name), text.as_bytes(), &mut faults);
            let recipe = recipe.unwrap_or_else(|| panic!("{faults}"));
            asked.kegs.push(AskedKeg {
                name: name.into(),
                slot: None,
                text: recipe.text.clone(),
                span: 0..0,
            });
            catalogue.recipes.insert(name.to_string(), recipe);
            seconds.insert(name.to_string(), wall_s.parse().unwrap());
        }
        let plan = plan(&catalogue, &asked, &Implied::default()).unwrap();
        let wall_s = plan.nodes().iter().map(|node| seconds[&node.name()]).collect();
        (plan, wall_s)
    }

    /// Takes the first ready one again and again: the order, with what was ready behind each, and what is lost when
    /// `broken` fails.
    fn check(text: &str, broken: &str, expect: Expect) {
        let (plan, wall_s) = planned(text);
        let mut queue = Queue::new(&plan, &wall_s);
        let names =
            |places: &[usize]| places.iter().map(|&at| plan.nodes()[at].name()).collect::<Vec<_>>().join(" ");
        let mut told = String::new();
        while let Some(&at) = queue.ready().first() {
            let ready = names(&queue.ready());
            queue.take(at);
            if plan.nodes()[at].name() == broken {
                told.push_str(&format!("{ready}; {broken} fails, lost: {}\n", names(&queue.failed(at))));
            } else {
                told.push_str(&format!("{ready}\n"));
                queue.done(at);
            }
        }
        expect.assert_eq(&told);
    }

    const BUSH: &str = "
        perl 9:
        zlib 1:
        ssl 20: perl zlib
        pcre 5:
        nginx 4: ssl pcre
        busybox 12:
        curl 3: ssl zlib
    ";

    #[test]
    fn the_longest_remaining_path_goes_first() {
        check(
            BUSH,
            "",
            expect![[r#"
            perl zlib busybox pcre
            zlib busybox pcre
            ssl busybox pcre
            busybox pcre curl
            pcre curl
            nginx curl
            curl
        "#]],
        );
    }

    #[test]
    fn a_failure_loses_what_needs_it_and_nothing_else() {
        check(
            BUSH,
            "ssl",
            expect![[r#"
            perl zlib busybox pcre
            zlib busybox pcre
            ssl busybox pcre; ssl fails, lost: curl nginx
            busybox pcre
            pcre
        "#]],
        );
        check(
            BUSH,
            "zlib",
            expect![[r#"
            perl zlib busybox pcre
            zlib busybox pcre; zlib fails, lost: ssl curl nginx
            busybox pcre
            pcre
        "#]],
        );
        check(
            BUSH,
            "nginx",
            expect![[r#"
            perl zlib busybox pcre
            zlib busybox pcre
            ssl busybox pcre
            busybox pcre curl
            pcre curl
            nginx curl; nginx fails, lost: 
            curl
        "#]],
        );
    }

    #[test]
    fn who_lost_two_is_lost_once() {
        let (plan, wall_s) = planned("a 1:\nb 1:\nc 1: a b\nd 1: c");
        let mut queue = Queue::new(&plan, &wall_s);
        assert_eq!((queue.failed(0), queue.failed(1), queue.ready()), (vec![2, 3], vec![], vec![]));
    }
}
