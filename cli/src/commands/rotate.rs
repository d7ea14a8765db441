//! `rootbrew channel rotate`, and `sign`: keys that were stolen or lost get successors.

use std::path::Path;

use ci::channel::{self, Keyring, Life, Rotated, Turn, now_s};

use super::channel::Keys;
use crate::context::Context;
use crate::terminal::{data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{passphrase, place};

pub fn rotate(context: &Context, dir: &str, keys: &Keys, turn: &Turn) -> Result<()> {
    let shelf = place::existing(context, dir)?;
    let ask = || passphrase::ask(keys.passphrase_fd);
    let keyring = Keyring::at(&keys.keys, &ask);
    match channel::rotate(shelf.as_ref(), &keyring, turn, Life::default(), now_s())? {
        Rotated::Done { version } => {
            event(
                "rotated",
                dir,
                &format!("root {version}; what was replaced lies in {}/old", keys.keys.display()),
            );
            Ok(())
        }
        Rotated::Wanting { root, old, new } => {
            let root = root.display();
            talk(&format!(
                "wanting {root}: {old} more signatures of the present root, {new} of its successor"
            ));
            talk(&format!(
                "hint: `rootbrew channel sign {root} root-N --keys DIR` where the others lie, then `rotate` again"
            ));
            Err(Trouble::Said)
        }
    }
}

/// Says what it is that was signed: whoever keeps a key apart should look.
pub fn sign(root: &Path, name: &str, keys: &Keys) -> Result<()> {
    let ask = || passphrase::ask(keys.passphrase_fd);
    let signed = channel::cosign(root, &Keyring::at(&keys.keys, &ask), name)?;
    event("signed", &root.display().to_string(), &format!("by {name}: root {}", signed.version));
    let roles = [
        ("root", &signed.root),
        ("timestamp", &signed.timestamp),
        ("snapshot", &signed.snapshot),
        ("targets", &signed.targets),
    ];
    for (role, grant) in roles {
        let ids: Vec<&str> = grant.keyids.iter().map(|id| id.get(..12).unwrap_or(id)).collect();
        data(&format!("{role}  {} of {}  {}", grant.threshold, ids.len(), ids.join(" ")));
    }
    Ok(())
}
