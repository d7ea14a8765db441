//! A machine: a role's image in QEMU, under an environment that lacks nothing, started and asked by what proves it.

use std::fs;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use ci::boot::{self, Accelerator, Answer, Boot, Check, Console, Desk, Event, Figures, Guest, Ready};
use ci::chaos::{self, Ground, Round};
use tempfile::TempDir;
use toml::{Table, Value};

use super::image::Image;
use super::trial;
use crate::context::Context;
use crate::terminal::{data, event};
use crate::trouble::{Result, Trouble};

pub struct Machine<'a> {
    role: &'a Role,
    boot: Boot,
    environment: Table,
    /// What the role's trial made, where it is tried.
    trial: Option<TempDir>,
}

/// What is other than usual.
pub struct Wish<'a> {
    pub memory_mb: u32,
    /// The role is tried: what its environment lacks is made up.
    pub is_tried: bool,
    /// The operator's file.
    pub environment: Option<&'a Path>,
    pub console: bool,
    /// Where an agent that observes tells.
    pub observe: Option<PathBuf>,
    /// A disk that lasts.
    pub data: Option<PathBuf>,
    /// A debug volume.
    pub debug: Option<PathBuf>,
    /// Where it is asked and told while it runs.
    pub control: Option<PathBuf>,
    /// Where its hardware is told what happens to it; then faults on purpose are allowed.
    pub monitor: Option<PathBuf>,
}

/// As roles are tried.
pub const TRIED: Wish = Wish {
    memory_mb: 64,
    is_tried: true,
    environment: None,
    console: false,
    observe: None,
    data: None,
    debug: None,
    control: None,
    monitor: None,
};

/// The word that allows faults on purpose (`agent/src/chaos.rs`).
const CHAOS: &str = "rootbrew.chaos";

/// Harm that is to be done.
pub struct Harm<'a> {
    pub rounds: u64,
    pub seed: u64,
    /// Whether somebody wants it to end.
    pub stop: &'a dyn Fn() -> bool,
}

/// What a guest came to.
pub struct Came {
    pub ready: Option<Ready>,
    /// Before the first question.
    pub first: Figures,
    /// After the last.
    pub last: Figures,
    /// The last lines of its console.
    pub console: Vec<String>,
}

impl<'a> Machine<'a> {
    pub fn new(role: &'a Role, image: &Image, wish: Wish) -> Result<Machine<'a>> {
        let trial = wish.is_tried.then(|| trial::prepare(role)).transpose()?;
        let environment = environment(role, wish.environment, trial.as_ref().map(TempDir::path))?;
        let boot = Boot {
            kernel: image.kernel(),
            root: image.root(),
            data: wish.data,
            debug: wish.debug,
            memory_mb: wish.memory_mb,
            cpus: 1,
            cmdline: wish.monitor.iter().map(|_| CHAOS.to_string()).collect(),
            environment: match wish.environment.map(signed).transpose()?.flatten() {
                Some(text) => text.into_bytes(),
                None => environment.to_string().into_bytes(),
            },
            ports: ports(role),
            console: if wish.console { Console::To(stderr_file()?) } else { Console::Quiet },
            observe: wish.observe,
            control: wish.control,
            volume: None,
            monitor: wish.monitor,
        };
        Ok(Machine { role, boot, environment, trial })
    }

    /// Booted and ready.
    pub fn start(&self, context: &Context) -> Result<Guest> {
        Ok(boot::start(&self.boot, &mut |happened| show(context, happened))?)
    }

    /// Does it harm, round after round, and asks what proves it each time.
    pub fn harm(self, wish: &Harm, tell: &mut dyn FnMut(&Round)) -> Result<Vec<Round>> {
        let checks: Vec<Check> = self.role.checks.iter().map(asked).collect();
        let trial = self.trial.as_ref().filter(|_| !checks.is_empty()).ok_or_else(|| unproven(self.role))?;
        let desk = Desk { folder: trial.path(), environment: trial::texts(&self.environment) };
        let services: Vec<String> = self.role.services.keys().cloned().collect();
        let failed = |error| Trouble::Failed(format!("cannot make a folder: {error}"));
        let ground = Ground::new(self.boot, (&checks, &desk), &services, wish.stop).map_err(failed)?;
        Ok(chaos::run(ground, wish.rounds, wish.seed, tell)?)
    }

    /// Asks what the role says proves it; the guest is powered off whatever the answers are.
    pub fn ask(&self, context: &Context, mut guest: Guest) -> Result<Came> {
        let checks: Vec<Check> = self.role.checks.iter().map(asked).collect();
        let Some(trial) = self.trial.as_ref().filter(|_| !checks.is_empty()) else {
            return Err(unproven(self.role));
        };
        let desk = Desk { folder: trial.path(), environment: trial::texts(&self.environment) };
        let first = guest.figures();
        let answers = boot::check(&guest, &checks, &desk);
        let last = guest.figures();
        let (ready, console) = (guest.ready_ms(), guest.console());
        let off = guest.power_off();
        answers?.iter().for_each(|answer| answered(context, answer));
        let (first, last, off) = (first?, last?, off?);
        event("off", &self.role.name, &format!("powered off in {} ms", off.as_millis()));
        Ok(Came { ready, first, last, console })
    }
}

fn unproven(role: &Role) -> Trouble {
    Trouble::Failed(format!("role `{}` has no [[check]]: nothing proves it", role.name))
}

fn answered(context: &Context, answer: &Answer) {
    let Answer { command, status, ms, .. } = answer;
    if context.json {
        let line = serde_json::json!({ "event": "answer", "command": command, "status": status, "ms": ms });
        return data(&line.to_string());
    }
    event("answer", status, &format!("{ms} ms  {}", command.join(" ")));
}

fn asked(check: &role::Check) -> Check {
    let (run, stdout, stderr) = (check.run.clone(), check.stdout.clone(), check.stderr.clone());
    Check { run, stdout, stderr, status: check.status }
}

fn show(context: &Context, happened: Event) {
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

fn ports(role: &Role) -> Vec<u16> {
    let mut ports: Vec<u16> = role.limits.ports.iter().flat_map(|ports| ports.value.clone()).collect();
    ports.extend(role.checks.iter().flat_map(|check| check.ports.iter().copied()));
    ports.sort();
    ports.dedup();
    ports
}

/// The environment file as given; what it lacks and the trial gives joins it, and a throw-away certificate where the role
/// asks for one.
fn environment(role: &Role, given_file: Option<&Path>, trial: Option<&Path>) -> Result<Table> {
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

/// The operator's file as it is, if it is signed: what is added to it would not be.
fn signed(path: &Path) -> Result<Option<String>> {
    given(path)?;
    let text = fs::read_to_string(path).unwrap_or_default();
    let is_signed = text.trim_end().lines().last().is_some_and(|line| line.starts_with("# ed25519 "));
    Ok(is_signed.then_some(text))
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
