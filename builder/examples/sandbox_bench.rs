//! What a sandbox costs to start and to end, beside bubblewrap, in one run.
//!
//! `cargo run --release -p builder --example sandbox_bench [rounds] [binds]`: milliseconds of wall clock for `true`,
//! minimum and median. The two take turns, so that both meet the same load.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use builder::sandbox::{self, Bind, Build, Link, Setup};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    sandbox::helper_main_if_asked();
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let (rounds, most) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(200));
    let kegs = tempfile::tempdir()?;
    let log = File::create("/dev/null")?;
    println!("{:?}", sandbox::probe()?);
    println!("{:>5} {:>22} {:>22}   (ms, minimum/median of {rounds})", "binds", "rootbrew", "bwrap");
    for count in [0, 20, most] {
        let folders = make_kegs(kegs.path(), count)?;
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            ours.push(timed(|| run_ours(&folders, &log))?);
            theirs.push(timed(|| run_bwrap(&folders))?);
        }
        println!("{count:>5} {:>22} {:>22}", figures(ours), figures(theirs));
    }
    Ok(())
}

fn make_kegs(root: &Path, count: usize) -> Result<Vec<PathBuf>> {
    let folders: Vec<_> = (0..count).map(|number| root.join(format!("keg{number}"))).collect();
    folders.iter().try_for_each(|folder| fs::create_dir_all(folder.join("bin")))?;
    Ok(folders)
}

fn timed(run: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64() * 1e3)
}

fn figures(mut times_ms: Vec<f64>) -> String {
    times_ms.sort_by(f64::total_cmp);
    format!("{:.2} / {:.2}", times_ms[0], times_ms[times_ms.len() / 2])
}

fn run_ours(folders: &[PathBuf], log: &File) -> Result<()> {
    let usr = Bind { from: "/usr".into(), to: "/usr".to_string() };
    let kegs = folders
        .iter()
        .enumerate()
        .map(|(at, from)| Bind { from: from.clone(), to: format!("/kegs/k{at}/0") });
    let link = |name: &str| Link { path: format!("/{name}"), target: format!("usr/{name}") };
    let setup = Setup {
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
    };
    let end = sandbox::start(&setup, log.as_fd())?.wait()?.end;
    if end.is_success() { Ok(()) } else { Err(format!("true {end}").into()) }
}

fn run_bwrap(folders: &[PathBuf]) -> Result<()> {
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
    let status = command.arg("/bin/true").stderr(Stdio::inherit()).status()?;
    if status.success() { Ok(()) } else { Err(format!("bwrap {status}").into()) }
}
