//! A tap of any size, and a store in which all of it is built: what a plan costs when there is nothing to do.
//!
//! The graph is a distribution's: three dependencies a recipe, most of them to few recipes that themselves need little,
//! so that a recipe's link closure has some ten kegs, and eighty at most. It is the same on each run. Compiler and tools are the tap's own.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use builder::plan::Plan;
use builder::schedule::action::{Ground, prepare};
use builder::schedule::outlook;
use kegs::{Digest, Node, Outcome, Store, Tree};

use crate::Result;

/// What builds the rest, taken from the real tap.
const TOOLS: [&str; 4] = ["seed-cc", "musl", "linux-headers", "make"];

/// Writes `recipes/`, and the role `all` that asks for each, beside the toolchain and seed of the tap `from`.
pub fn tap(folder: &Path, from: &Path, count: usize) -> Result<()> {
    for part in ["seeds", "toolchains"] {
        copy(&from.join(part), &folder.join(part))?;
    }
    for name in TOOLS {
        let part = Path::new("recipes").join(name);
        copy(&from.join(&part), &folder.join(&part))?;
    }
    let mut chance = Chance(1);
    (0..count).try_for_each(|at| recipe(folder, at, &mut chance))?;
    let kegs: Vec<String> = (0..count).map(|at| format!("\"{}\"", name(at))).collect();
    fs::create_dir_all(folder.join("roles"))?;
    let role = format!("summary = \"everything\"\nkegs = [{}]\n", kegs.join(", "));
    Ok(fs::write(folder.join("roles/all.toml"), role)?)
}

fn name(at: usize) -> String {
    format!("g{at:05}")
}

/// Fourteen lines or so, as most recipes have; every third brings its own steps.
fn recipe(tap: &Path, at: usize, chance: &mut Chance) -> Result<()> {
    let folder = tap.join("recipes").join(name(at));
    fs::create_dir_all(&folder)?;
    let script = at % 3 == 0;
    let mut text =
        format!("# The {at}th of many.\nsummary = \"Library number {at}, which stands for a real one\"\n");
    writeln!(
        text,
        "license = \"MIT\"\nhome = \"https://{0}.example/\"\nversion = \"1.{1}.{2}\"",
        name(at),
        at % 7,
        at % 11
    )?;
    let place = format!("https://{0}.example/releases/{0}-{{version}}.tar.gz", name(at));
    let digest = Digest::of(place.as_bytes()).hex();
    writeln!(text, "source = {{ url = \"{place}\", sha256 = \"{digest}\", size = {} }}", 10_000 + at)?;
    writeln!(text, "preset = \"{}\"", if script { "script" } else { "autotools" })?;
    let links: Vec<String> = deps(at, chance).into_iter().map(|dep| format!("\"{}\"", name(dep))).collect();
    writeln!(text, "link = [{}]", links.join(", "))?;
    if script {
        fs::write(
            folder.join("steps.sh"),
            format!("do_build() {{\n\tcc -c {at}.c\n}}\n\ndo_install() {{\n\tmake install\n}}\n"),
        )?;
    } else {
        writeln!(text, "args = [\"--disable-nls\", \"--with-pic\"]\nbuild_args = [\"V=1\"]")?;
        writeln!(text, "\n[option]\nextra = {{ summary = \"more of it\", flag = \"extra\" }}")?;
    }
    Ok(fs::write(folder.join("recipe.toml"), text)?)
}

/// None for the first few, else one to five of those before, by far the most among the very first.
fn deps(at: usize, chance: &mut Chance) -> Vec<usize> {
    if at < 10 {
        return Vec::new();
    }
    let count = 1 + chance.below(5);
    // The sixth power: half of all dependencies go to one in sixty-four.
    let mut deps: Vec<usize> = (0..count).map(|_| (at as f64 * chance.share().powi(6)) as usize).collect();
    deps.sort();
    deps.dedup();
    deps
}

/// Splitmix64: the same numbers everywhere, and no crate.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// From 0 to 1, without 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Gives every action of a plan that has no result one, as if it had run: a keg with one link in it. For stores that
/// measure; nothing of it can be run.
pub fn fill(plan: &Plan, store: &Store, ground: &Ground) -> Result<()> {
    let mut outputs: Vec<Digest> = Vec::new();
    for (at, node) in plan.nodes().iter().enumerate() {
        let sources = outlook::sources(&node.variant, store);
        let prepared = prepare(plan, at, ground, &sources, &|dep| outputs.get(dep).copied())?;
        let keyed = prepared.ok_or("a generated source has no size")?.action.keyed();
        let output = match store.result(&keyed.key) {
            Some(outcome) => outcome.output,
            None => {
                let output = store.put_tree(&toy(&node.name()))?;
                store.put_result(&keyed, &Outcome::new(output, 1.0))?;
                output
            }
        };
        outputs.push(output);
    }
    Ok(())
}

fn toy(name: &str) -> Tree {
    let mut tree = Tree::default();
    tree.insert("lib/name", Node::Link { target: name.to_string() });
    tree
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
