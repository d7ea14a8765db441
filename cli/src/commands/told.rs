//! `rootbrew channel verify` and `log`: what a channel holds, read from any place.

use ci::channel::{self, now_s};

use super::channel::Keys;
use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::place;

pub fn verify(context: &Context, dir: &str, keys: &Keys) -> Result<()> {
    let report =
        channel::verify(place::place(&context.places, dir)?.as_ref(), &keys.keys.join("trusted"), now_s())?;
    if context.json {
        let told = serde_json::json!({
            "event": "verified", "lines": report.lines, "images": report.images, "blobs": report.blobs,
            "bytes": report.bytes, "faults": report.faults,
        });
        data(&told.to_string());
    } else {
        report.faults.iter().for_each(|fault| talk(&format!("fault   {fault}")));
        let rest = format!(
            "{} lines, {} images, {} blobs, {}: {} faults",
            report.lines,
            report.images,
            report.blobs,
            bytes(report.bytes),
            report.faults.len()
        );
        event("verify", dir, &rest);
    }
    if report.faults.is_empty() { Ok(()) } else { Err(Trouble::Said) }
}

pub fn log(context: &Context, dir: &str, keys: &Keys) -> Result<()> {
    let place = place::place(&context.places, dir)?;
    let state = channel::State::open(place.as_ref(), &keys.keys.join("trusted"), now_s())?;
    for (line, role) in channel::lines(&state) {
        let history = channel::history(place.as_ref(), &state, &line, &role)?;
        if context.json {
            data(&serde_json::json!(history).to_string());
            continue;
        }
        if let Some(why) = &history.held {
            data(&format!("{line}/{role} is held: {why}"));
        }
        for entry in history.entries.iter().rev() {
            let commit = entry
                .commit
                .as_deref()
                .map_or(String::new(), |commit| format!("  commit {}", &commit[..commit.len().min(12)]));
            let what = entry.what.replace(char::is_control, "?");
            data(&format!("{line}/{role}  {}  {}  {what}{commit}", &entry.sha256[..12], entry.when));
        }
    }
    Ok(())
}
