//! What a change changes: the tap as it stands beside the tap at a commit, both planned, their keys compared.
//!
//! ```text
//! differs   which files are other, by git                          (workbench::revision)
//! sides     both taps planned; only what differs is read twice     (side.rs)
//! compare   node by node: the same action, another, or perhaps     (compare.rs)
//! told      recipes, facts, tests, roles, each with its reason     (told.rs)
//! ```
//! By key and not by folder: a comment affects nothing. It builds nothing and writes nothing but the folder, gone with
//! [`Sides`], in which what differs of the commit is laid out.

mod compare;
mod side;
#[cfg(test)]
mod tests;
mod told;

use std::path::Path;

use assembler::role::Role;
use builder::plan::{AskedKeg, Plan};
use builder::recipe::Catalogue;
use builder::schedule::action::{Ground, PrepareError};
use builder::schedule::outlook::{self, Outlook};
use kegs::{Digest, Faults, Store};
use workbench::revision::{Revision, RevisionError};

pub use compare::{Bytes, Compared, Outputs, Pair, State};
pub use side::{Differs, Planned, Side, Sides};
pub use told::{Affected, Keg, Recipe, RoleChange, Why, in_image};

/// Which tap, and how it is built.
pub struct Wish<'a> {
    pub tap: &'a Path,
    /// A file of `toolchains/`.
    pub toolchain: &'a str,
    pub arch: &'a str,
    /// What a role's plan has that the role does not say.
    pub beside: &'a dyn Fn(&Role, &Catalogue) -> Option<AskedKeg>,
}

#[derive(Debug, thiserror::Error)]
pub enum AffectedError {
    #[error("{0}")]
    Faults(Faults),
    #[error(transparent)]
    Revision(#[from] RevisionError),
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    #[error("cannot make a temporary folder: {0}")]
    Folder(#[from] std::io::Error),
}

impl From<Faults> for AffectedError {
    fn from(faults: Faults) -> AffectedError {
        AffectedError::Faults(faults)
    }
}

/// What the store knows of both sides: two grounds, of which each may lack a seed.
pub struct Known<'a> {
    pub store: &'a Store,
    pub new: &'a Ground,
    pub base: &'a Ground,
}

/// A target's plans compared; by what the store has, where it has both sides' seeds.
///
/// # Errors
/// A file that a recipe names can't be read; the store's.
pub fn compare(
    sides: &Sides,
    new: &Plan,
    base: &Plan,
    known: Option<&Known>,
) -> Result<Compared, AffectedError> {
    let Some(base_side) = &sides.base else {
        return Ok(Compared::all_new(new.nodes().len()));
    };
    let (new_ground, base_ground) = (sides.new.stand_in(), base_side.stand_in());
    let pair = Pair {
        new,
        base,
        new_ground: &new_ground,
        base_ground: &base_ground,
        touched: &sides.differs.recipes,
        all_touched: sides.differs.ground,
    };
    pair.compare(|| match known {
        Some(known) => Ok((outputs(new, known.store, known.new)?, outputs(base, known.store, known.base)?)),
        None => Ok((Vec::new(), Vec::new())),
    })
}

/// What each node came to, where that is in the store.
fn outputs(plan: &Plan, store: &Store, ground: &Ground) -> Result<Vec<Option<Digest>>, AffectedError> {
    let output = |outlook: Outlook| match outlook {
        Outlook::InStore { outcome, .. } => Some(outcome.output),
        _ => None,
    };
    Ok(outlook::outlook(plan, store, ground)?.into_iter().map(output).collect())
}

/// All of it told: recipes, facts, tests, roles.
///
/// # Errors
/// As [`compare`]'s.
pub fn affected(sides: &Sides, known: Option<&Known>) -> Result<Affected, AffectedError> {
    told::tell(sides, known)
}

/// The commit that a change is compared with: where `HEAD` left the line that is named, or the main line.
///
/// # Errors
/// No repository, no such commit.
pub fn base(tap: &Path, rev: Option<&str>) -> Result<Revision, AffectedError> {
    Ok(workbench::revision::open(tap, &workbench::revision::fork(tap, rev)?)?)
}
