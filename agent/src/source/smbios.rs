//! SMBIOS type 11, "OEM strings": what a hypervisor says without a device. QEMU: `-smbios type=11,value=…`.
//!
//! ```text
//! rootbrew.env:NAME=VALUE                                  one name, as on the kernel's command line
//! rootbrew.metadata=http://169.254.169.254/…
//! io.systemd.credential:rootbrew.env.NAME=VALUE            the same by systemd's convention
//! io.systemd.credential:rootbrew.environment=TEXT          the whole file
//! io.systemd.credential.binary:rootbrew.environment=BASE64
//!
//! a structure: type:u8=11 length:u8 handle:u16 count:u8, then at `length` strings, each ended by 0, the last by two
//! ```

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{read as read_file, whole};
use host::environment::Source;
use host::error::{Error, Result};
use host::role::Role;

const ENTRIES: &str = "/sys/firmware/dmi/entries";
const NAME: &str = "SMBIOS";

#[derive(Default)]
pub struct Said {
    /// The whole file first, then single names, which win.
    pub sources: Vec<Source>,
    pub metadata: Option<String>,
}

pub fn read(role: &Role) -> Result<Said> {
    let mut strings = Vec::new();
    for entry in fs::read_dir(ENTRIES).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with("11-") {
            let path = entry.path().join("raw");
            let bytes = read_file(&path.to_string_lossy())?.unwrap_or_default();
            strings.extend(parse(&bytes));
        }
    }
    understand(role, &strings)
}

/// The strings of one structure; what is no UTF-8 is none of ours.
fn parse(bytes: &[u8]) -> Vec<String> {
    let start = bytes.get(1).map_or(0, |length| usize::from(*length));
    let strings = bytes.get(start..).unwrap_or_default().split(|&byte| byte == 0);
    let strings = strings.take_while(|text| !text.is_empty());
    strings.filter_map(|text| String::from_utf8(text.to_vec()).ok()).collect()
}

fn understand(role: &Role, strings: &[String]) -> Result<Said> {
    let mut said = Said::default();
    let mut names: Vec<(String, String)> = Vec::new();
    for text in strings {
        let Some((key, value)) = text.split_once('=') else { continue };
        let credential = key.strip_prefix("io.systemd.credential:");
        let name = key.strip_prefix("rootbrew.env:");
        let name = name.or_else(|| credential.and_then(|key| key.strip_prefix("rootbrew.env.")));
        match (key, name, credential) {
            ("rootbrew.metadata", ..) => said.metadata = Some(value.to_string()),
            (_, Some(name), _) => names.push((name.to_string(), value.to_string())),
            (_, _, Some("rootbrew.environment")) => said.sources.push(whole(role, NAME, value.as_bytes())?),
            ("io.systemd.credential.binary:rootbrew.environment", ..) => {
                let bytes = BASE64.decode(value).map_err(|_| Error::input(format!("{NAME}: no base64")))?;
                said.sources.push(whole(role, NAME, &bytes)?);
            }
            _ => {}
        }
    }
    if !names.is_empty() && role.environment_key.is_some() {
        return Err(Error::input(format!("{NAME}: refused: single names are not signed")));
    }
    said.sources.extend((!names.is_empty()).then(|| Source::names(NAME, names, &role.env)));
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(keys: &str, strings: &[&str]) -> std::result::Result<Said, String> {
        let mut bytes = vec![11, 5, 0, 0, strings.len() as u8];
        strings.iter().for_each(|text| {
            bytes.extend(text.bytes());
            bytes.push(0);
        });
        bytes.push(0);
        let role = host::role::parse(keys).unwrap();
        understand(&role, &parse(&bytes)).map_err(|fault| fault.to_string())
    }

    #[test]
    fn conventions() {
        let keys = "[env]\nworkers = { type = 'integer' }\nsite = { type = 'string' }";
        let strings = [
            "some vendor's",
            "rootbrew.env:workers=3",
            "io.systemd.credential:rootbrew.env.site=a=b",
            "io.systemd.credential.binary:rootbrew.environment=aG9zdCA9ICd4Jwo=",
            "rootbrew.metadata=http://169.254.169.254/x",
        ];
        let said = check(keys, &strings).unwrap();
        assert_eq!(said.metadata.as_deref(), Some("http://169.254.169.254/x"));
        assert_eq!(said.sources[0].table["host"].as_str(), Some("x"));
        assert_eq!(said.sources[1].table["workers"].as_integer(), Some(3));
        assert_eq!(said.sources[1].table["site"].as_str(), Some("a=b"));
    }

    #[test]
    fn what_is_wrong() {
        let fault = |keys: &str, text: &str| check(keys, &[text]).err().unwrap();
        let binary = "io.systemd.credential.binary:rootbrew.environment=";
        assert_eq!(fault("", &format!("{binary}%")), "SMBIOS: no base64");
        let fault_of_text = fault("", "io.systemd.credential:rootbrew.environment=host = [");
        assert!(fault_of_text.starts_with("SMBIOS: line 1: "), "{fault_of_text}");
        let key = "environment_key = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc='";
        assert_eq!(fault(key, "rootbrew.env:a=1"), "SMBIOS: refused: single names are not signed");
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = b"\x0b\x05\0\0\x01rootbrew.env:a=1\0rootbrew.metadata=x\0\0";
        crate::chance::rounds(9, 100_000, |chance| {
            parse(&chance.change(whole, 0));
        });
    }
}
