//! `rootbrew build NAME --from DIR`: a working tree in place of the archive; only what changed is made anew.

use std::path::Path;

use builder::schedule::beside::Came;
use builder::schedule::from::FromTree;

use super::shell::{dependencies, recipe};
use crate::context::Context;
use crate::terminal::{data, event, seconds, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{build, ground};

pub fn run(context: &Context, names: &[String], tree: &Path) -> Result<()> {
    let [name] = names else {
        return Err(Trouble::Failed("--from DIR is a tree of one recipe: give one name".into()));
    };
    let tree = tree.canonicalize().ok().filter(|path| path.is_dir());
    let tree = tree.ok_or_else(|| Trouble::Failed("--from: no such folder".into()))?;
    let profile = ground::profile(context)?;
    let target = recipe(context, name, &ground::implied(&profile))?;
    let at = target.plan.wanted()[0];
    let node = &target.plan.nodes()[at];
    FromTree::check(&node.variant).map_err(Trouble::Failed)?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, [&target.plan])?;
    let outputs = dependencies(context, &store, &ground, &target, at)?;
    let begun = std::time::Instant::now();
    let from = FromTree {
        store: &store,
        ground: &ground,
        plan: &target.plan,
        at,
        outputs: &outputs,
        tree: &tree,
        cancel: context.cancel.flag(),
    };
    let (keg, version) = (node.name(), node.variant.version.to_string());
    let made = match from.make() {
        Ok(made) => made,
        Err(_) if context.cancel.is_said() => return Err(Trouble::Cancelled),
        Err(failure) => {
            build::failed(&keg, &version, &failure);
            return Err(Trouble::Said);
        }
    };
    let path = store.lay_out(&format!("{}-from", node.label()), &made.outcome.output)?;
    if context.json {
        let line = serde_json::json!({
            "event": "built", "keg": keg, "version": version, "from": tree, "path": path,
            "changed": made.changed, "in_store": made.came == Came::Found,
        });
        data(&line.to_string());
        return Ok(());
    }
    match made.came {
        Came::Found => talk(&format!("done    {keg}: this tree is built already")),
        Came::Ran => {
            let rest =
                format!("{:>9}  {} files changed", seconds(begun.elapsed().as_secs_f64()), made.changed);
            event("built", &format!("{keg} from {}", tree.display()), &rest);
        }
    }
    data(&path.display().to_string());
    Ok(())
}
