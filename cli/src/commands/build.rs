//! `rootbrew build`: recipes to kegs, roles to images.

use crate::context::Context;
use crate::terminal::{bytes, data, event, seconds, talk};
use crate::trouble::Result;
use crate::work::{self, Target, build, ground, image, limits};
use builder::preset::Profile;

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, names, &ground::implied(&profile))?;
    make(context, profile, &targets)
}

/// Every recipe of the tap in one plan, so that no core waits for the end of another role.
pub fn all(context: &Context) -> Result<()> {
    let profile = ground::profile(context)?;
    let target = work::every_recipe(context, &ground::implied(&profile))?;
    make(context, profile, &[target])
}

fn make(context: &Context, profile: Profile, targets: &[Target]) -> Result<()> {
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::known(context, &store, profile, targets.iter().map(|target| &target.plan))?;
    for target in targets {
        let built = build::build(context, &store, &ground, target)?;
        let image = target.role.as_ref().map(|_| image::image(&store, target, &built)).transpose()?;
        image.as_ref().map_or(Ok(()), |image| limits::of_image(target, image))?;
        context.cache.sum_up();
        sum_up(context, target, &built, image.as_ref());
    }
    Ok(())
}

/// The most memory that this process ever held: `VmHWM` (proc_pid_status(5)).
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

fn sum_up(context: &Context, target: &Target, built: &build::Built, image: Option<&image::Image>) {
    if context.json {
        let facts = image.map(
            |image| serde_json::json!({ "folder": image.folder, "facts": image.facts, "made": image.made }),
        );
        let done = serde_json::json!({
            "event": "done", "target": target.name, "ran": built.ran, "wall_s": built.wall_s,
            "cpu_s": built.cpu_s, "own_s": built.own_s, "critical_s": built.critical_s,
            "peak_bytes": peak_bytes(), "image": facts,
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
        let made = if image.made.is_none() { "in store" } else { "composed" };
        let wire =
            facts.root_wire_bytes.map_or(String::new(), |wire| format!(", on the wire {}", bytes(wire)));
        let sizes = format!("root {}{wire}, kernel {}", bytes(facts.root_bytes), bytes(facts.kernel_bytes));
        event("image", &format!("{} {made}", target.name), &sizes);
    }
}
