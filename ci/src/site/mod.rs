//! The site: pages beside a channel's files that tell what its lines hold and held, for people with a browser.
//!
//! ```text
//! index.html                     leads to site/index.html; another's is left alone
//! site/index.html                each line: its roles and their newest images
//! site/role/<line>/<role>.html   what the line held, as a table and as charts
//! site/image/<sha256>.html       an image: figures, parts, contents, papers, what differs from the one before it
//! site/image/<sha256>.svg        its treemap; .diff.svg: of what moved since the image before it
//! site/image/<sha256>.js         its files and packages, for the page that compares
//! site/compare.html images.js    any two images side by side, put together in the browser
//! site/cve.html                  which images a vulnerability touches
//! ```
//! Nothing is asked of any other place, nothing runs but our own two scripts, and all works from `file://`, where a page may
//! load scripts of its folder and may not fetch: so an image's data is a script that calls one function. Every name comes
//! from an archive, a recipe or a record, and is text: templates escape, and what cannot be seen is spelled out. Pages are
//! not signed and prove nothing: `rootbrew pull` does.

mod chart;
mod data;
mod image;
mod packages;
mod pages;
mod read;
mod role;
mod timeline;
mod vulnerable;
mod write;

use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::channel::{ChannelError, Folder, Shelf, State};
use crate::report::escape;
use read::{Channel, Detail, Listed};
use vulnerable::Checked;
pub use write::Written;
use write::{Desk, Seal};

/// Of a name on a page: longer ones are cut.
const NAME_MAX_CHARS: usize = 300;

#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    #[error(transparent)]
    Channel(#[from] ChannelError),
    #[error(transparent)]
    Records(#[from] workbench::cve::RecordsError),
}

/// What a site came to.
#[derive(Debug, Default)]
pub struct Made {
    pub lines: usize,
    pub images: usize,
    pub written: Written,
    /// What could not be read of the channel, and is said on its page too.
    pub faults: Vec<String>,
}

/// Writes the pages of a channel that are other than they were, and removes those of images that are gone. `db`: records of
/// OSV, as `rootbrew cve` takes them.
///
/// # Errors
/// The metadata are refused; a file can't be written; the records can't be read.
pub fn make(folder: &Folder, trusted: &Path, db: &[PathBuf], now_s: u64) -> Result<Made, SiteError> {
    let _held = folder.share()?;
    let state = &State::open(folder, trusted, now_s)?;
    let channel = &read::channel(folder, state);
    let checked = &vulnerable::check(folder, channel, db)?;
    let desk = &Desk::open(folder)?;
    let work = Work { folder, state, channel, checked, desk };
    let listed: Vec<&Listed> = channel.images.values().collect();
    let told = listed.par_iter().map(|listed| work.image(listed)).collect::<Result<Vec<_>, _>>()?;
    for (path, page) in pages::of_lines(channel, checked) {
        desk.page(&path, &page)?;
    }
    desk.front_door(&pages::front_door())?;
    Ok(Made {
        lines: channel.histories.len(),
        images: listed.len(),
        written: desk.close()?,
        faults: channel.faults.iter().cloned().chain(told.into_iter().flatten()).collect(),
    })
}

/// What each image's page stands on.
struct Work<'a> {
    folder: &'a Folder,
    state: &'a State,
    channel: &'a Channel,
    checked: &'a Checked,
    desk: &'a Desk,
}

impl Work<'_> {
    /// An image's page and what goes with it, unless all that they say stands there already; what can't be read of it.
    fn image(&self, listed: &Listed) -> Result<Vec<String>, ChannelError> {
        let Work { channel, checked, desk, .. } = self;
        let seal = Seal::of(&image::told(channel, listed, checked));
        if desk.is_sealed(&listed.sha256, &seal) {
            desk.keep(&listed.sha256);
            return Ok(Vec::new());
        }
        let detail = self.detail(listed);
        let before = listed.before.as_ref().and_then(|sha256| channel.images.get(sha256));
        let before = before.map(|before| (before, self.detail(before)));
        // What can't be read now is read again by the next run.
        let is_whole = detail.faults.is_empty() && before.iter().all(|(_, before)| before.faults.is_empty());
        let page = image::page(channel, listed, &detail, before.as_ref(), checked);
        desk.image(&listed.sha256, &page, is_whole.then_some(&seal))?;
        Ok(detail.faults)
    }

    fn detail(&self, listed: &Listed) -> Detail {
        read::detail(self.folder, self.state, listed)
    }
}

/// A name as it may be shown: what has no shape, or turns the reading order, is spelled out.
fn shown(text: &str) -> String {
    escape::shown(text, NAME_MAX_CHARS)
}

/// Of a digest, as `rootbrew channel log` prints it.
fn short(sha256: &str) -> &str {
    sha256.get(..12).unwrap_or(sha256)
}

/// `2026-11-21 22:05 UTC`: seconds are noise to a reader.
fn when(time: &str) -> String {
    match trust::read_time(time) {
        Some(_) => format!("{} {} UTC", &time[..10], &time[11..16]),
        None => shown(time),
    }
}
