//! The kegs that a keg reaches when it runs: itself, what it and the test need, and what their files lead to.
//!
//! How files lead to others is the assembler's knowledge, so a test sees what a role's image would hold. Kegs are shown
//! whole; of a keg that only was linked in, and that no file reaches, nothing is shown.

use std::collections::BTreeSet;

use assembler::closure::Walk;
use assembler::tree::Kind;
use assembler::{Asked, Keg, Problem};
use builder::plan::Kind as Edge;
use builder::recipe::Cc;
use builder::schedule::action::SeedTop;
use kegs::{Digest, Node};

use super::{Bench, Result};

/// The name of the keg that a compiled test is: [`builder::schedule::beside::PLACE`].
const TEST: &str = ".test";

/// What a sandbox shows.
pub struct Closure {
    /// Prefix, label, root; the keg itself first.
    pub kegs: Vec<(String, String, Digest)>,
    /// Links outside of the kegs, as `/bin/sh` for a script: path, target.
    pub links: Vec<(String, String)>,
    /// Folders that the loader must be told, as an image tells it by a file.
    pub library_path: Vec<String>,
    pub problems: Vec<Problem>,
    /// A bootstrap keg's programs that load the seed's C library run where the seed is, and nowhere else.
    pub seed: Option<SeedTop>,
    /// Every file that is reached, in the image's place.
    pub files: Vec<(String, Digest)>,
}

/// The closure of `at` with kegs besides, and of a compiled test's tree.
pub fn closure(bench: &Bench, at: usize, besides: &[usize], compiled: Option<Digest>) -> Result<Closure> {
    let whole = whole(bench, at, besides);
    let mut places = whole.clone();
    places.extend(whole.iter().flat_map(|&place| bench.plan.run_closure(place)));
    // The loader and the C library of shared programs come with the compiler.
    places.extend(bench.plan.tool_closure(at));
    let mut known = BTreeSet::new();
    places.retain(|place| known.insert(*place));
    let mut kegs: Vec<Keg> = places.iter().map(|&place| keg(bench, place)).collect::<Result<_>>()?;
    let mut shown: Vec<(String, String, Digest)> = places.iter().map(|&place| bound(bench, place)).collect();
    if let Some(root) = compiled {
        kegs.push(test_keg(bench, &kegs[0], root)?);
        shown.push((format!("/{}", kegs[kegs.len() - 1].place()), "test".into(), root));
    }
    let mut asked: Vec<usize> = (0..whole.len()).collect();
    asked.extend(compiled.map(|_| kegs.len() - 1));
    let mut closure = walk(bench, &kegs, &asked, shown);
    if bench.variant(at).cc == Cc::Seed && closure.problems.iter().any(wants_seed) {
        closure.show_seed(bench.ground.seed(bench.variant(at).preset));
    }
    Ok(closure)
}

fn wants_seed(problem: &Problem) -> bool {
    matches!(problem, Problem::Missing { what, .. } if what.starts_with("the loader"))
}

/// What is shown whether a file reaches it or not: the keg, what it runs, what the test needs.
fn whole(bench: &Bench, at: usize, besides: &[usize]) -> Vec<usize> {
    let mut whole: Vec<usize> = [at].into_iter().chain(besides.iter().copied()).collect();
    let mut next = 0;
    while let Some(&place) = whole.get(next) {
        let more = bench.plan.nodes()[place].deps(Edge::Run);
        whole.extend(more.iter().filter(|dep| !whole.contains(dep)).copied().collect::<Vec<_>>());
        next += 1;
    }
    whole
}

fn walk(bench: &Bench, kegs: &[Keg], whole: &[usize], shown: Vec<(String, String, Digest)>) -> Closure {
    let mut files: Vec<String> = whole.iter().map(|&at| format!("/{}", kegs[at].place())).collect();
    files.extend(whole.iter().flat_map(|&at| kegs[at].runtime.at.keys().cloned()));
    let asked = Asked { role: "test".into(), files, ..Asked::default() };
    let mut walk = Walk::new(&asked, kegs, bench.store);
    walk.run();
    let reached: BTreeSet<String> = walk.tree.iter().filter_map(|(path, _)| place_of(path)).collect();
    let mut links: Vec<(String, String)> = Vec::new();
    let mut library_path = Vec::new();
    for (path, node) in walk.tree.iter().filter(|(path, _)| place_of(path).is_none()) {
        if let Kind::Link { target } = &node.kind {
            links.push((format!("/{path}"), target.clone()));
        }
    }
    for (path, node) in walk.tree.iter() {
        if let (true, Kind::File(assembler::Bytes::Inline(bytes))) = (path.ends_with(".path"), &node.kind) {
            library_path.extend(String::from_utf8_lossy(bytes).lines().map(str::to_string));
        }
    }
    let stored = walk.tree.iter().filter_map(|(path, node)| match &node.kind {
        Kind::File(assembler::Bytes::Stored(digest)) => Some((path.to_string(), *digest)),
        _ => None,
    });
    let files = stored.collect();
    shell(kegs, whole, &mut links);
    let is_whole: BTreeSet<String> = whole.iter().map(|&at| kegs[at].place()).collect();
    let kegs = shown.into_iter().filter(|(prefix, ..)| {
        let place = prefix.trim_start_matches('/');
        reached.contains(place) || is_whole.contains(place)
    });
    Closure { kegs: kegs.collect(), links, library_path, problems: walk.problems, seed: None, files }
}

/// `system(3)` and `popen(3)` start `/bin/sh`: where a keg that is shown whole has one, it is there.
fn shell(kegs: &[Keg], whole: &[usize], links: &mut Vec<(String, String)>) {
    let there = |(path, _): &(String, String)| path == "/bin/sh";
    let has = whole.iter().find(|&&at| kegs[at].tree.nodes.contains_key("bin/sh"));
    if let (Some(&at), false) = (has, links.iter().any(there)) {
        links.push(("/bin/sh".into(), format!("/{}/bin/sh", kegs[at].place())));
    }
}

/// `kegs/zlib/0` of `kegs/zlib/0/lib/libz.so`.
fn place_of(path: &str) -> Option<String> {
    let mut parts = path.splitn(4, '/');
    match (parts.next(), parts.next(), parts.next()) {
        (Some("kegs"), Some(name), Some(slot)) => Some(format!("kegs/{name}/{slot}")),
        _ => None,
    }
}

fn bound(bench: &Bench, place: usize) -> (String, String, Digest) {
    let node = &bench.plan.nodes()[place];
    (node.variant.keg(), node.label(), bench.outputs[place])
}

/// A keg as the assembler sees it.
pub fn keg(bench: &Bench, place: usize) -> Result<Keg> {
    Ok(crate::ask::keg(bench.store, bench.plan, place, &bench.outputs[place])?)
}

fn test_keg(bench: &Bench, own: &Keg, root: Digest) -> Result<Keg> {
    let mut link = vec![(own.name.clone(), own.slot.clone())];
    link.extend(own.link.iter().cloned());
    let tree: kegs::Tree = bench.store.tree(&root)?;
    Ok(Keg { name: TEST.into(), slot: "0".into(), tree, link, ..Keg::default() })
}

impl Closure {
    /// Its links stand where ours would.
    fn show_seed(&mut self, seed: &SeedTop) {
        self.links.clear();
        for (name, node) in &seed.top.nodes {
            if let Node::Link { target } = node {
                self.links.push((format!("/{name}"), target.clone()));
            }
        }
        self.seed = Some(seed.clone());
    }

    /// Programs are found in these kegs, its own before all others.
    pub fn path(&self) -> String {
        let folders =
            self.kegs.iter().flat_map(|(prefix, ..)| [format!("{prefix}/bin"), format!("{prefix}/sbin")]);
        folders.collect::<Vec<_>>().join(":")
    }

    /// As an input root: the kegs by their digests, and the links.
    pub fn input(&self) -> kegs::Tree {
        let mut tree = kegs::Tree::default();
        for (prefix, _, root) in &self.kegs {
            tree.insert(prefix.trim_start_matches('/'), Node::Tree { root: *root });
        }
        if let Some(usr) = self.seed.as_ref().and_then(|seed| seed.top.nodes.get("usr")) {
            tree.insert("usr", usr.clone());
        }
        for (path, target) in &self.links {
            tree.insert(path.trim_start_matches('/'), Node::Link { target: target.clone() });
        }
        tree
    }
}
