//! What a service may: the lines by which it gets more than nothing, or less than there is.

use kegs::fault::Faults;
use kegs::reader::{OneOrMany, Place, Read, Size, Table, meant};

use super::service::{AbsolutePath, Ready, Service};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Confined {
    /// What it reads besides.
    pub reads: Vec<String>,
    /// Calls that it has besides; `None`: all of them.
    pub seccomp: Option<Vec<String>>,
    /// Only its own loopback.
    pub alone: bool,
    pub shares: Vec<String>,
    pub memory_bytes: Option<u64>,
    pub tasks: Option<u64>,
    pub cpu_percent: Option<u64>,
    pub descriptors: Option<u64>,
    pub core_bytes: Option<u64>,
    pub console: bool,
    pub log_bytes: Option<u64>,
}

/// Of a host's own words: `host` reads them, and says what is wrong.
pub struct At<T>(pub T);

impl<T: std::str::FromStr<Err = String>> Read for At<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<At<T>> {
        // A port alone is one of TCP.
        let text = match at.value.is_integer() {
            true => format!("tcp:{}", u16::read(at, faults)?),
            false => at.string("a text", faults)?.to_string(),
        };
        match text.parse() {
            Ok(value) => Some(At(value)),
            Err(fault) => at.fail(fault, "docs/hosts.md has its forms", faults),
        }
    }
}

pub fn take(table: &mut Table) -> Confined {
    let size = |table: &mut Table, key: &'static str| table.take::<Size>(key).map(|size| size.bytes);
    Confined {
        reads: table.or_default::<Vec<AbsolutePath>>("reads").into_iter().map(|path| path.0).collect(),
        seccomp: table.take::<Calls>("seccomp").map_or(Some(Vec::new()), |calls| calls.0),
        alone: table.take::<Network>("network").is_some_and(|network| network == Network::None),
        shares: table.or_default::<OneOrMany<Share>>("shares").0.into_iter().map(|share| share.0).collect(),
        memory_bytes: size(table, "memory"),
        tasks: table.take("tasks"),
        cpu_percent: table.take("cpu"),
        descriptors: table.take("descriptors"),
        core_bytes: size(table, "core"),
        console: table.take("console").unwrap_or(true),
        log_bytes: size(table, "log"),
    }
}

/// What does not go together.
pub fn check(service: &Service, table: &mut Table) {
    let mut fault = |wrong: bool, key: &str, what: &str, help: &str| {
        if wrong {
            let span = table.key_span(key).unwrap_or(table.span.clone());
            table.fault(span, what, help);
        }
    };
    fault(
        service.confined.alone && matches!(service.ready, Ready::Tcp(_)),
        "network",
        "`network = \"none\"`, and `ready` asks a port",
        "nobody reaches it there; as `ready = \"notify\"`, or by a socket: `{ unix = \"/run/x.sock\" }`",
    );
    fault(
        service.once && service.timer.is_some(),
        "once",
        "`once` and `timer` are two",
        "with `timer` it runs at its times; leave `once` out",
    );
    fault(
        service.once && service.ready != Ready::Start,
        "ready",
        "`once` and `ready` are two",
        "what runs once is ready when it has exited with 0",
    );
    fault(service.watchdog_s == Some(0), "watchdog_s", "a watchdog of 0 s", "leave it out for none");
}

/// `"none"`: no filter.
struct Calls(Option<Vec<String>>);

impl Read for Calls {
    fn read(at: &Place, faults: &mut Faults) -> Option<Calls> {
        if at.is_string() {
            return at.word("filter", &[("none", ())], faults).map(|()| Calls(None));
        }
        let names = Vec::<Call>::read(at, faults)?;
        Some(Calls(Some(names.into_iter().map(|name| name.0).collect())))
    }
}

struct Call(String);

impl Read for Call {
    fn read(at: &Place, faults: &mut Faults) -> Option<Call> {
        let name = at.string("a system call", faults)?;
        if host::seccomp::names().any(|known| known == name) {
            return Some(Call(name.to_string()));
        }
        let near = meant(name, host::seccomp::names().collect::<Vec<_>>());
        at.fail(format!("`{name}` is no call that is denied"), near, faults)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Network {
    Machine,
    None,
}

impl Read for Network {
    fn read(at: &Place, faults: &mut Faults) -> Option<Network> {
        at.word("network", &[("machine", Network::Machine), ("none", Network::None)], faults)
    }
}

struct Share(String);

impl Read for Share {
    fn read(at: &Place, faults: &mut Faults) -> Option<Share> {
        let all = ["pids", "ipc", "tmp", "devices", "sys"].map(|name| (name, name));
        at.word("share", &all, faults).map(|name| Share(name.to_string()))
    }
}
