//! A profile: whose compiler, and with which flags everything is built. The one place where flags stand.
//!
//! ```toml
//! # toolchains/seed.toml
//! seed    = "debian-12"                   # seeds/debian-12.toml: the sandbox's root
//! shell_seed = "debian-12-gdb"            # the same and debuggers, for `rootbrew shell --with gdb`
//! cc      = "seed-cc"                     # the recipe that provides `cc`
//! cxx     = "seed-cxx"                    # and the one that provides `cxx`
//! triplet = { profile = "{arch}-linux-musl", seed = "{arch}-linux-gnu" }
//! path    = ["/usr/bin", "/usr/sbin"]     # after the kegs' own
//! cflags  = ["-O2"]
//! rustflags = ["--remap-path-prefix=/build=."]     # rustc's words, and lines of cargo's [profile.release]
//! rustprofile = ["codegen-units = 1"]
//! [feature.relro]                         # a recipe's `without` takes it away
//! ldflags = ["-Wl,-z,relro,-z,now"]
//! [feature.relro.off]                     # and may have to say so
//! ldflags = ["-Wl,-z,norelro"]
//! [preset.cmake]                          # what a preset brings, so that no recipe writes it
//! seed    = "debian-12-build"             # another seed as the sandbox's root
//! tools   = ["ninja"]                     # recipes whose programs run
//! ```

use std::collections::BTreeMap;

use kegs::fault::{Faults, Text};
use serde::Deserialize;

use crate::recipe::variant::{Cc, Preset, Variant};

/// The feature that a recipe drops by `debug = false`.
const DEBUG: &str = "debug";

/// Everything that a toolchain says to a build.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// The file's name without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// `seeds/<seed>.toml`.
    pub seed: String,
    /// A seed that is the first and debuggers: `rootbrew shell --with` looks there for what the first lacks.
    #[serde(default)]
    pub shell_seed: Option<String>,
    /// The recipe that provides the virtual `cc`.
    pub cc: String,
    /// The recipe that provides the virtual `cxx`; a build that names it in `build` has `CXX`.
    #[serde(default)]
    pub cxx: Option<String>,
    pub triplet: Triplet,
    /// Folders of `PATH` after those of the kegs.
    pub path: Vec<String>,
    #[serde(default)]
    pub cflags: Vec<String>,
    #[serde(default)]
    pub ldflags: Vec<String>,
    #[serde(default)]
    pub rustflags: Vec<String>,
    /// Lines of TOML.
    #[serde(default)]
    pub rustprofile: Vec<String>,
    /// Names as in a recipe's `without`.
    #[serde(default)]
    pub feature: BTreeMap<String, Feature>,
    #[serde(default)]
    pub preset: BTreeMap<Preset, Brought>,
}

/// What a preset brings to each build of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// Instead of the profile's seed.
    pub seed: Option<String>,
    /// In place of [`tools`](super::tools).
    pub tools: Option<Vec<String>>,
}

/// `{arch}` is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Triplet {
    /// Of the profile's compiler.
    pub profile: String,
    /// Of the seed's.
    pub seed: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    #[serde(default)]
    pub cflags: Vec<String>,
    #[serde(default)]
    pub ldflags: Vec<String>,
    #[serde(default)]
    pub rustflags: Vec<String>,
    #[serde(default)]
    pub rustprofile: Vec<String>,
    /// What to say where it is unwanted.
    #[serde(default)]
    pub off: Flags,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flags {
    #[serde(default)]
    pub cflags: Vec<String>,
    #[serde(default)]
    pub ldflags: Vec<String>,
    #[serde(default)]
    pub rustflags: Vec<String>,
    #[serde(default)]
    pub rustprofile: Vec<String>,
}

/// Reads `toolchains/<name>.toml`.
///
/// # Errors
/// A fault at what is no key, no value or not there.
pub fn profile(name: &str, text: &Text) -> Result<Profile, Faults> {
    let read: Result<Profile, _> = toml::from_str(&text.content);
    read.map(|profile| Profile { name: name.to_string(), ..profile })
        .map_err(|error| Faults(vec![text.fault(error.span().unwrap_or(0..0), error.message())]))
}

impl Profile {
    /// `seeds/<name>.toml`: what stands at the root of the sandbox.
    pub fn seed(&self, preset: Preset) -> &str {
        self.preset.get(&preset).and_then(|brought| brought.seed.as_deref()).unwrap_or(&self.seed)
    }

    /// The recipes whose programs run in each build of a preset, where the profile says others than it does itself.
    pub fn tools(&self) -> BTreeMap<Preset, Vec<String>> {
        let said = self.preset.iter();
        said.filter_map(|(preset, brought)| Some((*preset, brought.tools.clone()?))).collect()
    }

    /// What autoconf calls the machine that the variant's compiler makes programs for.
    pub fn triplet(&self, variant: &Variant) -> String {
        let form = match variant.cc {
            Cc::Profile => &self.triplet.profile,
            Cc::Seed => &self.triplet.seed,
        };
        form.replace("{arch}", &variant.arch)
    }

    /// The flags, but for what the recipe does `without`.
    pub fn flags(&self, variant: &Variant) -> Flags {
        let mut flags = Flags {
            cflags: self.cflags.clone(),
            ldflags: self.ldflags.clone(),
            rustflags: self.rustflags.clone(),
            rustprofile: self.rustprofile.clone(),
        };
        for (name, feature) in &self.feature {
            match variant.without.contains_key(name) || (name == DEBUG && !variant.debug) {
                true => flags.add(&feature.off),
                false => flags.add(&feature.on()),
            }
        }
        flags.named(variant)
    }
}

impl Feature {
    fn on(&self) -> Flags {
        Flags {
            cflags: self.cflags.clone(),
            ldflags: self.ldflags.clone(),
            rustflags: self.rustflags.clone(),
            rustprofile: self.rustprofile.clone(),
        }
    }
}

impl Flags {
    /// With the words that a profile's flags may hold: `{name}`, `{version}`.
    fn named(mut self, variant: &Variant) -> Flags {
        let lists = [&mut self.cflags, &mut self.ldflags, &mut self.rustflags, &mut self.rustprofile];
        for flag in lists.into_iter().flatten().filter(|flag| flag.contains('{')) {
            *flag = flag.replace("{name}", &variant.name).replace("{version}", variant.version.as_str());
        }
        self
    }

    fn add(&mut self, more: &Flags) {
        self.cflags.extend_from_slice(&more.cflags);
        self.ldflags.extend_from_slice(&more.ldflags);
        self.rustflags.extend_from_slice(&more.rustflags);
        self.rustprofile.extend_from_slice(&more.rustprofile);
    }
}
