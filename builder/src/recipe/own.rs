//! What two presets have of their own: `kconfig` and `cargo`, as written.

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read, Scalar, Written};

use super::lock;
use super::path::Inside;
use super::phrase::Phrase;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct KconfigWritten {
    pub base: Option<Phrase>,
    pub fragments: Vec<Inside>,
    pub set: BTreeMap<String, String>,
}

impl Read for KconfigWritten {
    /// A table, or only the list of fragments (an option's usual form).
    fn read(at: &Place, faults: &mut Faults) -> Option<KconfigWritten> {
        if at.is_list() {
            return Some(KconfigWritten { fragments: Vec::read(at, faults)?, ..KconfigWritten::default() });
        }
        let mut table = at.table("a table, or a list of fragments", faults)?;
        let base = table.take("base");
        let fragments = table.or_default("fragments");
        let set: Named<Symbol> = table.or_default("set");
        for (name, symbol) in set.iter() {
            if let Some(help) = symbol_fault(name) {
                table.fault(symbol.span.clone(), format!("`{name}` is no symbol"), help);
            }
        }
        table.close("in `kconfig`");
        let set = set.0.into_iter().map(|(name, symbol)| (name, symbol.value.0)).collect();
        Some(KconfigWritten { base, fragments, set })
    }
}

fn symbol_fault(name: &str) -> Option<&'static str> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match name {
        _ if name.starts_with("CONFIG_") => Some("leave out `CONFIG_`"),
        _ if name.is_empty() || !name.chars().all(inner) => Some("letters, digits and `_`"),
        _ => None,
    }
}

/// As the configuration file has it: `y`, `n`, a number, a string.
struct Symbol(String);

impl Read for Symbol {
    fn read(at: &Place, faults: &mut Faults) -> Option<Symbol> {
        let value = match Scalar::read(at, faults)? {
            Scalar::Bool(true) => "y".to_string(),
            Scalar::Bool(false) => "n".to_string(),
            Scalar::Integer(number) => number.to_string(),
            Scalar::String(_) => Phrase::read(at, faults)?.raw,
        };
        if value.contains(['\n', '\r']) {
            return at.fail("a symbol's value is one line", "leave out the line break", faults);
        }
        Some(Symbol(value))
    }
}

impl KconfigWritten {
    pub fn under(below: Option<KconfigWritten>, over: Option<&KconfigWritten>) -> Option<KconfigWritten> {
        let Some(over) = over else { return below };
        let mut merged = below.unwrap_or_default();
        merged.base = over.base.clone().or(merged.base);
        merged.fragments.extend(over.fragments.iter().cloned());
        merged.set.extend(over.set.clone());
        Some(merged)
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct CargoWritten {
    pub bins: Vec<String>,
    pub features: Vec<String>,
    pub package: Option<Written<String>>,
    pub profile: Option<String>,
    pub lock: Option<Inside>,
}

impl Read for CargoWritten {
    fn read(at: &Place, faults: &mut Faults) -> Option<CargoWritten> {
        let mut table = at.table("a table", faults)?;
        let cargo = CargoWritten {
            bins: table.or_default("bins"),
            features: table.or_default("features"),
            package: table.take("package"),
            profile: table.take("profile"),
            lock: table.take("lock"),
        };
        table.close("in `cargo`");
        words(&cargo, at, faults);
        Some(cargo)
    }
}

/// They stand in paths: a program's under `target`, a profile's folder.
fn words(cargo: &CargoWritten, at: &Place, faults: &mut Faults) {
    let package = cargo.package.iter().map(|package| &package.value);
    for word in cargo.bins.iter().chain(package).chain(&cargo.profile).filter(|word| !lock::is_name(word)) {
        let fault = at.text.fault(at.span.clone(), format!("`{word}` is no name in `cargo`"));
        faults.push(fault.help("letters, digits, `-` and `_`"));
    }
}

impl CargoWritten {
    pub fn under(below: Option<CargoWritten>, over: Option<&CargoWritten>) -> Option<CargoWritten> {
        let Some(over) = over else { return below };
        let mut merged = below.unwrap_or_default();
        merged.bins.extend(over.bins.iter().cloned());
        merged.features.extend(over.features.iter().cloned());
        merged.package = over.package.clone().or(merged.package);
        merged.profile = over.profile.clone().or(merged.profile);
        merged.lock = over.lock.clone().or(merged.lock);
        Some(merged)
    }
}
