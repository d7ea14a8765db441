//! Where a channel is read from: a folder, or a web server that has the same files. Neither is trusted with anything.

use std::sync::atomic::AtomicBool;

use builder::fetch::{self, FreshError, Miss, Network, Places};

use super::error::{ChannelError, Result};

pub trait Place: Sync {
    /// A file's bytes; `None`: it is not there. Of one that is longer than `size_max_bytes`, one byte more than that.
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>>;

    /// For messages.
    fn name(&self) -> String;

    /// Where blobs are fetched from: URLs below this.
    fn url(&self) -> Option<&str>;

    /// Or files below this.
    fn folder(&self) -> Option<&std::path::Path>;
}

/// Any web server.
pub struct Web {
    /// Without a last `/`.
    url: String,
    places: Places,
}

impl Web {
    /// `places` says whether a network may be asked, and how patiently.
    pub fn new(url: &str, places: &Places) -> Web {
        let places =
            Places { network: places.network, patience: places.patience.clone(), ..Places::default() };
        Web { url: url.trim_end_matches('/').to_string(), places }
    }

    pub fn places(&self) -> &Places {
        &self.places
    }
}

impl Place for Web {
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>> {
        if self.places.network == Network::Offline {
            let why = "`--offline` forbids to ask".to_string();
            return Err(ChannelError::Unreachable { place: self.url.clone(), why });
        }
        let url = format!("{}/{path}", self.url);
        match fetch::page(&url, size_max_bytes, &self.places, &AtomicBool::new(false)) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(FreshError::Nowhere(tried)) => match tried.last().map(|attempt| &attempt.miss) {
                Some(Miss::Status(status)) if is_absent(status) => Ok(None),
                Some(Miss::Huge { .. }) => Ok(Some(vec![0; size_max_bytes as usize + 1])),
                Some(miss) => Err(ChannelError::Unreachable { place: url, why: miss.to_string() }),
                None => Ok(None),
            },
            Err(FreshError::Cancelled) => Err(ChannelError::Cancelled),
            Err(error) => Err(ChannelError::Unreachable { place: url, why: error.to_string() }),
        }
    }

    fn name(&self) -> String {
        self.url.clone()
    }

    fn url(&self) -> Option<&str> {
        Some(&self.url)
    }

    fn folder(&self) -> Option<&std::path::Path> {
        None
    }
}

/// A bucket whose names can't be listed says 403 of what is not there.
fn is_absent(status: &str) -> bool {
    ["404", "403", "410"].iter().any(|code| status.contains(code))
}
