//! What a benchmark prints: its command, the load it met, and a line a rival with goal, minimum, median and ratio.

use std::time::Instant;

use crate::Result;

/// Wall clock of one rival's rounds, in milliseconds.
#[derive(Default)]
pub struct Times(Vec<f64>);

impl Times {
    pub const fn new() -> Times {
        Times(Vec::new())
    }

    /// Runs once and keeps how long it took.
    pub fn time<T>(&mut self, run: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let done = run()?;
        self.push(begun.elapsed().as_secs_f64() * 1e3);
        Ok(done)
    }

    pub fn push(&mut self, ms: f64) {
        let at = self.0.partition_point(|&other| other < ms);
        self.0.insert(at, ms);
    }

    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    pub fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or(f64::NAN)
    }
}

/// The command to repeat it, and the machine's load when it began.
pub fn head(name: &str) -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let load = std::fs::read_to_string("/proc/loadavg")?;
    println!(
        "\n{name}: cargo bench -p rootbrew --bench bench -- {}   (load {})",
        words.join(" "),
        load.trim()
    );
    println!("{:<44} {:>10} {:>10} {:>10} {:>8}", "", "goal", "minimum", "median", "ratio");
    Ok(())
}

/// One rival; its ratio is that of its minimum to `base`'s.
pub fn row(what: &str, goal: &str, times: &Times, base: &Times) {
    let ratio = times.min() / base.min();
    println!("{what:<44} {goal:>10} {:>7.2} ms {:>7.2} ms {ratio:>8.2}", times.min(), times.median());
}

/// A figure that is no time.
pub fn figure(what: &str, goal: &str, figure: &str) {
    println!("{what:<44} {goal:>10} {figure:>10}");
}
