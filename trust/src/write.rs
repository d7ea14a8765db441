//! Metadata as they are written: each kind to its `signed` part. Where it is read stands in `metadata`.

use serde_json::{Map, Value, json};

use crate::key::{Key, KeyId};
use crate::metadata::{Delegation, Grant, Meta, Root, Snapshot, Target, Targets, Timestamp};
use crate::time;

const SPECIFICATION: &str = "1.0.33";

/// What can be signed.
pub trait Written {
    fn signed(&self) -> Value;
}

impl Written for Root {
    fn signed(&self) -> Value {
        json!({
            "_type": "root", "spec_version": SPECIFICATION, "version": self.version,
            "expires": time::print(self.expires_s), "consistent_snapshot": true, "keys": keys(self.keys.iter()),
            "roles": {
                "root": grant(&self.root), "timestamp": grant(&self.timestamp),
                "snapshot": grant(&self.snapshot), "targets": grant(&self.targets),
            },
        })
    }
}

impl Written for Timestamp {
    fn signed(&self) -> Value {
        let mut value = json!({
            "_type": "timestamp", "spec_version": SPECIFICATION, "version": self.version,
            "expires": time::print(self.expires_s), "meta": { "snapshot.json": meta(&self.snapshot) },
        });
        if let Some(signed_s) = self.signed_s {
            value["x-signed"] = time::print(signed_s).into();
        }
        value
    }
}

impl Written for Snapshot {
    fn signed(&self) -> Value {
        let files: Map<String, Value> =
            self.meta.iter().map(|(name, file)| (name.clone(), meta(file))).collect();
        json!({
            "_type": "snapshot", "spec_version": SPECIFICATION, "version": self.version,
            "expires": time::print(self.expires_s), "meta": files,
        })
    }
}

impl Written for Targets {
    fn signed(&self) -> Value {
        let targets: Map<String, Value> =
            self.targets.iter().map(|(path, one)| (path.clone(), target(one))).collect();
        let mut value = json!({
            "_type": "targets", "spec_version": SPECIFICATION, "version": self.version,
            "expires": time::print(self.expires_s), "targets": targets,
        });
        if !self.delegations.is_empty() {
            let roles: Vec<Value> = self.delegations.iter().map(delegation).collect();
            value["delegations"] = json!({ "keys": keys(self.keys.iter()), "roles": roles });
        }
        value
    }
}

fn keys<'a>(keys: impl Iterator<Item = (&'a KeyId, &'a Key)>) -> Map<String, Value> {
    keys.map(|(id, key)| (id.clone(), key.value().clone())).collect()
}

fn grant(grant: &Grant) -> Value {
    json!({ "keyids": grant.keyids, "threshold": grant.threshold })
}

fn meta(meta: &Meta) -> Value {
    let mut value = json!({ "version": meta.version });
    if let Some(length) = meta.length {
        value["length"] = length.into();
    }
    if let Some(sha256) = &meta.sha256 {
        value["hashes"] = json!({ "sha256": sha256 });
    }
    value
}

fn target(target: &Target) -> Value {
    json!({ "length": target.length, "hashes": { "sha256": target.sha256 } })
}

fn delegation(delegation: &Delegation) -> Value {
    json!({
        "name": delegation.name, "keyids": delegation.grant.keyids, "threshold": delegation.grant.threshold,
        "paths": delegation.paths, "terminating": delegation.terminating,
    })
}
