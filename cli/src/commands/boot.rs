//! `rootbrew boot`: a role's image in QEMU; asked by what proves it, or left running with its ports forwarded.

use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use ci::boot::{Guest, Ready, ctl};
use kegs::Faults;

use crate::context::Context;
use crate::terminal::{bytes, data, seconds, start, talk, write};
use crate::trouble::{Result, Trouble};
use crate::work::build::Built;
use crate::work::chaos;
use crate::work::composed::{Composed, composed};
use crate::work::disk;
use crate::work::image::Image;
use crate::work::machine::{self, Came, Machine};
use crate::work::taken::{self, Trust};
use crate::work::{debug, limits, proof, running};

const MEMORY_MB: u32 = 64;
/// gdb holds what it reads of a program.
const DEBUG_MB: u32 = 384;

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub role: String,
    /// Ask what proves the role, power off, and exit by the answer
    #[arg(long)]
    pub check: bool,
    /// Show the serial console
    #[arg(long)]
    pub console: bool,
    /// Memory of the guest in MB [64; with --debug 384]
    #[arg(long, short, value_name = "MB")]
    pub memory: Option<u32>,
    /// Attach the image's debug volume, or FILE, and allow a shell of it: `rootbrew ctl ROLE shell`, or `shell` on the console
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub debug: Option<Option<PathBuf>>,
    /// Draw who waited for whom from the kernel's start until it was ready
    #[arg(long, value_name = "FILE.svg")]
    pub plot: Option<PathBuf>,
    /// The environment file (TOML); a throw-away certificate is added where the role asks for one and none is given
    #[arg(long, value_name = "FILE")]
    pub environment: Option<PathBuf>,
    /// A disk that lasts, made where it is not [16G] and grown where it is smaller; a role with `[data]` keeps its data there
    #[arg(long, value_name = "FILE[:SIZE]")]
    pub data: Option<String>,
    /// Boot what this channel's line holds [line: edge]; --check asks the published role's questions, with programs of this machine
    #[arg(long, value_name = "URL|DIR[@LINE]")]
    pub from: Option<String>,
    /// Do it harm, so many rounds, each of which it must answer after: services killed, /data full, no network, garbage, a
    /// flipped environment, no power (docs/chaos.md)
    #[arg(long, value_name = "ROUNDS", conflicts_with = "check")]
    pub chaos: Option<u64>,
    /// The same harm again [one by chance]
    #[arg(long, value_name = "NUMBER", requires = "chaos")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub trust: Trust,
}

/// What is booted, made here or taken.
struct Subject {
    role: Role,
    image: Image,
    made: Option<Composed>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let Subject { role, image, made } = subject(context, wish)?;
    if let Some(rounds) = wish.chaos {
        return chaos::run(context, wish, rounds, &role, &image);
    }
    let (name, control) = running::free(&role.name)?;
    let debug =
        wish.debug.as_ref().map(|file| volume(context, made.as_ref(), file.as_deref())).transpose()?;
    let usual_mb = if debug.is_some() { DEBUG_MB } else { MEMORY_MB };
    let machine = machine::Wish {
        memory_mb: wish.memory.unwrap_or(usual_mb),
        is_tried: wish.check,
        environment: wish.environment.as_deref(),
        console: wish.console,
        observe: None,
        data: wish.data.as_deref().map(disk::ready).transpose()?,
        debug,
        control: Some(control.clone()),
        monitor: None,
    };
    let machine = Machine::new(&role, &image, machine)?;
    let guest = machine.start(context)?;
    if let Some(file) = &wish.plot {
        plot(&control, &role.name, file)?;
    }
    if !wish.check {
        return stay(context, guest, &name);
    }
    let came = prove(context, &role, &machine, guest)?;
    if let Some(Composed { store, built, .. }) = &made {
        // Under an operator's own environment it is another machine.
        if wish.environment.is_none() {
            proof::keep(store, &role, &image, &came)?;
        }
        sum_up(context, &image, built, came.ready);
    }
    Ok(())
}

/// The one that is named, else the image's own.
fn volume(context: &Context, made: Option<&Composed>, file: Option<&Path>) -> Result<PathBuf> {
    let taken = "a taken image has no debug volume here: `--debug=FILE` names one";
    match (file, made) {
        (Some(file), _) => Ok(file.to_path_buf()),
        (None, Some(composed)) => Ok(debug::volume(context, composed, &[])?.path),
        (None, None) => Err(Trouble::Failed(taken.into())),
    }
}

/// As the guest's own events tell it.
fn plot(control: &Path, role: &str, file: &Path) -> Result<()> {
    let mut events = Vec::new();
    ctl::ask(control, "events", None, &mut |line| events.push(line.to_string()))
        .map_err(|error| Trouble::Failed(format!("cannot ask `{role}` for its events: {error}")))?;
    write(file, &start::svg(role, &events))
}

fn subject(context: &Context, wish: &Wish) -> Result<Subject> {
    if let Some(from) = &wish.from {
        let (role, image) = taken::image(context, from, &wish.trust, &wish.role)?;
        return Ok(Subject { role, image, made: None });
    }
    let role = role::load(&context.tap, &wish.role)?;
    let made = composed(context, &wish.role)?.within_limits()?;
    Ok(Subject { role, image: made.image.clone(), made: Some(made) })
}

/// Asked; a slow one is started again first, because one slow start is noise.
fn prove(context: &Context, role: &Role, machine: &Machine, mut guest: Guest) -> Result<Came> {
    let mut ready = guest.ready_ms();
    for _ in 1..limits::BOOTS_MAX {
        if limits::is_slow(role, ready) {
            guest.power_off()?;
            guest = machine.start(context)?;
            ready = [ready, guest.ready_ms()].into_iter().flatten().min_by_key(|ready| ready.since_kernel_ms);
        }
    }
    let came = Came { ready, ..machine.ask(context, guest)? };
    let Came { first, last, .. } = &came;
    match context.json {
        true => data(&limits::json(first, last).to_string()),
        false => limits::show(role, first, last),
    }
    Faults(limits::of_guest(role, ready, first, last)).or(())?;
    Ok(came)
}

/// All of it in one line: what was built, how large it is, how soon it was ready.
fn sum_up(context: &Context, image: &Image, built: &Built, ready: Option<Ready>) {
    let (facts, kegs) = (&image.facts, built.outputs.len());
    let ready_ms = ready.map_or(0, |ready| ready.since_start_ms);
    if context.json {
        let whole = serde_json::json!({
            "event": "summary", "kegs": kegs, "built": built.ran, "wall_s": built.wall_s, "cpu_s": built.cpu_s,
            "own_s": built.own_s, "image": facts, "ready_ms": ready_ms,
        });
        return data(&whole.to_string());
    }
    let built = format!("{} of {kegs} kegs built in {}", built.ran, seconds(built.wall_s));
    let sizes = format!("root {}, kernel {}", bytes(facts.root_bytes), bytes(facts.kernel_bytes));
    talk(&format!("summary {built}; {sizes}; ready {ready_ms} ms after QEMU's start"));
}

/// Until the guest ends by itself or Ctrl-C powers it off.
fn stay(context: &Context, mut guest: Guest, name: &str) -> Result<()> {
    talk(&format!("hint: Ctrl-C powers it off; `rootbrew ctl {name} status` asks it"));
    let stopper = guest.stopper();
    context.cancel.on_cancel(move || stopper.stop());
    guest.wait()?;
    if context.cancel.is_said() {
        guest.power_off()?;
    }
    Ok(())
}
