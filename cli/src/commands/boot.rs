//! `rootbrew boot`: a role's image in QEMU; asked by what proves it, or left running with its ports forwarded.

use std::fs;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use ci::boot::{self, Accelerator, Boot, Check, Console, Desk, Event, Figures, Guest, Ready};
use kegs::Faults;
use tempfile::TempDir;
use toml::{Table, Value};

use crate::context::Context;
use crate::terminal::{bytes, data, event, seconds, talk};
use crate::trouble::{Result, Trouble};
use crate::work::build::Built;
use crate::work::composed::{Composed, composed};
use crate::work::image::Image;
use crate::work::{limits, trial};

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
    let trial = wish.check.then(|| trial::prepare(&role)).transpose()?;
    let environment = environment(&role, wish.environment.as_deref(), trial.as_ref().map(TempDir::path))?;
    let console = match wish.console {
        true => Console::To(stderr_file()?),
        false => Console::Quiet,
    };
    let machine = Boot {
        kernel: image.kernel(),
        root: image.root(),
        memory_mb: wish.memory_mb,
        cpus: 1,
        cmdline: Vec::new(),
        environment: environment.to_string(),
        ports: ports(&role),
        console,
        observe: None,
    };
    let mut guest = boot::start(&machine, &mut |happened| show(context, happened))?;
    let mut ready = guest.ready_ms();
    let Some(trial) = trial else { return stay(context, guest) };
    for _ in 1..limits::BOOTS_MAX {
        if limits::is_slow(&role, ready) {
            guest.power_off()?;
            guest = boot::start(&machine, &mut |happened| show(context, happened))?;
            ready = [ready, guest.ready_ms()].into_iter().flatten().min_by_key(|ready| ready.since_kernel_ms);
        }
    }
    let desk = Desk { folder: trial.path(), environment: trial::texts(&environment) };
    let (first, last) = ask(context, &role, guest, &desk)?;
    match context.json {
        true => data(&limits::json(&first, &last).to_string()),
        false => limits::show(&role, &first, &last),
    }
    Faults(limits::of_guest(&role, ready, &first, &last)).or(())?;
    sum_up(context, &image, &built, ready);
    Ok(())
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

/// Asks what the role says proves it; the guest is powered off whatever the answers are. What it came to before the first
/// question, and after the last.
pub fn ask(context: &Context, role: &Role, mut guest: Guest, desk: &Desk) -> Result<(Figures, Figures)> {
    let checks: Vec<Check> = role.checks.iter().map(asked).collect();
    if checks.is_empty() {
        return Err(Trouble::Failed(format!("role `{}` has no [[check]]: nothing proves it", role.name)));
    }
    let first = guest.figures();
    let answers = boot::check(&guest, &checks, desk);
    let last = guest.figures();
    let off = guest.power_off();
    for answer in answers? {
        if context.json {
            let line = serde_json::json!({ "event": "answer", "command": answer.command, "status": answer.status, "ms": answer.ms });
            data(&line.to_string());
        } else {
            event("answer", &answer.status, &format!("{} ms  {}", answer.ms, answer.command.join(" ")));
        }
    }
    let figures = (first?, last?);
    let off = off?;
    event("off", &role.name, &format!("powered off in {} ms", off.as_millis()));
    Ok(figures)
}

fn asked(check: &role::Check) -> Check {
    let (run, stdout, stderr) = (check.run.clone(), check.stdout.clone(), check.stderr.clone());
    Check { run, stdout, stderr, status: check.status }
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

pub fn show(context: &Context, happened: Event) {
    if context.json {
        return data(&serde_json::json!({ "event": "boot", "what": format!("{happened:?}") }).to_string());
    }
    match happened {
        Event::Accelerator(accelerator) => event("boot", "qemu", &accelerated(&accelerator)),
        Event::Started { .. } => {}
        Event::Forwarded { guest, host } => event("port", &guest.to_string(), &format!("127.0.0.1:{host}")),
        Event::Ready(ready) => {
            let rest = format!(
                "{} ms since QEMU's start, {} ms since the kernel's",
                ready.since_start_ms, ready.since_kernel_ms
            );
            event("ready", "", &rest);
        }
    }
}

fn accelerated(accelerator: &Accelerator) -> String {
    match accelerator {
        Accelerator::Kvm => "KVM".into(),
        Accelerator::Emulated(reason) => format!("emulation ({reason})"),
    }
}

pub fn ports(role: &Role) -> Vec<u16> {
    let mut ports: Vec<u16> = role.limits.ports.iter().flat_map(|ports| ports.value.clone()).collect();
    ports.extend(role.checks.iter().flat_map(|check| check.ports.iter().copied()));
    ports.sort();
    ports.dedup();
    ports
}

/// The environment file as given; what it lacks and the trial gives joins it, and a throw-away certificate where the role
/// asks for one.
pub fn environment(role: &Role, given_file: Option<&Path>, trial: Option<&Path>) -> Result<Table> {
    let mut environment = match given_file {
        Some(path) => given(path)?,
        None => Table::from_iter([("host".to_string(), Value::String(format!("dev-{}-1", role.name)))]),
    };
    if let Some(folder) = trial {
        trial::fill(role, folder, &mut environment)?;
    }
    let wants = |name: &str| role.env.contains_key(name);
    if wants("tls_certificate") && wants("tls_key") && !environment.contains_key("tls_key") {
        let (certificate, key) =
            boot::certificate(&["localhost".to_string(), format!("{}.dev.example", role.name)])?;
        environment.insert("tls_certificate".into(), Value::String(certificate));
        environment.insert("tls_key".into(), Value::String(key));
    }
    Ok(environment)
}

fn given(path: &Path) -> Result<Table> {
    let failed = |what: String| Trouble::Failed(format!("cannot read {}: {what}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    text.parse().map_err(|error: toml::de::Error| failed(error.to_string()))
}

fn stderr_file() -> Result<fs::File> {
    use std::os::fd::AsFd;
    let error = |error: std::io::Error| Trouble::Failed(format!("cannot share standard error: {error}"));
    std::io::stderr().as_fd().try_clone_to_owned().map(fs::File::from).map_err(error)
}
