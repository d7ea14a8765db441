//! A throw-away certificate, so that a role with TLS can be asked before it has one.

use super::BootError;

/// A self-signed certificate (ECDSA P-256) for `names` and its key, both PEM. The key is in no file.
///
/// # Errors
/// A name that is neither a host name nor an address.
pub fn certificate(names: &[String]) -> Result<(String, String), BootError> {
    let made = rcgen::generate_simple_self_signed(names)?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_are_never_the_same() {
        let names = ["web.dev.example".to_string(), "127.0.0.1".to_string()];
        let (first, key) = certificate(&names).unwrap();
        assert!(first.starts_with("-----BEGIN CERTIFICATE-----"), "{first}");
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"), "{key}");
        assert_ne!(certificate(&names).unwrap().0, first);
    }

    #[test]
    fn a_name_that_cannot_be_one() {
        assert!(matches!(certificate(&["wéb".to_string()]), Err(BootError::Certificate(_))));
    }
}
