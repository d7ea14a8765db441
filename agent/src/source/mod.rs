//! Where the environment comes from: what this machine was given, read with bounds. Later wins, name by name.
//!
//! ```text
//! near: volume ─▶ SMBIOS ─▶ fw_cfg ─┐            kernel command line ─▶ operator ─▶ all
//! far:                              └─▶ metadata ─┘   by the network that the near ones describe
//! ```
//! Where the role has an `environment_key`, each but the command line is one file signed by it, or is refused.

mod metadata;
mod operator;
mod smbios;
mod volume;

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::events::tell;
use host::environment::{SIZE_MAX_BYTES, Source};
use host::error::{Error, Result};
use host::role::Role;
use host::signed::{self, Refused};
pub use operator::{put, watch};

/// Where QEMU's `-fw_cfg name=opt/org.rootbrew/environment.toml,file=…` appears; and the same by systemd's convention.
const FW_CFG: [&str; 2] = [
    "/sys/firmware/qemu_fw_cfg/by_name/opt/org.rootbrew/environment.toml/raw",
    "/sys/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/rootbrew.environment/raw",
];
const FW_CFG_METADATA: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.rootbrew/metadata/raw";
const KERNEL_METADATA: &str = "rootbrew.metadata=";
/// From the first packet to the last.
const METADATA_MAX: Duration = Duration::from_secs(5);
const URL_MAX_BYTES: usize = 2048;

/// What the machine holds without a network.
pub struct Near {
    /// Weakest first.
    sources: Vec<Source>,
    /// What goes before anything far: the kernel command line, the operator.
    strong: Vec<Source>,
    /// Where more may be had.
    url: Option<String>,
}

/// Reads what is near.
///
/// # Errors
/// A source is there, and cannot be read or is refused.
pub fn near(role: &Role) -> Result<Near> {
    let mut sources = Vec::new();
    sources.extend(volume::read()?.map(|bytes| whole(role, "volume", &bytes)).transpose()?);
    let said = smbios::read(role)?;
    sources.extend(said.sources);
    for path in FW_CFG {
        sources.extend(read(path)?.map(|bytes| whole(role, "fw_cfg", &bytes)).transpose()?);
    }
    let line = read("/proc/cmdline")?.unwrap_or_default();
    let line = String::from_utf8_lossy(&line);
    let words = line.split_whitespace().filter_map(|word| word.strip_prefix(KERNEL_METADATA));
    let fw_cfg = read(FW_CFG_METADATA)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
    let url = words.last().map(str::to_string).or(fw_cfg).or(said.metadata);
    let mut strong = vec![Source::kernel(&line, &role.env)];
    strong.extend(operator::read()?.map(|bytes| whole(role, "operator", &bytes)).transpose()?);
    Ok(Near { sources, strong, url })
}

/// All that there is now; `far` is what came from afar at the start.
///
/// # Errors
/// A source is there, and cannot be read or is refused.
pub fn all(role: &Role, far: Option<&Source>) -> Result<Vec<Source>> {
    Ok(near(role)?.sources(far))
}

impl Near {
    /// Weakest first.
    pub fn sources(&self, far: Option<&Source>) -> Vec<Source> {
        self.sources.iter().chain(far).chain(&self.strong).cloned().collect()
    }

    /// Whether the network need not be asked.
    pub fn is_all(&self) -> bool {
        self.url.is_none()
    }

    /// Asks the network, at most for five seconds; who does not answer is gone without.
    ///
    /// # Errors
    /// An answer came, and is refused.
    pub fn far(&self, role: &Role) -> Result<Option<Source>> {
        let answer = match &self.url {
            None => return Ok(None),
            Some(url) if url.len() > URL_MAX_BYTES => Err("its URL is too long".to_string()),
            Some(url) => metadata::get(url, METADATA_MAX),
        };
        match answer {
            Ok(bytes) => whole(role, "metadata", &bytes).map(Some),
            Err(cause) => {
                tell(format_args!("metadata: {cause}; going on without"));
                Ok(None)
            }
        }
    }
}

/// A source that is one file.
fn whole(role: &Role, name: &str, bytes: &[u8]) -> Result<Source> {
    let refused = |what: &str| Error::input(format!("{name}: refused: {what}"));
    // First, so that nobody has us hash what is too long to be one.
    if bytes.len() as u64 > SIZE_MAX_BYTES {
        return Err(refused(&format!("larger than {SIZE_MAX_BYTES} bytes")));
    }
    let bytes = match &role.environment_key {
        None => bytes,
        Some(key) => {
            let key = signed::key(key).ok_or_else(|| refused(&Refused::Key.to_string()))?;
            signed::open(bytes, &key).map_err(|why| refused(&why.to_string()))?
        }
    };
    Source::parse(name, bytes).map_err(|fault| Error::from(vec![fault]))
}

/// At most one byte more than an environment may have. `None` when there is no such file.
fn read(path: &str) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::world(format!("open {path}")))?,
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::world(format!("read {path}")))?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &str, bytes: &[u8]) -> std::result::Result<Source, String> {
        whole(&host::role::parse(keys).unwrap(), "volume", bytes).map_err(|fault| fault.to_string())
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let schema = "[env.site]\ntype = 'string'\npattern = 'a+'\n[env.n]\ntype = 'integer'\n[env.key]\ntype = 'text'\nsecret = true\n";
        let role = host::role::parse(schema).unwrap();
        let whole = b"host = 'PROD_web_2'\nsite = 'aaa'\nn = 7\nkey = 'hidden'\n[network]\naddress = '10.0.0.2/24'\n[log]\nsyslog = 'udp://[::1]:514'\n";
        crate::chance::rounds(31, 20_000, |chance| {
            let source = whole_of(&role, &chance.change(whole, 0));
            let checked = source.map(|source| host::environment::check(&role.env, "host", &[source]));
            let said = match checked {
                Err(fault) => fault,
                Ok(Err(faults)) => Error::from(faults).to_string(),
                Ok(Ok(environment)) => environment.lines().join("\n"),
            };
            // Whatever key it came to stand behind, and unless it is no value any more but a name.
            assert!(!said.contains("hidden") || said.contains("no such name"), "{said}");
        });
    }

    fn whole_of(role: &Role, bytes: &[u8]) -> std::result::Result<Source, String> {
        whole(role, "volume", bytes).map_err(|fault| fault.to_string())
    }

    #[test]
    fn what_is_refused_says_where_it_came_from() {
        assert!(check("", b"host = 'a'\n").is_ok());
        let fault = |keys: &str, bytes: &[u8]| check(keys, bytes).unwrap_err();
        assert!(fault("", b"host = 'a").starts_with("volume: line 1: "), "cut");
        assert_eq!(fault("", &vec![b'#'; 2 << 20]), "volume: refused: larger than 1048576 bytes");
        let key = "environment_key = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc='";
        assert_eq!(fault(key, b"host = 'a'\n"), "volume: refused: not signed");
        let fault = fault("environment_key = 'BwcH'", b"host = 'a'\n");
        assert_eq!(fault, "volume: refused: the role's environment_key is no key");
    }
}
