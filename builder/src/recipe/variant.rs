//! A variant: one slot of a recipe with every option settled, for one architecture. All that a build needs.
//!
//! Words in braces are expanded, but for `{keg:dep}`: only a plan knows the slot behind it ([`Variant::place_kegs`]). A
//! variant is right by construction: nothing in it is checked again. It holds no fact that a build must not see, but
//! those that a report wants (`summary`, `license`, `home`).

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;

use kegs::fault::Text;

use super::version::Version;

/// Options by name, as a role or a dependency asked for them; what is not named keeps its default.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Choice(pub BTreeMap<String, OptionValue>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OptionValue {
    On,
    Off,
    /// One of the option's `values`.
    Value(String),
}

/// Who runs the steps, and in which syntax `args` are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    Autotools,
    /// A `./configure` that is not autoconf's.
    Configure,
    Make,
    Cmake,
    Meson,
    Cargo,
    Python,
    Perl,
    Kbuild,
    /// Every step from `steps.sh`.
    Script,
}

/// Whose compiler and C library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cc {
    /// What the profile says (DESIGN, "Toolchain").
    Profile,
    /// The seed's own: bootstrap recipes.
    Seed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Linkage {
    Static,
    Shared,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    Configure,
    Build,
    Check,
    Install,
    Finish,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    pub name: String,
    pub slot: String,
    pub version: Version,
    pub arch: String,
    pub summary: String,
    /// SPDX; what options that are on bring is joined with `AND`.
    pub license: String,
    pub home: Option<String>,
    /// In order; those whose `when` option is off are not here.
    pub sources: Vec<Source>,
    pub preset: Preset,
    pub cc: Cc,
    pub linkage: Linkage,
    /// The configure program, `./configure` unless written.
    pub configure: String,
    /// For the configure step, options' flags already in the preset's syntax: recipe, slot, architecture, options.
    pub args: Vec<String>,
    /// `VAR=value` for build and install.
    pub build_args: Vec<String>,
    pub targets: Targets,
    pub env: BTreeMap<String, String>,
    /// Their programs run here.
    pub build: Vec<Dep>,
    /// Their headers and libraries are used.
    pub link: Vec<Dep>,
    /// What runs later and cannot be seen in an ELF file.
    pub run: Vec<Dep>,
    /// Files in `folder`, to be applied in this order without fuzz.
    pub patches: Vec<String>,
    /// Path in the source tree to a file in `folder`.
    pub inject: BTreeMap<String, String>,
    /// Which steps come from `steps.sh`.
    pub override_steps: Vec<Step>,
    /// Where in the source tree the steps run; empty: its root.
    pub subdir: String,
    /// Globs inside the keg, after install.
    pub remove: Vec<String>,
    /// Globs that the finisher and `remove` must leave.
    pub keep: Vec<String>,
    /// Path in the keg to a file in `folder`.
    pub files: BTreeMap<String, String>,
    /// Path in the keg to the link's target.
    pub symlinks: BTreeMap<String, String>,
    /// The recipe's `static`: keep `.a` files also where `linkage` is shared.
    pub keep_static: bool,
    /// Split debug information into a debug keg.
    pub debug: bool,
    /// Hardening or optimisation that is off (`lto`, `pie`, …) to the reason.
    pub without: BTreeMap<String, String>,
    /// A hint: what the build takes at its peak.
    pub memory_bytes: Option<u64>,
    /// A hint: at most so many jobs.
    pub jobs: Option<u32>,
    pub kconfig: Option<Kconfig>,
    pub cargo: Option<Cargo>,
    /// Virtuals.
    pub provides: Vec<String>,
    pub runtime: Runtime,
    pub tests: Vec<Test>,
    /// Every option of the recipe, settled.
    pub options: BTreeMap<String, OptionValue>,
    /// `recipes/<name>`, as the tap's path was given.
    pub folder: PathBuf,
    /// The recipe as read, for faults that others find later; `span` is its slot's header, or its version.
    pub text: Text,
    pub span: Range<usize>,
}

/// Bytes with a digest, and places where they may be. One of `urls`, `debian`, `krate`, `file`, `tap`, `git` is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The same bytes at each.
    pub urls: Vec<String>,
    pub debian: Option<Debian>,
    pub krate: Option<Crate>,
    /// A file in the recipe's folder.
    pub file: Option<String>,
    /// Files and folders of the tap itself.
    pub tap: Vec<String>,
    pub git: Option<Git>,
    /// There unless the source is `git`, `file` or `tap`.
    pub sha256: Option<[u8; 32]>,
    pub size_bytes: Option<u64>,
    /// Folder in the source tree; `None` is its root.
    pub into: Option<String>,
    /// Leading folders to take off, 1 unless written.
    pub strip: u32,
    pub unpack: bool,
    /// A crate of the lock: it stands beside the source tree, not in it.
    pub vendored: bool,
    pub text: Text,
    pub span: Range<usize>,
}

/// A crate as cargo's registry has it: its name and version are all that a place needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    pub name: String,
    pub version: String,
}

/// A source of the distribution, as apt names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debian {
    pub name: String,
    pub version: String,
    pub suite: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    pub url: String,
    pub tag: Option<String>,
    /// 40 or 64 lower-case hex digits.
    pub commit: String,
}

/// `name[@slot][[opt,-opt,opt=val]][ >= v]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Dep {
    /// A recipe or a virtual.
    pub name: String,
    pub slot: Option<String>,
    pub options: Choice,
    pub at_least: Option<Version>,
    pub text: Text,
    /// Of the whole dependency, without the quotes.
    pub span: Range<usize>,
    /// Of the name, of the slot, of the bound: for faults that a plan finds.
    pub name_span: Range<usize>,
    pub slot_span: Option<Range<usize>>,
    pub bound_span: Option<Range<usize>>,
}

/// Of `make`, `ninja` and the like; empty: the preset's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    pub build: Vec<String>,
    pub check: Vec<String>,
    pub install: Vec<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kconfig {
    /// A make target (`allnoconfig`, `x86_64_defconfig`).
    pub base: String,
    /// Files in the recipe's folder, later wins.
    pub fragments: Vec<String>,
    /// Symbol (without `CONFIG_`) to value, after the fragments.
    pub set: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cargo {
    /// Empty: all.
    pub bins: Vec<String>,
    pub features: Vec<String>,
    /// Of a workspace, the one that is built.
    pub package: Option<String>,
    /// Of cargo's, `release` unless written.
    pub profile: Option<String>,
    /// The text of the lock that the build obeys.
    pub lock: String,
    /// It is a part of a workspace's, of which cargo may drop more.
    pub cut: bool,
}

/// What ELF files cannot show of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Reached with the keg.
    pub always: Reach,
    /// Reached when a role asks for `name/SET`.
    pub sets: BTreeMap<String, Reach>,
    /// Reached with this one file of the keg.
    pub from: BTreeMap<String, Reach>,
    /// Where programs look for a path of the keg: `/usr/share/zoneinfo` to `share/zoneinfo`.
    pub at: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Globs inside the keg; those that begin with `/` name what another keg has at that place of the image.
    pub files: Vec<String>,
    /// Texts that name files of kegs by their whole path, as globs: they are reached, and what they name.
    pub config: Vec<String>,
    /// Names of libraries that are opened by name.
    pub dlopen: Vec<String>,
    /// Programs that are started.
    pub run: Vec<String>,
}

/// What proves the keg, in the sandbox.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Test {
    /// Arguments, no shell.
    pub run: Vec<String>,
    pub stdin: Option<String>,
    /// The output holds it.
    pub stdout: Option<String>,
    pub stderr: Option<String>,
    pub regex: Option<String>,
    pub status: i32,
    /// A file of `tests/`, compiled against the keg and run.
    pub c: Option<String>,
    pub cxx: Option<String>,
    /// pkg-config modules for `c` and `cxx`.
    pub pc: Vec<String>,
    /// Wait for this TCP port.
    pub serve: Option<u16>,
    pub get: Option<Get>,
    /// Kegs besides.
    pub needs: Vec<Dep>,
    pub env: BTreeMap<String, String>,
    pub timeout_s: Option<u64>,
    /// Upstream's tests to skip, with reasons.
    pub upstream: BTreeMap<String, String>,
    /// Its keys' places in the recipe; under the empty name, its own.
    pub spans: BTreeMap<&'static str, Range<usize>>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Get {
    pub path: String,
    pub status: u16,
    pub body: Option<String>,
}

impl Test {
    /// The place of a key that was written, else of the test.
    pub fn span(&self, key: &str) -> Range<usize> {
        self.spans.get(key).or_else(|| self.spans.get("")).cloned().unwrap_or_default()
    }
}

impl Variant {
    /// `/kegs/<name>/<slot>`.
    pub fn keg(&self) -> String {
        format!("/kegs/{}/{}", self.name, self.slot)
    }
}
