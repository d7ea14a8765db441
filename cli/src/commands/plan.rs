//! `rootbrew plan`: what a build would do and why. Starts nothing, writes nothing but the seed that keys rest on.

use builder::schedule::outlook::outlook;

use crate::context::Context;
use crate::trouble::Result;
use crate::work::{self, build, ground};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, names, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::known(context, &store, profile, targets.iter().map(|target| &target.plan))?;
    for target in &targets {
        let outlooks = outlook(&target.plan, &store, &ground)?;
        build::announce(context, &store, target, &outlooks);
    }
    Ok(())
}
