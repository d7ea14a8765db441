//! The live view: what runs, since when, how many are left. Only on a terminal.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// Lines that change below lines that stay.
pub struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<usize, ProgressBar>,
    fetching: BTreeMap<String, ProgressBar>,
}

impl Live {
    pub fn new(count: u64) -> Live {
        let bars = MultiProgress::new();
        let total = bars.add(ProgressBar::new(count));
        total.set_style(style("{elapsed:>7}  {pos} of {len} kegs"));
        total.enable_steady_tick(Duration::from_secs(1));
        Live { bars, total, running: BTreeMap::new(), fetching: BTreeMap::new() }
    }

    pub fn started(&mut self, at: usize, name: &str) {
        let bar = self.bars.insert_before(&self.total, ProgressBar::new_spinner());
        bar.set_style(style("{elapsed:>7}  {prefix} {msg}"));
        bar.set_prefix(name.to_string());
        bar.enable_steady_tick(Duration::from_secs(1));
        self.running.insert(at, bar);
    }

    pub fn step(&self, at: usize, step: &str) {
        if let Some(bar) = self.running.get(&at) {
            bar.set_message(step.to_string());
        }
    }

    pub fn ended(&mut self, at: usize) {
        if let Some(bar) = self.running.remove(&at) {
            bar.finish_and_clear();
        }
        self.total.inc(1);
    }

    pub fn fetching(&mut self, name: &str, bytes: u64, size_bytes: Option<u64>) {
        let bar = self.fetching.entry(name.to_string()).or_insert_with(|| {
            let bar = self.bars.insert_before(&self.total, ProgressBar::new(size_bytes.unwrap_or(0)));
            bar.set_style(style("{elapsed:>7}  fetch {prefix} {bytes} of {total_bytes} {bytes_per_sec}"));
            bar.set_prefix(name.to_string());
            bar
        });
        bar.set_length(size_bytes.unwrap_or(bytes));
        bar.set_position(bytes);
    }

    pub fn fetched(&mut self, name: &str) {
        if let Some(bar) = self.fetching.remove(name) {
            bar.finish_and_clear();
        }
    }

    /// A line that stays.
    pub fn line(&self, line: &str) {
        self.bars.println(line).ok();
    }

    pub fn clear(&self) {
        self.bars.clear().ok();
    }
}

fn style(template: &str) -> ProgressStyle {
    // The templates are the constants above: one that does not parse shows plain bars.
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
