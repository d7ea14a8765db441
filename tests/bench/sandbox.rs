//! What a sandbox costs to start and to end around `true`, with 0, 20 and 200 kegs bound, beside bubblewrap.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use builder::sandbox::{self, Bind, Build, Link, Observe, Setup};

use crate::table::{Times, row};
use crate::{Result, Wish, warm};

pub fn run(wish: &Wish) -> Result<()> {
    let kegs = tempfile::tempdir()?;
    let log = File::create("/dev/null")?;
    for count in [0, 20, 200] {
        let folders = make_kegs(kegs.path(), count)?;
        let setup = setup(&folders);
        let (mut ours, mut heard) = (Times::default(), Times::default());
        let (mut theirs, mut bare) = (Times::default(), Times::default());
        for _ in 0..wish.rounds(50) {
            ours.time(|| run_ours(&setup, &log))?;
            heard.time(|| run_heard(&setup, &log))?;
            theirs.time(|| warm::succeed(&mut bwrap(&folders)))?;
            bare.time(|| warm::succeed(&mut Command::new("/bin/true")))?;
        }
        row(&format!("rootbrew, {count} kegs"), if count == 200 { "8 ms" } else { "" }, &ours, &ours);
        row(&format!("the same, opens heard, {count} kegs"), "", &heard, &ours);
        row(&format!("bubblewrap, {count} binds"), "", &theirs, &ours);
        row("no sandbox", "", &bare, &ours);
    }
    Ok(())
}

fn make_kegs(root: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let folders: Vec<_> = (0..count).map(|number| root.join(format!("keg{number}"))).collect();
    folders.iter().try_for_each(|folder| fs::create_dir_all(folder.join("bin")))?;
    Ok(folders)
}

fn setup(folders: &[PathBuf]) -> Setup {
    let usr = Bind { from: "/usr".into(), to: "/usr".to_string() };
    let kegs = folders
        .iter()
        .enumerate()
        .map(|(at, from)| Bind { from: from.clone(), to: format!("/kegs/k{at}/0") });
    let link = |name: &str| Link { path: format!("/{name}"), target: format!("usr/{name}") };
    Setup {
        binds: std::iter::once(usr).chain(kegs).collect(),
        links: ["bin", "lib", "lib64"].map(link).into(),
        build: Build::Memory,
        stage: vec![],
        argv: vec!["/bin/true".to_string()],
        env: vec![],
        cwd: "/build".to_string(),
        limits: Default::default(),
        jobserver: None,
        face: Default::default(),
    }
}

fn run_ours(setup: &Setup, log: &File) -> Result<()> {
    let end = sandbox::start(setup, log.as_fd())?.wait()?.end;
    if end.is_success() { Ok(()) } else { Err(format!("true {end}").into()) }
}

/// As builds are run: what they open of their kegs is heard.
fn run_heard(setup: &Setup, log: &File) -> Result<()> {
    let observe = Observe { files: "/kegs/".into(), programs: "/usr".into() };
    let ended = sandbox::start_observed(setup, observe, log.as_fd())?.wait()?;
    match ended.opened {
        Some(_) if ended.end.is_success() => Ok(()),
        opened => Err(format!("true {}, heard: {}", ended.end, opened.is_some()).into()),
    }
}

fn bwrap(folders: &[PathBuf]) -> Command {
    let mut command = Command::new("bwrap");
    command.args([
        "--unshare-all",
        "--ro-bind",
        "/usr",
        "/usr",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/build",
    ]);
    for name in ["bin", "lib", "lib64"] {
        command.args(["--symlink", &format!("usr/{name}"), &format!("/{name}")]);
    }
    for (at, folder) in folders.iter().enumerate() {
        command.arg("--ro-bind").arg(folder).arg(format!("/kegs/k{at}/0"));
    }
    command.arg("/bin/true");
    command
}
