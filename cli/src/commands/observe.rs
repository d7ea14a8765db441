//! `rootbrew image ROLE --observe`: a variant of the image whose agent tells what services open, booted and asked; and what
//! of the image nobody wanted.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use assembler::limit::grouped;
use assembler::observed::{self, Report};
use assembler::role::{self, Role};

use crate::context::Context;
use crate::terminal::{data, event};
use crate::trouble::{Result, Trouble};
use crate::work::image::Image;
use crate::work::machine::{self, Machine};
use crate::work::{self, composed, ground, pid1};

/// A tracer beside each service: it has 2 MB.
const MEMORY_MB: u32 = 128;
/// Twenty thousand lines a service, which is what an agent tells.
const TOLD_MAX_BYTES: u64 = 64 << 20;

pub fn run(context: &Context, name: &str) -> Result<()> {
    let role = role::load(&context.tap, name)?;
    let image = compose(context, observed_role(role.clone()))?;
    let told = boot(context, &role, &image)?;
    let asked = observed::parse(&told);
    if asked.is_empty() {
        return Err(Trouble::Failed("the guest told nothing: its agent is none that observes".into()));
    }
    let report = observed::report(&image.tree()?, &asked);
    match context.json {
        true => json(name, &report),
        false => print(name, asked.len(), &report),
    }
    Ok(())
}

/// The role under another name, so that its image stands beside the published one. It may be larger than the role's limits.
fn observed_role(mut role: Role) -> Role {
    role.name.push_str("+observed");
    role.limits = role.limits.ports_only();
    pid1::observing(&mut role);
    role
}

fn compose(context: &Context, role: Role) -> Result<Image> {
    let profile = ground::profile(context)?;
    let implied = ground::implied(&profile);
    let target = work::tap(context, &implied)?.role_target(role, &implied)?;
    Ok(composed::of_target(context, profile, target)?.image)
}

/// What the guest told, from its start to its power-off.
fn boot(context: &Context, role: &Role, image: &Image) -> Result<Vec<u8>> {
    let scratch = tempfile::tempdir().map_err(failed("make a folder in", &std::env::temp_dir()))?;
    let told = scratch.path().join("observed");
    let wish = machine::Wish { memory_mb: MEMORY_MB, observe: Some(told.clone()), ..machine::TRIED };
    let machine = Machine::new(role, image, wish)?;
    machine.ask(context, machine.start(context)?)?;
    let mut bytes = Vec::new();
    let read = File::open(&told).and_then(|file| file.take(TOLD_MAX_BYTES).read_to_end(&mut bytes));
    read.map_err(failed("read", &told))?;
    Ok(bytes)
}

fn failed<'a>(tried: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> Trouble + 'a {
    move |error| Trouble::Failed(format!("cannot {tried} {}: {error}", path.display()))
}

fn print(name: &str, asked: usize, report: &Report) {
    let Report { opened, never_opened, absent } = report;
    event("observe", name, &format!("{asked} things asked; {} files opened", opened.len()));
    let bytes: u64 = never_opened.iter().map(|file| file.bytes).sum();
    data(&format!("never opened: {} files, {} bytes", never_opened.len(), grouped(bytes)));
    for file in never_opened {
        let looked_at = if file.looked_at { " (looked at)" } else { "" };
        data(&format!("{:>11}  /{}{looked_at}  {}", grouped(file.bytes), file.path, file.why));
    }
    data(&format!("asked for in vain: {}", absent.len()));
    for absent in absent {
        let calls = absent.calls.join(", ");
        data(&format!("{:>11}  {}  {calls} by {}", absent.error, absent.path, absent.by.join(", ")));
    }
}

fn json(name: &str, report: &Report) {
    let mut whole = serde_json::json!({ "event": "observed", "role": name });
    if let (Some(whole), Ok(serde_json::Value::Object(report))) =
        (whole.as_object_mut(), serde_json::to_value(report))
    {
        whole.extend(report);
    }
    data(&whole.to_string());
}
