//! Asking a place whether it still has a file, and how large: the head of a GET, whose body nobody reads.
//!
//! Some servers refuse HEAD for what they give by GET, so it is not used.

use std::sync::mpsc::RecvTimeoutError;

use super::http::{Client, Part};
use super::wanted::{Network, Places};

/// The size of what `url` gives, where the server says it.
///
/// # Errors
/// Why the place has it not, in a few words.
pub fn ask(url: &str, places: &Places) -> Result<Option<u64>, String> {
    if places.network == Network::Offline {
        return Err("`--offline` forbids to ask".into());
    }
    let parts = Client::new(places).get(url, 0, None);
    match parts.recv_timeout(places.patience.stall) {
        Ok(Part::Head(head)) if head.status.is_success() => Ok(head.length_bytes),
        Ok(Part::Head(head)) => Err(head.status.to_string()),
        Ok(Part::Unreachable(why) | Part::Broken(why)) => Err(why),
        Ok(Part::Bytes(_) | Part::End) | Err(RecvTimeoutError::Disconnected) => Err("no answer".into()),
        Err(RecvTimeoutError::Timeout) => {
            Err(format!("no answer within {} s", places.patience.stall.as_secs()))
        }
    }
}
