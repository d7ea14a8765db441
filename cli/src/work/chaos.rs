//! A machine that is done harm: what of it is shown, line by line, and what it came to.

use std::path::PathBuf;
use std::time::Duration;

use assembler::role::Role;
use ci::chaos::{Round, Row, table};
use tempfile::TempDir;

use super::disk;
use super::image::Image;
use super::machine::{self, Harm, Machine};
use crate::commands::boot::Wish;
use crate::context::Context;
use crate::terminal::{data, talk};
use crate::trouble::{Result, Trouble};

/// Small, so that to fill it is a blink; and large enough for a journal and a second superblock.
const DISK: &str = "192M";

pub fn run(context: &Context, wish: &Wish, rounds: u64, role: &Role, image: &Image) -> Result<()> {
    let seed = wish.seed.map_or_else(by_chance, Ok)?;
    let folder = TempDir::with_prefix("rootbrew-chaos-")
        .map_err(|error| Trouble::Failed(format!("cannot make a folder: {error}")))?;
    let machine = machine::Wish {
        memory_mb: wish.memory.unwrap_or(machine::TRIED.memory_mb),
        is_tried: true,
        environment: wish.environment.as_deref(),
        console: wish.console,
        observe: None,
        data: data_disk(wish, role, &folder)?,
        debug: None,
        // Of its own: while its power is cut, a name that others may take would be free.
        control: Some(folder.path().join("control")),
        monitor: Some(folder.path().join("monitor")),
    };
    let machine = Machine::new(role, image, machine)?;
    let again = format!("rootbrew boot {} --chaos {rounds} --seed {seed}", role.name);
    talk(&format!("chaos   {}, {rounds} rounds; the same again: {again}", role.name));
    let harm = Harm { rounds, seed, stop: &|| context.cancel.is_said() };
    let done = machine.harm(&harm, &mut |round| show(context, round))?;
    sum_up(context, role, seed, &done);
    Ok(())
}

/// The operator's; else one of its own, where the role keeps something.
fn data_disk(wish: &Wish, role: &Role, folder: &TempDir) -> Result<Option<PathBuf>> {
    match (&wish.data, &role.data) {
        (Some(asked), _) => disk::ready(asked).map(Some),
        (None, Some(_)) => disk::ready(&format!("{}:{DISK}", folder.path().join("data").display())).map(Some),
        (None, None) => Ok(None),
    }
}

/// Short, since a person may have to type it.
fn by_chance() -> Result<u64> {
    let mut bytes = [0; 4];
    let got = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    got.map_err(|error| Trouble::Failed(format!("cannot ask for chance: {error}")))?;
    Ok(u32::from_le_bytes(bytes).into())
}

fn show(context: &Context, round: &Round) {
    let Round { number, fault, again, notes } = round;
    let kind = fault.kind().word();
    if context.json {
        let line = serde_json::json!({
            "event": "round", "number": number, "kind": kind, "fault": fault.to_string(),
            "again_ms": ms(*again), "notes": notes,
        });
        return data(&line.to_string());
    }
    let notes: String = notes.iter().map(|note| format!("  ({note})")).collect();
    talk(&format!("round {number:>4}  {kind:<9} {:>6} ms  {fault}{notes}", ms(*again)));
}

fn sum_up(context: &Context, role: &Role, seed: u64, done: &[Round]) {
    let rows = table(done);
    if context.json {
        let rows: Vec<_> = rows.iter().map(json).collect();
        let line = serde_json::json!({
            "event": "chaos", "role": role.name, "seed": seed, "rounds": done.len(), "kinds": rows,
        });
        return data(&line.to_string());
    }
    data("fault      rounds  median ms  worst ms");
    for Row { kind, count, median, worst } in rows {
        data(&format!("{:<9}  {count:>6}  {:>9}  {:>8}", kind.word(), ms(median), ms(worst)));
    }
    data(&format!("{}: answered after each of {} rounds, seed {seed}", role.name, done.len()));
}

fn json(row: &Row) -> serde_json::Value {
    let Row { kind, count, median, worst } = row;
    serde_json::json!({
        "kind": kind.word(), "rounds": count, "median_ms": ms(*median), "worst_ms": ms(*worst),
    })
}

fn ms(time: Duration) -> u64 {
    time.as_millis() as u64
}
