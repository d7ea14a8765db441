//! The two sides of a change: the tap as it stands, and as a commit has it; both planned.
//!
//! Only what differs is read twice: the base's catalogue is the new one with the recipes that differ put in as they were.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use builder::plan::{self, Asked, AskedKeg, Implied, Plan};
use builder::preset::{self, Profile};
use builder::recipe::{self, Catalogue};
use builder::schedule::action::Ground;
use builder::seed;
use kegs::{Digest, Faults, Text};
use tempfile::TempDir;
use workbench::revision::Revision;

use super::{AffectedError, Wish};

/// Folders that say what is built, besides what recipes take of the tap itself.
const PARTS: [&str; 4] = ["recipes", "roles", "toolchains", "seeds"];

/// One side, planned.
pub struct Side {
    /// Where its toolchains and seeds are.
    pub tap: PathBuf,
    pub profile: Profile,
    /// Every slot of every recipe.
    pub recipes: Plan,
    pub roles: BTreeMap<String, Planned>,
    /// Of roles that could not be planned; of a base, they are unknown.
    pub faults: Faults,
    seeds: BTreeMap<String, Digest>,
}

pub struct Planned {
    pub role: Role,
    pub plan: Plan,
}

/// Both, and what differs between them.
pub struct Sides {
    /// The base's whole id.
    pub commit: String,
    pub new: Side,
    /// `None`: the base has faults, and everything is new.
    pub base: Option<Side>,
    /// Why there is none.
    pub base_faults: Faults,
    pub differs: Differs,
    /// Of each recipe that differs, its text now and in the base.
    pub texts: BTreeMap<String, Texts>,
    /// The base's, with what of it could be read.
    pub base_catalogue: Catalogue,
    _laid_out: TempDir,
}

#[derive(Debug, Default)]
pub struct Texts {
    pub new: Option<Text>,
    pub base: Option<String>,
}

/// What the two taps have not in common.
#[derive(Debug, Default)]
pub struct Differs {
    /// Files, as the tap calls them.
    pub files: BTreeSet<String>,
    /// Recipes of which a file differs, or what they take of the tap.
    pub recipes: BTreeSet<String>,
    /// The toolchain's text or a seed's.
    pub ground: bool,
}

impl Sides {
    /// # Errors
    /// Every fault of the tap as it stands; git's; that a part of the commit can't be laid out.
    pub fn load(wish: &Wish, revision: &Revision) -> Result<Sides, AffectedError> {
        let mut catalogue = recipe::load(wish.tap)?;
        let taken = taken(&catalogue);
        let parts: BTreeSet<&str> = taken.values().flatten().map(String::as_str).chain(PARTS).collect();
        let differs = Differs::of(revision.differs(parts)?, &taken);
        let laid_out = folder()?;
        let at = laid_out.path();
        lay_out(revision, &differs, at)?;
        let mut texts: BTreeMap<String, Texts> = BTreeMap::new();
        for name in &differs.recipes {
            let new = catalogue.recipes.get(name).map(|recipe| recipe.text.clone());
            let base = std::fs::read_to_string(at.join("recipes").join(name).join("recipe.toml")).ok();
            texts.insert(name.clone(), Texts { new, base });
        }
        let mut new = Side::plan(wish, wish.tap, &catalogue, roles(wish.tap)?)?;
        std::mem::take(&mut new.faults).or(())?;
        let base = catalogue
            .replace(at, differs.recipes.iter().map(String::as_str))
            .and_then(|()| Side::plan(wish, at, &catalogue, base_roles(&differs, at, &new)?));
        let (base, base_faults) = match base {
            Ok(base) => (Some(base), Faults::default()),
            Err(faults) => (None, faults),
        };
        let commit = revision.commit.clone();
        Ok(Sides {
            commit,
            new,
            base,
            base_faults,
            differs,
            texts,
            base_catalogue: catalogue,
            _laid_out: laid_out,
        })
    }
}

/// For texts that live as long as we do: in memory where that can be had, since to make and remove hundreds of files on a disk
/// takes longer than to plan them twice.
fn folder() -> std::io::Result<TempDir> {
    let mut folder = tempfile::Builder::new();
    folder.prefix("rootbrew-base-");
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let in_memory =
        own.into_iter().chain([PathBuf::from("/dev/shm")]).find_map(|at| folder.tempdir_in(at).ok());
    in_memory.map_or_else(|| folder.tempdir(), Ok)
}

/// What the base needs for itself.
fn lay_out(revision: &Revision, differs: &Differs, at: &Path) -> Result<(), AffectedError> {
    let mut parts: BTreeSet<String> = ["toolchains", "seeds"].map(str::to_string).into();
    if differs.files.iter().any(|file| file.starts_with("roles/")) {
        parts.insert("roles".into());
    }
    parts.extend(differs.recipes.iter().map(|name| format!("recipes/{name}")));
    for part in &parts {
        revision.lay_out_part(part, at)?;
    }
    let mut taken = BTreeSet::new();
    for name in &differs.recipes {
        let text =
            std::fs::read_to_string(at.join("recipes").join(name).join("recipe.toml")).unwrap_or_default();
        taken.extend(written_taps(&text));
    }
    // A folder before what is in it.
    for path in &taken {
        if !at.join(path).exists() {
            revision.lay_out_part(path, at)?;
        }
    }
    Ok(())
}

fn roles(tap: &Path) -> Result<BTreeMap<String, Role>, Faults> {
    if tap.join("roles").exists() { role::load_all(tap) } else { Ok(BTreeMap::new()) }
}

fn base_roles(differs: &Differs, at: &Path, new: &Side) -> Result<BTreeMap<String, Role>, Faults> {
    if differs.files.iter().any(|file| file.starts_with("roles/")) {
        return roles(at);
    }
    Ok(new.roles.iter().map(|(name, planned)| (name.clone(), planned.role.clone())).collect())
}

impl Side {
    fn plan(
        wish: &Wish,
        tap: &Path,
        catalogue: &Catalogue,
        roles: BTreeMap<String, Role>,
    ) -> Result<Side, Faults> {
        let path = PathBuf::from("toolchains").join(format!("{}.toml", wish.toolchain));
        let missing =
            |error| Faults(vec![Text::new(&path, "").fault(0..0, format!("cannot read it: {error}"))]);
        let content = std::fs::read_to_string(tap.join(&path)).map_err(missing)?;
        let profile = preset::profile(wish.toolchain, &Text::new(&path, &content))?;
        let implied = Implied { cc: profile.cc.clone(), tools: profile.tools() };
        let recipes = plan::plan(catalogue, &everything(catalogue, wish.arch), &implied)?;
        let mut planned = BTreeMap::new();
        let mut faults = Faults::default();
        for (name, role) in roles {
            let mut asked = workbench::ask::of_role(&role, wish.arch);
            asked.kegs.extend((wish.beside)(&role, catalogue));
            match plan::plan(catalogue, &asked, &implied) {
                Ok(plan) => drop(planned.insert(name, Planned { role, plan })),
                Err(more) => faults.absorb(more),
            }
        }
        let seeds = seeds(tap, &profile, &recipes)?;
        Ok(Side { tap: tap.to_path_buf(), profile, recipes, roles: planned, faults, seeds })
    }

    /// On which keys are compared, and nothing is run.
    pub fn stand_in(&self) -> Ground {
        Ground::stand_in(self.profile.clone(), &self.seeds)
    }
}

fn seeds(tap: &Path, profile: &Profile, plan: &Plan) -> Result<BTreeMap<String, Digest>, Faults> {
    let names: BTreeSet<&str> = plan.nodes().iter().map(|node| profile.seed(node.variant.preset)).collect();
    let seed = |name: &str| {
        Ok((name.to_string(), seed::load(&tap.join("seeds").join(format!("{name}.toml")))?.key()))
    };
    names.into_iter().map(seed).collect()
}

/// Every slot of every recipe, as somebody asks who is no recipe and no role.
fn everything(catalogue: &Catalogue, arch: &str) -> Asked {
    let text = Text::new("command line", "all");
    let slots = catalogue.recipes.values().flat_map(|recipe| recipe.slots().map(|slot| (&recipe.name, slot)));
    let keg = |(name, slot): (&String, &str)| AskedKeg {
        name: name.clone(),
        slot: Some(slot.into()),
        text: text.clone(),
        span: 0..3,
    };
    Asked { kegs: slots.map(keg).collect(), arch: arch.into(), ..Asked::default() }
}

impl Differs {
    fn of(files: BTreeSet<String>, taken: &BTreeMap<String, BTreeSet<String>>) -> Differs {
        let below =
            |path: &str| files.iter().any(|file| file == path || file.starts_with(&format!("{path}/")));
        let mut recipes: BTreeSet<String> = files.iter().filter_map(|file| recipe_of(file)).collect();
        recipes.extend(
            taken
                .iter()
                .filter(|(_, paths)| paths.iter().any(|path| below(path)))
                .map(|(name, _)| name.clone()),
        );
        let ground = below("toolchains") || below("seeds");
        Differs { files, recipes, ground }
    }
}

/// `recipes/NAME/…`: the name.
fn recipe_of(file: &str) -> Option<String> {
    Some(file.strip_prefix("recipes/")?.split_once('/')?.0.to_string())
}

/// Recipe to what it takes of the tap itself, the lock beside it.
fn taken(catalogue: &Catalogue) -> BTreeMap<String, BTreeSet<String>> {
    let recipes = catalogue.recipes.values().filter(|recipe| recipe.text.content.contains("tap"));
    let taken = recipes.map(|recipe| (recipe.name.clone(), written_taps(&recipe.text.content)));
    taken.filter(|(_, paths)| !paths.is_empty()).collect()
}

/// Every list of paths that a recipe calls `tap`, wherever it stands.
pub(super) fn written_taps(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if let Ok(table) = text.parse::<toml::Table>() {
        look(&toml::Value::Table(table), &mut found);
    }
    if !found.is_empty() {
        found.insert("Cargo.lock".into());
    }
    found
}

fn look(value: &toml::Value, found: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, inner) in table {
                match (key.as_str(), inner) {
                    ("tap", toml::Value::String(path)) => drop(found.insert(path.clone())),
                    ("tap", toml::Value::Array(paths)) => {
                        found.extend(paths.iter().filter_map(|path| Some(path.as_str()?.to_string())));
                    }
                    _ => look(inner, found),
                }
            }
        }
        toml::Value::Array(all) => all.iter().for_each(|inner| look(inner, found)),
        _ => {}
    }
}
