//! Where a channel is read from: a folder, or a web server that has the same files. Neither is trusted with anything.

use std::io::Read;

use builder::fetch::{Miss, Places, Site, Stream};

use super::error::{ChannelError, Result};

pub trait Place: Sync {
    /// A file's bytes; `None`: it is not there. Of one that is longer than `size_max_bytes`, one byte more than that.
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>>;

    /// The same of any length, a piece at a time.
    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>>;

    /// For messages.
    fn name(&self) -> String;

    /// Where a blob is fetched from. What stands behind a `?` may be a secret.
    fn url(&self, path: &str) -> Option<String>;

    /// Or below this.
    fn folder(&self) -> Option<&std::path::Path>;
}

/// Any web server.
pub struct Web {
    /// Without a last `/`.
    url: String,
    site: Site,
}

impl Web {
    /// `places` says whether a network may be asked, and how patiently.
    pub fn new(url: &str, places: &Places) -> Web {
        Web { url: url.trim_end_matches('/').to_string(), site: Site::new(places) }
    }

    fn stream(&self, path: &str) -> Result<Option<Stream<'_>>> {
        stream(&self.site, &format!("{}/{path}", self.url))
    }
}

impl Place for Web {
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>> {
        let Some(stream) = self.stream(path)? else { return Ok(None) };
        let mut bytes = Vec::new();
        match stream.take(size_max_bytes.saturating_add(1)).read_to_end(&mut bytes) {
            Ok(_) => Ok(Some(bytes)),
            Err(error) => Err(unreachable(&format!("{}/{path}", self.url), &error)),
        }
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>> {
        Ok(self.stream(path)?.map(|stream| Box::new(stream) as Box<dyn Read + Send>))
    }

    fn name(&self) -> String {
        self.url.clone()
    }

    fn url(&self, path: &str) -> Option<String> {
        Some(format!("{}/{path}", self.url))
    }

    fn folder(&self) -> Option<&std::path::Path> {
        None
    }
}

/// A file of a site; `None`: it says that it has none.
pub fn stream<'a>(site: &'a Site, url: &str) -> Result<Option<Stream<'a>>> {
    match site.open(url) {
        Ok(stream) => Ok(Some(stream)),
        Err(Miss::Status(status)) if is_absent(&status) => Ok(None),
        Err(Miss::Offline) => Err(ChannelError::Unreachable {
            place: url.to_string(),
            why: "`--offline` forbids to ask".into(),
        }),
        Err(miss) => Err(unreachable(url, &miss)),
    }
}

fn unreachable(url: &str, why: &dyn std::fmt::Display) -> ChannelError {
    // Behind a `?` a bucket has its signature.
    let place = url.split('?').next().unwrap_or_default().to_string();
    ChannelError::Unreachable { place, why: why.to_string() }
}

/// A bucket whose names can't be listed says 403 of what is not there.
fn is_absent(status: &str) -> bool {
    ["404", "403", "410"].iter().any(|code| status.contains(code))
}
