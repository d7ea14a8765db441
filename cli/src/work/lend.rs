//! What an image was made of, for a channel to lend: every keg of its plan, the seeds' roots, the image itself.

use std::collections::{BTreeMap, BTreeSet};

use ci::channel::{self, Desk, Lendable, Lending, Lent};
use kegs::{Digest, Outcome, Store};

use super::composed::Composed;
use super::offer::Offer;
use super::{ground, image};
use crate::context::Context;
use crate::terminal::{bytes, data, event};
use crate::trouble::{Result, Trouble};

/// Puts what roles' images were made of into a line, where it is not there.
pub fn lend(context: &Context, desk: &mut Desk, line: &str, offers: &[Offer]) -> Result<()> {
    let Some(offer) = offers.first() else { return Ok(()) };
    let each = offers.iter().map(|offer| lending(context, offer.composed()));
    let lendings = each.collect::<Result<Vec<_>>>()?;
    let Lent { kegs, packs, bytes: new_bytes } =
        channel::lend(desk, &offer.composed().store, line, &lendings)?;
    if context.json {
        let told = serde_json::json!({
            "event": "lent", "line": line, "kegs": kegs, "new_packs": packs, "new_bytes": new_bytes,
        });
        data(&told.to_string());
    } else {
        let rest = format!("{kegs} kegs; {packs} packs, {} new", bytes(new_bytes));
        event("lent", &format!("{line}/kegs"), &rest);
    }
    Ok(())
}

fn lending(context: &Context, composed: &Composed) -> Result<Lending> {
    let Composed { store, target, built, image, .. } = composed;
    let mut kegs = Vec::new();
    for (node, key) in target.plan.nodes().iter().zip(&built.keys) {
        let keg = format!("{} {}", node.name(), node.variant.version);
        let unwritten = node.variant.sources.iter().filter(|source| source.size_bytes.is_none());
        let sources = unwritten.filter_map(|source| store.size_of(&source.sha256?)).collect();
        kegs.push(Lendable { key: *key, keg, outcome: outcome(store, key)?, top: None, sources });
    }
    let presets = target.plan.nodes().iter().map(|node| node.variant.preset);
    let seeds: BTreeSet<&str> = presets.map(|preset| composed.profile.seed(preset)).collect();
    for name in seeds {
        let key = ground::key(&builder::seed::load(&ground::seed_path(context, name))?);
        let outcome = outcome(store, &key)?;
        let top = Some(store.top(&outcome.output)?);
        kegs.push(Lendable { key, keg: format!("seed {name}"), outcome, top, sources: Vec::new() });
    }
    let (_, key) = image::made(store, target, built)?;
    kegs.push(Lendable {
        key,
        keg: format!("image {}", target.name),
        outcome: outcome(store, &key)?,
        top: None,
        sources: Vec::new(),
    });
    Ok(Lending { role: target.name.clone(), root_sha256: image.facts.root_sha256.clone(), kegs })
}

fn outcome(store: &Store, key: &Digest) -> Result<Outcome> {
    store
        .result(key)
        .ok_or_else(|| Trouble::Bug(format!("the action {key} is done, and the store knows none")))
}

/// What of an image was not made here, and who said what it comes to.
pub fn taken(composed: &Composed) -> Result<BTreeMap<String, String>> {
    let Composed { store, target, built, .. } = composed;
    let (_, image) = image::made(store, target, built)?;
    let nodes = target.plan.nodes().iter().map(|node| node.name()).zip(built.keys.iter().copied());
    let all = nodes.chain([(format!("image {}", target.name), image)]);
    let from = |key: &Digest| store.taken_outcome(key).filter(|_| store.done(key).is_none());
    Ok(all.filter_map(|(name, key)| Some((name, from(&key)?.from))).collect())
}
