//! Public keys: ed25519 alone. One that is of another kind is held, so that its id is known, and signs nothing.

use std::collections::BTreeMap;

use ed25519_compact::{PublicKey, Signature};
use serde_json::{Value, json};

use crate::json::{Fields, Read, canonical};

/// A name for a key: the sha256 of its canonical form, by custom; whatever the metadata call it, in truth.
pub type KeyId = String;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// `None`: a kind that we don't know.
    public: Option<[u8; 32]>,
    value: Value,
}

impl Key {
    pub fn ed25519(public: [u8; 32]) -> Key {
        let value = json!({
            "keytype": "ed25519", "scheme": "ed25519", "keyval": { "public": hex::encode(public) },
        });
        Key { public: Some(public), value }
    }

    pub fn id(&self) -> KeyId {
        crate::sha256(&canonical(&self.value).unwrap_or_default())
    }

    /// As metadata hold it.
    pub fn value(&self) -> &Value {
        &self.value
    }

    pub fn public(&self) -> Option<&[u8; 32]> {
        self.public.as_ref()
    }

    pub(crate) fn read(value: &Value) -> Read<Key> {
        let fields = Fields::of(value, "a key")?;
        let (kind, scheme) = (fields.text("keytype")?, fields.text("scheme")?);
        let text = fields.fields("keyval")?.text("public")?;
        let mut bytes = [0; 32];
        let known = kind == "ed25519" && scheme == "ed25519";
        if known && hex::decode_to_slice(text, &mut bytes).is_err() {
            return Err("an ed25519 key is no 64 digits of hex".into());
        }
        Ok(Key { public: known.then_some(bytes), value: value.clone() })
    }

    pub(crate) fn read_all(fields: Fields) -> Read<BTreeMap<KeyId, Key>> {
        fields.all().map(|(id, value)| Ok((id.clone(), Key::read(value)?))).collect()
    }

    /// Whether `signature` (hex) is this key's over `message`.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let key = self.public.and_then(|public| PublicKey::from_slice(&public).ok());
        let signature = Signature::from_slice(signature).ok();
        key.zip(signature).is_some_and(|(key, signature)| key.verify(message, &signature).is_ok())
    }
}
