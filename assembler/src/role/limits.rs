//! `[limits]`: what an image and the machine that runs it may not exceed, each limit with its place in the text.
//!
//! Only the text: what is found, and what is said of it, is `crate::limit`'s.

use std::collections::BTreeMap;
use std::ops::Range;

use kegs::fault::Faults;
use kegs::reader::{Place, Read, Size, Written};

/// One figure that may be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measure {
    pub key: &'static str,
    pub unit: Unit,
    /// The limit where a role says none.
    pub usual: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Bytes,
    Count,
    Milliseconds,
}

const fn measure(key: &'static str, unit: Unit, usual: Option<u64>) -> Measure {
    Measure { key, unit, usual }
}

/// Every figure with a limit, in the order in which it is written.
pub const MEASURES: [Measure; 12] = [
    measure("root_disk", Unit::Bytes, None),
    measure("root_wire", Unit::Bytes, None),
    measure("kernel", Unit::Bytes, None),
    measure("files", Unit::Count, None),
    measure("executables", Unit::Count, None),
    measure("libraries", Unit::Count, None),
    measure("shells", Unit::Count, None),
    measure("interpreters", Unit::Count, None),
    // Nobody means these two without having said so.
    measure("setuid", Unit::Count, Some(0)),
    measure("writable", Unit::Count, Some(0)),
    measure("ram_idle", Unit::Bytes, None),
    measure("boot_ms", Unit::Milliseconds, None),
];

/// What an image may not exceed; what is absent is not limited, unless its measure has a usual limit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    most: BTreeMap<&'static str, Written<u64>>,
    /// All that may listen.
    pub ports: Option<Written<Vec<u16>>>,
    /// Names of SPDX's list, `*` for any part of one: `MIT`, `BSD-*`.
    pub licenses: Option<Written<Vec<Written<String>>>>,
    /// The first line of the table.
    head: Range<usize>,
}

impl Limits {
    /// The most that is allowed of a figure; `None` is not limited.
    pub fn most(&self, measure: &Measure) -> Option<u64> {
        self.most.get(measure.key).map(|written| written.value).or(measure.usual)
    }

    /// None but who may listen: for an image that is not published.
    pub fn ports_only(&self) -> Limits {
        Limits { ports: self.ports.clone(), head: self.head.clone(), ..Limits::default() }
    }

    /// Whether the role says it itself.
    pub fn says(&self, key: &str) -> bool {
        self.most.contains_key(key)
    }

    /// Where a limit stands, or else would: the table's head.
    pub fn place(&self, key: &str) -> Range<usize> {
        self.most.get(key).map_or(self.head.clone(), |written| written.span.clone())
    }
}

/// The measure of a key.
///
/// # Panics
/// When there is none: keys are ours.
pub fn measure_of(key: &str) -> &'static Measure {
    MEASURES.iter().find(|measure| measure.key == key).expect("a key of MEASURES")
}

impl Read for Limits {
    fn read(at: &Place, faults: &mut Faults) -> Option<Limits> {
        let mut table = at.table("a table", faults)?;
        let mut limits = Limits { head: table.head(), ..Limits::default() };
        for Measure { key, unit, .. } in MEASURES {
            let most = match unit {
                Unit::Bytes => table.take::<Written<Size>>(key).map(bytes),
                Unit::Count | Unit::Milliseconds => table.take::<Written<u64>>(key),
            };
            limits.most.extend(most.map(|most| (key, most)));
        }
        limits.ports = table.take("ports");
        limits.licenses = table.take("licenses");
        table.close("in `limits`");
        Some(limits)
    }
}

fn bytes(size: Written<Size>) -> Written<u64> {
    Written { value: size.value.bytes, span: size.span }
}
