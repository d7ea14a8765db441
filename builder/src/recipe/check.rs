//! What only the whole recipe can tell: names that must be there, digests, files beside it.

use kegs::fault::Faults;
use kegs::reader::{Written, meant};

use super::dep::is_name;
use super::layer::Layer;
use super::option::{is_on, switch};
use super::variant::{OptionValue, Preset};
use super::version::Version;
use super::written::Recipe;

/// `broken`: keys at which something could not be read. What rests on them is not judged, so that nobody is told
/// that a version is missing which only has a `v` too many.
pub fn check(recipe: &Recipe, broken: &[&str], faults: &mut Faults) {
    let whole = |keys: &[&str]| keys.iter().all(|key| !broken.contains(key));
    names(recipe, faults);
    archs(recipe, faults);
    if whole(&["slot", "version", "preset"]) {
        slots(recipe, faults);
    }
    if whole(&["option"]) {
        options(recipe, faults);
    }
    if whole(&["slot", "arch", "option", "preset", "version", "source", "sha256"]) {
        sources(recipe, faults);
    }
    if whole(&["slot", "arch", "option", "build", "link", "run"]) {
        kegs(recipe, faults);
    }
    super::beside::check(recipe, faults);
}

/// Slots, options, virtuals: they stand in paths and in dependencies.
fn names(recipe: &Recipe, faults: &mut Faults) {
    let slots = recipe.slots.iter().map(|(name, slot)| ("a slot", name, &slot.span));
    let options = recipe.options.iter().map(|(name, option)| ("an option", name, &option.span));
    let provided = layers(recipe).flat_map(|layer| &layer.provides);
    let provides = provided.map(|written| ("a virtual", &written.value, &written.span));
    for (kind, name, span) in slots.chain(options).chain(provides) {
        if !is_name(name) {
            let fault = recipe.text.fault(span.clone(), format!("`{name}` is no name for {kind}"));
            faults.push(fault.help("lower-case letters, digits and `. _ + -`, a letter or digit first"));
        }
    }
}

/// The recipe's own layer, then slots, then architectures.
pub fn layers(recipe: &Recipe) -> impl Iterator<Item = &Layer> {
    let named = recipe.slots.values().chain(recipe.arch.values());
    std::iter::once(&recipe.layer).chain(named.map(|written| &*written.value))
}

/// Those that we know to name: what `uname -m` says on machines that Linux and musl run on.
const ARCHS: [&str; 8] =
    ["aarch64", "arm", "i686", "loongarch64", "powerpc64le", "riscv64", "s390x", "x86_64"];

fn archs(recipe: &Recipe, faults: &mut Faults) {
    let listed = recipe.archs.iter().flatten().map(|arch| (arch.value.as_str(), &arch.span));
    let layered = recipe.arch.iter().map(|(name, layer)| (name.as_str(), &layer.span));
    for (arch, span) in listed.chain(layered) {
        if !ARCHS.contains(&arch) {
            let fault = recipe.text.fault(span.clone(), format!("unknown architecture `{arch}`"));
            faults.push(fault.help(meant(arch, ARCHS)));
        }
    }
}

fn slots(recipe: &Recipe, faults: &mut Faults) {
    match &recipe.default_slot {
        Some(written) if !recipe.slots().any(|slot| slot == written.value) => {
            let fault = recipe.text.fault(written.span.clone(), format!("no slot `{}`", written.value));
            faults.push(fault.help(meant(&written.value, recipe.slots.keys().map(String::as_str))));
        }
        None if recipe.slots.len() > 1 => {
            let span = recipe.slots.values().next().map_or(0..0, |slot| slot.span.clone());
            let fault = recipe.text.fault(span, "`default_slot` is missing").id("T28");
            faults.push(fault.help("with two slots or more it says where a dependency without `@slot` goes"));
        }
        _ => {}
    }
    for (key, has) in [("version", has_version as fn(&Layer) -> bool), ("preset", has_preset)] {
        for (span, layer) in slot_layers(recipe) {
            if !has(&recipe.layer) && !layer.is_some_and(has) {
                let fault = recipe.text.fault(span, format!("`{key}` is missing")).id("T28");
                faults.push(fault.help(format!("in the recipe, or in each slot: `{key} = \"…\"`")));
            }
        }
    }
}

fn has_version(layer: &Layer) -> bool {
    layer.version.is_some()
}

fn has_preset(layer: &Layer) -> bool {
    layer.preset.is_some()
}

/// Each slot's place and layer; a recipe without slots has one with no layer of its own, at its first line.
fn slot_layers(recipe: &Recipe) -> impl Iterator<Item = (std::ops::Range<usize>, Option<&Layer>)> {
    let first_line = 0..recipe.text.content.lines().next().map_or(0, str::len);
    let unnamed = recipe.slots.is_empty().then_some((first_line, None));
    recipe.slots.values().map(|slot| (slot.span.clone(), Some(&*slot.value))).chain(unnamed)
}

fn options(recipe: &Recipe, faults: &mut Faults) {
    let names = || recipe.options.iter().map(|(name, _)| name.as_str());
    for (name, option) in &recipe.options {
        for other in option.value.needs.iter().chain(&option.value.excludes) {
            if !names().any(|known| known == other.value) || other.value == *name {
                let fault =
                    recipe.text.fault(other.span.clone(), format!("no other option `{}`", other.value));
                faults.push(fault.help(meant(&other.value, names().filter(|known| known != name))));
            }
        }
        flag(recipe, &option.value, faults);
        if is_on(&option.value.default) {
            defaults(recipe, name, &option.value, faults);
        }
    }
}

/// Options that are on by default agree with one another.
fn defaults(recipe: &Recipe, name: &str, option: &super::option::OptionWritten, faults: &mut Faults) {
    let on = |wanted: &str| {
        let found = recipe.options.iter().find(|(known, _)| known == wanted);
        found.is_some_and(|(_, option)| is_on(&option.value.default))
    };
    let unmet = option.needs.iter().filter(|need| !on(&need.value)).map(|need| (need, "off"));
    let clashes = option.excludes.iter().filter(|other| on(&other.value)).map(|other| (other, "on"));
    for (other, state) in unmet.chain(clashes) {
        let message = format!("`{name}` is on by default, `{}` is {state}", other.value);
        let fault = recipe.text.fault(other.span.clone(), message).id("P06");
        faults.push(fault.help("change one of the two defaults"));
    }
}

fn flag(recipe: &Recipe, option: &super::option::OptionWritten, faults: &mut Faults) {
    let Some(flag) = &option.flag else { return };
    let presets = layers(recipe).filter_map(|layer| layer.preset.as_ref());
    for preset in presets.filter(|preset| switch(preset.value, &flag.value, &OptionValue::On).is_none()) {
        let message = format!("the preset `{}` has no switch for `flag`", preset.value.name());
        faults.push(recipe.text.fault(flag.span.clone(), message).help("write `args` and `args_off`"));
    }
}

/// In each slot, on each architecture: bytes with a digest.
fn sources(recipe: &Recipe, faults: &mut Faults) {
    let mut seen = Vec::new();
    for (span, slot) in slot_layers(recipe) {
        let merged = slot.map(|slot| recipe.layer.clone().under(slot));
        let merged = merged.as_ref().unwrap_or(&recipe.layer);
        digest(recipe, &span, merged, &mut seen, faults);
        let changes =
            |arch: &&Layer| arch.version.is_some() || arch.source.is_some() || arch.sha256.is_some();
        for arch in recipe.arch.values().map(|arch| &*arch.value).filter(changes) {
            digest(recipe, &span, &merged.clone().under(arch), &mut seen, faults);
        }
    }
}

/// `seen`: places that have their fault already, since slots share them.
fn digest(
    recipe: &Recipe,
    slot: &std::ops::Range<usize>,
    layer: &Layer,
    seen: &mut Vec<std::ops::Range<usize>>,
    faults: &mut Faults,
) {
    let mut push = |span: std::ops::Range<usize>, message: &str, help: &str| {
        if !seen.contains(&span) {
            seen.push(span.clone());
            let id = if message.ends_with("is missing") { "T28" } else { "T09" };
            faults.push(recipe.text.fault(span, message).help(help).id(id));
        }
    };
    let Some(sources) = &layer.source else {
        if !matches!(layer.preset.as_ref().map(|preset| preset.value), Some(Preset::Script)) {
            push(
                slot.clone(),
                "`source` is missing",
                "`source = \"https://…\"`; only the preset `script` may have none",
            );
        }
        return;
    };
    let [first, rest @ ..] = sources.value.0.as_slice() else {
        return push(sources.span.clone(), "`source` is empty", "leave the key out, or name a source");
    };
    for written in std::iter::once(first).chain(rest) {
        let source = &written.source;
        // One digest for several sources is told once, at the digest.
        let by_key = layer.sha256.is_some();
        if !names_itself(source) && source.sha256.is_none() && !by_key {
            // A slot stands below what it changes. Its version changed and the digest did not: there it is missing.
            let changed =
                |version: &&Written<Version>| rest.is_empty() && version.span.start > sources.span.end;
            let place = layer.version.as_ref().filter(changed).filter(|_| !recipe.slots.is_empty());
            let span = place.map_or(source.span.clone(), |version| version.span.clone());
            push(
                span,
                "a source without a digest",
                "add `sha256 = \"…\"`: the digest decides, the place does not",
            );
        }
        if let Some(when) = &written.when
            && !recipe.options.iter().any(|(name, _)| *name == when.value)
        {
            let help = meant(&when.value, recipe.options.iter().map(|(name, _)| name.as_str()));
            push(when.span.clone(), "no such option", &help);
        }
    }
    digest_twice(layer, &mut push);
}

/// Its commit is its digest, or its files are read where they are.
fn names_itself(source: &super::variant::Source) -> bool {
    source.git.is_some() || source.file.is_some() || !source.tap.is_empty()
}

/// `sha256` beside `source` is for a single source that has none of its own.
fn digest_twice(layer: &Layer, push: &mut impl FnMut(std::ops::Range<usize>, &str, &str)) {
    let (Some(sources), Some(sha256)) = (&layer.source, &layer.sha256) else { return };
    if sources.value.0.len() > 1 {
        push(
            sha256.span.clone(),
            "one digest for several sources",
            "write `sha256` into each source's table",
        );
    } else if sources
        .value
        .0
        .iter()
        .any(|written| written.source.sha256.is_some() || written.source.git.is_some())
    {
        push(sha256.span.clone(), "a second digest", "the source's table has one");
    }
}

/// `{keg:dep}` names a dependency.
fn kegs(recipe: &Recipe, faults: &mut Faults) {
    if !recipe.text.content.contains("{keg:") {
        return;
    }
    let options = || recipe.options.iter().map(|(_, option)| &*option.value);
    let deps = layers(recipe).flat_map(Layer::deps).chain(options().flat_map(|option| option.deps()));
    let names: Vec<_> = deps.map(|dep| dep.name.as_str()).collect();
    let phrases =
        layers(recipe).flat_map(Layer::phrases).chain(options().flat_map(|option| option.phrases()));
    for phrase in phrases {
        for unknown in phrase.kegs().filter(|dep| !names.contains(dep)) {
            let message = format!("`{{keg:{unknown}}}` names no dependency");
            let help = match kegs::reader::nearest(unknown, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add `{unknown}` to `build`, `link` or `run`"),
            };
            faults.push(recipe.text.fault(phrase.span.clone(), message).help(help).id("P01"));
        }
    }
}
