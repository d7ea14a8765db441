//! Figures: what is measured of a role, beside what it was, with the noise in which a difference is none.

use serde::Serialize;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    Bytes,
    Milliseconds,
    Count,
}

/// How far a figure moves by itself, either way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Noise(pub u64);

/// One figure, by the key of its limit.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    pub key: String,
    pub unit: Unit,
    pub new: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// A boot of an emulated guest on a shared machine differs by this share of itself from the next one: measured, 40 boots.
const NOISE_SHARE: f64 = 0.1;

impl Noise {
    /// Of what was measured on both sides: the widest spread of one side, and at least a share.
    pub fn of(new: &[u64], old: &[u64]) -> Noise {
        let spread =
            |all: &[u64]| all.iter().max().copied().unwrap_or(0) - all.iter().min().copied().unwrap_or(0);
        let least = new.iter().chain(old).min().copied().unwrap_or(0) as f64 * NOISE_SHARE;
        Noise(spread(new).max(spread(old)).max(least as u64))
    }
}

impl Figure {
    /// What is more, or less, beyond the noise; `None` where the old one is not known.
    pub fn moved(&self) -> Option<i64> {
        let moved = self.new as i64 - self.old? as i64;
        let noise = self.noise.map_or(0, |noise| noise.0 as i64);
        Some(if moved.abs() <= noise { 0 } else { moved })
    }

    /// As a table's cell: `7.53 MB (+4.0 kB)`, `0.41 s (=)`, `12`.
    pub fn cell(&self) -> String {
        match self.moved() {
            None => said(self.unit, self.new),
            Some(0) => format!("{} (=)", said(self.unit, self.new)),
            Some(moved) => format!("{} ({})", said(self.unit, self.new), more(self.unit, moved)),
        }
    }

    /// Hundredths of its limit.
    pub fn percent(&self) -> Option<u64> {
        self.limit.filter(|limit| *limit > 0).map(|limit| self.new * 100 / limit)
    }
}

pub fn said(unit: Unit, count: u64) -> String {
    match unit {
        Unit::Bytes => bytes(count),
        Unit::Milliseconds => format!("{:.2} s", count as f64 / 1e3),
        Unit::Count => count.to_string(),
    }
}

pub fn more(unit: Unit, count: i64) -> String {
    let sign = if count < 0 { '−' } else { '+' };
    format!("{sign}{}", said(unit, count.unsigned_abs()))
}

/// In powers of ten, as disks and links are sold.
pub fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.2} MB", count as f64 / 1e6),
        _ => format!("{:.2} GB", count as f64 / 1e9),
    }
}

/// As people read them.
pub fn seconds(wall_s: f64) -> String {
    match wall_s {
        wall_s if wall_s < 10.0 => format!("{wall_s:.1} s"),
        wall_s if wall_s < 120.0 => format!("{wall_s:.0} s"),
        wall_s => format!("{} min {:02} s", wall_s as u64 / 60, wall_s as u64 % 60),
    }
}
