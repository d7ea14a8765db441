//! Where the environment comes from: what this machine was given, read with bounds.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;

use host::environment::{SIZE_MAX_BYTES, Source};
use host::error::{Error, Result};
use host::role::Variable;

/// Where QEMU's `-fw_cfg name=opt/org.rootbrew/environment.toml,file=…` appears.
const FW_CFG: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.rootbrew/environment.toml/raw";

/// Weakest first.
pub fn all(schema: &BTreeMap<String, Variable>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(bytes) = read(FW_CFG)? {
        sources.push(Source::parse("fw_cfg", &bytes).map_err(|fault| Error::from(vec![fault]))?);
    }
    let line = read("/proc/cmdline")?.unwrap_or_default();
    sources.push(Source::kernel(&String::from_utf8_lossy(&line), schema));
    Ok(sources)
}

/// At most one byte more than an environment may have. `None` when there is no such file.
fn read(path: &str) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::world(format!("open {path}")))?,
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::world(format!("read {path}")))?;
    Ok(Some(bytes))
}
