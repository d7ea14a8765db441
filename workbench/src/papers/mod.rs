//! The papers' facts: what recipes and seeds say of each keg of a plan, in the assembler's words. And the licences' texts.
//!
//! ```text
//! plan + recipes + seeds + kegs as built --known--> Known a keg --assembler::papers::collect--> Papers
//! Papers + source archives --texts--> licences of crates, texts of all parts --notice--> what is given along
//! ```
//! It reads the store and archives of sources in it, fetches nothing, writes nothing.

pub mod notice;
pub mod texts;

use std::collections::BTreeMap;

use assembler::papers::{Known, Part, PartId, Source, Upstream};
use builder::plan::{Kind, Plan};
use builder::preset::Profile;
use builder::recipe::{self, Catalogue, Cc, Preset, Variant};
use builder::seed::{Deb, Seed};
use kegs::{Digest, Store, StoreError};

/// What a plan's kegs are made of.
pub struct Made<'a> {
    pub plan: &'a Plan,
    pub catalogue: &'a Catalogue,
    pub profile: &'a Profile,
    /// By name.
    pub seeds: &'a BTreeMap<String, Seed>,
    /// The tree of every node of the plan.
    pub outputs: &'a [Digest],
    /// The action of every node.
    pub keys: &'a [Digest],
}

/// The place in the plan of each keg, by its part's name.
pub fn places(plan: &Plan) -> BTreeMap<PartId, usize> {
    plan.nodes().iter().enumerate().map(|(at, node)| (id(&node.variant), at)).collect()
}

/// # Errors
/// The store's.
pub fn known(made: &Made, store: &Store) -> Result<BTreeMap<PartId, Known>, StoreError> {
    let nodes = made.plan.nodes().iter().enumerate();
    nodes
        .map(|(at, node)| {
            let variant = &node.variant;
            let tree = store.tree(&made.outputs[at])?;
            let links =
                links(made.plan, at).into_iter().map(|dep| id(&made.plan.nodes()[dep].variant)).collect();
            let known = Known {
                part: keg(made, variant),
                tree,
                debug: debug(made, store, at),
                links,
                crates: crates(variant),
                seed: seed(made, variant),
            };
            Ok((id(variant), known))
        })
        .collect()
}

/// Damaged or gone, it proves nothing, and what is not proven is said.
fn debug(made: &Made, store: &Store, at: usize) -> Option<kegs::Tree> {
    store.tree(&store.result(&made.keys[at])?.debug?).ok()
}

fn id(variant: &Variant) -> PartId {
    PartId::keg(&variant.name, &variant.slot)
}

/// What a link may take from: the recipe's, and the compiler's C library.
fn links(plan: &Plan, at: usize) -> Vec<usize> {
    let mut links = plan.link_closure(at);
    let node = &plan.nodes()[at];
    // Who uses the seed's compiler links the seed's C library, and so does most of what is Rust.
    if node.variant.cc == Cc::Profile {
        let tools = node.deps(Kind::Tool).iter();
        links.extend(tools.flat_map(|&tool| plan.nodes()[tool].deps(Kind::Run)).copied());
    }
    links.sort_unstable();
    links.dedup();
    links
}

fn keg(made: &Made, variant: &Variant) -> Part {
    let facts =
        made.catalogue.recipes.get(&variant.name).map(|recipe| recipe.facts.clone()).unwrap_or_default();
    // A wheel's name is PyPI's; recipes of modules put `python-` before it.
    let pypi = || variant.name.strip_prefix("python-").unwrap_or(&variant.name).to_string();
    Part {
        id: id(variant),
        version: variant.version.to_string(),
        summary: variant.summary.clone(),
        license: Some(variant.license.clone()),
        home: variant.home.clone(),
        sources: variant.sources.iter().filter(|source| !source.vendored).map(source).collect(),
        patches: variant.patches.clone(),
        cpe: facts.cpe,
        cve: facts.cve,
        upstream: (variant.preset == Preset::Python).then(|| Upstream::PyPI(pypi())),
    }
}

fn source(source: &recipe::Source) -> Source {
    let sha256 = source.sha256.map(hex);
    let url = source.urls.first().cloned();
    let git = source.git.as_ref();
    let place = match () {
        () if url.is_some() => url.clone().unwrap_or_default(),
        () if git.is_some() => {
            git.map(|git| format!("git {} commit {}", git.url, git.commit)).unwrap_or_default()
        }
        () if !source.tap.is_empty() => format!("the tap's own {}", source.tap.join(", ")),
        () => match (&source.debian, &source.krate, &source.file) {
            (Some(debian), _, _) => format!("debian source {}={}", debian.name, debian.version),
            (_, Some(krate), _) => format!("crate {}={}", krate.name, krate.version),
            (_, _, Some(file)) => format!("the recipe's own {file}"),
            _ => "a place without a name".to_string(),
        },
    };
    let of_git = git.map(|git| format!("git+{}@{}", git.url, git.commit));
    Source { place, url: url.or(of_git), sha256 }
}

fn hex(sha256: [u8; 32]) -> String {
    Digest { sha256, size_bytes: 0 }.hex()
}

/// Their licences stand in their archives: [`texts`] reads them.
fn crates(variant: &Variant) -> Vec<Part> {
    let vendored = variant.sources.iter().filter(|source| source.vendored);
    vendored
        .filter_map(|vendored| {
            let krate = vendored.krate.as_ref()?;
            let id = PartId::Crate { name: krate.name.clone(), version: krate.version.clone() };
            Some(Part { sources: vec![source(vendored)], ..Part::new(id, &krate.version, "a crate of Rust") })
        })
        .collect()
}

/// Packages of which a link takes pieces: how the name begins and ends, the licence as the package's `copyright` says it of
/// those pieces, and the CPE.
const LINKED: [(&str, &str, &str, &str, &str); 3] = [
    (
        "libgcc-",
        "-dev",
        "GPL-3.0-or-later WITH GCC-exception-3.1",
        "gnu:gcc",
        "start files of programs and the compiler's own functions",
    ),
    ("libc6-dev", "", "LGPL-2.1-or-later", "gnu:glibc", "the C library of the seed"),
    ("libstd-rust-dev", "", "MIT OR Apache-2.0", "rust-lang:rust", "the library of Rust"),
];

fn seed(made: &Made, variant: &Variant) -> Vec<Part> {
    let Some(seed) = made.seeds.get(made.profile.seed(variant.preset)) else { return Vec::new() };
    let linked = |deb: &Deb| {
        let (_, _, license, cpe, summary) =
            LINKED.iter().find(|(start, end, ..)| deb.name.starts_with(start) && deb.name.ends_with(end))?;
        let id = PartId::Seed { name: deb.name.clone(), version: deb.version.clone() };
        let source = Source {
            place: format!("debian binary {}", deb.pin()),
            url: None,
            sha256: Some(hex(deb.sha256)),
        };
        Some(Part {
            license: Some(license.to_string()),
            cpe: Some(cpe.to_string()),
            sources: vec![source],
            upstream: Some(debian(seed, deb)),
            ..Part::new(id, &deb.version, summary)
        })
    };
    seed.debs.iter().filter_map(linked).collect()
}

/// `pool/main/g/gcc-12/libgcc-12-dev_12.2.0-14_amd64.deb` says the source's name and the architecture.
fn debian(seed: &Seed, deb: &Deb) -> Upstream {
    let mut words = deb.path.rsplit('/');
    let file = words.next().unwrap_or_default();
    let arch = file.trim_end_matches(".deb").rsplit('_').next().unwrap_or_default().to_string();
    let source = words.next().unwrap_or(&deb.name).to_string();
    Upstream::Debian { source, suite: seed.suite.clone(), arch }
}
