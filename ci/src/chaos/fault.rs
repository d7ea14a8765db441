//! What may happen to a machine, drawn by chance. Pure: a seed, a round and the role's services make the fault.
//!
//! Kinds come as cards of a deck that is shuffled by the seed, so that a few rounds have seen each kind once.

use std::fmt;
use std::time::Duration;

use super::chance::Chance;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Kill,
    Kills,
    Orders,
    Fill,
    Cut,
    Garbage,
    Put,
    Start,
    Power,
}

pub const KINDS: [Kind; 9] = [
    Kind::Kill,
    Kind::Kills,
    Kind::Orders,
    Kind::Fill,
    Kind::Cut,
    Kind::Garbage,
    Kind::Put,
    Kind::Start,
    Kind::Power,
];

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Kind::Kill => "kill",
            Kind::Kills => "kills",
            Kind::Orders => "orders",
            Kind::Fill => "fill",
            Kind::Cut => "network",
            Kind::Garbage => "garbage",
            Kind::Put => "env put",
            Kind::Start => "env start",
            Kind::Power => "power",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kill {
    pub service: String,
    pub signal: &'static str,
    /// Which of its processes, counted around.
    pub at: u64,
}

/// What a service is asked in haste.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    Restart(String),
    Reload(String),
    Kill(Kill),
}

/// What more happens while `/data` is full.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Besides {
    Nothing,
    Kill(Kill),
    Power,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mouth {
    /// The control's port.
    Control,
    /// The serial line.
    Console,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stuff {
    /// Bytes of any kind.
    Bytes,
    /// A line that does not end.
    Line,
    /// The control's own words, with what does not belong to them.
    Words,
    /// A file that is put and never ends.
    Put,
    /// Long answers are asked for, and none is read.
    Deaf,
}

/// Bytes that are changed: each its place, of 65,536 parts of the whole, and what its bits are changed by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flips(pub Vec<(u16, u8)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Volume,
    FwCfg,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    Kill(Kill),
    /// The same several times.
    Kills(Kill, u64, Duration),
    /// One after the other, with so long between.
    Orders(Vec<Order>, Duration),
    /// For so long.
    Fill(Duration, Besides),
    /// Unplugged for the first and plugged in for the second, so many times.
    Cut(u64, Duration, Duration),
    /// Unplugged from before a start until so long after its word.
    CutAtStart(Duration),
    /// By a seed.
    Garbage(Mouth, Stuff, u64, usize),
    /// The running machine's environment, for so long.
    Put(Flips, Duration),
    /// That of the next start.
    Start(Place, Flips),
    /// Besides the first cut, one in each of the next starts: after so many parts in a hundred of what a start takes.
    Power(Vec<u64>),
}

/// What is done in a round, and how long nothing is done before.
pub fn draw(seed: u64, round: u64, services: &[String]) -> (Duration, Fault) {
    let (deck, card) = ((round - 1) / KINDS.len() as u64, (round - 1) % KINDS.len() as u64);
    let mut kinds = KINDS;
    Chance::new(seed, u64::MAX - deck).shuffle(&mut kinds);
    let mut chance = Chance::new(seed, round);
    let pause = ms(&mut chance, 0, 1500);
    (pause, fault(kinds[card as usize], &mut chance, services))
}

fn fault(kind: Kind, chance: &mut Chance, services: &[String]) -> Fault {
    match kind {
        Kind::Kill => Fault::Kill(kill(chance, services)),
        Kind::Kills => Fault::Kills(kill(chance, services), chance.between(2, 8), ms(chance, 0, 300)),
        Kind::Orders => {
            let orders = (0..chance.between(2, 6)).map(|_| order(chance, services)).collect();
            Fault::Orders(orders, ms(chance, 0, 400))
        }
        Kind::Fill => Fault::Fill(ms(chance, 0, 1500), besides(chance, services)),
        Kind::Cut if chance.between(0, 3) == 0 => Fault::CutAtStart(ms(chance, 0, 1000)),
        Kind::Cut => Fault::Cut(chance.between(1, 3), ms(chance, 10, 2500), ms(chance, 0, 500)),
        Kind::Garbage => {
            let mouths = [Mouth::Control, Mouth::Control, Mouth::Console];
            let stuffs = [Stuff::Bytes, Stuff::Line, Stuff::Words, Stuff::Put, Stuff::Deaf];
            let mouth = *chance.of(&mouths).unwrap_or(&Mouth::Control);
            let stuff = *chance.of(&stuffs).unwrap_or(&Stuff::Bytes);
            // What a pipe to a console holds twice, so that we never wait for a guest that does not read.
            let most = if mouth == Mouth::Console { 13 } else { 17 };
            Fault::Garbage(mouth, stuff, chance.next(), 1 << chance.between(0, most))
        }
        Kind::Put => Fault::Put(flips(chance), ms(chance, 0, 1000)),
        Kind::Start => {
            let place = if chance.between(0, 1) == 0 { Place::Volume } else { Place::FwCfg };
            Fault::Start(place, flips(chance))
        }
        Kind::Power => Fault::Power((0..chance.between(0, 2)).map(|_| chance.between(5, 120)).collect()),
    }
}

fn kill(chance: &mut Chance, services: &[String]) -> Kill {
    let service = chance.of(services).cloned().unwrap_or_default();
    let signal = chance.of(&["KILL", "KILL", "SEGV", "ABORT", "TERM", "HUP"]).copied().unwrap_or("KILL");
    Kill { service, signal, at: chance.between(0, 3) }
}

fn order(chance: &mut Chance, services: &[String]) -> Order {
    let kill = kill(chance, services);
    match chance.between(0, 2) {
        0 => Order::Restart(kill.service),
        1 => Order::Reload(kill.service),
        _ => Order::Kill(kill),
    }
}

fn besides(chance: &mut Chance, services: &[String]) -> Besides {
    match chance.between(0, 3) {
        0 => Besides::Power,
        1 => Besides::Kill(kill(chance, services)),
        _ => Besides::Nothing,
    }
}

fn flips(chance: &mut Chance) -> Flips {
    // One bit makes another letter as often as it makes nonsense, and letters are what a checker must see.
    let bits = chance.between(0, 1) == 0;
    let change =
        |chance: &mut Chance| if bits { 1 << chance.between(0, 6) } else { chance.between(1, 255) as u8 };
    Flips((0..chance.between(1, 8)).map(|_| (chance.next() as u16, change(chance))).collect())
}

fn ms(chance: &mut Chance, least: u64, most: u64) -> Duration {
    Duration::from_millis(chance.between(least, most))
}

impl Fault {
    pub fn kind(&self) -> Kind {
        match self {
            Fault::Kill(_) => Kind::Kill,
            Fault::Kills(..) => Kind::Kills,
            Fault::Orders(..) => Kind::Orders,
            Fault::Fill(..) => Kind::Fill,
            Fault::Cut(..) | Fault::CutAtStart(_) => Kind::Cut,
            Fault::Garbage(..) => Kind::Garbage,
            Fault::Put(..) => Kind::Put,
            Fault::Start(..) => Kind::Start,
            Fault::Power(_) => Kind::Power,
        }
    }
}

impl Flips {
    pub fn of(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for (part, change) in &self.0 {
            let at = usize::from(*part) * bytes.len() >> 16;
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= change;
            }
        }
        bytes
    }
}

impl fmt::Display for Kill {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{} {} process {}", self.signal, self.service, self.at)
    }
}

impl fmt::Display for Flips {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let each = self.0.iter().map(|(at, by)| format!("{:.1}%^{by:02x}", f64::from(*at) / 655.36));
        write!(to, "{}", each.collect::<Vec<_>>().join(" "))
    }
}

impl fmt::Display for Order {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Order::Restart(service) => write!(to, "restart {service}"),
            Order::Reload(service) => write!(to, "reload {service}"),
            Order::Kill(kill) => write!(to, "{kill}"),
        }
    }
}

/// Its parameters, without its kind.
impl fmt::Display for Fault {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        let ms = Duration::as_millis;
        match self {
            Fault::Kill(kill) => write!(to, "{kill}"),
            Fault::Kills(kill, times, pause) => write!(to, "{kill}, {times} times each {} ms", ms(pause)),
            Fault::Orders(orders, pause) => {
                let orders = orders.iter().map(Order::to_string).collect::<Vec<_>>().join(", ");
                write!(to, "{orders}, each {} ms", ms(pause))
            }
            Fault::Fill(hold, Besides::Nothing) => write!(to, "{} ms", ms(hold)),
            Fault::Fill(hold, Besides::Kill(kill)) => write!(to, "{} ms, {kill}", ms(hold)),
            Fault::Fill(hold, Besides::Power) => write!(to, "{} ms, power cut", ms(hold)),
            Fault::Cut(1, down, _) => write!(to, "{} ms", ms(down)),
            Fault::Cut(times, down, up) => {
                write!(to, "{times} times {} ms, between {} ms", ms(down), ms(up))
            }
            Fault::CutAtStart(after) => write!(to, "none at a start, and {} ms more", ms(after)),
            Fault::Garbage(mouth, stuff, seed, bytes) => {
                write!(to, "{mouth:?} {stuff:?} {bytes} bytes of {seed:x}")
            }
            Fault::Put(flips, hold) => write!(to, "{flips}, {} ms", ms(hold)),
            Fault::Start(Place::Volume, flips) => write!(to, "volume {flips}"),
            Fault::Start(Place::FwCfg, flips) => write!(to, "fw_cfg {flips}"),
            Fault::Power(early) if early.is_empty() => write!(to, "once"),
            Fault::Power(early) => {
                let parts = early.iter().map(|part| format!("{part}%")).collect::<Vec<_>>().join(", ");
                write!(to, "and at {parts} of the next start")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn drawn(seed: u64, rounds: u64) -> Vec<String> {
        let services = ["nginx".to_string(), "valkey".to_string()];
        let one = |round| draw(seed, round, &services);
        (1..=rounds).map(one).map(|(_, fault)| format!("{} {fault}", fault.kind().word())).collect()
    }

    #[test]
    fn a_seed_is_a_sequence() {
        assert_eq!(drawn(3, 200), drawn(3, 200));
        assert_eq!(drawn(3, 200)[..12], drawn(3, 12));
        assert_ne!(drawn(3, 12), drawn(4, 12));
    }

    #[test]
    fn each_kind_comes_once_in_a_deck() {
        for deck in 0..10 {
            let kinds: BTreeSet<Kind> =
                (1..=9).map(|card| draw(9, deck * 9 + card, &["a".into()]).1.kind()).collect();
            assert_eq!(kinds.len(), KINDS.len());
        }
    }

    #[test]
    fn flips_change_bytes_and_no_length() {
        let flips = Flips(vec![(0, 1), (65_535, 2)]);
        assert_eq!(flips.of(b"abc"), b"`ba");
        assert_eq!(flips.of(b""), b"");
        assert_eq!(flips.to_string(), "0.0%^01 100.0%^02");
    }
}
