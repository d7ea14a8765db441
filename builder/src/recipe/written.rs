//! A recipe as written: every key typed, every place kept, nothing resolved.

use std::path::{Path, PathBuf};

use kegs::fault::{Faults, Text};
use kegs::reader::{self, Named, OneOrMany, Place, Read, Table, Written};

use super::check;
use super::facts::Facts;
use super::layer::Layer;
use super::option::OptionWritten;
use super::test::TestWritten;

/// `recipes/<name>/recipe.toml`. Only a recipe without a fault exists outside this room.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub name: String,
    pub folder: PathBuf,
    pub text: Text,
    pub facts: Facts,
    pub(super) layer: Layer,
    /// Empty: the one slot `0`.
    pub(super) slots: Named<Box<Layer>>,
    pub(super) default_slot: Option<Written<String>>,
    pub(super) archs: Option<Vec<Written<String>>>,
    pub(super) arch: Named<Box<Layer>>,
    /// In the order in which they are written: so are their `args`.
    pub(super) options: Vec<(String, Written<Box<OptionWritten>>)>,
    pub(super) tests: Vec<TestWritten>,
}

impl Recipe {
    /// Parses `bytes`, which stand in `folder`; `path` is what faults call the file. Pure but for looking whether the
    /// files that it names are there. `None` when any fault was pushed.
    pub fn parse(
        name: &str,
        folder: &Path,
        path: &Path,
        bytes: &[u8],
        faults: &mut Faults,
    ) -> Option<Recipe> {
        let before = faults.0.len();
        let recipe = reader::parse(path, bytes, faults, |text, table| {
            let recipe = take(name, folder, text, table);
            let broken = table.broken().to_vec();
            check::check(&recipe, &broken, table.faults);
            recipe
        })?;
        (faults.0.len() == before).then_some(recipe)
    }

    /// The slots, sorted by name.
    pub fn slots(&self) -> impl Iterator<Item = &str> {
        let unnamed = self.slots.is_empty().then_some("0");
        self.slots.keys().map(String::as_str).chain(unnamed)
    }

    /// Where who names no slot goes.
    pub fn default_slot(&self) -> &str {
        match &self.default_slot {
            Some(written) => &written.value,
            None => self.slots.keys().next().map_or("0", String::as_str),
        }
    }

    /// Each slot with each virtual that it provides.
    pub fn provided(&self) -> impl Iterator<Item = (&str, &Written<String>)> {
        let own = self.slots().flat_map(|slot| self.layer.provides.iter().map(move |name| (slot, name)));
        own.chain(
            self.slots
                .iter()
                .flat_map(|(slot, layer)| layer.value.provides.iter().map(move |name| (slot.as_str(), name))),
        )
    }

    pub fn has_option(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| known == name)
    }

    /// Names of the options, as written.
    pub fn options(&self) -> impl Iterator<Item = (&str, &OptionWritten)> {
        self.options.iter().map(|(name, option)| (name.as_str(), &*option.value))
    }

    /// `None`: it builds on all.
    pub fn archs(&self) -> Option<impl Iterator<Item = &str>> {
        self.archs.as_ref().map(|archs| archs.iter().map(|arch| arch.value.as_str()))
    }
}

pub(super) fn take(name: &str, folder: &Path, text: Text, table: &mut Table) -> Recipe {
    let recipe = Recipe {
        name: name.to_string(),
        folder: folder.to_path_buf(),
        text,
        facts: Facts::take(table),
        layer: Layer::take(table),
        slots: table.or_default("slot"),
        default_slot: table.take("default_slot"),
        archs: table.take("archs"),
        arch: table.or_default("arch"),
        options: options(table),
        tests: table.or_default::<OneOrMany<TestWritten>>("test").0,
    };
    table.close_with("in a recipe", &ELSEWHERE);
    recipe
}

/// Words of other formats, and ours for them.
const ELSEWHERE: [(&str, &str); 14] = [
    ("depends", DEPS),
    ("dependencies", DEPS),
    ("requires", DEPS),
    ("makedepends", "`build` for programs that run here, `link` for libraries"),
    ("name", "the folder is the name"),
    ("url", "`source`"),
    ("description", "`summary`"),
    ("homepage", "`home`"),
    ("revision", "none is needed: the inputs are the key"),
    ("epoch", "none is needed: the inputs are the key"),
    ("configure_args", "`args`"),
    ("options", "`[option]`; roles choose by `[options.…]`"),
    ("services", "a role's, not a recipe's: `[service.…]` in `roles/*.toml`"),
    ("conflicts", "slots live side by side; two variants of one slot are told by the plan"),
];
const DEPS: &str =
    "`link` for libraries, `build` for programs that run here, `run` for what no ELF file shows";

fn options(table: &mut Table) -> Vec<(String, Written<Box<OptionWritten>>)> {
    let named: Named<Box<OptionWritten>> = table.or_default("option");
    let mut options: Vec<_> = named.0.into_iter().collect();
    options.sort_by_key(|(_, option)| option.span.start);
    options
}

impl Read for Layer {
    fn read(at: &Place, faults: &mut Faults) -> Option<Layer> {
        let mut table = at.table("a table", faults)?;
        let layer = Layer::take(&mut table);
        table.close("in a slot or an architecture");
        Some(layer)
    }
}
