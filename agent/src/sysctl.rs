//! The kernel's knobs, as the role has them: `net.core.somaxconn` is `/proc/sys/net/core/somaxconn`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use host::error::{Error, Result};
use toml::Value;

/// Sets all.
///
/// # Errors
/// All that are wrong: a knob that this kernel does not have, a value that it does not take.
pub fn set(knobs: &BTreeMap<String, Value>) -> Result<()> {
    let set = |(name, value): (&String, &Value)| {
        let place = place(name).ok_or_else(|| "no knob has such a name".to_string())?;
        fs::write(place, text(value)?).map_err(|cause| cause.to_string())
    };
    let wrong = knobs.iter().filter_map(|knob| Some(format!("sysctl.{}: {}", knob.0, set(knob).err()?)));
    let wrong: Vec<String> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Input(wrong)) }
}

/// The assembler has checked names; whoever changes the role in an image gets no way out of `/proc/sys`.
fn place(name: &str) -> Option<PathBuf> {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    let fits = |part: &str| !part.is_empty() && part.bytes().all(letter);
    let whole = name.contains('.') && name.split('.').all(fits);
    whole.then(|| Path::new("/proc/sys").join(name.replace('.', "/")))
}

fn text(value: &Value) -> std::result::Result<String, String> {
    match value {
        Value::Integer(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        other => Err(format!("must be an integer or a string, is {}", other.type_str())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_proc_sys() {
        assert_eq!(place("net.core.somaxconn").unwrap(), Path::new("/proc/sys/net/core/somaxconn"));
        for name in ["", "net", "net..core", "net.core/../x", "..", "net.a b"] {
            assert_eq!(place(name), None, "{name}");
        }
    }

    #[test]
    fn all_that_is_wrong_at_once() {
        let knobs =
            [("net.core.nothing", Value::Integer(1)), ("vm.x", Value::Boolean(true)), ("x", 1.into())];
        let knobs = knobs.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        let fault = set(&knobs).unwrap_err().to_string();
        assert!(fault.contains("sysctl.vm.x: must be an integer or a string, is boolean"), "{fault}");
        assert!(
            fault.contains("sysctl.net.core.nothing: ") && fault.contains("sysctl.x: no knob"),
            "{fault}"
        );
    }
}
