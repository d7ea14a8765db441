//! The environment: the one file that differs between two hosts of a role.
//!
//! Sources are laid over each other (later wins) and checked against the role's schema, all faults at once. Pure but
//! for [`sources`]. A secret's value is never in a fault nor in [`Environment::lines`].

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use toml::{Table, Value};

use crate::error::{Error, Result};
use crate::role::{Kind, Variable};
use crate::words::{self, Words};

/// Where QEMU's `-fw_cfg name=opt/org.rootbrew/environment.toml,file=…` appears.
const FW_CFG: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.rootbrew/environment.toml/raw";
const KERNEL: &str = "kernel command line";
const PREFIX: &str = "rootbrew.env.";
/// A megabyte is a thousand certificates; more is a mistake or an attack.
const SIZE_MAX_BYTES: u64 = 1 << 20;
/// The agent's own names, beside the role's. Those of `[network]` are in [`NETWORK`].
const OWN: [&str; 2] = ["host", "network"];
const NETWORK: [&str; 3] = ["address", "gateway", "nameservers"];

/// One place's answers.
#[derive(Debug)]
pub struct Source {
    pub name: &'static str,
    pub table: Table,
}

/// Checked: every name of the schema that has a value has one of its type.
#[derive(Debug)]
pub struct Environment {
    pub words: Words,
    pub values: BTreeMap<String, Value>,
    pub network: Network,
    lines: Vec<String>,
}

/// `[network]`. Nothing given: DHCP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// `10.0.2.15/24`
    pub address: Option<String>,
    pub gateway: Option<String>,
    pub nameservers: Vec<String>,
}

impl Environment {
    /// What the console is told: one line a name, with its source; secrets and long texts by their size.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// Reads what this machine has been given, weakest first.
pub fn sources(schema: &BTreeMap<String, Variable>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(text) = read(FW_CFG)? {
        sources.push(Source { name: "fw_cfg", table: parse("fw_cfg", &text)? });
    }
    let line = read("/proc/cmdline")?.unwrap_or_default();
    sources.push(Source { name: KERNEL, table: parse_kernel(&line, schema)? });
    Ok(sources)
}

/// `None` when there is no such file.
fn read(path: &str) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::world(format!("open {path}")))?,
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::world(format!("read {path}")))?;
    if bytes.len() as u64 > SIZE_MAX_BYTES {
        return Err(Error::input(format!("{path}: larger than {SIZE_MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| Error::input(format!("{path}: not UTF-8")))
}

fn parse(name: &str, text: &str) -> Result<Table> {
    text.parse().map_err(|fault: toml::de::Error| {
        // Not the fault's own text: it quotes the line, which may hold a secret.
        let line =
            fault.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        Error::input(format!("{name}: line {line}: {}", fault.message()))
    })
}

/// `rootbrew.env.KEY=VALUE`; the value is read by the schema's type, a list by commas, `network.X` by its dot.
fn parse_kernel(line: &str, schema: &BTreeMap<String, Variable>) -> Result<Table> {
    let mut table = Table::new();
    let mut network = Table::new();
    for (key, text) in split_kernel(line) {
        match key.split_once('.') {
            Some(("network", "nameservers")) => network.insert("nameservers".into(), list(&text)),
            Some(("network", key)) => network.insert(key.into(), Value::String(text)),
            _ => table.insert(key.clone(), typed(text, schema.get(&key).map(|variable| variable.kind))),
        };
    }
    if !network.is_empty() {
        table.insert("network".into(), Value::Table(network));
    }
    Ok(table)
}

/// Keys and values; a double quote keeps spaces together, as the kernel's own parser has it.
fn split_kernel(line: &str) -> Vec<(String, String)> {
    let mut quoted = false;
    let words = line.split(|letter: char| {
        quoted ^= letter == '"';
        letter.is_whitespace() && !quoted
    });
    let ours = words.map(|word| word.replace('"', ""));
    ours.filter_map(|word| {
        let (key, value) = word.strip_prefix(PREFIX)?.split_once('=')?;
        Some((key.to_string(), value.to_string()))
    })
    .collect()
}

/// A text that is not of its type stays a string, so that the check names it like any other fault.
fn typed(text: String, kind: Option<Kind>) -> Value {
    match kind {
        Some(Kind::Integer) => text.parse().map_or(Value::String(text), Value::Integer),
        Some(Kind::Boolean) => text.parse().map_or(Value::String(text), Value::Boolean),
        Some(Kind::List) => list(&text),
        _ => Value::String(text),
    }
}

fn list(text: &str) -> Value {
    Value::Array(text.split(',').map(|item| Value::String(item.trim().into())).collect())
}

/// Lays the sources over the role's defaults and checks all. `host` is the name that holds when no source gives one.
pub fn check(schema: &BTreeMap<String, Variable>, host: &str, sources: &[Source]) -> Result<Environment> {
    let mut faults = Vec::new();
    let words = words::derive(&host_of(host, sources, &mut faults));
    let network = network_of(sources, &mut faults);
    faults.extend(sources.iter().flat_map(|source| unknown(schema, source)));
    let mut values = BTreeMap::new();
    let mut lines = vec![format!(
        "host = {} (role {}, stage {}, number {})",
        words.host, words.role, words.stage, words.number
    )];
    for (name, variable) in schema {
        match choose(name, variable, sources, &words) {
            Err(fault) => faults.push(fault),
            Ok(None) => {}
            Ok(Some((value, from))) => {
                lines.push(format!("{name} = {} ({from})", shown(&value, variable)));
                values.insert(name.clone(), value);
            }
        }
    }
    if faults.is_empty() {
        Ok(Environment { words, values, network, lines })
    } else {
        Err(Error::Input(faults))
    }
}

fn host_of(default: &str, sources: &[Source], faults: &mut Vec<String>) -> String {
    let Some(source) = sources.iter().rev().find(|source| source.table.contains_key("host")) else {
        return default.into();
    };
    let fits = |host: &&str| !host.is_empty() && host.len() <= 63 && host.bytes().all(name_byte);
    match source.table["host"].as_str().filter(fits) {
        Some(host) => host.into(),
        None => {
            faults.push(format!("host ({}): must be 1 to 63 letters, digits, `-`, `_` or `.`", source.name));
            default.into()
        }
    }
}

fn name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

fn network_of(sources: &[Source], faults: &mut Vec<String>) -> Network {
    let mut network = Network::default();
    for source in sources {
        let Some(value) = source.table.get("network") else { continue };
        let Some(table) = value.as_table() else {
            faults.push(format!("network ({}): must be a table", source.name));
            continue;
        };
        for (key, value) in table {
            if !take_network(&mut network, key, value) {
                let names = NETWORK.join("`, `");
                faults.push(format!(
                    "network.{key} ({}): must be one of `{names}`, a string or strings",
                    source.name
                ));
            }
        }
    }
    network
}

/// Whether `key` is one of [`NETWORK`] and `value` of its type.
fn take_network(network: &mut Network, key: &str, value: &Value) -> bool {
    match (key, value) {
        ("address", Value::String(text)) => network.address = Some(text.clone()),
        ("gateway", Value::String(text)) => network.gateway = Some(text.clone()),
        ("nameservers", Value::Array(items)) if items.iter().all(Value::is_str) => {
            network.nameservers = items.iter().filter_map(Value::as_str).map(String::from).collect();
        }
        _ => return false,
    }
    true
}

fn unknown(schema: &BTreeMap<String, Variable>, source: &Source) -> Vec<String> {
    let stray = source.table.keys().filter(|key| !schema.contains_key(*key) && !OWN.contains(&key.as_str()));
    let known =
        || OWN.iter().copied().chain(schema.keys().map(String::as_str)).collect::<Vec<_>>().join("`, `");
    stray
        .map(|key| format!("{key} ({}): the role has no such name; it has `{}`", source.name, known()))
        .collect()
}

/// The strongest source's value, or the default, and where it is from.
fn choose(
    name: &str,
    variable: &Variable,
    sources: &[Source],
    words: &Words,
) -> std::result::Result<Option<(Value, &'static str)>, String> {
    if let Some(source) = sources.iter().rev().find(|source| source.table.contains_key(name)) {
        if variable.secret && source.name == KERNEL {
            return Err(format!(
                "{name}: a secret may not stand on the kernel command line, which every process can read"
            ));
        }
        let value = source.table[name].clone();
        return match misfit(&value, variable.kind) {
            None => Ok(Some((value, source.name))),
            Some(expected) => {
                Err(format!("{name} ({}): must be {expected}, is {}", source.name, value.type_str()))
            }
        };
    }
    match &variable.default {
        Some(Value::String(text)) => Ok(Some((Value::String(words.fill(text)), "default"))),
        Some(value) => Ok(Some((value.clone(), "default"))),
        None if variable.required => Err(format!("{name}: required, and no source gives it")),
        None => Ok(None),
    }
}

/// What `value` should have been, when it is not.
fn misfit(value: &Value, kind: Kind) -> Option<&'static str> {
    let (fits, expected) = match kind {
        Kind::String => (value.as_str().is_some_and(|text| !text.contains('\n')), "a string of one line"),
        Kind::Text => (value.is_str(), "a string"),
        Kind::Integer => (value.is_integer(), "an integer"),
        Kind::Boolean => (value.is_bool(), "true or false"),
        Kind::List => {
            (value.as_array().is_some_and(|items| items.iter().all(Value::is_str)), "a list of strings")
        }
    };
    (!fits).then_some(expected)
}

fn shown(value: &Value, variable: &Variable) -> String {
    match value {
        _ if variable.secret => "(secret)".into(),
        Value::String(text) if variable.kind == Kind::Text => format!("({} bytes)", text.len()),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(truth) => truth.to_string(),
        other => other.type_str().into(),
    }
}

#[cfg(test)]
#[path = "environment_test.rs"]
mod tests;
