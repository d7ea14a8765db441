//! `rootbrew build`: recipes to kegs, roles to images.

use crate::context::Context;
use crate::terminal::{bytes, data, event, seconds, talk};
use crate::trouble::Result;
use crate::work::{self, build, ground, image};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, names, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, targets.iter().map(|target| &target.plan))?;
    for target in &targets {
        let built = build::build(context, &store, &ground, target)?;
        let composed = match &target.role {
            Some(_) => Some(image::image(&store, target, &built)?),
            None => None,
        };
        sum_up(context, target, &built, composed.as_ref());
    }
    Ok(())
}

fn sum_up(context: &Context, target: &work::Target, built: &build::Built, image: Option<&image::Image>) {
    if context.json {
        let facts = image.map(|image| serde_json::json!({ "folder": image.folder, "facts": image.facts }));
        let done = serde_json::json!({
            "event": "done", "target": target.name, "ran": built.ran, "wall_s": built.wall_s,
            "cpu_s": built.cpu_s, "own_s": built.own_s, "image": facts,
        });
        return data(&done.to_string());
    }
    if built.ran > 0 {
        let cores = built.cpu_s / built.wall_s;
        let rest = format!("{:>9}  {} cpu ({cores:.2} cores)", seconds(built.wall_s), seconds(built.cpu_s));
        event("done", &format!("{}: {} kegs built", target.name, built.ran), &rest);
    } else {
        talk(&format!("done    {}: nothing to build", target.name));
    }
    if let Some(image) = image {
        let facts = &image.facts;
        let made = if image.found { "in store" } else { "composed" };
        let sizes = format!(
            "root {}, on the wire {}, kernel {}",
            bytes(facts.root_bytes),
            bytes(facts.root_wire_bytes),
            bytes(facts.kernel_bytes)
        );
        event("image", &format!("{} {made}", target.name), &sizes);
    }
}
