//! From nothing to the answered request, then once more, warm: `rootbrew boot web --check` on an empty store beside the
//! given one. Minutes of both cores: for a quiet machine. Sources come from `--sources` or from their places.
//!
//! `ROOTBREW_WARM=1` skips the first half and uses a copy of the given store.

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::Value;

use crate::table::{Times, figure};
use crate::{Result, Wish, warm};

pub fn run(wish: &Wish) -> Result<()> {
    let store = match std::env::var_os("ROOTBREW_WARM") {
        Some(_) => warm::copy(&wish.store)?,
        None => from_nothing(wish)?,
    };
    let mut warm_s = Times::default();
    for _ in 0..wish.rounds(3) {
        let ran = Ran::new(boot(wish, store.path(), &["--memory", "32"]))?;
        warm_s.push(ran.wall_s * 1e3);
        figure("warm, to the answered request, -m 32", "10 s", &format!("{:.2} s", ran.wall_s));
        ran.show_boot();
    }
    figure("  minimum", "10 s", &format!("{:.2} s", warm_s.min() / 1e3));
    sizes(wish, store.path())
}

/// A store made by the whole build.
fn from_nothing(wish: &Wish) -> Result<tempfile::TempDir> {
    let parent = wish.store.parent().filter(|parent| parent.is_dir()).unwrap_or(Path::new("."));
    let store = tempfile::Builder::new().prefix("rootbrew-bench-").tempdir_in(parent)?;
    let trace = std::env::temp_dir().join("rootbrew-bench-web.json");
    let build =
        Ran::new(with_trace(warm::rootbrew(wish, store.path(), &["--json", "build", "web"]), &trace))?;
    let boot = Ran::new(boot(wish, store.path(), &[]))?;
    let total_s = build.wall_s + boot.wall_s;
    figure("from nothing to the answered request", "12 min", &format!("{:.0} s", total_s));
    figure("  of it the build", "", &format!("{:.0} s", build.wall_s));
    let cores = std::thread::available_parallelism()?.get() as f64;
    figure(
        "  cores busy: cpu / (wall x cores)",
        "0.9",
        &format!("{:.3}", build.cpu_s / (build.wall_s * cores)),
    );
    let own_s: f64 = build.built().map(|built| number(built, "own_s")).sum();
    figure("  ours: own_s of all kegs / cpu", "2 %", &format!("{:.2} %", 100.0 * own_s / build.cpu_s));
    for built in build.built() {
        let (wall_s, cpu_s, own_s) =
            (number(built, "wall_s"), number(built, "cpu_s"), number(built, "own_s"));
        let (keg, text) = (
            built["keg"].as_str().unwrap_or(""),
            format!("{wall_s:.1} s wall, {cpu_s:.1} s cpu, {:.0} ms ours", own_s * 1e3),
        );
        figure(&format!("    {keg}"), "", &text);
    }
    println!("  timeline: {}", trace.display());
    Ok(store)
}

pub fn with_trace(mut command: Command, trace: &Path) -> Command {
    command.arg("--trace").arg(trace);
    command
}

fn boot(wish: &Wish, store: &Path, more: &[&str]) -> Command {
    warm::rootbrew(wish, store, &[&["--json", "boot", "web", "--check"], more].concat())
}

/// A run of the program: its events, its wall clock, the cpu of it and of all that it started.
pub struct Ran {
    pub events: Vec<Value>,
    pub wall_s: f64,
    pub cpu_s: f64,
}

impl Ran {
    pub fn new(mut command: Command) -> Result<Ran> {
        let before_s = children_s()?;
        let begun = Instant::now();
        let output = command.stderr(Stdio::inherit()).output()?;
        let wall_s = begun.elapsed().as_secs_f64();
        if !output.status.success() {
            return Err(
                format!("{command:?}: {} (signal {:?})", output.status, output.status.signal()).into()
            );
        }
        let lines = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        let events = lines.map(serde_json::from_slice).collect::<std::result::Result<_, _>>()?;
        Ok(Ran { events, wall_s, cpu_s: children_s()? - before_s })
    }

    pub fn built(&self) -> impl Iterator<Item = &Value> {
        self.events.iter().filter(|event| event["event"] == "built")
    }

    fn show_boot(&self) {
        for event in self.events.iter().filter(|event| event["event"] == "boot" || event["event"] == "answer")
        {
            println!("    {event}");
        }
    }
}

pub fn number(event: &Value, name: &str) -> f64 {
    event[name].as_f64().unwrap_or(f64::NAN)
}

/// USER_HZ: what the kernel tells programs, whatever it counts in, on all processors that we build for.
const TICKS_PER_S: f64 = 100.0;

/// Seconds of cpu of all children waited for so far (proc_pid_stat(5): cutime and cstime, in ticks).
fn children_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let behind_name = stat.rsplit_once(") ").ok_or("no name in /proc/self/stat")?.1;
    let ticks: Vec<f64> =
        behind_name.split(' ').skip(13).take(2).map(str::parse).collect::<std::result::Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / TICKS_PER_S)
}

fn sizes(wish: &Wish, store: &Path) -> Result<()> {
    let output = warm::succeed(&mut warm::rootbrew(wish, store, &["--json", "build", "web"]))?;
    let done = output
        .stdout
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let done = done.into_iter().find(|event| event["event"] == "done").ok_or("no `done` event")?;
    let facts = &done["image"]["facts"];
    for (name, key, goal) in [
        ("root image, on disk", "root_bytes", "8 MB"),
        ("root image, zstd for the wire", "root_wire_bytes", "3.3 MB"),
        ("kernel", "kernel_bytes", "3.2 MB"),
    ] {
        figure(name, goal, &format!("{:.2} MB", number(facts, key) / 1e6));
    }
    Ok(())
}
