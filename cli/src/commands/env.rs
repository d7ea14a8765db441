//! `rootbrew env`: what a host would say of its environment, said before it has it; and what a change of it would do.

use std::fs::File;
use std::io::Read;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use host::change::{self, Does, Plan};
use host::environment::{self, Environment, Fault, Source};
use host::render::{self, Files};
use host::signed;
use kegs::{Faults, Text};
use toml::de::{DeTable, DeValue};
use trust::sign::{Secret, SignError, Signer};

use crate::context::Context;
use crate::terminal::{data, event, pour, talk};
use crate::trouble::{Result, Trouble};
use crate::work::passphrase;

#[derive(Debug, clap::Subcommand)]
pub enum Env {
    /// Say what a host of this role would say of an environment file, each fault at its place
    #[command(after_help = "Example: rootbrew env check web web1.toml")]
    Check {
        role: String,
        file: PathBuf,
        /// The host's name where the file gives none
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
    /// Say which files another environment changes, and which services reload, restart or stay
    #[command(after_help = "Example: rootbrew env plan web web1.toml web1.new.toml")]
    Plan {
        role: String,
        old: PathBuf,
        new: PathBuf,
        /// The host's name where the files give none
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
    /// Sign an environment file, as hosts want it whose role has an `environment_key`
    #[command(after_help = "Example: rootbrew env sign web1.toml --key fleet.pem > web1.signed.toml")]
    Sign {
        file: PathBuf,
        /// An ed25519 key (PKCS#8 PEM): `openssl genpkey -algorithm ed25519`, or a key of a channel, with its passphrase
        #[arg(long, value_name = "PEM")]
        key: PathBuf,
        /// Read the passphrase from this descriptor [default: the file that ROOTBREW_PASSPHRASE_FILE names, else the terminal]
        #[arg(long, value_name = "N")]
        passphrase_fd: Option<RawFd>,
    },
}

pub fn run(context: &Context, command: &Env) -> Result<()> {
    match command {
        Env::Check { role, file, host } => check(context, &Desk::new(context, role, host.as_deref())?, file),
        Env::Plan { role, old, new, host } => {
            let desk = Desk::new(context, role, host.as_deref())?;
            let (old, new) = (desk.made(old)?, desk.made(new)?);
            show(context, &change::plan(&desk.host, &old.files, &new.files));
            Ok(())
        }
        Env::Sign { file, key, passphrase_fd } => sign(file, key, *passphrase_fd),
    }
}

/// A role as its hosts read it.
struct Desk {
    role: Role,
    host: host::Role,
    name: String,
}

/// What a host makes of a file.
struct Made {
    environment: Environment,
    files: Files,
}

impl Desk {
    fn new(context: &Context, name: &str, host: Option<&str>) -> Result<Desk> {
        let role = role::load(&context.tap, name)?;
        let read = host::role::parse(&role.text.content).map_err(failed)?;
        // As the image's /etc/hostname has it.
        let name = host.unwrap_or(name).to_string();
        Ok(Desk { role, host: read, name })
    }

    fn made(&self, file: &Path) -> Result<Made> {
        let bytes = read(file)?;
        let name = file.display().to_string();
        let text = Text::new(file, &String::from_utf8_lossy(&bytes));
        let faults = |faults: Vec<Fault>| Faults(faults.iter().map(|fault| placed(&text, fault)).collect());
        self.believes(&text, &bytes)?;
        let source = Source::parse(&name, &bytes).map_err(|fault| faults(vec![fault]))?;
        let environment = environment::check(&self.host.env, &self.name, &[source]).map_err(faults)?;
        let template = |wanted: &str| {
            let mut configs = self.role.configs.values();
            let found = configs.find(|config| config.value.template == wanted);
            let absent = || host::Error::input(format!("the role has no template {wanted}"));
            found.map(|config| config.value.template_text.to_string()).ok_or_else(absent)
        };
        let files = render::all(&self.host, &environment, &|_, _| true, &template).map_err(failed)?;
        Ok(Made { environment, files })
    }

    /// A signature that a host would refuse is a fault here; one that is not there yet is only spoken of.
    fn believes(&self, text: &Text, bytes: &[u8]) -> Result<()> {
        let Some(key) = self.host.environment_key.as_deref().and_then(signed::key) else { return Ok(()) };
        match signed::open(bytes, &key) {
            Ok(_) => Ok(()),
            Err(signed::Refused::Unsigned) => {
                talk("not signed: a host of this role takes it once `rootbrew env sign` did");
                Ok(())
            }
            Err(refused) => {
                let start = text.content.trim_end().rfind('\n').map_or(0, |at| at + 1);
                let span = start..text.content.trim_end().len();
                Err(Faults(vec![text.fault(span, refused.to_string())]).into())
            }
        }
    }
}

/// As a host does: no more than an environment may have, and one byte.
fn read(file: &Path) -> Result<Vec<u8>> {
    let cannot = |error| Trouble::Failed(format!("cannot read {}: {error}", file.display()));
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(cannot)?;
    opened.take(environment::SIZE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(cannot)?;
    Ok(bytes)
}

/// To standard output; the file is TOML still.
fn sign(file: &Path, key: &Path, passphrase_fd: Option<RawFd>) -> Result<()> {
    let bytes = read(file)?;
    let name = file.display().to_string();
    // What no host would read is not signed; nor what is signed already.
    Source::parse(&name, &bytes).map_err(|fault| Trouble::Failed(fault.to_string()))?;
    if signed::is_signed(&bytes) {
        return Err(Trouble::Failed(format!("{name} is signed already: sign the file that it was made of")));
    }
    let pem = String::from_utf8_lossy(&read(key)?).into_owned();
    let wrong = |error: SignError| Trouble::Failed(format!("{}: {error}", key.display()));
    let passphrase = if pem.contains("ENCRYPTED") { passphrase::ask(passphrase_fd)? } else { Vec::new() };
    let secret = Secret::from_pem(&pem, &passphrase).map_err(wrong)?;
    let sealed = signed::seal(&bytes, |message| secret.sign(message)).map_err(wrong)?;
    pour(&sealed[..]).map_err(|error| Trouble::Failed(format!("cannot write: {error}")))?;
    let public = secret.key().public().map(signed::key_text).unwrap_or_default();
    talk(&format!("signed: a role with `environment_key = \"{public}\"` takes it"));
    Ok(())
}

fn failed(error: host::Error) -> Trouble {
    Trouble::Failed(error.to_string())
}

/// A host's fault at the place where it stands in the file.
fn placed(text: &Text, fault: &Fault) -> kegs::Fault {
    let line = fault.key.strip_prefix("line ").and_then(|line| line.parse::<usize>().ok());
    let span = match line {
        Some(line) => {
            let start: usize = text.content.split_inclusive('\n').take(line - 1).map(str::len).sum();
            let end = text.content[start..].find('\n').map_or(text.content.len(), |length| start + length);
            start..end
        }
        None => span_of(&text.content, &fault.key).unwrap_or(0..0),
    };
    let key = if line.is_some() { String::new() } else { format!("`{}`: ", fault.key) };
    text.fault(span, format!("{key}{}", fault.what))
}

/// Of a key by its dots.
fn span_of(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (name, value) = table.get_ref().get_key_value(first)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(inner)) => Some(inner.get_key_value(rest)?.0.span()),
        _ => Some(name.span()),
    }
}

/// The host's own lines, and the files that it would write.
fn check(context: &Context, desk: &Desk, file: &Path) -> Result<()> {
    let Made { environment, files } = desk.made(file)?;
    if context.json {
        let files: Vec<_> = files.keys().collect();
        let told =
            serde_json::json!({ "event": "environment", "lines": environment.lines(), "files": files });
        data(&told.to_string());
        return Ok(());
    }
    environment.lines().iter().for_each(|line| data(line));
    event("good", &file.display().to_string(), &format!("{} files of `{}`", files.len(), desk.role.name));
    Ok(())
}

fn show(context: &Context, plan: &Plan) {
    if context.json {
        let services: serde_json::Map<_, _> = plan
            .services
            .iter()
            .map(|(name, (does, because))| {
                (name.clone(), serde_json::json!({ "does": does.word(), "because": because }))
            })
            .collect();
        data(&serde_json::json!({ "event": "plan", "files": plan.files, "services": services }).to_string());
        return;
    }
    plan.files.iter().for_each(|path| data(&format!("file     {path}")));
    for (name, (does, because)) in &plan.services {
        let rest = if *does == Does::Stay { String::new() } else { format!("  {}", because.join(", ")) };
        data(&format!("service  {name} {}{rest}", does.word()));
    }
    if plan.is_empty() {
        talk("nothing changes");
    }
}
