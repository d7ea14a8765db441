//! A channel by what a person calls it: a folder, a URL, a bucket.

use std::path::Path;
use std::time::Duration;

use builder::fetch::Places;
use ci::channel::{Bucket, Folder, Place, Shelf, Web, is_channel};

use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// After a death, so long others wait for the dead in a bucket.
const HOLD_S: u64 = 60;

/// For reading.
pub fn place(places: &Places, from: &str) -> Result<Box<dyn Place + Send>> {
    Ok(match from {
        _ if is_site(from) => Box::new(Web::new(from, places)),
        _ if from.starts_with("s3://") => Box::new(bucket(places, from)?),
        _ => Box::new(Folder::at(Path::new(from))),
    })
}

/// For a new channel.
pub fn create(context: &Context, to: &str) -> Result<Box<dyn Shelf>> {
    match to {
        _ if is_site(to) => Err(Trouble::Failed(format!(
            "{to} can only be read: a folder or s3://BUCKET/PREFIX is wanted where something is changed"
        ))),
        _ if to.starts_with("s3://") => Ok(Box::new(bucket(&context.places, to)?)),
        _ => Ok(Box::new(Folder::create(Path::new(to))?)),
    }
}

/// For changing what is there.
pub fn existing(context: &Context, to: &str) -> Result<Box<dyn Shelf>> {
    let is_folder = !is_site(to) && !to.starts_with("s3://");
    let none = || Trouble::Failed(format!("{to} is no channel: `rootbrew channel init` makes one"));
    // A folder that is none is not made one by looking.
    if is_folder && !Path::new(to).is_dir() {
        return Err(none());
    }
    let shelf = match is_folder && !is_channel(&Folder::at(Path::new(to)))? {
        true => return Err(none()),
        false => create(context, to)?,
    };
    if is_channel(shelf.as_ref())? { Ok(shelf) } else { Err(none()) }
}

fn is_site(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn bucket(places: &Places, url: &str) -> Result<Bucket> {
    let given = std::env::var("ROOTBREW_HOLD_S").ok().and_then(|text| text.parse().ok());
    let hold = Duration::from_secs(given.unwrap_or(HOLD_S));
    let words = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    Ok(Bucket::open(url, &words.collect(), places, hold)?)
}
