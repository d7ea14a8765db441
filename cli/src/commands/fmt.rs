//! `rootbrew fmt`: recipes and roles in their canonical form. What is no TOML is told, and left alone.

use kegs::Faults;
use workbench::file;
use workbench::fmt::tap::{Formed, forms};

use crate::context::Context;
use crate::terminal::{event, talk};
use crate::trouble::{Result, Trouble};

pub fn write(context: &Context, names: &[String]) -> Result<()> {
    let (all, faults) = forms(&context.tap, names);
    for one in all.iter().filter(|one| !one.is_right()) {
        let path = context.tap.join(&one.path);
        file::replace(&path, one.form.as_bytes())
            .map_err(|error| Trouble::Failed(format!("cannot write {}: {error}", path.display())))?;
        event("wrote", &one.path.to_string_lossy(), "");
    }
    end(&all, faults)
}

/// Names what would change, and fails when something would.
pub fn check(context: &Context, names: &[String]) -> Result<()> {
    let (all, faults) = forms(&context.tap, names);
    let wrong: Vec<&Formed> = all.iter().filter(|one| !one.is_right()).collect();
    for one in &wrong {
        event("differs", &one.path.to_string_lossy(), "");
    }
    end(&all, faults)?;
    if wrong.is_empty() { Ok(()) } else { Err(Trouble::Said) }
}

fn end(all: &[Formed], faults: Faults) -> Result<()> {
    faults.or(())?;
    let wrong = all.iter().filter(|one| !one.is_right()).count();
    talk(&format!("fmt     {} files, {wrong} not in their form", all.len()));
    Ok(())
}
