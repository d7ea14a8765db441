//! Closed sets of words, and plain strings with a rule: what each may be.

use kegs::fault::Faults;
use kegs::reader::{Place, Read};

use super::variant::{Cc, Linkage, Preset, Step};

pub const PRESETS: [(&str, Preset); 10] = [
    ("autotools", Preset::Autotools),
    ("configure", Preset::Configure),
    ("make", Preset::Make),
    ("cmake", Preset::Cmake),
    ("meson", Preset::Meson),
    ("cargo", Preset::Cargo),
    ("python", Preset::Python),
    ("perl", Preset::Perl),
    ("kbuild", Preset::Kbuild),
    ("script", Preset::Script),
];

impl Preset {
    pub fn name(self) -> &'static str {
        PRESETS.iter().find(|(_, preset)| *preset == self).map_or("", |(name, _)| name)
    }
}

impl Read for Preset {
    fn read(at: &Place, faults: &mut Faults) -> Option<Preset> {
        at.word("preset", &PRESETS, faults)
    }
}

impl Read for Cc {
    fn read(at: &Place, faults: &mut Faults) -> Option<Cc> {
        at.word("compiler's origin", &[("profile", Cc::Profile), ("seed", Cc::Seed)], faults)
    }
}

impl Read for Linkage {
    fn read(at: &Place, faults: &mut Faults) -> Option<Linkage> {
        at.word("linkage", &[("static", Linkage::Static), ("shared", Linkage::Shared)], faults)
    }
}

impl Read for Step {
    fn read(at: &Place, faults: &mut Faults) -> Option<Step> {
        let steps = [
            ("configure", Step::Configure),
            ("build", Step::Build),
            ("check", Step::Check),
            ("install", Step::Install),
            ("finish", Step::Finish),
        ];
        at.word("step", &steps, faults)
    }
}

/// Why something is as it is: a person's sentence, never empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reason(pub String);

impl Read for Reason {
    fn read(at: &Place, faults: &mut Faults) -> Option<Reason> {
        let reason = at.string("a reason", faults)?;
        if reason.trim().is_empty() {
            return at.fail_of("T24", "a reason is missing", "say why: the next author asks", faults);
        }
        Some(Reason(reason.to_string()))
    }
}

/// An SPDX licence expression: its form is checked, not the list of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct License(pub String);

impl Read for License {
    fn read(at: &Place, faults: &mut Faults) -> Option<License> {
        let text = at.string("a licence", faults)?;
        match license_fault(text) {
            None => Some(License(text.to_string())),
            Some(what) => {
                let help = "an SPDX expression, as \"MIT\" or \"GPL-2.0-only AND bzip2-1.0.6\"";
                at.fail_of("T06", what, help, faults)
            }
        }
    }
}

/// The grammar of SPDX annex D, by counting: names and operators take turns, parentheses pair.
fn license_fault(text: &str) -> Option<String> {
    let spaced = text.replace('(', " ( ").replace(')', " ) ");
    let (mut depth, mut wants_name) = (0_i32, true);
    for token in spaced.split_whitespace() {
        let operator = matches!(token, "AND" | "OR" | "WITH");
        let right = match token {
            "(" => wants_name,
            ")" => !wants_name && depth > 0,
            _ => operator != wants_name,
        };
        let name = token.chars().all(|c| c.is_ascii_alphanumeric() || "-.+:()".contains(c));
        if !right || !name {
            return Some(format!("`{token}` does not stand right in a licence"));
        }
        match token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => wants_name = operator,
        }
    }
    (wants_name || depth != 0).then(|| "an unfinished licence".to_string())
}
