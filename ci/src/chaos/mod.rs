//! Chaos: a machine that serves is done harm by chance, round after round, and must answer again each time.
//!
//! ```text
//! seed, round --draw--> Fault --cause--> the guest --answered--> Round
//! ```
//! Never: draws by anything but the seed, the round and the role's services; leaves a guest behind; takes a machine for well
//! that was not asked.

mod cause;
mod chance;
mod fault;
mod garbage;
mod ground;
mod table;

use std::time::Duration;

pub use fault::{Fault, KINDS, Kind, draw};
pub use ground::Ground;
pub use table::{Row, table};

use crate::boot::BootError;

/// A round's time is a multiple of what the machine's own start took, by our clock: an emulated guest on a busy machine is as
/// much slower in all that it does. Ten starts, and not less than the least.
pub const STARTS: u32 = 10;
pub const LIMIT_LEAST: Duration = Duration::from_secs(30);

/// What a round came to.
#[derive(Debug, Clone)]
pub struct Round {
    pub number: u64,
    pub fault: Fault,
    /// From the end of the fault (a start's beginning, where it was one) until all checks were answered.
    pub again: Duration,
    /// What else is to be told of it.
    pub notes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// Before the first round.
    #[error(transparent)]
    Boot(#[from] BootError),
    #[error("stopped")]
    Cancelled,
    #[error("round {round} of seed {seed}, {} {fault}: {why}{}", fault.kind().word(), tail(.told))]
    Round { seed: u64, round: u64, fault: Fault, why: String, told: Vec<String> },
    /// It served to the end, and then did not end.
    #[error("after the last round of seed {seed}: {why}")]
    End { seed: u64, why: BootError },
}

/// Starts the machine and does it harm for so many rounds; each is told as it ends.
///
/// # Errors
/// The first round after which it does not answer within its limit, with what the guest told.
pub fn run(
    mut ground: Ground,
    rounds: u64,
    seed: u64,
    tell: &mut dyn FnMut(&Round),
) -> Result<Vec<Round>, ChaosError> {
    ground.begin()?;
    let mut done = Vec::new();
    for number in 1..=rounds {
        let (pause, fault) = draw(seed, number, ground.services);
        let came = ground.rest(pause).and_then(|()| ground.round(&fault));
        match came {
            Ok((again, notes)) => done.push(Round { number, fault, again, notes }),
            Err(_) if (ground.stop)() => return Err(ChaosError::Cancelled),
            Err(why) => {
                return Err(ChaosError::Round { seed, round: number, fault, why, told: ground.told() });
            }
        }
        done.last().into_iter().for_each(&mut *tell);
    }
    ground.end().map_err(|why| ChaosError::End { seed, why })?;
    Ok(done)
}

fn tail(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n  | {line}")).collect()
}
