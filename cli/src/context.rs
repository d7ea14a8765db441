//! The context: the command line's common words, resolved once.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use builder::fetch::{Mirror, Network, Places, Registry};
use builder::sandbox::Limits;
use builder::schedule::Cancel;
use kegs::Store;

use crate::arguments::Global;
use crate::trouble::{Result, Trouble};
use crate::work::cache::Source;

pub struct Context {
    pub tap: PathBuf,
    pub store: PathBuf,
    pub jobs: usize,
    pub json: bool,
    pub places: Places,
    pub toolchain: String,
    pub trace: Option<PathBuf>,
    pub cancel: Arc<Cancel>,
    pub limits: Limits,
    /// What the store asks for what it lacks.
    pub cache: Arc<Source>,
}

impl Context {
    pub fn new(global: Global) -> Result<Context> {
        let cache = cache_folder()?;
        let tap = match global.tap {
            Some(tap) => tap,
            None => nearest_tap(&std::env::current_dir().map_err(failed)?)?,
        };
        let mirrors = global.mirror.iter().map(|text| mirror(text)).collect::<Result<_>>()?;
        let network = if global.offline { Network::Offline } else { Network::Allowed };
        let places = Places {
            folders: global.sources,
            mirrors,
            apt: Some(cache.join("apt")),
            registry: Some(Registry::new(&cache.join("cargo"))),
            network,
            ..Places::default()
        };
        let cancel = cancel_by_signal()?;
        Ok(Context {
            cache: Source::new(&global.cache, &places, &cancel, global.json)?,
            tap,
            store: global.store.unwrap_or_else(|| cache.join("store")),
            jobs: global.jobs.unwrap_or_else(processors).max(1),
            json: global.json,
            places,
            toolchain: global.toolchain,
            trace: global.trace,
            cancel,
            limits: limits(&global.limit)?,
        })
    }

    /// The same words for another tap.
    pub fn at(&self, tap: &Path) -> Context {
        Context {
            tap: tap.to_path_buf(),
            store: self.store.clone(),
            jobs: self.jobs,
            json: self.json,
            places: self.places.clone(),
            toolchain: self.toolchain.clone(),
            trace: self.trace.clone(),
            cancel: self.cancel.clone(),
            limits: self.limits.clone(),
            cache: self.cache.clone(),
        }
    }

    /// The store, made when it is not there: for commands that write.
    pub fn create_store(&self) -> Result<Store> {
        let parent = self.store.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(parent)
            .map_err(|error| Trouble::Failed(format!("cannot create {}: {error}", parent.display())))?;
        let store = Store::create(&self.store)?;
        // What a killed rootbrew left in the stage belongs to nobody when nobody works.
        if let Some(_alone) = store.try_lock_alone()? {
            kegs::collect::sweep_stage(&store)?;
        }
        Ok(store.with_cache(self.cache.clone()))
    }

    /// apt's state of our own.
    pub fn apt(&self) -> PathBuf {
        self.places.apt.clone().unwrap_or_else(|| self.store.join("apt"))
    }

    /// The store, to look at: nothing comes into it.
    pub fn open_store(&self) -> Result<Store> {
        Ok(Store::open(&self.store)?)
    }
}

fn failed(error: std::io::Error) -> Trouble {
    Trouble::Failed(error.to_string())
}

fn cache_folder() -> Result<PathBuf> {
    user_folder("XDG_CACHE_HOME", ".cache", "where the store is: give --store DIR")
}

/// Ours below one of the user's folders (XDG base directory specification): of its variable, else below HOME.
pub fn user_folder(variable: &str, below_home: &str, says: &str) -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(variable).or_else(|| absolute("HOME").map(|home| home.join(below_home)));
    let nobody = || Trouble::Failed(format!("neither {variable} nor HOME says {says}"));
    base.map(|base| base.join("rootbrew")).ok_or_else(nobody)
}

fn nearest_tap(from: &Path) -> Result<PathBuf> {
    let tap = from.ancestors().find(|folder| folder.join("recipes").is_dir());
    tap.map(Path::to_path_buf).ok_or_else(|| {
        Trouble::Failed(format!(
            "no folder upwards of {} holds recipes/: go to a tap, or give --tap DIR",
            from.display()
        ))
    })
}

fn mirror(text: &str) -> Result<Mirror> {
    let (prefix, replacement) = text.split_once('=').ok_or_else(|| {
        Trouble::Failed(format!("--mirror {text}: two URL beginnings with `=` between them are wanted"))
    })?;
    Ok(Mirror { prefix: prefix.into(), replacement: replacement.into() })
}

fn limits(written: &[String]) -> Result<Limits> {
    let mut limits = Limits::default();
    for text in written {
        let refuse = || {
            Trouble::Failed(format!(
                "--limit {text}: wall=SECONDS, memory=BYTES, output=BYTES or processes=N is wanted (bytes as 64M, 2G)"
            ))
        };
        let (name, value) = text.split_once('=').ok_or_else(refuse)?;
        let count = count(value).ok_or_else(refuse)?;
        match name {
            "wall" => limits.wall_s = count as f64,
            "memory" => limits.memory_bytes = count,
            "output" => limits.output_bytes = count,
            "processes" => limits.processes = count,
            _ => return Err(refuse()),
        }
    }
    Ok(limits)
}

/// `64M` and the like, in powers of two as memory is counted.
fn count(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(['K', 'M', 'G']);
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(1 << shift)
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// The first Ctrl-C (or SIGTERM) ends the builds in order; the second ends us.
fn cancel_by_signal() -> Result<Arc<Cancel>> {
    let cancel = Arc::new(Cancel::default());
    let heard = cancel.clone();
    let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM];
    let mut signals = signal_hook::iterator::Signals::new(signals).map_err(failed)?;
    std::thread::spawn(move || {
        for _ in signals.forever() {
            if heard.is_said() {
                // The sandboxes die with us; the store holds only whole things at any instant.
                std::process::exit(130);
            }
            heard.cancel();
        }
    });
    Ok(cancel)
}
