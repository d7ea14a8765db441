//! DSSE envelopes (secure-systems-lab/dsse, version 1): a statement, signed together with its type.
//!
//! ```text
//! {"payload": base64, "payloadType": "application/vnd.in-toto+json", "signatures": [{"keyid": …, "sig": base64}]}
//! signed: "DSSEv1" SP len(type) SP type SP len(payload) SP payload
//! ```

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::json::Fields;
use crate::key::{Key, KeyId};
use crate::metadata::Grant;
use crate::refusal::Refusal;
use crate::sign::{SignError, Signer};

/// What in-toto's statements are called.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

fn message(kind: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {kind} {} ", kind.len(), payload.len()).into_bytes();
    message.extend(payload);
    message
}

/// # Errors
/// A signer's.
pub fn sign(kind: &str, payload: &[u8], signers: &[&dyn Signer]) -> Result<Vec<u8>, SignError> {
    let message = message(kind, payload);
    let mut signatures = Vec::new();
    for signer in signers {
        let signature = BASE64_STANDARD.encode(signer.sign(&message)?);
        signatures.push(json!({ "keyid": signer.key().id(), "sig": signature }));
    }
    let payload = BASE64_STANDARD.encode(payload);
    let envelope = json!({ "payload": payload, "payloadType": kind, "signatures": signatures });
    Ok(serde_json::to_vec(&envelope).unwrap_or_default())
}

/// The payload, if as many of a role's keys signed it as must.
///
/// # Errors
/// No envelope of this type, or not signed so.
pub fn open(
    file: &str,
    bytes: &[u8],
    kind: &str,
    keys: &BTreeMap<KeyId, Key>,
    grant: &Grant,
) -> Result<Vec<u8>, Refusal> {
    let malformed = |what: String| Refusal::Malformed { file: file.to_string(), what };
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| malformed(format!("is no JSON: {error}")))?;
    let read = || {
        let fields = Fields::of(&value, "it")?;
        if fields.text("payloadType")? != kind {
            return Err(format!("is of another type than `{kind}`"));
        }
        let payload =
            BASE64_STANDARD.decode(fields.text("payload")?).map_err(|_| "`payload` is no base64")?;
        let mut signatures = Vec::new();
        for value in fields.values("signatures")?.iter().take(16) {
            let fields = Fields::of(value, "a signature")?;
            let signature = BASE64_STANDARD.decode(fields.text("sig")?).unwrap_or_default();
            signatures.push((fields.text("keyid")?.to_string(), signature));
        }
        Ok((payload, signatures))
    };
    let (payload, signatures) = read().map_err(malformed)?;
    let message = message(kind, &payload);
    let (mut valid, mut unknown, mut wrong) = (BTreeSet::new(), 0, 0);
    for (id, signature) in signatures {
        match keys.get(&id).filter(|_| grant.keyids.contains(&id)) {
            Some(key) if key.verifies(&message, &signature) => drop(valid.insert(key.public())),
            Some(_) => wrong += 1,
            None => unknown += 1,
        }
    }
    let (valid, threshold) = (valid.len() as u64, grant.threshold);
    match valid >= threshold {
        true => Ok(payload),
        false => Err(Refusal::Unsigned { file: file.into(), threshold, valid, unknown, wrong }),
    }
}
