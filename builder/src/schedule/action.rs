//! A node of the plan becomes an action: its input root, environment and arguments, once its inputs exist.
//!
//! ```text
//! /            the seed's tree (the compiler of bootstrap recipes; the whole system in the `seed` profile)
//! /kegs/...    the kegs that it declared, and what those link
//! /src/<n>/    source n: an archive under its file name, or a git tree
//! /recipe/     the files of the recipe's folder that the recipe names
//! /steps/run   the build script that the preset wrote; beside it, how objects are marked
//! /build       where it runs; `/build/out` is the output
//! ```
//! Everything here reaches the key, by content; nothing else does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use kegs::{Action, Digest, Node as TreeNode, Store, StoreError, Tree};

use super::graft::Grafts;
use super::inputs::Parts;
use crate::plan::{Plan, Sight};
use crate::preset::{self, KegAt, Place, Profile};
use crate::recipe::crates::tap;
use crate::recipe::{Preset, Source, Variant};

/// Where a source's bytes are, as far as is known here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Have {
    /// The digest is known and the bytes are in the store, or its result is.
    Blob(Digest),
    /// A git commit's tree, in the store.
    Tree(Digest),
    /// It must be fetched before the key is known.
    Nothing,
}

/// An action with all that its sandbox shows.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub action: Action,
    /// Small files made here (script, recipe files): path inside, bytes. They are put before the action runs.
    pub files: Vec<(String, Vec<u8>)>,
    /// Sources: path inside, digest, and whether it is a tree.
    pub sources: Vec<(String, Have)>,
    /// Kegs: path inside, the laid-out label, root.
    pub kegs: Vec<(String, String, Digest)>,
    /// Whose seed.
    pub preset: Preset,
}

#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("cannot read {path}: {source}")]
    File { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What every action of a build shares.
#[derive(Debug)]
pub struct Ground {
    pub profile: Profile,
    /// By name: the profile's, and those of the presets that the build has use for.
    seeds: BTreeMap<String, SeedTop>,
    grafts: Grafts,
}

/// A seed's unpacked tree: root `Directory`, and its first level for the input roots.
#[derive(Debug, Clone)]
pub struct SeedTop {
    pub root: Digest,
    pub top: Tree,
}

impl SeedTop {
    fn new(store: &Store, root: Digest) -> Result<SeedTop, StoreError> {
        let mut top = store.shallow(&root)?;
        // The system is /usr and the links into it; /dev, /etc, /tmp and the like are the sandbox's own.
        top.nodes.retain(|name, node| name == "usr" || matches!(node, TreeNode::Link { .. }));
        Ok(SeedTop { root, top })
    }
}

impl Ground {
    /// `seeds`: name to unpacked tree, of every preset that will be built by it.
    pub fn new(
        store: &Store,
        profile: Profile,
        seeds: &BTreeMap<String, Digest>,
    ) -> Result<Ground, StoreError> {
        let tops = seeds.iter().map(|(name, root)| Ok((name.clone(), SeedTop::new(store, *root)?)));
        Ok(Ground { profile, seeds: tops.collect::<Result<_, StoreError>>()?, grafts: Grafts::default() })
    }

    /// With a stand-in for each seed's tree: keys on it are compared with one another, and nothing can be run.
    pub fn stand_in(profile: Profile, seeds: &BTreeMap<String, Digest>) -> Ground {
        let top = |(name, root): (&String, &Digest)| {
            let mut top = Tree::default();
            top.insert("usr", TreeNode::Tree { root: *root });
            (name.clone(), SeedTop { root: *root, top })
        };
        Ground { profile, seeds: seeds.iter().map(top).collect(), grafts: Grafts::default() }
    }

    /// What stands at the root of a build of this preset.
    ///
    /// # Panics
    /// When the ground was laid without this preset's seed: our fault.
    pub fn seed(&self, preset: Preset) -> &SeedTop {
        let name = self.profile.seed(preset);
        self.seeds.get(name).unwrap_or_else(|| panic!("the ground was laid without the seed `{name}`"))
    }
}

/// The action of node `at`, given what its sources and dependencies are. `outputs` holds every smaller place.
pub fn prepare(
    plan: &Plan,
    at: usize,
    ground: &Ground,
    sources: &[Have],
    outputs: &dyn Fn(usize) -> Option<Digest>,
) -> Result<Option<Prepared>, PrepareError> {
    prepare_seen(plan, at, &plan.sight(at), ground, sources, outputs)
}

/// As [`prepare`], for who knows already what the sandbox of `at` shows.
pub(super) fn prepare_seen(
    plan: &Plan,
    at: usize,
    sight: &Sight,
    ground: &Ground,
    sources: &[Have],
    outputs: &dyn Fn(usize) -> Option<Digest>,
) -> Result<Option<Prepared>, PrepareError> {
    let variant = &plan.nodes()[at].variant;
    let Some(kegs) = kegs_seen(plan, &sight.all, outputs) else { return Ok(None) };
    let Some(sources) = sources_seen(variant, sources) else { return Ok(None) };
    let mut files = recipe_files(variant)?;
    let kegs_at = kegs_at(plan, sight);
    let place = Place { link: &kegs_at.link, build: &kegs_at.build, profile: &ground.profile };
    files.push(("steps/run".into(), preset::script(variant, &place).into_bytes()));
    let marks = preset::origin(variant);
    files.extend(marks.map(|(path, text)| (path.to_string(), text.into_bytes())));
    let environment = environment(variant, &place);
    Ok(Some(of_script(ground, variant, environment, sources, files, kegs)))
}

/// The action that runs `/steps/run`, one of `files`, among these.
pub(super) fn of_script(
    ground: &Ground,
    variant: &Variant,
    environment: BTreeMap<String, String>,
    sources: Vec<(String, Have)>,
    files: Vec<(String, Vec<u8>)>,
    kegs: Vec<(String, String, Digest)>,
) -> Prepared {
    let action = Action {
        arguments: vec!["/bin/sh".into(), "/steps/run".into()],
        environment,
        working_directory: "build".into(),
        output: "out".into(),
        platform: platform(&variant.arch),
        input: input_root(&ground.seed(variant.preset).top, ground, &sources, &files, &kegs),
    };
    Prepared { action, files, sources, kegs, preset: variant.preset }
}

pub(super) fn kegs_seen(
    plan: &Plan,
    places: &[usize],
    outputs: &dyn Fn(usize) -> Option<Digest>,
) -> Option<Vec<(String, String, Digest)>> {
    places
        .iter()
        .map(|&dep| {
            let node = &plan.nodes()[dep];
            Some((node.variant.keg(), node.label(), outputs(dep)?))
        })
        .collect()
}

fn sources_seen(variant: &Variant, sources: &[Have]) -> Option<Vec<(String, Have)>> {
    let placed = variant.sources.iter().zip(sources).enumerate();
    placed
        .filter(|(_, (source, _))| source.file.is_none() && source.tap.is_empty())
        .map(|(n, (source, have))| match have {
            Have::Nothing => None,
            Have::Tree(_) => Some((format!("src/{n}"), *have)),
            Have::Blob(_) => Some((format!("src/{n}/{}", file_name(variant, source)), *have)),
        })
        .collect()
}

/// The name under which an archive lies in `/src/<n>`: the same wherever the bytes came from.
pub fn file_name(variant: &Variant, source: &Source) -> String {
    if let Some(krate) = &source.krate {
        return format!("{}-{}.crate", krate.name, krate.version);
    }
    let of_url = source.urls.first().and_then(|url| url.split(['?', '#']).next()?.rsplit('/').next());
    match of_url.filter(|name| !name.is_empty() && *name != "." && *name != "..") {
        Some(name) => name.to_string(),
        None => format!("{}-{}.orig", variant.name, variant.version),
    }
}

/// The files of the recipe's folder that reach the build, by their place inside. The folder's other files are not seen.
fn recipe_files(variant: &Variant) -> Result<Vec<(String, Vec<u8>)>, PrepareError> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    names.extend(variant.patches.iter().map(String::as_str));
    names.extend(variant.inject.values().map(String::as_str));
    names.extend(variant.files.values().map(String::as_str));
    names.extend(variant.kconfig.iter().flat_map(|kconfig| &kconfig.fragments).map(String::as_str));
    if uses_steps(variant) {
        names.insert("steps.sh");
    }
    let mut files = Vec::new();
    for name in names {
        files.push((format!("recipe/{name}"), read(&variant.folder, name)?));
    }
    for (n, source) in variant.sources.iter().enumerate() {
        if let Some(file) = &source.file {
            let base = Path::new(file).file_name().unwrap_or_default().to_string_lossy();
            files.push((format!("src/{n}/{base}"), read(&variant.folder, file)?));
        }
        let own = super::tap::files(tap(&variant.folder), &source.tap)?;
        files.extend(own.into_iter().map(|(path, bytes)| (format!("src/{n}/{path}"), bytes)));
    }
    let locks = variant.cargo.iter().map(|cargo| cargo.lock.as_bytes().to_vec());
    files.extend(locks.map(|lock| ("recipe/Cargo.lock".to_string(), lock)));
    Ok(files)
}

fn uses_steps(variant: &Variant) -> bool {
    variant.preset == Preset::Script || !variant.override_steps.is_empty()
}

fn read(folder: &Path, name: &str) -> Result<Vec<u8>, PrepareError> {
    let path = folder.join(name);
    std::fs::read(&path).map_err(|source| PrepareError::File { path, source })
}

/// The kegs that a preset speaks of: what is linked, and whose programs run, in the order of `PATH`.
struct Kegs {
    link: Vec<KegAt>,
    build: Vec<KegAt>,
}

fn kegs_at(plan: &Plan, sight: &Sight) -> Kegs {
    let kegs = |places: &[usize]| {
        let at = |dep: usize| {
            let variant = &plan.nodes()[dep].variant;
            KegAt { name: variant.name.clone(), slot: variant.slot.clone(), prefix: variant.keg() }
        };
        places.iter().copied().map(at).collect()
    };
    Kegs { link: kegs(&sight.link), build: kegs(&[sight.tool.as_slice(), &sight.build].concat()) }
}

fn environment(variant: &Variant, place: &Place) -> BTreeMap<String, String> {
    let mut environment = preset::environment(variant, place);
    environment.insert("KEG".into(), variant.keg());
    environment
}

/// REAPI platform names (`platform.md` of the specification).
fn platform(arch: &str) -> BTreeMap<String, String> {
    let isa = arch.replace('_', "-");
    [("ISA".to_string(), isa), ("OSFamily".to_string(), "linux".to_string())].into()
}

fn input_root(
    seed: &Tree,
    ground: &Ground,
    sources: &[(String, Have)],
    files: &[(String, Vec<u8>)],
    kegs: &[(String, String, Digest)],
) -> Tree {
    let mut tree = seed.clone();
    for (path, bytes) in files {
        tree.insert(path.as_str(), TreeNode::File { digest: Digest::of(bytes), executable: false });
    }
    for (path, have) in sources {
        match have {
            Have::Blob(digest) => {
                tree.insert(path.as_str(), TreeNode::File { digest: *digest, executable: false })
            }
            Have::Tree(root) => tree.insert(path.as_str(), TreeNode::Tree { root: *root }),
            Have::Nothing => {}
        }
    }
    ground.grafts.insert(&mut tree, kegs.iter().map(|(prefix, _, root)| (prefix.as_str(), *root)));
    tree
}

impl Prepared {
    /// What went into the key, by name. Asked only when something runs or was just found: the key needs no names.
    pub fn parts(&self, ground: &Ground) -> Parts {
        let mut parts = Parts::default();
        parts.insert("seed", ground.seed(self.preset).root.hex());
        for (n, (_, have)) in self.sources.iter().enumerate() {
            if let Have::Blob(digest) | Have::Tree(digest) = have {
                parts.insert(format!("source {n}"), digest.hex());
            }
        }
        for (path, bytes) in &self.files {
            match path.strip_prefix("recipe/") {
                Some(name) => parts.insert(format!("file {name}"), Digest::of(bytes).hex()),
                None if path == "steps/run" => parts.insert("flags args", Digest::of(bytes).hex()),
                None => parts.insert(format!("file {path}"), Digest::of(bytes).hex()),
            }
        }
        for (name, value) in &self.action.environment {
            parts.insert(format!("flags {name}"), value.replace(['\n', '\t'], " "));
        }
        for (prefix, _, root) in &self.kegs {
            let name = prefix.trim_start_matches("/kegs/").trim_end_matches("/0");
            parts.insert(format!("keg {name}"), root.hex());
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::expect;
    use kegs::{Faults, Text};

    use super::*;
    use crate::plan::{Asked, AskedKeg, Implied, plan};
    use crate::recipe::{Catalogue, Recipe};

    const TOOLCHAIN: &str = "seed = \"s\"\ncc = \"cc\"\npath = [\"/usr/bin\"]\ncflags = [\"-O2\"]\n\
        triplet = { profile = \"{arch}-linux-musl\", seed = \"{arch}-linux-gnu\" }";

    const HEAD: &str = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1\"\n";

    fn catalogue(folder: &Path) -> Catalogue {
        let source = format!(
            "source = {{ url = \"https://x.example/x.tar.gz\", sha256 = \"{}\", size = 7 }}",
            "1".repeat(64)
        );
        let recipes = [
            ("cc", "preset = \"script\"\ncc = \"seed\"".to_string()),
            ("make", "preset = \"script\"\ncc = \"seed\"".to_string()),
            ("z", format!("{source}\npreset = \"make\"")),
            (
                "web",
                format!("{source}\npreset = \"autotools\"\nlink = [\"z\"]\nargs = [\"--with-z={{keg:z}}\"]"),
            ),
        ];
        let mut catalogue = Catalogue::default();
        for (name, text) in recipes {
            let mut faults = Faults::default();
            let text = format!("{HEAD}{text}\n");
            let recipe = Recipe::parse(name, folder, Path::new(name), text.as_bytes(), &mut faults);
            catalogue.recipes.insert(name.to_string(), recipe.unwrap_or_else(|| panic!("{faults}")));
        }
        catalogue
    }

    /// A key that moves makes every store in the world rebuild: this is that alarm. When a preset's script or a flag is
    /// meant to change, the new key is right.
    #[test]
    fn the_keys_of_a_given_plan_never_move() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("steps.sh"), "do_install() { :; }\n").unwrap();
        let catalogue = catalogue(folder.path());
        let web = AskedKeg { name: "web".into(), slot: None, text: Text::new("t", ""), span: 0..0 };
        let asked = Asked { kegs: vec![web], arch: "x86_64".into(), ..Asked::default() };
        let plan = plan(&catalogue, &asked, &Implied { cc: "cc".into(), ..Implied::default() }).unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        let mut seed = Tree::default();
        seed.insert("usr/bin/sh", TreeNode::File { digest: Digest::of(b"sh"), executable: true });
        seed.insert("bin", TreeNode::Link { target: "usr/bin".into() });
        seed.insert("etc/passwd", TreeNode::File { digest: Digest::of(b"root"), executable: false });
        let profile = preset::profile("toy", &Text::new("toy.toml", TOOLCHAIN)).unwrap();
        let ground = {
            let seeds = [("s".to_string(), store.put_tree(&seed).unwrap())].into();
            Ground::new(&store, profile, &seeds).unwrap()
        };
        let mut keys = String::new();
        for (at, node) in plan.nodes().iter().enumerate() {
            let sources = super::super::outlook::sources(&node.variant, &store);
            // What a dependency came to is its name here.
            let output = |dep: usize| Some(Digest::of(plan.nodes()[dep].name().as_bytes()));
            let prepared = prepare(&plan, at, &ground, &sources, &output).unwrap().unwrap();
            keys.push_str(&format!("{} {}\n", node.name(), prepared.action.keyed().key.short()));
        }
        expect![[r#"
            cc e40972c27f54
            make ff828f13513a
            z 429618631369
            web c7551f14fab5
        "#]]
        .assert_eq(&keys);
    }
}
