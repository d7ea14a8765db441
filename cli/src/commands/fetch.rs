//! `rootbrew fetch`: every source of some recipes or roles, into the store.

use builder::fetch::{self, Step, Wanted};
use builder::schedule::outlook;

use crate::context::Context;
use crate::terminal::{bytes, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{self, ground};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, names, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let nodes = targets.iter().flat_map(|target| target.plan.nodes());
    let sources = nodes.flat_map(|node| node.variant.sources.iter().map(|source| (&node.variant, source)));
    let mut wanted: Vec<Wanted> =
        sources.filter_map(|(variant, source)| outlook::wanted(variant, source)).collect();
    wanted.sort_by_key(|wanted| wanted.sha256);
    wanted.dedup_by_key(|wanted| wanted.sha256);
    let events = |told: fetch::Event| {
        if let Step::Done { bytes: count } = told.step {
            event("fetched", &told.wanted.name, &bytes(count));
        }
    };
    let results = fetch::fetch(&wanted, &context.places, &store, &events, context.cancel.flag());
    let faults: Vec<String> =
        results.into_iter().filter_map(|result| Some(result.err()?.to_string())).collect();
    if !faults.is_empty() {
        return Err(Trouble::Failed(faults.join("\n")));
    }
    talk(&format!("fetch   {} sources in store", wanted.len()));
    Ok(())
}
