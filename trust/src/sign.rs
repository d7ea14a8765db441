//! Signing: whoever holds a key, and what is written by it. A key in a file is PKCS#8, encrypted by a passphrase, as
//! `openssl pkey` reads it; one in a token or a service is another [`Signer`].
//!
//! ```text
//! -----BEGIN ENCRYPTED PRIVATE KEY-----      PBES2: scrypt N = 2^14, r = 8, p = 2; AES-256-CBC; an ed25519 seed of 32 bytes
//! ```
//! No secret is printed, shown by `Debug`, or kept longer than its holder.

use ed25519_compact::{KeyPair, Seed};
use pkcs8::der::pem::PemLabel;
use pkcs8::der::zeroize::Zeroizing;
use pkcs8::der::{Decode, SecretDocument, asn1::OctetStringRef};
use pkcs8::pkcs5::{pbes2, scrypt};
use pkcs8::spki::AlgorithmIdentifierRef;
use pkcs8::{EncryptedPrivateKeyInfoRef, ObjectIdentifier, PrivateKeyInfoRef};
use serde_json::{Value, json};

use crate::json::canonical;
use crate::key::Key;
use crate::metadata::{Root, Unproven};
use crate::refusal::Refusal;
pub use crate::write::Written;

/// RFC 8410.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// Who can sign: the seam for keys that are in no file (PKCS#11, a key management service).
pub trait Signer {
    fn key(&self) -> Key;

    /// # Errors
    /// Why it did not sign.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError>;
}

#[derive(Debug, thiserror::Error)]
pub enum SignError {
    #[error("is no PKCS#8 key in PEM: {0}")]
    Form(String),
    #[error("the passphrase is not this key's")]
    Passphrase,
    #[error("is no ed25519 key")]
    Kind,
    #[error("has a number that is not whole: it can't be signed")]
    Canonical,
    #[error("is no metadata: {0}")]
    Metadata(String),
    #[error("the key's holder refuses: {0}")]
    Holder(String),
}

/// A key whose secret is in memory.
#[derive(Clone)]
pub struct Secret(KeyPair);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "Secret({})", self.key().id())
    }
}

/// 16 MiB and a tenth of a second: a guess costs that too. openssl refuses 32 MiB.
pub const COST_LOG2: u8 = 14;

/// What chance gives to an encryption, and what a guess at its passphrase costs.
pub struct Salt {
    pub salt: [u8; 16],
    pub iv: [u8; 16],
    /// scrypt's N: [`COST_LOG2`] where secrets are real.
    pub cost_log2: u8,
}

impl Secret {
    pub fn from_seed(seed: [u8; 32]) -> Secret {
        Secret(KeyPair::from_seed(Seed::new(seed)))
    }

    /// # Errors
    /// Another form, another kind, another passphrase.
    pub fn from_pem(pem: &str, passphrase: &[u8]) -> Result<Secret, SignError> {
        let form = |error: &dyn std::fmt::Display| SignError::Form(error.to_string());
        let (label, document) = SecretDocument::from_pem(pem).map_err(|error| form(&error))?;
        if label == PrivateKeyInfoRef::PEM_LABEL {
            return Secret::from_der(document.as_bytes());
        }
        let encrypted =
            EncryptedPrivateKeyInfoRef::try_from(document.as_bytes()).map_err(|error| form(&error))?;
        let plain = encrypted.decrypt(passphrase).map_err(|_| SignError::Passphrase)?;
        Secret::from_der(plain.as_bytes())
    }

    fn from_der(der: &[u8]) -> Result<Secret, SignError> {
        // What a wrong passphrase decrypts to by chance has no form either.
        let info = PrivateKeyInfoRef::from_der(der).map_err(|_| SignError::Passphrase)?;
        if info.algorithm.oid != ED25519 {
            return Err(SignError::Kind);
        }
        let seed = <&OctetStringRef>::from_der(info.private_key.as_bytes()).map_err(|_| SignError::Kind)?;
        Ok(Secret::from_seed(seed.as_bytes().try_into().map_err(|_| SignError::Kind)?))
    }

    /// Encrypted by a passphrase.
    ///
    /// # Errors
    /// None that depends on what is given.
    pub fn to_pem(&self, passphrase: &[u8], chance: &Salt) -> Result<Zeroizing<String>, SignError> {
        let form = |error: &dyn std::fmt::Display| SignError::Form(error.to_string());
        let mut inner = vec![4, 32];
        inner.extend(self.0.sk.seed().as_ref());
        let inner = Zeroizing::new(inner);
        let algorithm = AlgorithmIdentifierRef { oid: ED25519, parameters: None };
        let octets = OctetStringRef::new(&inner).map_err(|error| form(&error))?;
        let info = PrivateKeyInfoRef::new(algorithm, octets);
        let cost = scrypt::Params::new(chance.cost_log2, 8, 2).map_err(|error| form(&error))?;
        let parameters = pbes2::Parameters::generate_scrypt_aes256cbc(cost, &chance.salt, chance.iv)
            .map_err(|error| form(&error))?;
        let document = info.encrypt_with_params(parameters, passphrase).map_err(|error| form(&error))?;
        document
            .to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, pkcs8::LineEnding::LF)
            .map_err(|error| form(&error))
    }
}

impl Signer for Secret {
    fn key(&self) -> Key {
        Key::ed25519(*self.0.pk)
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], SignError> {
        // Without noise: the same metadata by the same key are the same bytes.
        Ok(*self.0.sk.sign(message, None))
    }
}

/// Metadata with their signatures, as the file has them.
///
/// # Errors
/// A signer's.
pub fn sign(document: &impl Written, signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
    let signed = document.signed();
    let message = canonical(&signed).ok_or(SignError::Canonical)?;
    let mut signatures = Vec::new();
    for signer in signers {
        let signature = hex::encode(signer.sign(&message)?);
        signatures.push(json!({ "keyid": signer.key().id(), "sig": signature }));
    }
    let envelope = json!({ "signatures": signatures, "signed": signed });
    Ok(serde_json::to_vec(&envelope).unwrap_or_default())
}

/// A root that is not yet signed by all who must.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub root: Root,
    /// Signatures that it wants of the root before it, and of its own keys.
    pub wanting: [u64; 2],
}

/// What a root comes to as the successor of `before`; its version is not judged.
///
/// # Errors
/// It is no root.
pub fn draft(bytes: &[u8], before: &Root) -> Result<Draft, Refusal> {
    let unproven = Unproven::<Root>::read("root.json", bytes)?;
    let root = unproven.document.clone();
    let wanting = [before, &root].map(|by| {
        let valid = unproven.count(&by.keys, &by.root).valid;
        by.root.threshold.max(1).saturating_sub(valid)
    });
    Ok(Draft { root, wanting })
}

/// Metadata that others signed, with a signature more of each signer, in place of what it had of that one.
///
/// # Errors
/// No metadata, or a signer's.
pub fn cosign(bytes: &[u8], signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
    let mut envelope: Value =
        serde_json::from_slice(bytes).map_err(|error| SignError::Metadata(error.to_string()))?;
    let message = canonical(&envelope["signed"]).ok_or(SignError::Canonical)?;
    let lacks = || SignError::Metadata("it has no list of signatures".to_string());
    for signer in signers {
        let id = signer.key().id();
        let signature = json!({ "keyid": id, "sig": hex::encode(signer.sign(&message)?) });
        let signatures = envelope["signatures"].as_array_mut().ok_or_else(lacks)?;
        signatures.retain(|known| known["keyid"].as_str() != Some(&id));
        signatures.push(signature);
    }
    Ok(serde_json::to_vec(&envelope).unwrap_or_default())
}
