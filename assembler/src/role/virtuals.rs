//! Who stands for a virtual: for the whole role, or for one recipe that asks.
//!
//! ```toml
//! [virtual]
//! openssl-api = "openssl@3"              # whoever asks
//! haproxy = { openssl-api = "openssl@3.0" }  # haproxy
//! ```

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read, Written};

use super::Asked;

#[derive(Debug, Clone, Default)]
pub struct Virtuals {
    /// Virtual to the recipe that stands for it.
    pub all: Named<Asked>,
    /// The same by the recipe that asks; it goes before.
    pub of: Named<Named<Asked>>,
}

/// One line of `[virtual]`.
enum Line {
    All(Asked),
    Of(Named<Asked>),
}

impl Read for Line {
    fn read(at: &Place, faults: &mut Faults) -> Option<Line> {
        if at.is_string() {
            return Asked::read(at, faults).map(Line::All);
        }
        Named::read(at, faults).map(Line::Of)
    }
}

impl Read for Virtuals {
    fn read(at: &Place, faults: &mut Faults) -> Option<Virtuals> {
        let (mut all, mut of) = (BTreeMap::new(), BTreeMap::new());
        for (name, Written { value, span }) in Named::<Line>::read(at, faults)?.0 {
            match value {
                Line::All(asked) => drop(all.insert(name, Written { value: asked, span })),
                Line::Of(chosen) => drop(of.insert(name, Written { value: chosen, span })),
            }
        }
        Some(Virtuals { all: Named(all), of: Named(of) })
    }
}
