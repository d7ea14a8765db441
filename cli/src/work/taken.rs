//! Taken from a channel: where it is, what is trusted of it, and a role's image of a line, as if it had been made here.

use std::fs;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use builder::fetch::{Event, Step};
use ci::channel::{self, Pulled, Pulling, now_s};

use super::image::Image;
use super::place::place;
use crate::context::{Context, user_folder};
use crate::terminal::{bytes, event};
use crate::trouble::{Result, Trouble};

/// What boots, and what tells it apart.
pub const PARTS: [&str; 4] = ["root.erofs", "vmlinuz", "tree.txt", "facts.json"];

/// The line of who names none.
const LINE: &str = "edge";

/// By what a channel is trusted.
#[derive(Debug, clap::Args)]
pub struct Trust {
    /// Begin to trust: the sha256 of the channel's first root, or that root in a file
    #[arg(long, value_name = "SHA256|FILE", requires = "from")]
    root: Option<String>,
    /// Where the root of trust is kept [default: by the channel's name, in ~/.local/state/rootbrew/trusted]
    #[arg(long, value_name = "DIR", requires = "from")]
    trusted: Option<PathBuf>,
}

/// A role's newest image of a line, in a folder: parts that are there already stay.
pub fn pull(
    context: &Context,
    from: &str,
    trust: &Trust,
    (line, role): (&str, &str),
    to: &Path,
    wants: &dyn Fn(&str) -> bool,
) -> Result<Pulled> {
    let place = place(&context.places, from)?;
    let trusted = trust.trusted.clone().map_or_else(|| state_folder(from), Ok)?;
    if let Some(root) = &trust.root {
        channel::trusted(&trusted, place.as_ref(), &sha256(root)?)?;
    }
    let events = |told: Event| {
        if let Step::Done { bytes: count } = told.step {
            event("fetched", &told.wanted.name, &bytes(count));
        }
    };
    let pulling = Pulling {
        place: place.as_ref(),
        trusted: &trusted,
        places: &context.places,
        events: &events,
        cancel: context.cancel.flag(),
        now_s: now_s(),
    };
    let pulled = channel::pull(&pulling, line, role, to, wants)?;
    let rest = format!("{} to {}", &pulled.sha256[..12], to.display());
    event("pulled", &format!("{line}/{role}"), &rest);
    Ok(pulled)
}

/// A role and its image from `URL|DIR[@LINE]`, kept in the user's cache. The role is the published one: it is asked what its
/// authors asked, and no tap is needed.
pub fn image(context: &Context, from: &str, trust: &Trust, name: &str) -> Result<(Role, Image)> {
    let (from, line) = channel_and_line(from);
    let to =
        user_folder("XDG_CACHE_HOME", ".cache", "where images are kept: `rootbrew pull` takes --to DIR")?
            .join("images")
            .join(named(from))
            .join(line)
            .join(name);
    let roles = [format!("roles/{name}.toml"), format!("roles/{name}/")];
    // What an older image had there is none of this one's.
    match fs::remove_dir_all(to.join("roles")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Trouble::Failed(format!("cannot remove {}: {error}", to.join("roles").display())));
        }
        _ => {}
    }
    let wants =
        |part: &str| PARTS.contains(&part) || roles.iter().any(|role| part.starts_with(role.as_str()));
    pull(context, from, trust, (line, name), &to, &wants)?;
    Ok((role::load(&to, name)?, Image::open(&to)?))
}

/// `https://images.example@stable`: what follows the last `@` is a line, unless it belongs to the place.
pub fn channel_and_line(from: &str) -> (&str, &str) {
    match from.rsplit_once('@') {
        Some((place, line)) if !place.is_empty() && !line.contains('/') && !Path::new(from).exists() => {
            (place, line)
        }
        _ => (from, LINE),
    }
}

/// A sha256 as it is, or that of a file.
pub fn sha256(root: &str) -> Result<String> {
    if kegs::digest::parse_sha256(root).is_some() {
        return Ok(root.to_string());
    }
    let bytes = fs::read(root).map_err(|error| {
        Trouble::Failed(format!("{root}: no sha256 of a root, and no file that can be read: {error}"))
    })?;
    Ok(trust::sha256(&bytes))
}

/// Where a channel's root of trust is kept.
pub fn state_folder(from: &str) -> Result<PathBuf> {
    let base = user_folder("XDG_STATE_HOME", ".local/state", "where trust is kept: give --trusted DIR")?;
    Ok(base.join("trusted").join(named(from)))
}

/// A channel's name as a folder's.
fn named(from: &str) -> String {
    let from = fs::canonicalize(from).map_or_else(|_| from.to_string(), |path| path.display().to_string());
    trust::sha256(from.trim_end_matches('/').as_bytes())[..16].to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_behind_the_channel() {
        let read = |from| channel_and_line(from);
        assert_eq!(read("https://images.example@stable"), ("https://images.example", "stable"));
        assert_eq!(read("https://me@images.example/channel"), ("https://me@images.example/channel", "edge"));
        assert_eq!(read("public/"), ("public/", "edge"));
        assert_eq!(read("public@next"), ("public", "next"));
    }
}
