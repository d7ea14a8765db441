//! Moves within a channel that make no image: promote, roll back, hold, refresh.

use super::error::{ChannelError, Result};
use super::line::{self, Entry, History};
use super::publish::{Desk, Moved, document, is_free, names};

/// The newest of a line as another's newest, once it was that for `soak_s`.
pub fn promote(desk: &mut Desk, from: &str, to: &str, role: &str, soak_s: u64) -> Result<Moved> {
    names(from, role)?;
    names(to, role)?;
    let source = desk.history(from, role)?;
    let newest = newest(&source)?;
    let target = desk.history(to, role)?;
    if target.newest().is_some_and(|entry| entry.sha256 == newest.sha256) {
        return Ok(Moved::Same);
    }
    is_free(&target)?;
    let age_s = desk.now_s().saturating_sub(newest.when_s());
    if age_s < soak_s {
        return Err(ChannelError::Asked(format!(
            "{from}/{role} is the newest since {}: {age_s} s, of {soak_s} s that it must be before it is promoted",
            newest.when
        )));
    }
    take(desk, from, newest, target, &format!("promoted from {from}"))
}

/// An older image as a line's newest: that before the present one, or the one whose document's or root's sha256 begins so.
pub fn rollback(desk: &mut Desk, line: &str, role: &str, to: Option<&str>) -> Result<Moved> {
    names(line, role)?;
    let history = desk.history(line, role)?;
    let present = newest(&history)?;
    let found = match to {
        Some(start) => history.entries.iter().rfind(|entry| begins(entry, start)),
        // Twice back is two images back: what was published before the present one first was.
        None => {
            let first = history.entries.iter().position(|entry| entry.sha256 == present.sha256);
            history.entries[..first.unwrap_or(0)].iter().rfind(|entry| entry.sha256 != present.sha256)
        }
    };
    let Some(older) = found else {
        return Err(ChannelError::Asked(match to {
            Some(start) => format!(
                "{line}/{role} has no image that begins with {start}: `rootbrew channel log` lists them"
            ),
            None => format!("{line}/{role} has no image before its present one"),
        }));
    };
    if older.sha256 == present.sha256 {
        return Ok(Moved::Same);
    }
    let older = older.clone();
    take(desk, line, &older, history, "rolled back")
}

fn begins(entry: &Entry, start: &str) -> bool {
    start.len() >= 6 && (entry.sha256.starts_with(start) || entry.root_sha256.starts_with(start))
}

fn newest(history: &History) -> Result<&Entry> {
    let none = || ChannelError::Asked(format!("{}/{} holds no image", history.line, history.role));
    history.newest().ok_or_else(none)
}

/// A document of one line as the newest of a history, by the same bytes.
fn take(desk: &mut Desk, from: &str, entry: &Entry, history: History, what: &str) -> Result<Moved> {
    let image = desk.image(from, &history.role, entry)?;
    let path = line::document_path(from, &history.role, "image", &entry.sha256);
    let bytes = document(desk.shelf(), &path, &entry.sha256, entry.size)?;
    desk.append(history, &image, bytes, what)?;
    Ok(Moved::New { bytes: 0 })
}

/// Keeps a line as it is, and says why; `None` lets it go.
pub fn hold(desk: &mut Desk, line: &str, role: &str, why: Option<&str>) -> Result<Moved> {
    names(line, role)?;
    let mut history = desk.history(line, role)?;
    newest(&history)?;
    if history.held.as_deref() == why {
        return Ok(Moved::Same);
    }
    history.held = why.map(str::to_string);
    desk.rewrite(history)?;
    Ok(Moved::New { bytes: 0 })
}

/// The pointers, signed anew, so that they hold longer. Whoever moved the channel meanwhile did that too.
pub fn refresh(desk: Desk) -> Result<()> {
    match desk.sign_anew() {
        Ok(_) | Err(ChannelError::Lost { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
