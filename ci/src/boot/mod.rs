//! Boots an image in QEMU and asks it, from outside, by its real client.
//!
//! ```text
//!  kernel + root + environment --start--> Guest --check--> Answers --power_off--> gone
//! ```
//! Never: prints, leaves a guest behind when we die, opens a port on anything but 127.0.0.1, or trusts `/dev/kvm`
//! before it has booted our own kernel.
//!
//! What it asks of the agent: it writes `ready <ms> ms …` or `not ready: <reason>` on the console, as a line of its own,
//! powers the machine off when the console says `poweroff`, and tells what it comes to on `figures` (`figures.rs`).

mod accelerator;
mod answer;
mod certificate;
mod console;
pub mod ctl;
mod error;
mod figures;
mod guest;
mod machine;
pub mod monitor;
mod port;
pub mod session;
#[cfg(test)]
mod tests;
mod tether;
mod trial;

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

pub use accelerator::{Accelerator, accelerator};
pub use answer::{Answer, Check, Desk, check, check_within};
pub use certificate::certificate;
pub use error::BootError;
pub use figures::{Figures, Listen};
pub use guest::{Guest, Ready, Stopper};
pub use trial::{Trial, prepare};

/// A guest under emulation on two busy cores is ready in 2 to 6 s; one that is not after this is stuck.
pub const READY_LIMIT: Duration = Duration::from_secs(120);
/// How long a guest may take to power off before it is killed.
pub const POWER_OFF_LIMIT: Duration = Duration::from_secs(15);

/// One machine to boot.
#[derive(Debug)]
pub struct Boot {
    /// A bzImage with virtio-blk, erofs and the serial console built in.
    pub kernel: PathBuf,
    /// The root, an erofs image; the guest gets it read-only.
    pub root: PathBuf,
    /// A disk that lasts, which the guest finds by its serial `rootbrew-data`; raw, and written.
    pub data: Option<PathBuf>,
    /// A debug volume, which the guest finds by its serial `rootbrew-debug` and is told to take; read only.
    pub debug: Option<PathBuf>,
    pub memory_mb: u32,
    pub cpus: u32,
    /// Words for the kernel, after ours (`console=`, `root=`, …).
    pub cmdline: Vec<String>,
    /// The environment, TOML if it is a good one; the guest finds it as fw_cfg `opt/org.rootbrew/environment.toml`.
    pub environment: Vec<u8>,
    /// Ports of the guest, TCP and UDP, that are reached through a free port of 127.0.0.1.
    pub ports: Vec<u16>,
    pub console: Console,
    /// Where what the guest's observing agent tells is written (`docs/observe.md`): by a port that no other guest has.
    pub observe: Option<PathBuf>,
    /// The socket by which the guest is asked and told while it runs ([`ctl::ask`]); at most 107 bytes long.
    pub control: Option<PathBuf>,
    /// An environment more, which the guest finds by its serial `rootbrew-env`; raw, and only read.
    pub volume: Option<PathBuf>,
    /// The socket of QEMU's own monitor ([`monitor`]); at most 107 bytes long.
    pub monitor: Option<PathBuf>,
}

/// Where the guest's console goes, besides into the last lines that an error shows.
#[derive(Debug)]
pub enum Console {
    /// Nowhere; the kernel is told to be quiet.
    Quiet,
    /// Byte for byte into this file, the kernel's own messages included.
    To(File),
}

/// What happens on the way to `ready`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Accelerator(Accelerator),
    Started {
        pid: u32,
    },
    /// The guest's port (first) is reached at 127.0.0.1 and this port (second).
    Forwarded {
        guest: u16,
        host: u16,
    },
    Ready(Ready),
}

/// Boots and waits until the agent's word.
///
/// # Errors
/// QEMU is missing (names the Debian package), kernel or root cannot be read, or the guest said `not ready`, panicked,
/// ended or said nothing within [`READY_LIMIT`]: then with the last lines of its console.
pub fn start(boot: &Boot, events: &mut dyn FnMut(Event)) -> Result<Guest, BootError> {
    error::readable(&boot.kernel)?;
    error::readable(&boot.root)?;
    let accelerator = accelerator(&boot.kernel);
    events(Event::Accelerator(accelerator.clone()));
    // Between our finding a free port and QEMU's taking it, another may take it.
    match attempt(boot, &accelerator, events) {
        Err(error) if guest::lost_a_port(&error) => attempt(boot, &accelerator, events),
        done => done,
    }
}

/// Boots and waits for nothing: for who does not know whether the guest will be ready.
///
/// # Errors
/// QEMU is missing, or kernel or root cannot be read.
pub fn launch(boot: &Boot) -> Result<Guest, BootError> {
    error::readable(&boot.kernel)?;
    error::readable(&boot.root)?;
    guest::launch(boot, &accelerator(&boot.kernel))
}

fn attempt(
    boot: &Boot,
    accelerator: &Accelerator,
    events: &mut dyn FnMut(Event),
) -> Result<Guest, BootError> {
    let mut guest = guest::launch(boot, accelerator)?;
    events(Event::Started { pid: guest.pid() });
    guest.ports().for_each(|(guest, host)| events(Event::Forwarded { guest, host }));
    events(Event::Ready(guest.until_ready(READY_LIMIT)?));
    Ok(guest)
}
