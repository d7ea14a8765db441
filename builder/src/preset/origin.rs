//! The mark: how every object says which recipe compiled it (docs/formats.md, "The mark"; read by `assembler/src/papers/origin.rs`).
//!
//! ```text
//! /steps/origin.specs   what a gcc that reads it does besides: gives the assembler one more file, before each own
//! /steps/origin.s       that file: a section that is not loaded, with NAME@SLOT
//! /steps/origin.h       the same for objects that are compiled when they are linked (-flto)
//! ```
//! No flag and no variable: build systems keep those, print them into programs, or leave them out. `seed-cc` includes the
//! specs where they are there, so all that its compilers compile is marked: C, C++, `.S` and `.s`, in every preset. A recipe
//! that uses the seed's gcc (`cc = "seed"`) says `-specs=/steps/origin.specs` itself.

use crate::recipe::variant::Variant;

/// Files of the sandbox, by path without a leading slash.
pub fn origin(variant: &Variant) -> [(&'static str, String); 3] {
    let name = format!("{}@{}", variant.name, variant.slot);
    [
        ("steps/origin.specs", SPECS.to_string()),
        ("steps/origin.s", format!("\t.pushsection {SECTION}\n\t.asciz \"{name}\"\n\t.popsection\n")),
        (
            "steps/origin.h",
            format!(
                "__asm__(\".pushsection {}\\n\\t.asciz \\\"{name}\\\"\\n\\t.popsection\");\n",
                SECTION.replace('"', "\\\"")
            ),
        ),
    ]
}

/// Strings that a linker joins: of equal ones it keeps one.
const SECTION: &str = ".rootbrew.origin,\"MS\",@progbits,1";

// With -pipe, gcc names no file, as the assembler's own word for its input is nothing: with ours there, `-` is needed, but
// where gcc itself was given `-`, which is only for what is assembler from the start (musl's crti).
// -flto: what the assembler writes is thrown away at the link, what the compiler read is not.
const SPECS: &str = "*asm:\n+ /steps/origin.s %{pipe:%{!,assembler:-}}\n\n*cc1_options:\n+ %{flto*:-include/steps/origin.h}\n\n";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preset::tests::toy;

    #[test]
    fn a_mark_is_a_name_and_a_slot() {
        let [_, (_, assembler), (_, header)] = origin(&toy("preset = \"script\""));
        let mark = ".pushsection .rootbrew.origin,\"MS\",@progbits,1\n\t.asciz \"toy@0\"\n\t.popsection";
        assert_eq!(assembler, format!("\t{mark}\n"));
        assert_eq!(header, format!("__asm__({mark:?});\n"));
    }
}
