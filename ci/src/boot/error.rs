//! Why a boot or a check failed, each with what its reader does next.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum BootError {
    #[error("`{program}` is not installed\nhelp: apt-get install {package}")]
    Missing { program: String, package: String },

    /// The guest never became ready, or went away; `console` are its last lines.
    #[error("{reason}{}", tail(.console))]
    Guest { reason: String, console: Vec<String> },

    /// A check of the role did not get its answer.
    #[error("check `{command}`: {reason}{}", tail(.output))]
    Check { command: String, reason: String, output: Vec<String> },

    /// What a check needs could not be made.
    #[error("trial `{command}`: {reason}{}", tail(.output))]
    Trial { command: String, reason: String, output: Vec<String> },

    #[error("{action} {}: {source}", path.display())]
    World { action: &'static str, path: PathBuf, source: io::Error },

    #[error("making a throw-away certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

impl BootError {
    pub(super) fn world(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> BootError {
        let path = path.into();
        move |source| BootError::World { action, path, source }
    }

    /// A program that could not be started: missing, with the Debian package that has it, or the system's own words.
    pub(super) fn start(program: &str, source: io::Error) -> BootError {
        match source.kind() {
            io::ErrorKind::NotFound => {
                BootError::Missing { program: program.into(), package: debian_package(program) }
            }
            _ => BootError::World { action: "start", path: program.into(), source },
        }
    }
}

/// The clients that checks use, where the package has another name than the program.
fn debian_package(program: &str) -> String {
    match program {
        "qemu-system-x86_64" => "qemu-system-x86",
        "dig" => "bind9-dnsutils",
        "dnssec-keygen" | "dnssec-signzone" => "bind9-utils",
        "nc" => "netcat-openbsd",
        "psql" => "postgresql-client",
        "redis-cli" => "redis-tools",
        "ssh" | "ssh-keygen" => "openssh-client",
        other => other,
    }
    .into()
}

fn tail(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}

/// QEMU's own message for a missing file names neither the reason nor the remedy.
pub(super) fn readable(path: &Path) -> Result<(), BootError> {
    File::open(path).map(drop).map_err(BootError::world("open", path))
}
