//! The short keys of a role: what it is, what it may cost, what proves it, what it takes besides.

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, OneOrMany, Place, Read, Table, Written};

use super::service::{AbsolutePath, Command};
use super::{Asked, is_name, path_fault};

/// Asked from outside by its real client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// Arguments, no shell; words `{host}`, `{port:N}` and `{env:NAME}` are still in them.
    pub run: Vec<String>,
    /// What the client writes must hold each of these.
    pub stdout: Vec<String>,
    pub stderr: Vec<String>,
    /// How it must exit.
    pub status: u16,
    /// Ports of the machine that `{port:N}` names, each once.
    pub ports: Vec<u16>,
}

impl Read for Check {
    fn read(at: &Place, faults: &mut Faults) -> Option<Check> {
        let mut table = at.table("a table", faults)?;
        let run = table
            .need::<Written<Command>>("run", "as `run = [\"curl\", \"-fsS\", \"http://{host}:{port:80}/\"]`");
        let stdout = table.or_default::<OneOrMany<String>>("stdout").0;
        let stderr = table.or_default::<OneOrMany<String>>("stderr").0;
        let status = table.or_default("status");
        table.close("in a check");
        let run = run?;
        let mut ports = Vec::new();
        for word in run.value.0.iter().flat_map(|argument| words(argument)) {
            match word.strip_prefix("port:").map(str::parse::<u16>) {
                Some(Ok(port)) => ports.push(port),
                None if word == "host" || word.starts_with("env:") => {}
                _ => faults.push(
                    at.text
                        .fault(run.span.clone(), format!("unknown word `{{{word}}}`"))
                        .help("`{host}`, a port of the machine as `{port:443}`, or a name of its environment as `{env:password}`"),
                ),
            }
        }
        ports.sort();
        ports.dedup();
        Some(Check { run: run.value.0, stdout, stderr, status, ports })
    }
}

fn words(argument: &str) -> impl Iterator<Item = &str> {
    argument.split('{').skip(1).map(|rest| rest.split_once('}').map_or(rest, |(word, _)| word))
}

pub fn summary(table: &mut Table) -> String {
    table.need("summary", "one line: what the machine is for").unwrap_or_default()
}

/// `keg/set`, as `openssl/legacy`.
pub fn runtime(table: &mut Table) -> Vec<Written<String>> {
    let asked: Vec<Written<String>> = table.or_default("runtime");
    for written in &asked {
        if !written.value.split_once('/').is_some_and(|(keg, set)| is_name(keg) && is_name(set)) {
            table.fault(
                written.span.clone(),
                format!("`{}` names no set", written.value),
                "as \"openssl/legacy\"",
            );
        }
    }
    asked
}

pub fn files(table: &mut Table) -> Vec<Written<String>> {
    let files: Vec<Written<AbsolutePath>> = table.or_default("files");
    files.into_iter().map(|path| Written { value: path.value.0, span: path.span }).collect()
}

pub fn prefer(table: &mut Table) -> BTreeMap<String, String> {
    let prefer: Named<Asked> = table.or_default("prefer");
    for (path, keg) in prefer.iter() {
        if let Some(help) = path_fault(&format!("/{path}")) {
            table.fault(keg.span.clone(), format!("`{path}` is no path in the image"), help);
        }
    }
    let text = |keg: Asked| keg.slot.map_or(keg.name.clone(), |slot| format!("{}@{slot}", keg.name));
    prefer.0.into_iter().map(|(path, keg)| (path, text(keg.value))).collect()
}
