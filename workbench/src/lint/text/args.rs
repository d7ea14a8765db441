//! T15 default-arg, T16 drop-nothing of `args_drop`.

use builder::preset::{self, Place};
use builder::recipe::{Choice, Variant};
use kegs::reader::meant;

use super::Look;
use crate::lint::doc::{Kind, Part};
use crate::lint::finding::{Edit, Finding};

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    drops(look, findings);
    defaults(look, findings);
}

/// What `args_drop` names must have been given by a layer below.
fn drops(look: &Look, findings: &mut Vec<Finding>) {
    let args = |kind: Kind| {
        let parts = look.parts.iter().filter(move |part| part.kind == kind);
        parts.flat_map(|part| part.strings("args")).map(|(arg, _)| arg)
    };
    let of_recipe: Vec<&str> = args(Kind::Recipe).collect();
    let of_slots: Vec<&str> = of_recipe.iter().copied().chain(args(Kind::Slot)).collect();
    for part in &look.parts {
        let below: &[&str] = match part.kind {
            Kind::Recipe | Kind::Option => &[],
            Kind::Slot => &of_recipe,
            Kind::Arch => &of_slots,
        };
        let written = part.strings("args_drop");
        for (nth, (drop, at)) in written.iter().enumerate().filter(|(_, (drop, _))| !below.contains(drop)) {
            let fault = look.doc.text.fault(at.span.clone(), format!("no `{drop}` to take away"));
            let finding = Finding::new("T16", fault.help(meant(drop, below.iter().copied())));
            findings.push(match super::deps::without(&written, nth, look) {
                Some(span) => finding.fix("takes it out", vec![Edit::new(look.doc.text, span, "")]),
                None => finding,
            });
        }
    }
}

/// Asks the preset itself: each word of the script that it writes for the recipe without its arguments.
fn defaults(look: &Look, findings: &mut Vec<Finding>) {
    let Some(recipe) = look.recipe else { return };
    for part in look.parts.iter().filter(|part| part.get("args").is_some() && part.kind != Kind::Option) {
        let slot = if part.kind == Kind::Slot { Some(part.name) } else { None };
        let arch = if part.kind == Kind::Arch { part.name } else { &look.tap.arch };
        if let Ok(variant) = recipe.variant(slot, &Choice::default(), arch) {
            of_part(look, part, &variant, findings);
        }
    }
}

fn of_part(look: &Look, part: &Part, variant: &Variant, findings: &mut Vec<Finding>) {
    let given = words(look, variant);
    let args = part.strings("args");
    for (nth, (arg, at)) in args.iter().enumerate() {
        let expanded = arg.replace("{keg}", &variant.keg());
        if !given.contains(&expanded) {
            continue;
        }
        let fault = look
            .doc
            .text
            .fault(at.span.clone(), format!("the preset `{}` gives `{arg}` anyway", variant.preset.name()));
        let finding = Finding::new("T15", fault.help("leave it out"));
        let span = super::deps::without(&args, nth, look);
        findings.push(match span {
            Some(span) => finding.fix("takes it out", vec![Edit::new(look.doc.text, span, "")]),
            None => finding,
        });
    }
}

/// What the configure step says by itself, and whatever else its script does: no other word looks like an argument.
fn words(look: &Look, variant: &Variant) -> Vec<String> {
    let bare = Variant { args: Vec::new(), build_args: Vec::new(), ..variant.clone() };
    let place = Place { link: &[], build: &[], profile: &look.tap.profile };
    let script = preset::script(&bare, &place);
    let configure =
        script.split("preset_configure()").nth(1).and_then(|rest| rest.split("preset_check()").next());
    let words = configure.unwrap_or_default().split_whitespace();
    words
        .filter(|word| word.starts_with('-') || word.contains('='))
        .map(|word| word.replace(['\'', '"'], ""))
        .collect()
}
