//! Every recipe from nothing: `rootbrew build --all` in an empty store. Half an hour of both cores: for a quiet machine.
//!
//! How near to the limit: no schedule is faster than the longest chain of builds, nor than all cpu seconds on all cores.
//! The timeline is left as a picture.

use std::path::Path;

use crate::table::figure;
use crate::web::{Ran, number, with_trace};
use crate::{Result, Wish, warm};

pub fn run(wish: &Wish) -> Result<()> {
    let parent = wish.store.parent().filter(|parent| parent.is_dir()).unwrap_or(Path::new("."));
    let store = tempfile::Builder::new().prefix("rootbrew-bench-").tempdir_in(parent)?;
    let picture = std::env::temp_dir().join("rootbrew-catalogue.svg");
    let build =
        Ran::new(with_trace(warm::rootbrew(wish, store.path(), &["--json", "build", "--all"]), &picture))?;
    let done = build.events.iter().find(|event| event["event"] == "done").ok_or("no `done` event")?;
    let cores = std::thread::available_parallelism()?.get() as f64;
    let (wall_s, cpu_s, critical_s) =
        (number(done, "wall_s"), number(done, "cpu_s"), number(done, "critical_s"));
    figure("kegs built", "", &build.built().count().to_string());
    figure("wall, with the seeds", "", &format!("{:.0} s", build.wall_s));
    figure("wall of the build", "", &format!("{wall_s:.0} s"));
    figure("  cpu / cores", "", &format!("{:.0} s", cpu_s / cores));
    figure("  critical path", "", &format!("{critical_s:.0} s"));
    figure("  limit / wall", "0.93", &format!("{:.3}", critical_s.max(cpu_s / cores) / wall_s));
    figure(
        "  peak memory of rootbrew itself",
        "150 MB",
        &format!("{:.0} MB", number(done, "peak_bytes") / 1e6),
    );
    let mut kegs: Vec<_> = build.built().collect();
    kegs.sort_by(|a, b| number(b, "cpu_s").total_cmp(&number(a, "cpu_s")));
    for built in kegs {
        let text = format!("{:.1} s wall, {:.1} s cpu", number(built, "wall_s"), number(built, "cpu_s"));
        figure(&format!("    {}", built["keg"].as_str().unwrap_or("")), "", &text);
    }
    println!("  timeline: {}", picture.display());
    Ok(())
}
