//! `rootbrew boot`: a role's image in QEMU; asked by what proves it, or left running with its ports forwarded.

use std::path::PathBuf;

use assembler::role::{self, Role};
use ci::boot::{Guest, Ready};
use kegs::Faults;

use crate::context::Context;
use crate::terminal::{bytes, data, seconds, talk};
use crate::trouble::Result;
use crate::work::build::Built;
use crate::work::composed::{Composed, composed};
use crate::work::image::Image;
use crate::work::limits;
use crate::work::machine::{self, Machine};

pub struct Wish {
    pub role: String,
    pub check: bool,
    pub console: bool,
    pub memory_mb: u32,
    pub environment: Option<PathBuf>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let role = role::load(&context.tap, &wish.role)?;
    let Composed { image, built, .. } = composed(context, &wish.role)?.within_limits()?;
    let machine = machine::Wish {
        memory_mb: wish.memory_mb,
        is_tried: wish.check,
        environment: wish.environment.as_deref(),
        console: wish.console,
        observe: None,
    };
    let machine = Machine::new(&role, &image, machine)?;
    let guest = machine.start(context)?;
    if !wish.check {
        return stay(context, guest);
    }
    let ready = prove(context, &role, &machine, guest)?;
    sum_up(context, &image, &built, ready);
    Ok(())
}

/// Asked; a slow one is started again first, because one slow start is noise. How soon the quickest was ready.
fn prove(context: &Context, role: &Role, machine: &Machine, mut guest: Guest) -> Result<Option<Ready>> {
    let mut ready = guest.ready_ms();
    for _ in 1..limits::BOOTS_MAX {
        if limits::is_slow(role, ready) {
            guest.power_off()?;
            guest = machine.start(context)?;
            ready = [ready, guest.ready_ms()].into_iter().flatten().min_by_key(|ready| ready.since_kernel_ms);
        }
    }
    let (first, last) = machine.ask(context, guest)?;
    match context.json {
        true => data(&limits::json(&first, &last).to_string()),
        false => limits::show(role, &first, &last),
    }
    Faults(limits::of_guest(role, ready, &first, &last)).or(())?;
    Ok(ready)
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
fn stay(context: &Context, mut guest: Guest) -> Result<()> {
    talk("hint: Ctrl-C powers it off");
    let stopper = guest.stopper();
    context.cancel.on_cancel(move || stopper.stop());
    guest.wait()?;
    if context.cancel.is_said() {
        guest.power_off()?;
    }
    Ok(())
}
