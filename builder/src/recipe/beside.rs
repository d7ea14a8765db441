//! Files that a recipe names and that must stand in its folder.

use std::ops::Range;

use kegs::fault::{Fault, Faults};

use super::check::layers;
use super::layer::Layer;
use super::option::OptionWritten;
use super::path::Inside;
use super::phrase::Words;
use super::variant::Preset;
use super::written::Recipe;

/// A path in the recipe's folder, with words in braces, and where it is written.
type Named = (String, Range<usize>);

/// Those without words in braces; the rest depends on a slot, and [`missing`] looks when one is settled.
pub fn check(recipe: &Recipe, faults: &mut Faults) {
    let all = named(recipe);
    for (path, span) in all.into_iter().filter(|(path, _)| !path.contains('{')) {
        faults.0.extend(missing(recipe, &path, span));
    }
    steps(recipe, faults);
    for path in patches(recipe).filter(|path| !path.contains('{')) {
        faults.0.extend(super::patch::faults(recipe, path));
    }
    taps(recipe, faults);
}

/// What a source takes of the tap itself.
fn taps(recipe: &Recipe, faults: &mut Faults) {
    let tap = super::crates::tap(&recipe.folder);
    let sources = layers(recipe).flat_map(|layer| &layer.source).flat_map(|sources| &sources.value.0);
    for source in sources.map(|written| &written.source) {
        for path in source.tap.iter().filter(|path| !tap.join(path).exists()) {
            let fault = recipe.text.fault(source.span.clone(), format!("no `{path}` in the tap"));
            faults.push(fault.help("`tap` names files and folders beside `recipes/`"));
        }
    }
}

/// As [`check`] with the words known: once for each variant.
pub fn check_words(recipe: &Recipe, words: &Words, faults: &mut Faults) {
    for (path, span) in named(recipe).into_iter().filter(|(path, _)| path.contains('{')) {
        faults.0.extend(missing(recipe, &words.expand(&path), span));
    }
    for path in patches(recipe).filter(|path| path.contains('{')) {
        faults.0.extend(super::patch::faults(recipe, &words.expand(path)));
    }
}

fn patches(recipe: &Recipe) -> impl Iterator<Item = &str> {
    let of_options = recipe.options.iter().flat_map(|(_, option)| &option.value.patches);
    layers(recipe).flat_map(|layer| &layer.patches).chain(of_options).map(|path| path.raw.as_str())
}

fn missing(recipe: &Recipe, path: &str, span: Range<usize>) -> Option<Fault> {
    let there = recipe.folder.join(path).is_file();
    let fault = || recipe.text.fault(span, format!("no file `{path}`")).help(nearest(recipe, path)).id("T18");
    (!there).then(fault)
}

/// The most alike of the files that are there.
fn nearest(recipe: &Recipe, path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = std::fs::read_dir(recipe.folder.join(folder)).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    match kegs::reader::nearest(name, names.iter().map(String::as_str)) {
        Some(near) if folder.is_empty() => format!("did you mean `{near}`?"),
        Some(near) => format!("did you mean `{folder}/{near}`?"),
        None => format!("looked in `recipes/{}/`", recipe.name),
    }
}

fn named(recipe: &Recipe) -> Vec<Named> {
    let mut all = Vec::new();
    layers(recipe).for_each(|layer| of_layer(layer, &mut all));
    recipe.options.iter().for_each(|(_, option)| of_option(&option.value, &mut all));
    let tests = recipe.tests.iter().filter_map(|test| test.file.as_ref());
    all.extend(tests.map(|file| (format!("tests/{}", file.raw), file.span.clone())));
    all
}

fn of_layer(layer: &Layer, all: &mut Vec<Named>) {
    add(&layer.patches, all);
    add(layer.inject.0.values().chain(layer.files.0.values()).map(|written| &written.value), all);
    add(layer.kconfig.iter().flat_map(|kconfig| &kconfig.fragments), all);
    let sources = layer.source.iter().flat_map(|sources| &sources.value.0);
    let files =
        sources.filter_map(|written| Some((written.source.file.clone()?, written.source.span.clone())));
    all.extend(files);
}

fn of_option(option: &OptionWritten, all: &mut Vec<Named>) {
    add(&option.patches, all);
    add(option.kconfig.iter().flat_map(|kconfig| &kconfig.fragments), all);
}

fn add<'a>(paths: impl IntoIterator<Item = &'a Inside>, all: &mut Vec<Named>) {
    all.extend(paths.into_iter().map(|path| (path.raw.clone(), path.span.clone())));
}

/// Who needs `steps.sh`: `override`, and the preset `script`.
fn steps(recipe: &Recipe, faults: &mut Faults) {
    let overrides = layers(recipe).flat_map(|layer| &layer.override_steps).map(|step| &step.span);
    let presets = layers(recipe).filter_map(|layer| layer.preset.as_ref());
    let scripts = presets.filter(|preset| preset.value == Preset::Script).map(|preset| &preset.span);
    if let Some(span) = overrides.chain(scripts).next()
        && let Some(fault) = missing(recipe, "steps.sh", span.clone())
    {
        faults.push(fault);
    }
}
