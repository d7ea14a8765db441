//! A signed environment: the file, and in its last line the signature of all before it. So it stays one file, and TOML.
//!
//! ```text
//! host = "PROD_web_2"
//! # ed25519 <base64 of 64 bytes>
//! ```
//! What is signed is DSSE's pre-authentication encoding, so that no other signature of the same key is one of these:
//! `DSSEv1 SP 33 SP application/vnd.rootbrew.env+toml SP <length> SP <the text up to and with the line end before the mark>`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_compact::{PublicKey, Signature};

const KIND: &str = "application/vnd.rootbrew.env+toml";
const MARK: &[u8] = b"# ed25519 ";

/// The bytes that are signed.
pub fn message(text: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {KIND} {} ", KIND.len(), text.len()).into_bytes();
    message.extend(text);
    message
}

/// The text with its signature, as [`open`] takes it. A text without a line end gets one first; what is signed has it.
///
/// # Errors
/// The signer's own.
pub fn seal<E>(text: &[u8], sign: impl FnOnce(&[u8]) -> Result<[u8; 64], E>) -> Result<Vec<u8>, E> {
    let mut sealed = text.to_vec();
    if !sealed.ends_with(b"\n") {
        sealed.push(b'\n');
    }
    let signature = BASE64.encode(sign(&message(&sealed))?);
    sealed.extend(MARK);
    sealed.extend(signature.bytes());
    sealed.push(b'\n');
    Ok(sealed)
}

/// Whether the last line says so; not whether it is true.
pub fn is_signed(bytes: &[u8]) -> bool {
    split(bytes).is_some()
}

/// All before the signature's line, and what that line says.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let whole = bytes.trim_ascii_end();
    let start = whole.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let (text, line) = whole.split_at(start);
    Some((text, line.strip_prefix(MARK)?))
}

/// The public key: 32 bytes as base64.
pub fn key(text: &str) -> Option<[u8; 32]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

/// As a role's `environment_key` has it.
pub fn key_text(key: &[u8; 32]) -> String {
    BASE64.encode(key)
}

/// Why a text is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("not signed")]
    Unsigned,
    #[error("the signature is no ed25519 signature in base64")]
    Form,
    #[error("the role's environment_key is no key")]
    Key,
    #[error("signed by another key, or changed since")]
    Foreign,
}

/// The text without its signature, if `key` signed it.
///
/// # Errors
/// It is not believed.
pub fn open<'b>(bytes: &'b [u8], key: &[u8; 32]) -> Result<&'b [u8], Refused> {
    let (text, signature) = split(bytes).ok_or(Refused::Unsigned)?;
    let signature = BASE64.decode(signature).ok().and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(Refused::Form)?;
    let key = PublicKey::from_slice(key).map_err(|_| Refused::Key)?;
    key.verify(message(text), &signature).map_err(|_| Refused::Foreign)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use ed25519_compact::{KeyPair, Seed};

    use super::*;

    const TEXT: &[u8] = b"host = \"PROD_web_2\"\n";

    fn pair(seed: u8) -> KeyPair {
        KeyPair::from_seed(Seed::new([seed; 32]))
    }

    fn sealed(seed: u8) -> Vec<u8> {
        seal(TEXT, |message| Ok::<_, ()>(*pair(seed).sk.sign(message, None))).unwrap()
    }

    #[test]
    fn what_is_signed_opens_and_nothing_else() {
        let key = *pair(1).pk;
        let sealed = sealed(1);
        assert_eq!(open(&sealed, &key), Ok(TEXT));
        assert_eq!(open(TEXT, &key), Err(Refused::Unsigned));
        assert_eq!(open(&self::sealed(2), &key), Err(Refused::Foreign));
        assert_eq!(open(&[b"x = 1\n", &sealed[..]].concat(), &key), Err(Refused::Foreign));
        assert_eq!(open(&[&sealed[..], b"x = 1\n"].concat(), &key), Err(Refused::Unsigned));
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            // A blank at the end may be another blank.
            assert!(open(&flipped, &key).is_err() || at + 1 == sealed.len(), "{at}");
        }
        for cut in 0..sealed.len() - 1 {
            assert!(open(&sealed[..cut], &key).is_err(), "{cut}");
        }
    }

    /// The commands of docs/hosts.md, "Signed".
    #[test]
    fn openssl_signs_as_well() {
        let page = include_str!("../../docs/hosts.md");
        let start = page.find("openssl genpkey").unwrap();
        let commands = page[start..].split("\n```").next().unwrap();
        let folder = std::env::temp_dir().join(format!("rootbrew-signed-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("env.toml"), TEXT).unwrap();
        let mut sh = std::process::Command::new("sh");
        let output = sh.args(["-ec", commands]).current_dir(&folder).output().unwrap();
        let sealed = std::fs::read(folder.join("signed.toml"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let key = key(std::str::from_utf8(&output.stdout).unwrap().trim()).unwrap();
        assert_eq!(open(&sealed.unwrap(), &key), Ok(TEXT));
    }

    #[test]
    fn a_key_is_32_bytes() {
        assert!(key(&BASE64.encode([7; 32])).is_some());
        assert!(key("").is_none() && key(&BASE64.encode([7; 31])).is_none() && key("§").is_none());
    }
}
