//! Actions beside a keg's build, made of its parts: test programs compiled against it, upstream's own suite.
//!
//! Keyed, locked and recorded as every action is; what such a one leaves when it fails is not kept, only its log.

use std::sync::atomic::AtomicBool;

use kegs::{Digest, Keyed, Outcome, Store};

use super::action::{Ground, Prepared, kegs_seen, of_script};
use super::again::unfollowed;
use super::execute::{Failure, Manner};
use super::left;
use crate::plan::Plan;
use crate::preset::{self, KegAt, Place};

/// Where a beside action's output lies, in place of a keg's prefix: no recipe can have this name.
pub const PLACE: &str = "/kegs/.test/0";

/// What compiles against a keg: the sight of its own build, and the keg.
pub struct Against<'a> {
    pub plan: &'a Plan,
    pub at: usize,
    /// Kegs besides, whose headers and libraries are used too.
    pub besides: &'a [usize],
    pub outputs: &'a [Digest],
}

impl Against<'_> {
    /// An action that runs `script` there. `files`: path inside and bytes.
    pub fn prepared(&self, ground: &Ground, script: String, mut files: Vec<(String, Vec<u8>)>) -> Prepared {
        let variant = &self.plan.nodes()[self.at].variant;
        let (link, build) = (self.linked(), self.run());
        let at = |places: &[usize]| places.iter().map(|&place| self.keg_at(place)).collect::<Vec<_>>();
        let (link_at, build_at) = (at(&link), at(&build));
        let place = Place { link: &link_at, build: &build_at, profile: &ground.profile };
        let mut environment = preset::environment(variant, &place);
        environment.insert("KEG".into(), PLACE.into());
        let all: Vec<usize> = link.into_iter().chain(build).collect();
        let kegs = kegs_seen(self.plan, &sorted(all), &|at| self.outputs.get(at).copied());
        files.push(("steps/run".into(), script.into_bytes()));
        of_script(ground, variant, environment, Vec::new(), files, kegs.unwrap_or_default())
    }

    /// The keg first, so that it wins over what it links.
    fn linked(&self) -> Vec<usize> {
        let mut linked = vec![self.at];
        linked.extend(self.plan.link_closure(self.at));
        for &beside in self.besides {
            linked.push(beside);
            linked.extend(self.plan.link_closure(beside));
        }
        let mut known = std::collections::BTreeSet::new();
        linked.retain(|at| known.insert(*at));
        linked
    }

    fn run(&self) -> Vec<usize> {
        let sight = self.plan.sight(self.at);
        [sight.tool, sight.build].concat()
    }

    fn keg_at(&self, at: usize) -> KegAt {
        let variant = &self.plan.nodes()[at].variant;
        KegAt { name: variant.name.clone(), slot: variant.slot.clone(), prefix: variant.keg() }
    }
}

fn sorted(mut places: Vec<usize>) -> Vec<usize> {
    places.sort_unstable();
    places.dedup();
    places
}

/// What it came to: from the store (`true` beside it), or run now and recorded.
pub fn run(
    store: &Store,
    ground: &Ground,
    (prepared, keyed): (&Prepared, &Keyed),
    name: &str,
    manner: &Manner,
    cancel: &AtomicBool,
) -> Result<(Outcome, Came), Failure> {
    let (outcome, found) = store.once(keyed, || {
        let ran = unfollowed(store, ground, (prepared, keyed), name, manner, cancel).run();
        left::forget(store, name).ok();
        Ok::<_, Failure>(ran?.outcome)
    })?;
    Ok((outcome, if found { Came::Found } else { Came::Ran }))
}

/// Where an outcome is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    Found,
    Ran,
}
