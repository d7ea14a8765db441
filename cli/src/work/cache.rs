//! The binary cache that the command line names: a line of a channel, by a kept root of trust, as what a store asks for what
//! it lacks. With none named, what was taken another time can still be missed, and is built.
//!
//! It never ends a command: what can't be had is told, and made here.

use std::sync::{Arc, Mutex, PoisonError};

use builder::fetch::Places;
use builder::schedule::Cancel;
use ci::channel::{Taker, Tally, Told};
use kegs::{Cache, Digest, Lent, Store, StoreError};

use super::place::place;
use super::taken;
use crate::terminal::{bytes, data, event, seconds, talk};
use crate::trouble::Result;

/// What a command line says of it.
#[derive(Debug, Clone, clap::Args)]
pub struct Written {
    /// Take kegs and images from a channel's line in place of building them [line: edge]
    #[arg(long, global = true, value_name = "URL|DIR[@LINE]", env = "ROOTBREW_CACHE")]
    cache: Option<String>,
    /// Begin to trust the cache: the sha256 of the channel's first root, or that root in a file
    #[arg(long, global = true, value_name = "SHA256|FILE", env = "ROOTBREW_CACHE_ROOT")]
    cache_root: Option<String>,
}

/// The cache of a run.
#[derive(Debug)]
pub struct Source {
    taker: Option<Taker>,
    json: bool,
    /// What was told of it already.
    said: Mutex<(Tally, usize)>,
    /// Where there is no taker.
    refused: Mutex<usize>,
}

impl Source {
    pub fn new(written: &Written, places: &Places, cancel: &Arc<Cancel>, json: bool) -> Result<Arc<Source>> {
        let given = written.cache.as_deref().filter(|given| !given.is_empty());
        let taker = given.map(|given| taker(given, written.cache_root.as_deref(), places, cancel, json));
        let source =
            Source { taker: taker.transpose()?, json, said: Mutex::default(), refused: Mutex::default() };
        Ok(Arc::new(source))
    }

    /// How often something that was taken could not be had.
    pub fn refused(&self) -> usize {
        let here = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        here + self.taker.as_ref().map_or(0, |taker| taker.tally().refused)
    }

    /// One line of what was taken since the last one.
    pub fn sum_up(&self) {
        let Some(taker) = &self.taker else { return };
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, now) = (said.0.clone(), taker.tally());
        said.0 = now.clone();
        let new = Tally {
            taken: now.taken - before.taken,
            refused: now.refused - before.refused,
            packs: now.packs - before.packs,
            bytes: now.bytes - before.bytes,
            wall_s: now.wall_s - before.wall_s,
        };
        if (new.taken, new.packs, new.refused) == (0, 0, 0) {
            return;
        }
        if self.json {
            let told = serde_json::json!({
                "event": "cache", "from": taker.name(), "taken": new.taken, "refused": new.refused, "packs": new.packs,
                "bytes": new.bytes, "wall_s": new.wall_s,
            });
            return data(&told.to_string());
        }
        let refused = match new.refused {
            0 => String::new(),
            count => format!("; {count} could not be had"),
        };
        let rest = format!("{} packs, {} in {}{refused}", new.packs, bytes(new.bytes), seconds(new.wall_s));
        event("cache", &format!("{} taken from {}", new.taken, taker.name()), &rest);
    }
}

impl Cache for Source {
    fn outcome(&self, key: &Digest) -> Option<Lent> {
        self.taker.as_ref()?.outcome(key)
    }

    fn size_bytes(&self, sha256: &[u8; 32]) -> Option<u64> {
        self.taker.as_ref()?.size_bytes(sha256)
    }

    fn bring(
        &self,
        store: &Store,
        roots: &[Digest],
    ) -> std::result::Result<Vec<(Digest, String)>, StoreError> {
        match &self.taker {
            Some(taker) => taker.bring(store, roots),
            None => {
                let fault = |root: &Digest| {
                    (*root, "it was left where it was taken from, and no --cache is given".into())
                };
                Ok(roots.iter().map(fault).collect())
            }
        }
    }

    fn refuse(&self, key: &Digest, why: &str) {
        match &self.taker {
            Some(taker) => taker.refuse(key, why),
            None => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                tell(
                    self.json,
                    Told::Refused { keg: format!("action {}", key.short()), why: why.to_string() },
                );
            }
        }
    }
}

fn taker(
    given: &str,
    root: Option<&str>,
    places: &Places,
    cancel: &Arc<Cancel>,
    json: bool,
) -> Result<Taker> {
    let (from, line) = taken::channel_and_line(given);
    Ok(Taker {
        place: place(places, from)?,
        line: line.to_string(),
        trusted: taken::state_folder(from)?,
        root: root.filter(|root| !root.is_empty()).map(taken::sha256).transpose()?,
        places: places.clone(),
        cancel: cancel.clone(),
        now_s: ci::channel::now_s,
        told: Box::new(move |told| tell(json, told)),
        state: Default::default(),
    })
}

fn tell(json: bool, told: Told) {
    if json {
        let told = match told {
            Told::Unused(why) => serde_json::json!({ "event": "cache_unused", "why": why }),
            Told::Refused { keg, why } => {
                serde_json::json!({ "event": "cache_refused", "keg": keg, "why": why })
            }
        };
        return data(&told.to_string());
    }
    match told {
        Told::Unused(why) => talk(&format!("warning: the cache is not used: {why}")),
        Told::Refused { keg, why } => talk(&format!("cache   {keg} can't be had, and is made here: {why}")),
    }
}
