//! What lies in `/build` before the command starts.
//!
//! Files only: trees are binds. Sources are opened outside, written inside, never both at once.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path};
use std::time::{Duration, SystemTime};

use super::message::Failure;
use super::setup::{Order, Setup, Stage, StageFrom};

pub enum Source {
    File(File),
    Bytes(Vec<u8>),
}

/// Opens all sources, in the order in which they are to be written: names of folders may be heard in it.
pub fn open(setup: &Setup) -> Result<Vec<(Source, String, u32)>, Failure> {
    let mut stages: Vec<&Stage> = setup.stage.iter().collect();
    stages.sort_by(|a, b| a.to.cmp(&b.to));
    if setup.face.order == Order::Reversed {
        stages.reverse();
    }
    stages.into_iter().map(open_one).collect()
}

fn open_one(stage: &Stage) -> Result<(Source, String, u32), Failure> {
    let told = |what: String| Failure::Setup(format!("stage {}: {what}", stage.to));
    if !Path::new(&stage.to).components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(told("not a path inside /build".to_string()));
    }
    let source = match &stage.from {
        StageFrom::Bytes(bytes) => Source::Bytes(bytes.clone()),
        StageFrom::File(path) => {
            Source::File(File::open(path).map_err(|error| told(format!("{}: {error}", path.display())))?)
        }
    };
    Ok((source, stage.to.clone(), stage.mode))
}

pub fn write(sources: Vec<(Source, String, u32)>) -> Result<(), Failure> {
    for (source, to, mode) in sources {
        write_one(source, &Path::new("/build").join(&to), mode)
            .map_err(|error| Failure::Setup(format!("stage {to}: {error}")))?;
    }
    Ok(())
}

fn write_one(source: Source, to: &Path, mode: u32) -> io::Result<()> {
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    // Where a folder on disk was used before, what is there is replaced, and no link is followed.
    match fs::remove_file(to) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    match source {
        Source::File(mut from) => io::copy(&mut from, &mut file).map(drop)?,
        Source::Bytes(bytes) => file.write_all(&bytes)?,
    }
    file.set_permissions(fs::Permissions::from_mode(mode & 0o777))?;
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(kegs::EPOCH_S.unsigned_abs()))
}
