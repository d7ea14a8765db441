//! A service: one long-running program of a machine.

use kegs::fault::Faults;
use kegs::reader::{OneOrMany, Place, Read, Table, Written, meant};

use host::calendar::Calendar;
use host::listen::Listen;

use super::confined::{self, At, Confined};
use super::{Role, is_name, path_fault};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Service {
    /// At least the program.
    pub run: Vec<String>,
    /// Must exit with 0 before the service starts, and before a change of its configuration is used. Empty: none.
    pub check: Vec<String>,
    pub ready: Ready,
    /// How it reads its configuration again; `None`: it is restarted.
    pub reload: Option<Reload>,
    /// Ready when it has exited with 0.
    pub once: bool,
    /// Runs at these times, and not at the start.
    pub timer: Option<Calendar>,
    /// Sockets that the agent binds for it.
    pub listen: Vec<Listen>,
    /// It says that it is well at least this often.
    pub watchdog_s: Option<u64>,
    pub confined: Confined,
    pub user: String,
    /// Without `CAP_`, lower case.
    pub caps: Vec<String>,
    /// Folders made before the start, owned by `user`.
    pub writes: Vec<String>,
    /// Services that must be ready before.
    pub after: Vec<Written<String>>,
    pub restart: Restart,
    /// The signal that asks it to end, without `SIG`.
    pub stop: String,
    pub stop_s: u64,
    pub ready_s: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reload {
    /// Without `SIG`.
    Signal(String),
    Command(Vec<String>),
}

/// How a service tells that it serves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ready {
    /// When started.
    #[default]
    Start,
    /// `READY=1` by sd_notify.
    Notify,
    /// A newline on descriptor 3 (s6).
    Fd,
    /// Something accepts on this port of 127.0.0.1.
    Tcp(u16),
    /// Something accepts on this socket.
    Unix(String),
    /// This command exits with 0.
    Exec(Vec<String>),
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Restart {
    #[default]
    Always,
    Failure,
    Never,
}

impl Read for Service {
    fn read(at: &Place, faults: &mut Faults) -> Option<Service> {
        let mut table = at.table("a table", faults)?;
        let service = Service {
            run: table.need::<Command>("run", "as `run = [\"nginx\"]`").unwrap_or_default().0,
            check: table.or_default::<Command>("check").0,
            ready: table.or_default("ready"),
            reload: table.take("reload"),
            once: table.take("once").unwrap_or(false),
            timer: table.take::<At<Calendar>>("timer").map(|timer| timer.0),
            listen: table.or_default::<Vec<At<Listen>>>("listen").into_iter().map(|one| one.0).collect(),
            watchdog_s: table.take("watchdog_s"),
            confined: confined::take(&mut table),
            user: table.need::<User>("user", "who it runs as, as `user = \"web\"`").unwrap_or_default().0,
            caps: table.or_default::<Vec<Capability>>("caps").into_iter().map(|cap| cap.0).collect(),
            writes: table.or_default::<Vec<AbsolutePath>>("writes").into_iter().map(|path| path.0).collect(),
            after: table.or_default::<OneOrMany<Written<String>>>("after").0,
            restart: table.or_default("restart"),
            stop: table.take::<Signal>("stop").map_or_else(|| "TERM".to_string(), |signal| signal.0),
            // 10 s: what container runtimes give. 60 s: an emulated guest on a busy machine.
            stop_s: table.take("stop_s").unwrap_or(10),
            ready_s: table.take("ready_s").unwrap_or(60),
        };
        confined::check(&service, &mut table);
        table.close("in a service");
        Some(service)
    }
}

/// `after` names services, and no ring of them.
pub fn check(role: &Role, table: &mut Table) {
    for (name, service) in role.services.iter() {
        if !is_name(name) {
            let help = "lower-case letters, digits and `. _ + -`, a letter or digit first";
            table.fault(service.span.clone(), format!("`{name}` is no name for a service"), help);
        }
        for other in &service.after {
            if !role.services.contains_key(&other.value) {
                let help = meant(&other.value, role.services.keys().map(String::as_str));
                table.fault(other.span.clone(), format!("no service `{}`", other.value), help);
            } else if reaches(role, &other.value, name) {
                let message = format!("`{name}` and `{}` wait for one another", other.value);
                table.fault(other.span.clone(), message, "take one of the two out of `after`");
            }
        }
    }
}

/// Whether `from`, or what it waits for, waits for `to`.
fn reaches(role: &Role, from: &str, to: &str) -> bool {
    let mut seen = Vec::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if !seen.contains(&name) {
            seen.push(name);
            let after = role.services.get(name).into_iter().flat_map(|service| &service.value.after);
            next.extend(after.map(|other| other.value.as_str()));
        }
    }
    false
}

impl Read for Ready {
    fn read(at: &Place, faults: &mut Faults) -> Option<Ready> {
        if at.is_string() {
            let words = [("start", &Ready::Start), ("notify", &Ready::Notify), ("fd", &Ready::Fd)];
            return at.word("readiness", &words, faults).cloned();
        }
        let mut table = at.table("\"notify\", \"fd\", or a table as { tcp = 443 }", faults)?;
        let before = table.faults.0.len();
        let tcp = table.take("tcp").map(Ready::Tcp);
        let unix = table.take::<AbsolutePath>("unix").map(|path| Ready::Unix(path.0));
        let exec = table.take::<Command>("exec").map(|command| Ready::Exec(command.0));
        table.close("in `ready`");
        let mut given = [tcp, unix, exec].into_iter().flatten();
        match (given.next(), given.next()) {
            (Some(ready), None) => Some(ready),
            // What was wrong is told already.
            _ if faults.0.len() > before => None,
            _ => at.fail("readiness is one thing", "one of `tcp`, `unix`, `exec`", faults),
        }
    }
}

impl Read for Reload {
    fn read(at: &Place, faults: &mut Faults) -> Option<Reload> {
        if at.is_string() {
            return Signal::read(at, faults).map(|signal| Reload::Signal(signal.0));
        }
        Command::read(at, faults).map(|command| Reload::Command(command.0))
    }
}

impl Read for Restart {
    fn read(at: &Place, faults: &mut Faults) -> Option<Restart> {
        let words = [("always", Restart::Always), ("failure", Restart::Failure), ("never", Restart::Never)];
        at.word("restart", &words, faults)
    }
}

/// Arguments, no shell; at least the program.
#[derive(Default)]
pub struct Command(pub Vec<String>);

impl Read for Command {
    fn read(at: &Place, faults: &mut Faults) -> Option<Command> {
        if at.is_string() {
            return at.refuse("a list of arguments", faults);
        }
        let arguments = Vec::<String>::read(at, faults)?;
        match arguments.first() {
            Some(program) if !program.is_empty() => Some(Command(arguments)),
            _ => at.fail("a command without a program", "as [\"nginx\", \"-t\"]", faults),
        }
    }
}

#[derive(Default)]
struct User(String);

impl Read for User {
    fn read(at: &Place, faults: &mut Faults) -> Option<User> {
        let name = at.string("a user's name", faults)?;
        // useradd(8): 32 characters, a letter or `_` first.
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
        let first = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
        if first && name.chars().all(inner) && name.len() <= 32 {
            return Some(User(name.to_string()));
        }
        at.fail(
            format!("`{name}` is no user's name"),
            "lower-case letters, digits, `_` and `-`; a letter first",
            faults,
        )
    }
}

pub struct AbsolutePath(pub String);

impl Read for AbsolutePath {
    fn read(at: &Place, faults: &mut Faults) -> Option<AbsolutePath> {
        let path = at.string("a path", faults)?;
        match path_fault(path) {
            None => Some(AbsolutePath(path.to_string())),
            Some(help) => at.fail(format!("`{path}` is no absolute path"), help, faults),
        }
    }
}

struct Signal(String);

impl Read for Signal {
    fn read(at: &Place, faults: &mut Faults) -> Option<Signal> {
        let all = ["HUP", "INT", "QUIT", "TERM", "USR1", "USR2", "WINCH", "KILL"].map(|name| (name, name));
        at.word("signal", &all, faults).map(|name| Signal(name.to_string()))
    }
}

struct Capability(String);

/// capabilities(7).
const CAPABILITIES: [&str; 41] = [
    "audit_control",
    "audit_read",
    "audit_write",
    "block_suspend",
    "bpf",
    "checkpoint_restore",
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "ipc_lock",
    "ipc_owner",
    "kill",
    "lease",
    "linux_immutable",
    "mac_admin",
    "mac_override",
    "mknod",
    "net_admin",
    "net_bind_service",
    "net_broadcast",
    "net_raw",
    "perfmon",
    "setfcap",
    "setgid",
    "setpcap",
    "setuid",
    "sys_admin",
    "sys_boot",
    "sys_chroot",
    "sys_module",
    "sys_nice",
    "sys_pacct",
    "sys_ptrace",
    "sys_rawio",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "syslog",
    "wake_alarm",
];

impl Read for Capability {
    fn read(at: &Place, faults: &mut Faults) -> Option<Capability> {
        let name = at.string("a capability", faults)?;
        if CAPABILITIES.contains(&name) {
            return Some(Capability(name.to_string()));
        }
        let plain = name.to_lowercase();
        let plain = plain.strip_prefix("cap_").unwrap_or(&plain);
        let help = match kegs::reader::nearest(plain, CAPABILITIES) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "as capabilities(7) names them, without `CAP_`, lower case".to_string(),
        };
        at.fail(format!("unknown capability `{name}`"), help, faults)
    }
}
