//! A role of the change, booted and asked; what it came to is remembered by its bytes, so that no image is booted to know it
//! again, and a base's is only looked up.

use assembler::role::Role;
use ci::report::{Asked, Figure, Noise, Report, Role as Told, Sides, Unit};
use kegs::Faults;

use super::Change;
use super::images::{Made, faults};
use crate::trouble::{Result, Trouble};
use crate::work::proof::{self, Boots};
use crate::work::{image, limits};

/// A difference beyond the noise is looked at so often.
const BOOTS_MAX: usize = 3;

/// Boots the new image unless the same bytes were asked already, and adds what it came to.
pub fn ask(
    change: &Change,
    new: &Made,
    old: Option<&Made>,
    told: &mut Told,
    report: &mut Report,
) -> Result<()> {
    let role = image::role(&new.target)?;
    let id = proof::id(&new.image);
    let before = old.and_then(|old| Boots::remembered(change.store, &proof::id(&old.image)));
    let mut boots = Boots::remembered(change.store, &id).unwrap_or_default();
    let by = proof::asked_by(role);
    told.asked = match reason_not(change, role) {
        Some(why) => Asked::No(why.to_string()),
        None if boots.asked_by == by => Asked::Before,
        None => match proven(change, role, new, before.as_ref(), &mut boots)? {
            Proof::Good => {
                boots.asked_by = by;
                Asked::Ready
            }
            Proof::Over(over) => {
                report.failures.extend(faults(&role.name, "limits", over.or(()).map_err(Trouble::Faults))?);
                Asked::Ready
            }
            Proof::Failed(trouble) => {
                report.failures.extend(faults(&role.name, "boot", Err(trouble))?);
                Asked::Failed
            }
        },
    };
    if told.asked == Asked::Ready {
        boots.remember(change.store, &id)?;
    }
    figures(told, role, &boots, before.as_ref());
    Ok(())
}

/// Why a role is not booted.
fn reason_not(change: &Change, role: &Role) -> Option<&'static str> {
    match () {
        () if change.wish.no_boot => Some("not booted"),
        () if role.checks.is_empty() => Some("no check"),
        () => None,
    }
}

enum Proof {
    Good,
    Over(Faults),
    Failed(Trouble),
}

fn proven(
    change: &Change,
    role: &Role,
    new: &Made,
    before: Option<&Boots>,
    boots: &mut Boots,
) -> Result<Proof> {
    let mut over = Faults::default();
    for _ in 0..BOOTS_MAX {
        match proof::once(change.context, role, &new.image) {
            Ok(came) => {
                boots.take(&came);
                over = Faults(limits::of_guest(role, came.ready, &came.first, &came.last));
            }
            Err(Trouble::Cancelled) => return Err(Trouble::Cancelled),
            Err(trouble) => return Ok(Proof::Failed(trouble)),
        }
        let moved = ready_figure(role, boots, before).and_then(|figure| figure.moved()).unwrap_or(0);
        // One slow boot is noise until a second says the same; nothing else of a machine is.
        if over.0.is_empty() && moved == 0 {
            break;
        }
    }
    Ok(if over.0.is_empty() { Proof::Good } else { Proof::Over(over) })
}

fn ready_figure(role: &Role, new: &Boots, old: Option<&Boots>) -> Option<Figure> {
    measured("boot_ms", Unit::Milliseconds, role, &new.ready_ms, old.map(|old| old.ready_ms.as_slice()))
}

/// The least of all boots: what is slower is the machine's.
fn measured(key: &str, unit: Unit, role: &Role, new: &[u64], old: Option<&[u64]>) -> Option<Figure> {
    let old = old.unwrap_or_default();
    Some(Figure {
        key: key.to_string(),
        unit,
        new: *new.iter().min()?,
        old: old.iter().min().copied(),
        noise: Some(Noise::of(new, old)),
        limit: role.limits.most(assembler::role::limits::measure_of(key)),
    })
}

fn figures(told: &mut Told, role: &Role, new: &Boots, old: Option<&Boots>) {
    let ram = old.map(|old| old.ram_bytes.as_slice());
    told.figures.extend(measured("ram_idle", Unit::Bytes, role, &new.ram_bytes, ram));
    told.figures.extend(ready_figure(role, new, old));
    if !new.asked_by.is_empty() {
        // What really listens, where both were asked.
        if let Some(old) = old {
            told.ports = Sides { new: new.ports.clone(), old: Some(old.ports.clone()) };
        } else {
            told.ports = Sides { new: new.ports.clone(), old: None };
        }
    }
}
