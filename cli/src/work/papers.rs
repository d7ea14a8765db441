//! A role's papers: its image composed again in memory, each file beside what the kegs' builds gave.

use std::collections::{BTreeMap, BTreeSet};

use assembler::papers::{Image, Papers, PartId, collect};
use builder::fetch::{self, Step};
use builder::recipe::{self, Catalogue};
use builder::schedule::outlook;
use builder::seed::{self, Seed};
use kegs::{Digest, Node, Store};
use workbench::papers::{Made, known, texts};

use super::build::Built;
use super::composed::{Composed, composed};
use super::{Target, ground, image, pid1};
use crate::context::Context;
use crate::terminal::{bytes, event, talk};
use crate::trouble::{Result, Trouble};

/// A role, built, with what is told of it.
pub struct Told {
    pub papers: Papers,
    pub texts: texts::Texts,
}

/// The papers of a role, whatever has to be built or fetched for them.
pub fn of_role(context: &Context, role: &str) -> Result<Told> {
    of(context, &composed(context, role)?)
}

/// Of one that is composed.
pub fn of(context: &Context, composed: &Composed) -> Result<Told> {
    let Composed { store, profile, target, built, image, .. } = composed;
    let catalogue = recipe::load(&context.tap)?;
    let seeds = seeds(context, profile, target)?;
    let made = Made {
        plan: &target.plan,
        catalogue: &catalogue,
        profile,
        seeds: &seeds,
        outputs: &built.outputs,
        keys: &built.keys,
    };
    let mut papers = collected(store, target, built, &made, &image.facts.root_sha256)?;
    fetch_absent(context, store, &papers, target)?;
    let texts = gathered(&mut papers, target, &catalogue, store);
    Ok(Told { papers, texts })
}

pub fn seeds(
    context: &Context,
    profile: &builder::preset::Profile,
    target: &Target,
) -> Result<BTreeMap<String, Seed>> {
    let nodes = target.plan.nodes().iter();
    let names: BTreeSet<&str> = nodes.map(|node| profile.seed(node.variant.preset)).collect();
    let seeds =
        names.into_iter().map(|name| Ok((name.to_string(), seed::load(&ground::seed_path(context, name))?)));
    seeds.collect()
}

pub fn collected(
    store: &Store,
    target: &Target,
    built: &Built,
    made: &Made,
    root_sha256: &str,
) -> Result<Papers> {
    let role = image::role(target)?;
    let failed =
        |error: std::io::Error| Trouble::Failed(format!("cannot read the files of `{}`: {error}", role.name));
    let tree = image::tree(store, target, built)?;
    let known = known(made, store)?;
    let sha256 = kegs::digest::parse_sha256(root_sha256)
        .ok_or_else(|| Trouble::Bug(format!("{root_sha256} is no digest of an image")))?;
    let image = Image {
        name: &role.name,
        summary: &role.summary,
        tree: &tree,
        digest: Digest { sha256, size_bytes: 0 },
        kernel: kernel(target, &known),
        agent: pid1::place(&target.plan).map(|at| (id(target, at), pid1::PROGRAM)),
    };
    collect(&image, &known, store).map_err(failed)
}

fn id(target: &Target, at: usize) -> PartId {
    let variant = &target.plan.nodes()[at].variant;
    PartId::keg(&variant.name, &variant.slot)
}

fn kernel(target: &Target, known: &BTreeMap<PartId, assembler::papers::Known>) -> Option<(PartId, Digest)> {
    let kernel = target.role.as_ref()?.kernel.as_ref()?;
    let id = id(target, image::place(&target.plan, &kernel.name)?);
    match known.get(&id)?.tree.nodes.get(image::KERNEL)? {
        Node::File { digest, .. } => Some((id, *digest)),
        _ => None,
    }
}

/// Sources of kegs that came from a cache may be nowhere here yet.
fn fetch_absent(context: &Context, store: &Store, papers: &Papers, target: &Target) -> Result<()> {
    let absent = texts::absent(papers, &target.plan, store);
    let wanted: Vec<_> =
        absent.into_iter().filter_map(|(variant, source)| outlook::wanted(variant, source)).collect();
    let events = |told: fetch::Event| {
        if let Step::Done { bytes: count } = told.step {
            event("fetched", &told.wanted.name, &bytes(count));
        }
    };
    let results = fetch::fetch(&wanted, &context.places, store, &events, context.cancel.flag());
    let faults: Vec<String> =
        results.into_iter().filter_map(|result| Some(result.err()?.to_string())).collect();
    match faults.is_empty() {
        true => Ok(()),
        false => Err(Trouble::Failed(format!(
            "licences stand in sources that are not here\n{}",
            faults.join("\n")
        ))),
    }
}

fn gathered(papers: &mut Papers, target: &Target, catalogue: &Catalogue, store: &Store) -> texts::Texts {
    let texts = texts::gather(papers, &target.plan, catalogue, store);
    texts.lacks.iter().for_each(|lack| talk(&format!("warning: {lack}")));
    texts
}
