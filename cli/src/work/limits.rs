//! A role's limits, judged: of its image when that is made or found, of its machine when that runs.

use std::collections::BTreeSet;

use assembler::limit::{self, Listens, Sizes};
use assembler::role::Role;
use assembler::{ImageTree, role::limits::measure_of};
use builder::plan::Plan;
use ci::boot::{Figures, Listen, Ready};
use kegs::{Fault, Faults};
use workbench::lint::role::licenses::{self, Licensed};

use super::image::{self, Image};
use super::{Target, pid1};
use crate::terminal::{bytes, event};
use crate::trouble::Result;

/// What an image has over its role's limits: all of it at once.
pub fn of_image(target: &Target, image: &Image) -> Result<()> {
    let role = image::role(target)?;
    let tree = image.tree()?;
    let facts = &image.facts;
    let sizes = Sizes {
        root_disk_bytes: facts.root_bytes,
        root_wire_bytes: facts.root_wire_bytes.unwrap_or_default(),
        kernel_bytes: facts.kernel_bytes,
    };
    let mut faults = limit::over(role, &tree, &sizes);
    faults.extend(licenses::over(role, &licensed(&target.plan, role, &tree)));
    Ok(Faults(faults).or(())?)
}

/// The kegs whose files or code are in an image, each once, with its recipe's licence.
pub fn licensed(plan: &Plan, role: &Role, tree: &ImageTree) -> Vec<Licensed> {
    let mut found = BTreeSet::new();
    let mut add = |at: usize, why: String| {
        let node = &plan.nodes()[at];
        if !found.iter().any(|known: &Licensed| known.keg == node.name()) {
            found.insert(Licensed { keg: node.name(), license: node.variant.license.clone(), why });
        }
    };
    let here: Vec<usize> = (0..plan.nodes().len())
        .filter(|at| tree.get(&plan.nodes()[*at].variant.keg()).is_some_and(|node| node.is_folder()))
        .collect();
    here.iter().for_each(|at| add(*at, "its files are in the image".into()));
    let kernel = role.kernel.as_ref().and_then(|kernel| image::place(plan, &kernel.name));
    kernel.into_iter().for_each(|at| add(at, "the kernel".into()));
    let agent = pid1::place(plan);
    agent.into_iter().for_each(|at| add(at, "PID 1".into()));
    for at in here.into_iter().chain(agent) {
        let into = format!("linked into {}", plan.nodes()[at].name());
        plan.link_closure(at).into_iter().for_each(|dep| add(dep, into.clone()));
    }
    found.into_iter().collect()
}

/// What a guest that has been asked has over its role's limits. `first` is of the moment when it was ready, `last` of the one
/// when its checks had been answered.
pub fn of_guest(role: &Role, ready: Option<Ready>, first: &Figures, last: &Figures) -> Vec<Fault> {
    let ram = first.ram_bytes.and_then(|found| limit::exceeds(role, "ram_idle", found));
    let help =
        "MemTotal - MemAvailable, as the guest itself said when it was ready; pages of files are not in it";
    let mut faults: Vec<Fault> = ram.into_iter().map(|fault| fault.help(help)).collect();
    let boot = ready.and_then(|ready| limit::exceeds(role, "boot_ms", ready.since_kernel_ms));
    faults.extend(
        boot.map(|fault| fault.help(format!("the guest's own clock, the least of {BOOTS_MAX} boots"))),
    );
    faults.extend(limit::ports(role, &listens(&first.lasting(last))));
    faults
}

/// A busy machine makes one boot slow and not three.
pub const BOOTS_MAX: usize = 3;

/// Whether a boot took longer than it may: then another is tried.
pub fn is_slow(role: &Role, ready: Option<Ready>) -> bool {
    let most = role.limits.most(measure_of("boot_ms"));
    ready.zip(most).is_some_and(|(ready, most)| ready.since_kernel_ms > most)
}

/// What the guest said, in a line or two.
pub fn show(role: &Role, first: &Figures, last: &Figures) {
    let lasting = first.lasting(last);
    let one = |listen: &Listen| format!("{} {}:{}", listen.protocol, listen.address, listen.port);
    let all: Vec<String> = lasting.iter().map(one).collect();
    let ram = first.ram_bytes.map_or("unknown".into(), bytes);
    event("guest", &role.name, &format!("{ram} in use when ready; listens on {}", all.join(", ")));
    for port in limit::idle_ports(role, &listens(&lasting)) {
        event("note", &role.name, &format!("`ports` lists {port}, and nobody listens on it"));
    }
}

fn listens(all: &[Listen]) -> Vec<Listens> {
    let one = |listen: &Listen| Listens {
        port: listen.port,
        on: format!("{} {}", listen.protocol, listen.address),
        by: listen.by.clone(),
    };
    all.iter().map(one).collect()
}

/// The same as data.
pub fn json(first: &Figures, last: &Figures) -> serde_json::Value {
    let one = |listen: &Listen| {
        serde_json::json!({
            "port": listen.port, "protocol": listen.protocol, "address": listen.address.to_string(), "by": listen.by,
        })
    };
    let listens: Vec<_> = first.lasting(last).iter().map(one).collect();
    serde_json::json!({ "event": "guest", "ram_idle_bytes": first.ram_bytes, "listens": listens })
}
