//! The comparison in words: recipes and roles, each with its reason, sorted by name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use builder::plan::Plan;
use builder::schedule::inputs::Reason;
use serde::Serialize;

use super::{AffectedError, Bytes, Compared, Known, Planned, Sides, State};

/// What a change changes.
#[derive(Debug, Default, Serialize)]
pub struct Affected {
    /// The base's whole id.
    pub base: String,
    /// Why the base is unknown, so that everything is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_faults: Option<String>,
    pub kegs: Vec<Keg>,
    /// Recipes of which something was edited that no key has.
    pub recipes: Vec<Recipe>,
    pub roles: Vec<RoleChange>,
    /// What is all the same.
    pub same_kegs: usize,
    pub same_roles: usize,
}

/// A keg whose action is another one, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keg {
    /// `name` or `name@slot`.
    pub keg: String,
    /// `None`: it is gone.
    pub version: Option<String>,
    /// `None`: it is new.
    pub old_version: Option<String>,
    pub why: Why,
    /// Both are in the store, and are the same: what stands above is not touched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_bytes: Option<bool>,
    /// Roles in whose plan it is.
    pub roles: BTreeSet<String>,
}

/// A recipe with edits that reach no key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recipe {
    pub recipe: String,
    /// Keys of its text that are other: what papers and reports read.
    pub facts: Vec<String>,
    /// Its tests are other.
    pub tests: bool,
}

/// A role whose image is another one, or may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleChange {
    pub role: String,
    pub why: Vec<Why>,
    /// Its image is another one; else only if a keg gives other bytes.
    pub certain: bool,
    /// What only its papers tell otherwise: recipes.
    pub papers: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    New,
    Gone,
    /// In words, as a build says them.
    Changed(String),
    /// If one of these gives other bytes.
    If(Vec<String>),
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Why::New => write!(f, "new"),
            Why::Gone => write!(f, "gone"),
            Why::Changed(why) => write!(f, "{why}"),
            Why::If(kegs) => write!(f, "if `{}` gives other bytes", kegs.join("`, `")),
        }
    }
}

impl Affected {
    pub fn is_nothing(&self) -> bool {
        self.kegs.is_empty() && self.recipes.is_empty() && self.roles.is_empty()
    }
}

impl Compared {
    /// Of a base that is not known.
    pub fn all_new(count: usize) -> Compared {
        Compared {
            states: vec![State::New; count],
            bytes: vec![Bytes::Unknown; count],
            base_of: vec![None; count],
            gone: Vec::new(),
        }
    }

    /// Why a node's action is another one; `None`: it is not.
    pub fn why(&self, plan: &Plan, at: usize) -> Option<Why> {
        match &self.states[at] {
            State::Same => None,
            State::New => Some(Why::New),
            State::Changed(reason) => Some(Why::Changed(reason.to_string())),
            State::After(roots) => {
                Some(Why::If(roots.iter().map(|&root| plan.nodes()[root].name()).collect()))
            }
        }
    }
}

/// What is gathered of every target.
#[derive(Default)]
struct Telling {
    kegs: BTreeMap<String, Keg>,
    same: BTreeSet<String>,
}

pub(super) fn tell(sides: &Sides, known: Option<&Known>) -> Result<Affected, AffectedError> {
    let mut telling = Telling::default();
    let mut affected = Affected { base: sides.commit.clone(), ..Affected::default() };
    let (empty, _) = sides.new.recipes.only(&[]);
    let base = sides.base.as_ref();
    let base_recipes = base.map_or(&empty, |base| &base.recipes);
    let compared = super::compare(sides, &sides.new.recipes, base_recipes, known)?;
    telling.take(None, &sides.new.recipes, base_recipes, &compared);
    let mut roles = Vec::new();
    for (name, planned) in &sides.new.roles {
        let old = base.and_then(|base| base.roles.get(name));
        let compared = match old {
            Some(old) => super::compare(sides, &planned.plan, &old.plan, known)?,
            None => Compared::all_new(planned.plan.nodes().len()),
        };
        telling.take(Some(name), &planned.plan, old.map_or(&empty, |old| &old.plan), &compared);
        roles.push((name, planned, old, compared));
    }
    affected.recipes = recipes(sides, &telling);
    for (name, planned, old, compared) in roles {
        match role(name, planned, old, &compared, &affected.recipes) {
            Some(change) => affected.roles.push(change),
            None => affected.same_roles += 1,
        }
    }
    let gone =
        base.iter().flat_map(|base| base.roles.keys()).filter(|name| !sides.new.roles.contains_key(*name));
    affected.roles.extend(gone.map(|name| RoleChange {
        role: name.clone(),
        why: vec![Why::Gone],
        certain: true,
        papers: Vec::new(),
    }));
    if base.is_none() {
        affected.base_faults = Some(sides.base_faults.to_string());
    }
    affected.same_kegs = telling.same.iter().filter(|name| !telling.kegs.contains_key(*name)).count();
    affected.kegs = telling.kegs.into_values().collect();
    Ok(affected)
}

impl Telling {
    fn take(&mut self, role: Option<&str>, plan: &Plan, base: &Plan, compared: &Compared) {
        let roles: BTreeSet<String> = role.map(str::to_string).into_iter().collect();
        for (at, node) in plan.nodes().iter().enumerate() {
            let Some(why) = compared.why(plan, at) else {
                self.same.insert(node.name());
                continue;
            };
            self.add(Keg {
                keg: node.name(),
                version: Some(node.variant.version.to_string()),
                old_version: compared.base_of[at].map(|at| base.nodes()[at].variant.version.to_string()),
                why,
                same_bytes: match compared.bytes[at] {
                    Bytes::Unknown => None,
                    bytes => Some(bytes == Bytes::Same),
                },
                roles: roles.clone(),
            });
        }
        for node in compared.gone.iter().map(|&at| &base.nodes()[at]) {
            self.add(Keg {
                keg: node.name(),
                version: None,
                old_version: Some(node.variant.version.to_string()),
                why: Why::Gone,
                same_bytes: None,
                roles: roles.clone(),
            });
        }
    }

    /// A keg that several targets have is told once: the more certain word holds.
    fn add(&mut self, keg: Keg) {
        let Some(known) = self.kegs.get_mut(&keg.keg) else {
            self.kegs.insert(keg.keg.clone(), keg);
            return;
        };
        known.roles.extend(keg.roles);
        if rank(&keg.why) > rank(&known.why) {
            (known.why, known.version) = (keg.why, keg.version);
            known.old_version = keg.old_version;
        }
        known.same_bytes = known.same_bytes.zip(keg.same_bytes).map(|(one, two)| one && two);
    }
}

/// Which of two targets' words is said of a keg: one that has it in both taps, before one to which it only comes.
fn rank(why: &Why) -> u8 {
    match why {
        Why::Gone => 0,
        Why::New => 1,
        Why::If(_) => 2,
        Why::Changed(_) => 3,
    }
}

/// Recipes that were edited where no key looks.
fn recipes(sides: &Sides, telling: &Telling) -> Vec<Recipe> {
    let mut recipes = Vec::new();
    for (name, texts) in &sides.texts {
        let (Some(new), Some(base)) = (&texts.new, &texts.base) else { continue };
        let moved = telling.kegs.keys().any(|keg| keg.split('@').next() == Some(name));
        let mut facts = other_keys(&new.content, base);
        let written = facts.remove("test");
        let below = format!("recipes/{name}/tests/");
        let tests = written || sides.differs.files.iter().any(|file| file.starts_with(&below));
        // Where a key moved, its reason is told already.
        facts.retain(|key| !moved || FACTS.contains(&key.as_str()));
        if tests || !facts.is_empty() {
            recipes.push(Recipe { recipe: name.clone(), facts: facts.into_iter().collect(), tests });
        }
    }
    recipes
}

/// Keys of a recipe that never reach a build's key.
const FACTS: [&str; 9] =
    ["summary", "license", "license_files", "home", "cpe", "cve", "watch", "owners", "allow"];

/// Of these, what an image's papers tell.
const PAPERS: [&str; 6] = ["summary", "license", "license_files", "home", "cpe", "cve"];

/// The first words of two texts' tables that differ in more than comments and places.
pub(super) fn other_keys(new: &str, base: &str) -> BTreeSet<String> {
    let table = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
    let (new, base) = (table(new), table(base));
    let keys = new.keys().chain(base.keys());
    keys.filter(|key| new.get(*key) != base.get(*key)).cloned().collect()
}

fn role(
    name: &str,
    planned: &Planned,
    old: Option<&Planned>,
    compared: &Compared,
    recipes: &[Recipe],
) -> Option<RoleChange> {
    let change = |why: Vec<Why>, papers| RoleChange {
        role: name.to_string(),
        certain: why.iter().any(|why| !matches!(why, Why::If(_))),
        why,
        papers,
    };
    let Some(old) = old else { return Some(change(vec![Why::New], Vec::new())) };
    let plan = &planned.plan;
    let inside = in_image(plan);
    let mut why: Vec<Why> = texts(planned, old).map(Why::Changed).into_iter().collect();
    let others = inside.iter().filter(|&&at| compared.bytes[at] == Bytes::Other);
    why.extend(others.map(|&at| Why::Changed(Reason::Kegs(vec![plan.nodes()[at].name()]).to_string())));
    let open = inside.iter().filter(|&&at| compared.bytes[at] == Bytes::Unknown);
    let roots: BTreeSet<usize> = open
        .flat_map(|&at| match &compared.states[at] {
            State::After(roots) => roots.clone(),
            _ => vec![at],
        })
        .collect();
    if !roots.is_empty() {
        why.push(Why::If(roots.into_iter().map(|at| plan.nodes()[at].name()).collect()));
    }
    let set =
        |plan: &Plan| in_image(plan).into_iter().map(|at| plan.nodes()[at].name()).collect::<BTreeSet<_>>();
    let (now, before) = (set(plan), set(&old.plan));
    why.extend(before.difference(&now).map(|keg| Why::Changed(format!("`{keg}` is not in it any more"))));
    let papers =
        recipes.iter().filter(|recipe| recipe.facts.iter().any(|fact| PAPERS.contains(&fact.as_str())));
    let is_inside =
        |recipe: &&Recipe| inside.iter().any(|&at| plan.nodes()[at].variant.name == recipe.recipe);
    let papers: Vec<String> = papers.filter(is_inside).map(|recipe| recipe.recipe.clone()).collect();
    (!why.is_empty() || !papers.is_empty()).then(|| change(why, papers))
}

/// What is other of a role's own files, in words.
fn texts(new: &Planned, old: &Planned) -> Option<String> {
    let mut files = Vec::new();
    if new.role.text.content != old.role.text.content {
        files.push(format!("{}.toml", new.role.name));
    }
    let template = |planned: &Planned, path: &str| {
        planned.role.configs.get(path).map(|config| config.value.template_text.clone())
    };
    for (path, config) in new.role.configs.iter() {
        let name = &config.value.template;
        if template(old, path) != template(new, path) && !files.contains(name) {
            files.push(name.clone());
        }
    }
    (!files.is_empty()).then(|| format!("its text changed: `{}`", files.join("`, `")))
}

/// The places of what is in an image, or linked into what is: asked kegs, what they run, what all that links.
pub fn in_image(plan: &Plan) -> BTreeSet<usize> {
    let run = plan.wanted().iter().flat_map(|&at| plan.run_closure(at));
    let all: BTreeSet<usize> = run.chain(plan.wanted().iter().copied()).collect();
    all.iter().flat_map(|&at| plan.link_closure(at)).chain(all.iter().copied()).collect()
}
