//! A layer: the keys that a recipe, a slot and an architecture have in common.
//!
//! One struct for the three, so that they cannot differ. Laid over one another: lists append, tables merge by key, the
//! rest is replaced; `args_drop` takes away.

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, OneOrMany, Place, Read, Size, Table, Written};

use super::facts::Watch;
use super::own::{CargoWritten, KconfigWritten};
use super::path::{Inside, PathMap};
use super::phrase::Phrase;
use super::runtime::RuntimeWritten;
use super::source::{Sha256, SourceWritten};
use super::variant::{Cc, Dep, Linkage, Preset, Step, Targets};
use super::version::{Version, why_not};
use super::words::Reason;

/// What was written; `None` and empty are "not written".
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layer {
    pub version: Option<Written<Version>>,
    pub source: Option<Written<OneOrMany<SourceWritten>>>,
    pub sha256: Option<Written<Sha256>>,
    pub preset: Option<Written<Preset>>,
    pub cc: Option<Cc>,
    pub linkage: Option<Linkage>,
    pub configure: Option<Phrase>,
    pub args: Vec<Phrase>,
    pub args_drop: Vec<Phrase>,
    pub build_args: Vec<Phrase>,
    pub targets: Targets,
    pub env: Named<Phrase>,
    pub build: Vec<Dep>,
    pub link: Vec<Dep>,
    pub run: Vec<Dep>,
    pub patches: Vec<Inside>,
    pub inject: PathMap<Inside>,
    pub override_steps: Vec<Written<Step>>,
    pub subdir: Option<Inside>,
    pub remove: Vec<Inside>,
    pub keep: Vec<Inside>,
    pub files: PathMap<Inside>,
    pub symlinks: PathMap<Phrase>,
    pub keep_static: Option<bool>,
    pub debug: Option<bool>,
    pub without: BTreeMap<String, String>,
    pub memory: Option<Size>,
    pub jobs: Option<u32>,
    pub kconfig: Option<KconfigWritten>,
    pub cargo: Option<CargoWritten>,
    pub provides: Vec<Written<String>>,
    pub runtime: RuntimeWritten,
    pub watch: Option<Watch>,
    pub eol: Option<Written<String>>,
    pub deprecated: Option<String>,
}

impl Layer {
    pub fn take(table: &mut Table) -> Layer {
        Layer {
            version: table.take("version"),
            source: table.take("source"),
            sha256: table.take("sha256"),
            preset: table.take("preset"),
            cc: table.take("cc"),
            linkage: table.take("linkage"),
            configure: table.take("configure"),
            args: table.or_default("args"),
            args_drop: table.or_default("args_drop"),
            build_args: table.or_default("build_args"),
            targets: table.or_default("targets"),
            env: env(table),
            build: table.or_default("build"),
            link: table.or_default("link"),
            run: table.or_default("run"),
            patches: table.or_default("patches"),
            inject: table.or_default("inject"),
            override_steps: table.or_default("override"),
            subdir: table.take("subdir"),
            remove: table.or_default("remove"),
            keep: table.or_default("keep"),
            files: table.or_default("files"),
            symlinks: symlinks(table),
            keep_static: table.take("static"),
            debug: table.take("debug"),
            without: without(table),
            memory: table.take("memory"),
            jobs: jobs(table),
            kconfig: table.take("kconfig"),
            cargo: table.take("cargo"),
            provides: table.or_default("provides"),
            runtime: table.or_default("runtime"),
            watch: table.take("watch"),
            eol: table.take("eol"),
            deprecated: table.take("deprecated"),
        }
    }

    /// `self`, with `over` laid on it.
    pub fn under(mut self, over: &Layer) -> Layer {
        // Another version or place is other bytes: the digest below is not theirs.
        if over.version.is_some() || over.source.is_some() {
            self.sha256 = None;
        }
        macro_rules! replace { ($($field:ident)*) => { $( if over.$field.is_some() { self.$field = over.$field.clone(); } )* } }
        macro_rules! append { ($($field:ident)*) => { $( self.$field.extend(over.$field.iter().cloned()); )* } }
        macro_rules! merge { ($($field:ident)*) => { $( self.$field.0.extend(over.$field.0.clone()); )* } }
        replace!(version source sha256 preset cc linkage configure subdir keep_static debug memory jobs watch eol deprecated);
        self.args.retain(|arg| over.args_drop.iter().all(|drop| drop.raw != arg.raw));
        append!(args build_args build link run patches override_steps remove keep provides);
        merge!(env inject files symlinks);
        self.without.extend(over.without.clone());
        targets(&mut self.targets, &over.targets);
        self.runtime.add(&over.runtime);
        self.kconfig = KconfigWritten::under(self.kconfig, over.kconfig.as_ref());
        self.cargo = CargoWritten::under(self.cargo, over.cargo.as_ref());
        self
    }

    pub fn deps(&self) -> impl Iterator<Item = &Dep> {
        self.build.iter().chain(&self.link).chain(&self.run)
    }

    /// Those in which `{keg:dep}` is most used: a plan places them, a check looks for the dependency.
    pub fn phrases(&self) -> impl Iterator<Item = &Phrase> {
        let lists = self.args.iter().chain(&self.build_args).chain(&self.configure);
        lists.chain(self.env.values().map(|written| &written.value))
    }
}

fn targets(under: &mut Targets, over: &Targets) {
    for (below, above) in [
        (&mut under.build, &over.build),
        (&mut under.check, &over.check),
        (&mut under.install, &over.install),
    ] {
        if !above.is_empty() {
            below.clone_from(above);
        }
    }
}

impl Read for Targets {
    fn read(at: &Place, faults: &mut Faults) -> Option<Targets> {
        let mut table = at.table("a table", faults)?;
        let mut names = |key| -> Vec<String> {
            table.or_default::<OneOrMany<Phrase>>(key).0.into_iter().map(|phrase| phrase.raw).collect()
        };
        let targets = Targets { build: names("build"), check: names("check"), install: names("install") };
        table.close("in `targets`");
        Some(targets)
    }
}

impl Read for Version {
    fn read(at: &Place, faults: &mut Faults) -> Option<Version> {
        let string = at.string("a version in quotes", faults)?;
        match why_not(string) {
            Some(help) => at.fail(format!("`{string}` is no version"), help, faults),
            None => Version::parse(string),
        }
    }
}

fn env(table: &mut Table) -> Named<Phrase> {
    let env: Named<Phrase> = table.or_default("env");
    for (name, written) in env.iter() {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.chars().all(inner) || name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
            let help = "letters, digits and `_`";
            table.fault(written.span.clone(), format!("`{name}` is no name of a variable"), help);
        }
        if name == "MAKEFLAGS" {
            let help = "the scheduler's job slots come by it; `jobs` limits them";
            table.fault(written.span.clone(), "`MAKEFLAGS` is not a recipe's to set", help);
        }
    }
    env
}

fn symlinks(table: &mut Table) -> PathMap<Phrase> {
    let links: PathMap<Phrase> = table.or_default("symlinks");
    for (path, target) in &links.0 {
        if !target.value.raw.starts_with('{') && super::path::link_leaves(path, &target.value.raw) {
            let message = format!("`{}` leaves the keg", target.value.raw);
            table.fault(
                target.value.span.clone(),
                message,
                "a link stays inside its keg, or names another as `{keg:dep}/…`",
            );
        }
    }
    links
}

fn jobs(table: &mut Table) -> Option<u32> {
    let jobs: Written<u32> = table.take("jobs")?;
    if jobs.value == 0 {
        table.fault(jobs.span.clone(), "a build needs a job", "at least 1; leave the key out for no limit");
    }
    Some(jobs.value)
}

/// What a build may leave out, each with a reason.
const PARTS: [&str; 8] =
    ["lto", "pie", "relro", "fortify", "cet", "gc_sections", "stack_protector", "lean_unwind"];

fn without(table: &mut Table) -> BTreeMap<String, String> {
    let parts: Named<Reason> = table.or_default("without");
    for (name, part) in parts.iter().filter(|(name, _)| !PARTS.contains(&name.as_str())) {
        let help = kegs::reader::meant(name, PARTS);
        table.fault_of("T01", part.span.clone(), format!("unknown key `{name}` in `without`"), help);
    }
    parts.0.into_iter().map(|(name, reason)| (name, reason.value.0)).collect()
}
