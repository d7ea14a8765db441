//! A recipe's slot, options and architecture to a variant.

use std::collections::BTreeMap;
use std::ops::Range;

use kegs::fault::Faults;
use kegs::reader::meant;

use super::beside;
use super::crates;
use super::layer::Layer;
use super::lock::Lock;
use super::option::{OptionWritten, Refusal, is_on, settle, switch};
use super::own::KconfigWritten;
use super::path::{Inside, PathMap};
use super::phrase::{Phrase, Words};
use super::source::SourceWritten;
use super::variant::{
    Cargo, Cc, Choice, Dep, Kconfig, Linkage, OptionValue, Preset, Runtime, Source, Test, Variant,
};
use super::version::Version;
use super::written::Recipe;

impl Recipe {
    /// Everything that a build of `slot` (`None`: the default one) needs on `arch`, with words expanded.
    ///
    /// # Errors
    /// No such slot, a choice that [`Recipe::settle`] refuses, an architecture that the recipe does not build on, a file
    /// that is absent once words are known. The faults point into the recipe; who has the asker's place asks
    /// [`Recipe::has_slot`] and [`Recipe::settle`] first.
    pub fn variant(&self, slot: Option<&str>, choice: &Choice, arch: &str) -> Result<Variant, Faults> {
        let slot = slot.unwrap_or_else(|| self.default_slot());
        let mut faults = Faults::default();
        self.on_arch(arch, &mut faults);
        let Some((span, layer)) = self.merged(slot, arch, &mut faults) else { return Err(faults) };
        let options = self.settle(choice).map_err(|refused| self.refused(&refused, &span))?;
        let Some(version) = layer.version.clone() else { return Err(self.lacks("version", span)) };
        let Some(preset) = layer.preset.clone() else { return Err(self.lacks("preset", span)) };
        let words = Words { name: &self.name, version: &version.value, slot, arch };
        beside::check_words(self, &words, &mut faults);
        let lock = (preset.value == Preset::Cargo)
            .then(|| crates::lock(self, &layer, preset.span.clone(), &words, &mut faults))
            .flatten();
        let draft = Draft { recipe: self, layer: &layer, options: &options, preset: preset.value, lock };
        let mut variant = draft.variant(slot, &version.value, arch, span);
        variant.each_text(&mut |text| {
            if text.contains('{') {
                *text = words.expand(text);
            }
        });
        faults.or(variant)
    }

    pub fn has_slot(&self, slot: &str) -> bool {
        self.slots().any(|known| known == slot)
    }

    /// The version of a slot, without settling anything.
    pub fn version(&self, slot: &str) -> Option<&Version> {
        let own = self.slots.get(slot).and_then(|layer| layer.value.version.as_ref());
        own.or(self.layer.version.as_ref()).map(|version| &version.value)
    }

    /// Why nobody should need this slot any more: its `deprecated`, or its `eol`.
    pub fn given_up(&self, slot: &str) -> Option<GivenUp> {
        let slot = self.slots.get(slot).map(|slot| &*slot.value);
        let layers = || slot.into_iter().chain([&self.layer]);
        let deprecated = layers().find_map(|layer| layer.deprecated.clone());
        let deprecated = deprecated.map(|text| GivenUp { text, from: None });
        let eol = || layers().find_map(|layer| layer.eol.as_ref());
        deprecated
            .or_else(|| eol().map(|eol| GivenUp { text: eol.value.clone(), from: Some(eol.value.clone()) }))
    }

    /// Whether the recipe says itself how programs of this slot link.
    pub fn says_linkage(&self, slot: &str, arch: &str) -> bool {
        let layers =
            [self.slots.get(slot).map(|layer| &*layer.value), self.arch.get(arch).map(|layer| &*layer.value)];
        layers.into_iter().flatten().chain([&self.layer]).any(|layer| layer.linkage.is_some())
    }

    /// Every option with its value; refused askings, for whoever knows where they were asked.
    pub fn settle(&self, choice: &Choice) -> Result<BTreeMap<String, OptionValue>, Vec<Refusal>> {
        settle(&self.options, choice)
    }

    fn on_arch(&self, arch: &str, faults: &mut Faults) {
        let Some(archs) = &self.archs else { return };
        if !archs.iter().any(|known| known.value == arch) {
            let span = archs.first().map_or(0..0, |first| first.span.clone());
            let help = meant(arch, archs.iter().map(|arch| arch.value.as_str()));
            faults.push(
                self.text
                    .fault(span, format!("`{}` does not build on `{arch}`", self.name))
                    .help(help)
                    .id("P12"),
            );
        }
    }

    /// Recipe, slot, architecture as one layer, and the place of the slot.
    fn merged(&self, slot: &str, arch: &str, faults: &mut Faults) -> Option<(Range<usize>, Layer)> {
        let place = self.layer.version.as_ref().map_or(0..0, |version| version.span.clone());
        let (span, layer) = match self.slots.get(slot) {
            Some(over) => (over.span.clone(), self.layer.clone().under(&over.value)),
            None if self.has_slot(slot) => (place, self.layer.clone()),
            None => {
                let fault = self.text.fault(place, format!("`{}` has no slot `{slot}`", self.name));
                faults.push(fault.help(meant(slot, self.slots().collect::<Vec<_>>())).id("P04"));
                return None;
            }
        };
        let over = self.arch.get(arch).map(|over| &*over.value);
        Some((span, over.map_or(layer.clone(), |over| layer.under(over))))
    }

    fn refused(&self, refused: &[Refusal], slot: &Range<usize>) -> Faults {
        Faults(refused.iter().map(|refusal| refusal.at(&self.text, slot.clone())).collect())
    }

    fn lacks(&self, key: &str, span: Range<usize>) -> Faults {
        Faults(vec![self.text.fault(span, format!("`{key}` is missing")).id("T28")])
    }
}

/// That a slot was given up: why, or from when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenUp {
    pub text: String,
    from: Option<String>,
}

impl GivenUp {
    /// `today` as `2026-01-31`. What is no date holds always.
    pub fn holds(&self, today: &str) -> bool {
        let is_date = |from: &String| from.starts_with(|c: char| c.is_ascii_digit());
        self.from.as_ref().filter(|from| is_date(from)).is_none_or(|from| from.as_str() <= today)
    }
}

/// One layer and the settled options, about to become a variant.
struct Draft<'a> {
    recipe: &'a Recipe,
    layer: &'a Layer,
    options: &'a BTreeMap<String, OptionValue>,
    preset: Preset,
    /// Of the preset `cargo`.
    lock: Option<Lock>,
}

impl<'a> Draft<'a> {
    fn variant(&self, slot: &str, version: &Version, arch: &str, span: Range<usize>) -> Variant {
        let layer = self.layer;
        Variant {
            name: self.recipe.name.clone(),
            slot: slot.to_string(),
            version: version.clone(),
            arch: arch.to_string(),
            summary: self.recipe.facts.summary.clone(),
            license: self.license(),
            home: self.recipe.facts.home.clone(),
            sources: self.sources(),
            preset: self.preset,
            cc: layer.cc.unwrap_or(self.usual_cc()),
            linkage: layer.linkage.unwrap_or(Linkage::Static),
            configure: layer.configure.as_ref().map_or("./configure", |configure| &configure.raw).to_string(),
            args: self.args(),
            build_args: self.joined(&layer.build_args, |option| &option.build_args),
            targets: layer.targets.clone(),
            env: layer.env.iter().map(|(name, value)| (name.clone(), value.value.raw.clone())).collect(),
            build: self.deps(&layer.build, |option| &option.build),
            link: self.deps(&layer.link, |option| &option.link),
            run: self.deps(&layer.run, |option| &option.run),
            patches: self.paths(&layer.patches, |option| &option.patches),
            inject: beside_paths(&layer.inject),
            override_steps: layer.override_steps.iter().map(|step| step.value).collect(),
            subdir: layer.subdir.as_ref().map_or_else(String::new, |path| path.raw.clone()),
            remove: self.paths(&layer.remove, |option| &option.remove),
            keep: layer.keep.iter().map(|path| path.raw.clone()).collect(),
            files: beside_paths(&layer.files),
            symlinks: layer
                .symlinks
                .0
                .iter()
                .map(|(path, to)| (path.clone(), to.value.raw.clone()))
                .collect(),
            keep_static: layer.keep_static.unwrap_or(false),
            debug: layer.debug.unwrap_or(true),
            without: layer.without.clone(),
            memory_bytes: layer.memory.map(|size| size.bytes),
            jobs: layer.jobs,
            kconfig: self.kconfig(),
            cargo: self.cargo(),
            provides: layer.provides.iter().map(|name| name.value.clone()).collect(),
            runtime: modules(layer.runtime.settled(), self.preset),
            tests: self.recipe.tests.iter().map(|written| written.test.clone()).collect(),
            options: self.options.clone(),
            folder: self.recipe.folder.clone(),
            text: self.recipe.text.clone(),
            span,
        }
    }

    /// Debian has Rust's library for its own C library only, so what is Rust is linked by the seed's compiler unless the
    /// recipe says otherwise: then that library is compiled too.
    fn usual_cc(&self) -> Cc {
        if self.preset == Preset::Cargo { Cc::Seed } else { Cc::Profile }
    }

    fn value(&self, option: &str) -> &OptionValue {
        self.options.get(option).unwrap_or(&OptionValue::Off)
    }

    /// The options that are on, as written.
    fn on(&self) -> impl Iterator<Item = &'a OptionWritten> {
        let on = self.recipe.options.iter().filter(|(name, _)| is_on(self.value(name)));
        on.map(|(_, option)| &*option.value)
    }

    /// The layer's, then what each option brings: its switch, then `args` or `args_off`.
    fn args(&self) -> Vec<String> {
        let mut args = raws(&self.layer.args);
        for (name, option) in &self.recipe.options {
            let (option, value) = (&*option.value, self.value(name));
            let flag = option.flag.as_ref();
            args.extend(flag.and_then(|flag| switch(self.preset, &flag.value, value)));
            args.extend(raws(if is_on(value) { &option.args } else { &option.args_off }));
        }
        args
    }

    fn joined(&self, own: &[Phrase], of: impl Fn(&OptionWritten) -> &Vec<Phrase>) -> Vec<String> {
        let more = self.on().flat_map(|option| raws(of(option)));
        raws(own).into_iter().chain(more).collect()
    }

    fn paths(&self, own: &'a [Inside], of: impl Fn(&'a OptionWritten) -> &'a Vec<Inside>) -> Vec<String> {
        own.iter().chain(self.on().flat_map(of)).map(|path| path.raw.clone()).collect()
    }

    fn deps(&self, own: &'a [Dep], of: impl Fn(&'a OptionWritten) -> &'a Vec<Dep>) -> Vec<Dep> {
        own.iter().chain(self.on().flat_map(of)).cloned().collect()
    }

    fn license(&self) -> String {
        let joined = |license: String, more: &String| {
            let part =
                |text: &str| if text.contains(" OR ") { format!("({text})") } else { text.to_string() };
            format!("{} AND {}", part(&license), part(more))
        };
        self.on().filter_map(|option| option.license.as_ref()).fold(self.recipe.facts.license.clone(), joined)
    }

    fn sources(&self) -> Vec<Source> {
        let all = self.layer.source.iter().flat_map(|sources| &sources.value.0);
        let wanted = |written: &&SourceWritten| {
            written.when.as_ref().is_none_or(|option| is_on(self.value(&option.value)))
        };
        let digest = self.layer.sha256.as_ref().map(|digest| digest.value.0);
        let with_digest = |written: &SourceWritten| {
            let mut source = written.source.clone();
            source.sha256 = source.sha256.or(digest);
            source
        };
        let crates = self.lock.iter().flat_map(crates::sources);
        all.filter(wanted).map(with_digest).chain(crates).collect()
    }

    fn kconfig(&self) -> Option<Kconfig> {
        let options = self.on().filter_map(|option| option.kconfig.as_ref());
        let merge = |below, over| KconfigWritten::under(below, Some(over));
        let merged = options.fold(self.layer.kconfig.clone(), merge)?;
        Some(Kconfig {
            base: merged.base.map_or_else(|| "allnoconfig".to_string(), |base| base.raw),
            fragments: merged.fragments.into_iter().map(|path| path.0.raw).collect(),
            set: merged.set,
        })
    }

    fn cargo(&self) -> Option<Cargo> {
        let cargo = self.layer.cargo.clone();
        let cargo = if self.preset == Preset::Cargo { Some(cargo.unwrap_or_default()) } else { cargo }?;
        let features = self.on().flat_map(|option| option.features.iter().cloned());
        Some(Cargo {
            bins: cargo.bins,
            features: cargo.features.into_iter().chain(features).collect(),
            package: cargo.package.map(|package| package.value),
            profile: cargo.profile,
            cut: self.lock.as_ref().is_some_and(|lock| lock.cut),
            lock: self.lock.as_ref().map(Lock::print).unwrap_or_default(),
        })
    }
}

fn raws(phrases: &[Phrase]) -> Vec<String> {
    phrases.iter().map(|phrase| phrase.raw.clone()).collect()
}

fn beside_paths(paths: &PathMap<Inside>) -> BTreeMap<String, String> {
    paths.0.iter().map(|(path, file)| (path.clone(), file.value.raw.clone())).collect()
}

impl Variant {
    /// Expands `{keg:dep}` everywhere. `keg_of` knows the keg (`/kegs/openssl/3`) that a plan chose for the name of a
    /// dependency.
    ///
    /// # Errors
    /// The names that `keg_of` does not know, each once; the variant is as before but for those that it does know.
    pub fn place_kegs(&mut self, keg_of: &dyn Fn(&str) -> Option<String>) -> Result<(), Vec<String>> {
        let mut unknown = Vec::new();
        self.each_text(&mut |text| {
            if text.contains("{keg:") {
                match super::phrase::place_kegs(text, keg_of) {
                    Ok(placed) => *text = placed,
                    Err(dep) => unknown.push(dep),
                }
            }
        });
        unknown.sort();
        unknown.dedup();
        if unknown.is_empty() { Ok(()) } else { Err(unknown) }
    }

    /// Each text in which words may stand.
    fn each_text(&mut self, visit: &mut dyn FnMut(&mut String)) {
        visit(&mut self.configure);
        visit(&mut self.subdir);
        let targets = &mut self.targets;
        let lists =
            [&mut self.args, &mut self.build_args, &mut self.patches, &mut self.remove, &mut self.keep];
        let lists = lists.into_iter().chain([&mut targets.build, &mut targets.check, &mut targets.install]);
        lists.flatten().for_each(&mut *visit);
        let maps = [&mut self.env, &mut self.inject, &mut self.files, &mut self.symlinks];
        maps.into_iter().flat_map(BTreeMap::values_mut).for_each(&mut *visit);
        self.sources.iter_mut().for_each(|source| each_of_source(source, visit));
        let kconfig = self.kconfig.iter_mut();
        kconfig.for_each(|kconfig| {
            visit(&mut kconfig.base);
            kconfig.fragments.iter_mut().chain(kconfig.set.values_mut()).for_each(&mut *visit);
        });
        let runtime = &mut self.runtime;
        runtime.at.values_mut().for_each(&mut *visit);
        let reaches = runtime.sets.values_mut().chain(runtime.from.values_mut()).chain([&mut runtime.always]);
        reaches
            .flat_map(|reach| [&mut reach.files, &mut reach.config, &mut reach.dlopen, &mut reach.run])
            .flatten()
            .for_each(&mut *visit);
        self.tests.iter_mut().for_each(|test| each_of_test(test, visit));
    }
}

fn each_of_source(source: &mut Source, visit: &mut dyn FnMut(&mut String)) {
    source.urls.iter_mut().chain(&mut source.file).chain(&mut source.into).for_each(&mut *visit);
    if let Some(debian) = &mut source.debian {
        [&mut debian.name, &mut debian.version].into_iter().chain(&mut debian.suite).for_each(&mut *visit);
    }
    if let Some(krate) = source.krate.as_mut().filter(|_| !source.vendored) {
        visit(&mut krate.version);
    }
    if let Some(git) = &mut source.git {
        std::iter::once(&mut git.url).chain(&mut git.tag).for_each(&mut *visit);
    }
}

fn each_of_test(test: &mut Test, visit: &mut dyn FnMut(&mut String)) {
    let texts = test.run.iter_mut().chain(&mut test.stdin).chain(&mut test.stdout).chain(&mut test.stderr);
    texts.chain(&mut test.c).chain(&mut test.cxx).chain(test.env.values_mut()).for_each(visit);
}

/// No ELF file shows which modules a script reads: all of its keg, where the recipe names none.
fn modules(mut runtime: Runtime, preset: Preset) -> Runtime {
    let folder = match preset {
        // With `pyvenv.cfg`, where it has programs.
        Preset::Python => "**",
        Preset::Perl => "lib/perl5/**",
        _ => return runtime,
    };
    if runtime.always.files.iter().all(|glob| glob.starts_with('/')) {
        runtime.always.files.push(folder.to_string());
    }
    runtime
}
