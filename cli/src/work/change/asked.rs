//! A role of the change, booted and asked; what it came to is remembered by its bytes, so that no image is booted to know it
//! again, and a base's is only looked up.

use assembler::role::Role;
use ci::boot::{Figures, Listen, Ready};
use ci::report::{Asked, Figure, Noise, Report, Role as Told, Sides, Unit};
use kegs::{Digest, Faults, Store};
use serde::{Deserialize, Serialize};

use super::Change;
use super::images::{Made, faults};
use crate::trouble::{Result, Trouble};
use crate::work::image::{self, Image};
use crate::work::limits;
use crate::work::machine::{self, Machine};

/// A difference beyond the noise is looked at so often.
const BOOTS_MAX: usize = 3;
/// So many samples of one image are remembered.
const SAMPLES_MAX: usize = 16;
const NOTE: &str = "boots";

/// What boots of one image came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Boots {
    /// The guest's own clock, since its kernel's start.
    ready_ms: Vec<u64>,
    ram_bytes: Vec<u64>,
    /// `tcp 0.0.0.0:443`.
    ports: Vec<String>,
    /// Every check was answered, by these files of the role.
    asked_by: String,
}

/// Root and kernel, by content.
pub fn id(image: &Image) -> String {
    let kernel = std::fs::File::open(image.kernel()).and_then(Digest::of_reader);
    let kernel = kernel.map_or(String::new(), |kernel| kernel.hex());
    Digest::of(format!("{} {kernel}", image.facts.root_sha256).as_bytes()).hex()
}

impl Boots {
    fn remembered(store: &Store, id: &str) -> Option<Boots> {
        serde_json::from_slice(&store.note(NOTE, id)?).ok()
    }

    fn remember(&mut self, store: &Store, id: &str) -> Result<()> {
        for samples in [&mut self.ready_ms, &mut self.ram_bytes] {
            samples.drain(..samples.len().saturating_sub(SAMPLES_MAX));
        }
        Ok(store.set_note(NOTE, id, &serde_json::to_vec(self).unwrap_or_default())?)
    }

    fn take(&mut self, ready: Option<Ready>, first: &Figures, last: &Figures) {
        self.ready_ms.extend(ready.map(|ready| ready.since_kernel_ms));
        self.ram_bytes.extend(first.ram_bytes);
        let one = |listen: &Listen| format!("{} {}:{}", listen.protocol, listen.address, listen.port);
        self.ports = first.lasting(last).iter().map(one).collect();
        self.ports.dedup();
    }
}

/// Boots the new image unless the same bytes were asked already, and adds what it came to.
pub fn ask(
    change: &Change,
    new: &Made,
    old: Option<&Made>,
    told: &mut Told,
    report: &mut Report,
) -> Result<()> {
    let role = image::role(&new.target)?;
    let id = id(&new.image);
    let before = old.and_then(|old| Boots::remembered(change.store, &self::id(&old.image)));
    let mut boots = Boots::remembered(change.store, &id).unwrap_or_default();
    let by = asked_by(role);
    told.asked = match reason_not(change, role) {
        Some(why) => Asked::No(why.to_string()),
        None if boots.asked_by == by => Asked::Before,
        None => match proven(change, role, new, before.as_ref(), &mut boots)? {
            Proof::Good => Asked::Ready,
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
        boots.asked_by = by;
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
        match once(change, role, &new.image) {
            Ok((ready, first, last)) => {
                boots.take(ready, &first, &last);
                over = Faults(limits::of_guest(role, ready, &first, &last));
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

fn once(change: &Change, role: &Role, image: &Image) -> Result<(Option<Ready>, Figures, Figures)> {
    let machine = Machine::new(role, image, machine::TRIED)?;
    let guest = machine.start(change.context)?;
    let ready = guest.ready_ms();
    let (first, last) = machine.ask(change.context, guest)?;
    Ok((ready, first, last))
}

/// What asks besides the image: the role's checks are in it, the files of its trial are not.
fn asked_by(role: &Role) -> String {
    let mut text = role.text.content.to_string();
    let mut files: Vec<_> =
        std::fs::read_dir(&role.folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.sort();
    for path in files {
        text += &format!(
            "{} {}\n",
            path.file_name().unwrap_or_default().display(),
            std::fs::read(&path).map_or(String::new(), |bytes| Digest::of(&bytes).hex())
        );
    }
    Digest::of(text.as_bytes()).hex()
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
