//! What the agent does for the machine itself: what lasts (`[data]`), the kernel's knobs (`[sysctl]`), whose environment
//! is believed (`environment_key`).

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read, Scalar, Table, Written};

use super::service::AbsolutePath;
use super::{Asked, Role, Service};

/// The data partition. Without the table, `/data` is memory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// Folders below `/data`.
    pub paths: Vec<Written<String>>,
    pub lost: Lost,
    pub check_s: u64,
}

/// What becomes of a machine whose data partition cannot be repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Lost {
    #[default]
    Memory,
    Fresh,
    Stop,
}

impl Read for Data {
    fn read(at: &Place, faults: &mut Faults) -> Option<Data> {
        let mut table = at.table("a table", faults)?;
        let paths: Vec<Written<AbsolutePath>> =
            table.need("paths", "what lasts, as `paths = [\"/data/db\"]`").unwrap_or_default();
        for path in &paths {
            let inside =
                path.value.0.strip_prefix("/data/").is_some_and(|rest| !rest.starts_with(".rootbrew"));
            if !inside && !path.value.0.is_empty() {
                let message = format!("`{}` is not below `/data`", path.value.0);
                table.fault(path.span.clone(), message, "the data partition is there, and nowhere else");
            }
        }
        let paths = paths.into_iter().map(|path| Written { value: path.value.0, span: path.span }).collect();
        let data =
            Data { paths, lost: table.or_default("lost"), check_s: table.take("check_s").unwrap_or(300) };
        table.close("in `data`");
        Some(data)
    }
}

impl Read for Lost {
    fn read(at: &Place, faults: &mut Faults) -> Option<Lost> {
        let words = [("memory", Lost::Memory), ("fresh", Lost::Fresh), ("stop", Lost::Stop)];
        at.word("way to go on", &words, faults)
    }
}

/// Names as sysctl(8) has them, each with an integer or a text of one line.
pub fn sysctl(table: &mut Table) -> Named<Scalar> {
    let knobs: Named<Scalar> = table.or_default("sysctl");
    for (name, value) in knobs.iter() {
        let letter = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let fits = |part: &str| !part.is_empty() && part.chars().all(letter);
        if !(name.contains('.') && name.split('.').all(fits)) {
            let help = "as \"net.core.somaxconn\", in quotes";
            table.fault(value.span.clone(), format!("`{name}` is no knob of the kernel"), help);
        }
        let whole = match &value.value {
            Scalar::Integer(_) => true,
            Scalar::String(text) => !text.contains('\n'),
            Scalar::Bool(_) => false,
        };
        if !whole {
            table.fault(value.span.clone(), "no value of a knob", "an integer, or a text of one line");
        }
    }
    knobs
}

/// ed25519: 32 bytes are 44 letters of base64, of which the last is `=`.
pub fn environment_key(table: &mut Table) -> Option<Written<String>> {
    let key: Option<Written<String>> = table.take("environment_key");
    if let Some(key) = &key {
        let letter = |c: char| c.is_ascii_alphanumeric() || "+/".contains(c);
        let whole =
            key.value.len() == 44 && key.value.strip_suffix('=').is_some_and(|rest| rest.chars().all(letter));
        if !whole {
            let help = "32 bytes in base64 (hosts.md, \"Signed\")";
            table.fault(key.span.clone(), "no ed25519 public key", help);
        }
    }
    key
}

/// What a service writes below `/data` lasts, or is said to be elsewhere.
pub fn check(role: &Role, table: &mut Table) {
    let Some(data) = &role.data else { return };
    let lasts = |path: &str| {
        data.paths.iter().any(|one| {
            path.strip_prefix(one.value.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    for (name, service) in role.services.iter() {
        let Service { writes, .. } = &service.value;
        for path in writes.iter().filter(|path| path.starts_with("/data") && !lasts(path)) {
            let message = format!("`{name}` writes `{path}`, which is in none of `data.paths`");
            table.fault(service.span.clone(), message, "name it there, or let it write to `/run`");
        }
    }
}

/// The recipe whose programs make and check the partition, and the option of a kernel that can mount it.
const MAKER: &str = "e2fsprogs";
const OPTION: &str = "data";
pub const PROGRAMS: [&str; 2] = ["mke2fs", "e2fsck"];

/// What a data partition needs and nobody has to write: its maker's keg, the kernel's option.
pub fn fill(role: &mut Role) {
    if role.data.is_none() {
        return;
    }
    if !role.kegs.iter().any(|keg| keg.name == MAKER) {
        let maker = Asked { name: MAKER.to_string(), slot: None };
        role.kegs.push(Written { value: maker, span: 0..0 });
    }
    if let Some(kernel) = &role.kernel {
        let nothing = || Written { value: Named::default(), span: 0..0 };
        let options = role.options.0.entry(kernel.name.clone()).or_insert_with(nothing);
        let on = || Written { value: Scalar::Bool(true), span: 0..0 };
        options.value.0.entry(OPTION.into()).or_insert_with(on);
    }
}
