//! A proof: an image that was booted and answered what its role asks. Remembered by the image's bytes, so that none is booted
//! to know it again; never by a name.

use assembler::role::Role;
use ci::boot::Listen;
use kegs::{Digest, Faults, Store};
use serde::{Deserialize, Serialize};

use super::image::Image;
use super::limits;
use super::machine::{self, Came, Machine};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// So many samples of one image are remembered.
const SAMPLES_MAX: usize = 16;
const NOTE: &str = "boots";

/// What boots of one image came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Boots {
    /// The guest's own clock, since its kernel's start.
    pub ready_ms: Vec<u64>,
    pub ram_bytes: Vec<u64>,
    /// `tcp 0.0.0.0:443`.
    pub ports: Vec<String>,
    /// The last lines that the guest wrote.
    #[serde(default)]
    pub console: Vec<String>,
    /// Every check was answered, and every limit kept: by these files of the role.
    pub asked_by: String,
}

/// Root and kernel, by content.
pub fn id(image: &Image) -> String {
    let kernel = std::fs::File::open(image.kernel()).and_then(Digest::of_reader);
    let kernel = kernel.map_or(String::new(), |kernel| kernel.hex());
    Digest::of(format!("{} {kernel}", image.facts.root_sha256).as_bytes()).hex()
}

impl Boots {
    /// Of an image, by its `id`.
    pub fn remembered(store: &Store, id: &str) -> Option<Boots> {
        serde_json::from_slice(&store.note(NOTE, id)?).ok()
    }

    pub fn remember(&mut self, store: &Store, id: &str) -> Result<()> {
        for samples in [&mut self.ready_ms, &mut self.ram_bytes] {
            samples.drain(..samples.len().saturating_sub(SAMPLES_MAX));
        }
        Ok(store.set_note(NOTE, id, &serde_json::to_vec(self).unwrap_or_default())?)
    }

    /// One boot more.
    pub fn take(&mut self, came: &Came) {
        self.ready_ms.extend(came.ready.map(|ready| ready.since_kernel_ms));
        self.ram_bytes.extend(came.first.ram_bytes);
        let one = |listen: &Listen| format!("{} {}:{}", listen.protocol, listen.address, listen.port);
        self.ports = came.first.lasting(&came.last).iter().map(one).collect();
        self.ports.dedup();
        self.console.clone_from(&came.console);
    }
}

/// The proof of an image: remembered, or made now.
///
/// # Errors
/// It does not boot, answer or keep its limits; its role has nothing to ask.
pub fn of(context: &Context, store: &Store, role: &Role, image: &Image) -> Result<Boots> {
    let (id, by) = (id(image), asked_by(role));
    let mut boots = Boots::remembered(store, &id).unwrap_or_default();
    if boots.asked_by == by {
        return Ok(boots);
    }
    let mut over = Vec::new();
    for _ in 0..limits::BOOTS_MAX {
        let came = once(context, role, image)?;
        boots.take(&came);
        over = limits::of_guest(role, came.ready, &came.first, &came.last);
        // One slow boot is noise until a second says the same.
        if over.is_empty() {
            break;
        }
    }
    Faults(over).or(())?;
    boots.asked_by = by;
    boots.remember(store, &id)?;
    Ok(boots)
}

/// Remembers what proved an image just now.
pub fn keep(store: &Store, role: &Role, image: &Image, came: &Came) -> Result<()> {
    let id = id(image);
    let mut boots = Boots::remembered(store, &id).unwrap_or_default();
    boots.take(came);
    boots.asked_by = asked_by(role);
    boots.remember(store, &id)
}

/// Booted as roles are tried, and asked.
pub fn once(context: &Context, role: &Role, image: &Image) -> Result<Came> {
    if role.checks.is_empty() {
        return Err(Trouble::Failed(format!("role `{}` has no [[check]]: nothing proves it", role.name)));
    }
    let machine = Machine::new(role, image, machine::TRIED)?;
    machine.ask(context, machine.start(context)?)
}

/// What asks besides the image: the role's checks are in it, the files of its trial are not.
pub fn asked_by(role: &Role) -> String {
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
