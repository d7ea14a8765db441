//! The environment: the one file that differs between two hosts of a role.
//!
//! Sources are laid over each other (later wins, name by name) and checked against the role's schema, all faults at once.
//! A secret's value is never in a fault nor in [`Environment::lines`].

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;

use toml::{Table, Value};

use crate::error::Error;
use crate::network::Network;
use crate::role::{Kind, Variable};
use crate::words::{self, Words};

/// The source that every process can read: no secret may stand there.
pub const KERNEL: &str = "kernel command line";
const PREFIX: &str = "rootbrew.env.";
/// A megabyte is a thousand certificates; more is a mistake or an attack.
pub const SIZE_MAX_BYTES: u64 = 1 << 20;
/// The agent's own names, beside the role's.
const OWN: [&str; 3] = ["host", "log", "network"];

/// One place's answers.
#[derive(Debug, Clone)]
pub struct Source {
    /// As faults and the console call it: `fw_cfg`.
    pub name: String,
    pub table: Table,
}

/// Checked: every name of the schema that has a value has one of its type.
#[derive(Debug, Clone)]
pub struct Environment {
    pub words: Words,
    pub values: BTreeMap<String, Value>,
    pub network: Network,
    pub log: Log,
    lines: Vec<String>,
}

/// `[log]`: where the services' output goes besides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Log {
    /// `"udp://10.0.0.1:514"`, `"tcp://[fd00::1]:601"`: RFC 5424; an address, since PID 1 asks no name server.
    pub syslog: Option<Syslog>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Syslog {
    pub tcp: bool,
    pub to: SocketAddr,
}

impl Environment {
    /// What the console is told: one line a name, with its source; secrets and long texts by their size.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }
}

/// What is wrong, and where it stands: never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The source's name, where one says it.
    pub source: Option<String>,
    /// The name of the schema, `network.address`; of a text that is no TOML, its line: `line 3`.
    pub key: String,
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match &self.source {
            Some(source) if self.key.starts_with("line ") => {
                write!(to, "{source}: {}: {}", self.key, self.what)
            }
            Some(source) => write!(to, "{} ({source}): {}", self.key, self.what),
            None => write!(to, "{}: {}", self.key, self.what),
        }
    }
}

impl From<Vec<Fault>> for Error {
    fn from(faults: Vec<Fault>) -> Error {
        Error::Input(faults.iter().map(Fault::to_string).collect())
    }
}

fn fault(source: Option<&str>, key: impl Into<String>, what: impl Into<String>) -> Fault {
    Fault { source: source.map(str::to_string), key: key.into(), what: what.into() }
}

impl Source {
    /// # Errors
    /// Not UTF-8, too long, no TOML: by its line, and never by its text, which may hold a secret.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Source, Fault> {
        let refused = |what: String| fault(Some(name), "line 1", what);
        if bytes.len() as u64 > SIZE_MAX_BYTES {
            return Err(refused(format!("larger than {SIZE_MAX_BYTES} bytes")));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| refused("not UTF-8".into()))?;
        let table = text.parse().map_err(|error: toml::de::Error| {
            let start = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..start].iter().filter(|&&byte| byte == b'\n').count() + 1;
            fault(Some(name), format!("line {line}"), error.message())
        })?;
        Ok(Source { name: name.to_string(), table })
    }

    /// `rootbrew.env.KEY=VALUE` on the kernel's command line.
    pub fn kernel(line: &str, schema: &BTreeMap<String, Variable>) -> Source {
        Source::names(KERNEL, split_kernel(line), schema)
    }

    /// Single names, each with its value as a text.
    pub fn names(name: &str, names: Vec<(String, String)>, schema: &BTreeMap<String, Variable>) -> Source {
        Source { name: name.into(), table: typed_table(names, schema) }
    }
}

/// Each value is read by the schema's type, a list by commas, `network.X` by its dot.
fn typed_table(names: Vec<(String, String)>, schema: &BTreeMap<String, Variable>) -> Table {
    let mut table = Table::new();
    for (key, text) in names {
        match key.split_once('.') {
            Some(("network", key)) => put_network(&mut table, key, text),
            Some(("log", key)) => {
                let log = table.entry("log").or_insert_with(|| Value::Table(Table::new()));
                log.as_table_mut().map(|log| log.insert(key.into(), Value::String(text)));
            }
            _ => {
                let kind = schema.get(&key).map(|variable| variable.kind);
                table.insert(key, typed(text, kind));
            }
        }
    }
    table
}

/// `KEY` or `NAME.KEY`; what may be a list is one, `ipv6` is a truth.
fn put_network(table: &mut Table, key: &str, text: String) {
    let mut path = vec!["network"];
    let (last, before) = match key.split_once('.') {
        Some((name, key)) => (key, Some(name)),
        None => (key, None),
    };
    path.extend(before);
    let value = match last {
        "address" | "gateway" | "nameservers" => list(&text),
        "ipv6" => typed(text, Some(Kind::Boolean)),
        _ => Value::String(text),
    };
    let mut inner = table;
    for name in path {
        let entry = inner.entry(name).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(next) = entry else { return };
        inner = next;
    }
    inner.insert(last.into(), value);
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
///
/// # Errors
/// All faults.
pub fn check(
    schema: &BTreeMap<String, Variable>,
    host: &str,
    sources: &[Source],
) -> Result<Environment, Vec<Fault>> {
    let mut faults = Vec::new();
    let words = words::derive(&host_of(host, sources, &mut faults));
    let network = network_of(sources, &mut faults);
    let log = log_of(sources, &mut faults);
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
    if faults.is_empty() { Ok(Environment { words, values, network, log, lines }) } else { Err(faults) }
}

fn host_of(default: &str, sources: &[Source], faults: &mut Vec<Fault>) -> String {
    let Some(source) = sources.iter().rev().find(|source| source.table.contains_key("host")) else {
        return default.into();
    };
    let fits = |host: &&str| !host.is_empty() && host.len() <= 63 && host.bytes().all(name_byte);
    match source.table["host"].as_str().filter(fits) {
        Some(host) => host.into(),
        None => {
            let what = "must be 1 to 63 letters, digits, `-`, `_` or `.`";
            faults.push(fault(Some(&source.name), "host", what));
            default.into()
        }
    }
}

fn name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)
}

/// `[network]` alone, for whoever must be in it before the rest can be asked for.
///
/// # Errors
/// All faults of it.
pub fn network(sources: &[Source]) -> Result<Network, Vec<Fault>> {
    let mut faults = Vec::new();
    let network = network_of(sources, &mut faults);
    if faults.is_empty() { Ok(network) } else { Err(faults) }
}

fn network_of(sources: &[Source], faults: &mut Vec<Fault>) -> Network {
    let mut network = Network::default();
    for source in sources {
        let Some(value) = source.table.get("network") else { continue };
        match value.as_table().map(|table| network.lay(table)) {
            None => faults.push(fault(Some(&source.name), "network", "must be a table")),
            Some(laid) => {
                let wrong = laid.err().unwrap_or_default().into_iter();
                faults.extend(wrong.map(|(key, what)| fault(Some(&source.name), key, what)));
            }
        }
    }
    network
}

fn log_of(sources: &[Source], faults: &mut Vec<Fault>) -> Log {
    let mut log = Log::default();
    for source in sources {
        let Some(value) = source.table.get("log") else { continue };
        let Some(table) = value.as_table() else {
            faults.push(fault(Some(&source.name), "log", "must be a table"));
            continue;
        };
        for (key, value) in table {
            match value.as_str().filter(|_| key == "syslog").and_then(syslog) {
                Some(syslog) => log.syslog = Some(syslog),
                None => {
                    let what = "must be `syslog`, as \"udp://10.0.0.1:514\" or \"tcp://[fd00::1]:601\"";
                    faults.push(fault(Some(&source.name), format!("log.{key}"), what));
                }
            }
        }
    }
    log
}

fn syslog(text: &str) -> Option<Syslog> {
    let (kind, address) = text.split_once("://")?;
    let to: SocketAddr = address.parse().ok().filter(|to: &SocketAddr| to.port() > 0)?;
    matches!(kind, "udp" | "tcp").then_some(Syslog { tcp: kind == "tcp", to })
}

fn unknown(schema: &BTreeMap<String, Variable>, source: &Source) -> Vec<Fault> {
    let stray = source.table.keys().filter(|key| !schema.contains_key(*key) && !OWN.contains(&key.as_str()));
    let known =
        || OWN.iter().copied().chain(schema.keys().map(String::as_str)).collect::<Vec<_>>().join("`, `");
    stray
        .map(|key| fault(Some(&source.name), key, format!("the role has no such name; it has `{}`", known())))
        .collect()
}

/// The strongest source's value, or the default, and where it is from.
fn choose<'s>(
    name: &str,
    variable: &Variable,
    sources: &'s [Source],
    words: &Words,
) -> Result<Option<(Value, &'s str)>, Fault> {
    if let Some(source) = sources.iter().rev().find(|source| source.table.contains_key(name)) {
        if variable.secret && source.name == KERNEL {
            let what = "a secret may not stand on the kernel command line, which every process can read";
            return Err(fault(None, name, what));
        }
        let value = source.table[name].clone();
        return match misfit(&value, variable) {
            None => Ok(Some((value, source.name.as_str()))),
            Some(what) => Err(fault(Some(&source.name), name, what)),
        };
    }
    match &variable.default {
        Some(Value::String(text)) => Ok(Some((Value::String(words.fill(text)), "default"))),
        Some(value) => Ok(Some((value.clone(), "default"))),
        None if variable.required => Err(fault(None, name, "required, and no source gives it")),
        None => Ok(None),
    }
}

/// What is wrong with `value`.
fn misfit(value: &Value, variable: &Variable) -> Option<String> {
    let texts = || value.as_array().into_iter().flatten().filter_map(Value::as_str).chain(value.as_str());
    if let Some(expected) = mistyped(value, variable.kind) {
        return Some(format!("must be {expected}, is {}", value.type_str()));
    }
    if let (Some([low, high]), Some(number)) = (variable.range, value.as_integer())
        && !(low..=high).contains(&number)
    {
        return Some(format!("must be {low} to {high}"));
    }
    let pattern = variable.pattern.as_deref()?;
    // The assembler has tried the pattern; a role that lies refuses everything.
    let whole = regex_lite::Regex::new(&format!("^(?:{pattern})$"));
    let fits = whole.is_ok_and(|whole| texts().all(|text| whole.is_match(text)));
    (!fits).then(|| format!("must match {pattern}"))
}

fn mistyped(value: &Value, kind: Kind) -> Option<&'static str> {
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
