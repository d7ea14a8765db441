//! Options: what a role or a dependency may choose, and how choices settle.
//!
//! Settling is a look-up and not a search. What was asked stands; a default gives way:
//! - an option that is asked on turns on what it `needs` and turns off what it `excludes`, unless that was asked otherwise;
//! - an option that is on only by default turns off when what it needs is off.

use std::collections::BTreeMap;

use kegs::fault::{Fault, Faults, Text};
use kegs::reader::{OneOrMany, Place, Read, Scalar, Table, Written, meant};

use super::own::KconfigWritten;
use super::path::Inside;
use super::phrase::Phrase;
use super::variant::{Choice, Dep, OptionValue, Preset};
use super::words::License;

#[derive(Debug, Clone, PartialEq)]
pub struct OptionWritten {
    pub summary: Option<String>,
    pub default: OptionValue,
    /// A choice instead of on and off.
    pub values: Vec<String>,
    /// The preset's symmetric switch.
    pub flag: Option<Written<String>>,
    pub args: Vec<Phrase>,
    pub args_off: Vec<Phrase>,
    pub build_args: Vec<Phrase>,
    pub build: Vec<Dep>,
    pub link: Vec<Dep>,
    pub run: Vec<Dep>,
    pub kconfig: Option<KconfigWritten>,
    pub features: Vec<String>,
    pub patches: Vec<Inside>,
    pub remove: Vec<Inside>,
    pub license: Option<String>,
    pub needs: Vec<Written<String>>,
    pub excludes: Vec<Written<String>>,
}

impl Read for OptionWritten {
    fn read(at: &Place, faults: &mut Faults) -> Option<OptionWritten> {
        let mut table = at.table("a table", faults)?;
        let values: Vec<String> = table.or_default("values");
        let option = OptionWritten {
            summary: table.take("summary"),
            default: default(&mut table, &values),
            flag: table.take("flag"),
            args: table.or_default("args"),
            args_off: table.or_default("args_off"),
            build_args: table.or_default("build_args"),
            build: table.or_default("build"),
            link: table.or_default("link"),
            run: table.or_default("run"),
            kconfig: table.take("kconfig"),
            features: table.or_default("features"),
            patches: table.or_default("patches"),
            remove: table.or_default("remove"),
            license: table.take::<License>("license").map(|license| license.0),
            needs: table.or_default::<OneOrMany<Written<String>>>("needs").0,
            excludes: table.or_default::<OneOrMany<Written<String>>>("excludes").0,
            values,
        };
        table.close("in an option");
        Some(option)
    }
}

fn default(table: &mut Table, values: &[String]) -> OptionValue {
    let Some(written) = table.take::<Written<Scalar>>("default") else {
        // The first value, so that an option with values always has one.
        return values.first().map_or(OptionValue::Off, |first| OptionValue::Value(first.clone()));
    };
    match judge(&written.value, values) {
        Ok(value) => value,
        Err(help) => {
            table.fault(written.span.clone(), "a default that the option cannot have", help);
            OptionValue::Off
        }
    }
}

/// What was written for an option, as one of the values that it may have.
fn judge(written: &Scalar, values: &[String]) -> Result<OptionValue, String> {
    match (written, values) {
        (Scalar::Bool(true), []) => Ok(OptionValue::On),
        (Scalar::Bool(false), []) => Ok(OptionValue::Off),
        (Scalar::String(value), _) if values.contains(value) => Ok(OptionValue::Value(value.clone())),
        (_, []) => Err("`true` or `false`; a choice has `values`".to_string()),
        (Scalar::String(value), _) => Err(meant(value, values.iter().map(String::as_str))),
        _ => Err(meant("", values.iter().map(String::as_str))),
    }
}

impl OptionWritten {
    pub fn deps(&self) -> impl Iterator<Item = &Dep> {
        self.build.iter().chain(&self.link).chain(&self.run)
    }

    pub fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        self.args.iter().chain(&self.args_off).chain(&self.build_args)
    }

    /// What this option may be set to, as help.
    fn allows(&self, value: &OptionValue) -> Result<(), String> {
        let written = match value {
            OptionValue::On => Scalar::Bool(true),
            OptionValue::Off => Scalar::Bool(false),
            OptionValue::Value(value) => Scalar::String(value.clone()),
        };
        judge(&written, &self.values).map(drop)
    }
}

/// The preset's switch for an option's `flag`; `None` where the preset has no such thing.
pub fn switch(preset: Preset, flag: &str, value: &OptionValue) -> Option<String> {
    let (on, off) = match preset {
        Preset::Autotools => return Some(autotools_switch(flag, value)),
        Preset::Cmake => ("ON", "OFF"),
        Preset::Meson => ("enabled", "disabled"),
        _ => return None,
    };
    let value = match value {
        OptionValue::On => on,
        OptionValue::Off => off,
        OptionValue::Value(value) => value,
    };
    Some(format!("-D{flag}={value}"))
}

/// `jit` is `--enable-jit`; `with-zlib` is autoconf's other family.
fn autotools_switch(flag: &str, value: &OptionValue) -> String {
    let (on, off, name) = match flag.strip_prefix("with-") {
        Some(name) => ("with", "without", name),
        None => ("enable", "disable", flag.strip_prefix("enable-").unwrap_or(flag)),
    };
    match value {
        OptionValue::On => format!("--{on}-{name}"),
        OptionValue::Off => format!("--{off}-{name}"),
        OptionValue::Value(value) => format!("--{on}-{name}={value}"),
    }
}

/// A choice that a recipe cannot follow: whoever asked has the place for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub option: String,
    pub message: String,
    pub help: String,
    /// The lint that it is.
    pub id: &'static str,
}

impl Refusal {
    /// The fault, at the place of who asked.
    pub fn at(&self, text: &Text, span: std::ops::Range<usize>) -> Fault {
        text.fault(span, &self.message).help(&self.help).id(self.id)
    }
}

/// Every option with its value.
///
/// # Errors
/// Unknown options, values that they cannot have, and askings that contradict one another: all of them.
pub fn settle(
    options: &[(String, Written<Box<OptionWritten>>)],
    choice: &Choice,
) -> Result<BTreeMap<String, OptionValue>, Vec<Refusal>> {
    let mut refused: Vec<_> =
        choice.0.iter().filter_map(|(name, value)| refusal(options, name, value)).collect();
    if !refused.is_empty() {
        return Err(refused);
    }
    let mut settled = Settled::new(options, &choice.0);
    for (name, _) in choice.0.iter().filter(|(_, value)| **value != OptionValue::Off) {
        settled.follow(name, &mut refused);
    }
    settled.drop_defaults();
    if refused.is_empty() { Ok(settled.values) } else { Err(refused) }
}

fn refusal(
    options: &[(String, Written<Box<OptionWritten>>)],
    name: &str,
    value: &OptionValue,
) -> Option<Refusal> {
    let refuse = |message, help| Some(Refusal { option: name.to_string(), message, help, id: "P10" });
    let Some((_, option)) = options.iter().find(|(known, _)| known == name) else {
        return refuse(
            format!("unknown option `{name}`"),
            meant(name, options.iter().map(|(name, _)| name.as_str())),
        );
    };
    let help = option.value.allows(value).err()?;
    refuse(format!("a value that `{name}` cannot have"), help)
}

struct Settled<'a> {
    options: &'a [(String, Written<Box<OptionWritten>>)],
    values: BTreeMap<String, OptionValue>,
    asked: BTreeMap<String, OptionValue>,
}

impl<'a> Settled<'a> {
    fn new(
        options: &'a [(String, Written<Box<OptionWritten>>)],
        asked: &BTreeMap<String, OptionValue>,
    ) -> Settled<'a> {
        let mut values: BTreeMap<_, _> =
            options.iter().map(|(name, option)| (name.clone(), option.value.default.clone())).collect();
        values.extend(asked.clone());
        Settled { options, values, asked: asked.clone() }
    }

    fn option(&self, name: &str) -> Option<&'a OptionWritten> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, option)| &*option.value)
    }

    /// `name` was asked on: so is all that it needs, and nothing that it excludes.
    fn follow(&mut self, name: &str, refused: &mut Vec<Refusal>) {
        let Some(option) = self.option(name) else { return };
        for need in option.needs.iter().map(|need| need.value.as_str()) {
            if self.ask(need, name, "needs", OptionValue::On, refused) {
                self.follow(need, refused);
            }
        }
        for other in option.excludes.iter().map(|other| other.value.as_str()) {
            self.ask(other, name, "excludes", OptionValue::Off, refused);
        }
    }

    /// True when `option` was not asked for before and now is; its end is what bounds [`Settled::follow`].
    fn ask(
        &mut self,
        option: &str,
        by: &str,
        verb: &str,
        value: OptionValue,
        refused: &mut Vec<Refusal>,
    ) -> bool {
        match self.asked.get(option) {
            None => {
                self.asked.insert(option.to_string(), value.clone());
                // An option with values is on with any of them.
                if self.values.get(option).is_some_and(|now| is_on(now) != is_on(&value)) {
                    self.values.insert(option.to_string(), value);
                }
                true
            }
            Some(asked) if is_on(asked) == is_on(&value) => false,
            Some(_) => {
                let help = format!("ask for one of the two, `{by}` or `{option}`, and not for both");
                refused.push(Refusal {
                    option: by.to_string(),
                    message: format!("`{by}` {verb} `{option}`"),
                    help,
                    id: "P06",
                });
                false
            }
        }
    }

    /// Each round turns one off or ends: at most as many rounds as options.
    fn drop_defaults(&mut self) {
        loop {
            let unmet = self.options.iter().find(|(name, option)| {
                self.on(name) && option.value.needs.iter().any(|need| !self.on(&need.value))
            });
            let Some((name, _)) = unmet else { return };
            self.values.insert(name.clone(), OptionValue::Off);
        }
    }

    fn on(&self, name: &str) -> bool {
        self.values.get(name).is_some_and(is_on)
    }
}

pub fn is_on(value: &OptionValue) -> bool {
    *value != OptionValue::Off
}
