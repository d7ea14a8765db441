//! `runtime` as written: what ELF files cannot show of a run.

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read};

use super::path::{Inside, InsideOrAt, PathMap, Places};
use super::phrase::Phrase;
use super::variant::{Reach, Runtime};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuntimeWritten {
    pub always: Reach,
    pub sets: Named<Reach>,
    pub from: PathMap<Reach>,
    pub at: Places,
}

impl Read for RuntimeWritten {
    fn read(at: &Place, faults: &mut Faults) -> Option<RuntimeWritten> {
        let mut table = at.table("a table", faults)?;
        let always = reach(&mut table);
        let (sets, from) = (table.or_default("set"), table.or_default("from"));
        let runtime = RuntimeWritten { always, sets, from, at: table.or_default("at") };
        table.close("in `runtime`");
        Some(runtime)
    }
}

impl Read for Reach {
    fn read(at: &Place, faults: &mut Faults) -> Option<Reach> {
        let mut table = at.table("a table", faults)?;
        let reach = reach(&mut table);
        table.close("here");
        Some(reach)
    }
}

fn reach(table: &mut kegs::reader::Table) -> Reach {
    let files = table.or_default::<Vec<InsideOrAt>>("files").into_iter().map(|path| path.0.raw).collect();
    let config = table.or_default::<Vec<Inside>>("config").into_iter().map(|path| path.0.raw).collect();
    let mut words = |key| -> Vec<String> {
        table.or_default::<Vec<Phrase>>(key).into_iter().map(|phrase| phrase.raw).collect()
    };
    let (dlopen, run) = (words("dlopen"), words("run"));
    Reach { files, config, dlopen, run }
}

impl RuntimeWritten {
    pub fn add(&mut self, over: &RuntimeWritten) {
        self.always.files.extend(over.always.files.iter().cloned());
        self.always.config.extend(over.always.config.iter().cloned());
        self.always.dlopen.extend(over.always.dlopen.iter().cloned());
        self.always.run.extend(over.always.run.iter().cloned());
        self.sets.0.extend(over.sets.0.clone());
        self.from.0.extend(over.from.0.clone());
        self.at.0.extend(over.at.0.clone());
    }

    pub fn settled(&self) -> Runtime {
        Runtime {
            always: self.always.clone(),
            sets: self.sets.iter().map(|(name, set)| (name.clone(), set.value.clone())).collect(),
            from: self.from.0.iter().map(|(path, set)| (path.clone(), set.value.clone())).collect(),
            at: self.at.0.clone(),
        }
    }
}
