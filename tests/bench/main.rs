//! Benchmarks: each figure that issue 3 asks for, measured on the built program, beside something that is known.
//!
//! `cargo bench -p rootbrew --bench bench -- NAME [--store DIR] [--sources DIR] [--rounds N]`, one NAME a file here. All of
//! a benchmark's rivals take turns in one run, so that they meet the same load; minimum and median are shown, because a
//! loaded machine moves the one less than the other. Nothing is asserted: speed is read by people.

mod affected;
mod assemble;
mod catalogue;
mod channel;
mod generate;
mod host;
mod keg;
mod new;
mod noop;
mod plan;
mod sandbox;
mod site;
mod store;
mod table;
mod warm;
mod web;

use std::path::PathBuf;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What every benchmark may be told.
pub struct Wish {
    /// A store with the role `web` in it; never changed: what is measured is a copy.
    pub store: PathBuf,
    pub sources: Option<PathBuf>,
    pub rounds: Option<usize>,
}

impl Wish {
    pub fn rounds(&self, usual: usize) -> usize {
        self.rounds.unwrap_or(usual).max(1)
    }
}

fn main() -> Result<()> {
    // Benchmarks start sandboxes by themselves, and the helper is the program that runs.
    builder::sandbox::helper_main_if_asked();
    let mut names = Vec::new();
    let mut wish = Wish { store: usual_store(), sources: None, rounds: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or(format!("{word} wants a value"));
        match word.as_str() {
            "--store" => wish.store = value()?.into(),
            "--sources" => wish.sources = Some(value()?.into()),
            "--rounds" => wish.rounds = Some(value()?.parse()?),
            // Cargo's own word for "you are a benchmark".
            "--bench" => {}
            name => names.push(name.to_string()),
        }
    }
    names.iter().try_for_each(|name| run(name, &wish))
}

fn run(name: &str, wish: &Wish) -> Result<()> {
    table::head(name)?;
    match name {
        "noop" => noop::run(wish),
        "plan" => plan::run(wish, 1_000, "50 ms"),
        "plan-10000" => plan::run(wish, 10_000, "400 ms"),
        "keg" => keg::run(wish),
        "sandbox" => sandbox::run(wish),
        "store" => store::run(wish),
        "web" => web::run(wish),
        "host" => host::run(wish),
        "catalogue" => catalogue::run(wish),
        "channel" => channel::run(wish),
        "site" => site::run(wish),
        "new" => new::run(wish),
        "assemble" => assemble::run(wish),
        "affected" => affected::run(wish, 1_000, "200 ms"),
        other => Err(format!(
            "no benchmark `{other}`: noop, plan, plan-10000, keg, sandbox, store, web, catalogue, new, assemble, affected, channel, site, host"
        )
        .into()),
    }
}

fn usual_store() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    cache.unwrap_or_default().join("rootbrew/store")
}
