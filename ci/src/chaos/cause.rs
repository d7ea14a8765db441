//! How each fault reaches the guest. From outside where that can be: its cable and its power are QEMU's, its disks are
//! files, its words come by the control's port. Two are the agent's own (`agent/src/chaos.rs`): to kill one of a service's
//! processes, and to fill `/data`.

use std::fs;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::fault::{Besides, Fault, Flips, Kill, Mouth, Order, Place, Stuff};
use super::garbage;
use super::ground::Ground;
use crate::boot::monitor;

/// Who does not take garbage for so long has had enough of it.
const MOUTHFUL: Duration = Duration::from_secs(2);
const SECTOR_BYTES: usize = 512;

impl Ground<'_> {
    /// Does it; from when on the machine has time to answer.
    pub fn cause(&mut self, fault: &Fault) -> Result<Instant, String> {
        match fault {
            Fault::Kill(kill) => self.kill(kill)?,
            Fault::Kills(kill, times, pause) => {
                for _ in 0..*times {
                    self.kill(kill)?;
                    self.rest(*pause)?;
                }
            }
            Fault::Orders(orders, pause) => {
                for order in orders {
                    self.order(order)?;
                    self.rest(*pause)?;
                }
            }
            Fault::Fill(hold, besides) => self.fill(*hold, besides)?,
            Fault::Cut(times, down, up) => self.cut(*times, *down, *up)?,
            Fault::CutAtStart(after) => self.start_without_network(*after)?,
            Fault::Garbage(mouth, stuff, seed, bytes) => self.feed(*mouth, *stuff, *seed, *bytes)?,
            Fault::Put(flips, hold) => self.put(flips, *hold)?,
            Fault::Start(place, flips) => return self.start_with(*place, flips),
            Fault::Power(early) => return self.power(early),
        }
        Ok(Instant::now())
    }

    /// One that does not run at this moment cannot be killed, which is no fault of anybody's.
    fn kill(&mut self, kill: &Kill) -> Result<(), String> {
        match self.ask(&format!("kill {} {} {}", kill.service, kill.signal, kill.at), None) {
            Err(why) if why.ends_with("it does not run") || why.contains("No such process") => Ok(()),
            done => done.map(drop),
        }
    }

    /// It may say no: not every service can be reloaded, and none that does not run.
    fn order(&mut self, order: &Order) -> Result<(), String> {
        let asked = match order {
            Order::Restart(service) => self.ask(&format!("restart {service}"), None),
            Order::Reload(service) => self.ask(&format!("reload {service}"), None),
            Order::Kill(kill) => return self.kill(kill),
        };
        match asked {
            Err(why) if why.contains("error: ") => Ok(()),
            done => done.map(drop),
        }
    }

    fn fill(&mut self, hold: Duration, besides: &Besides) -> Result<(), String> {
        let filled = self.ask("fill", None)?;
        self.notes.extend(filled.into_iter().map(|bytes| format!("{bytes} taken")));
        match besides {
            Besides::Nothing => {}
            Besides::Kill(kill) => self.kill(kill)?,
            Besides::Power => {
                self.cut_the_power();
                self.start()?;
            }
        }
        self.rest(hold)?;
        // The machine itself is none of those that a full partition stops.
        self.ask("status", None)?;
        match self.ask("free", None) {
            // It was memory.
            Err(why) if *besides == Besides::Power && why.contains("No such file") => Ok(()),
            done => done.map(drop),
        }
    }

    fn cut(&mut self, times: u64, down: Duration, up: Duration) -> Result<(), String> {
        let socket = self.boot().monitor.clone().ok_or("it has no monitor")?;
        let failed = |error: std::io::Error| format!("its cable: {error}");
        for at in 0..times {
            monitor::unplug(&socket).map_err(failed)?;
            let rested = self.rest(down);
            let told = self.ask("status", None);
            monitor::plug(&socket).map_err(failed)?;
            rested.and(told)?;
            if at + 1 < times {
                self.rest(up)?;
            }
        }
        Ok(())
    }

    fn start_without_network(&mut self, after: Duration) -> Result<(), String> {
        self.cut_the_power();
        let socket = self.boot().monitor.clone().ok_or("it has no monitor")?;
        let unplug = || monitor::unplug(&socket).map_err(|error| format!("its cable: {error}"));
        let came = self.start_somehow(&unplug)?;
        self.notes.push(came.to_string());
        self.rest(after)?;
        self.ask("status", None)?;
        monitor::plug(&socket).map_err(|error| format!("its cable: {error}"))
    }

    fn feed(&mut self, mouth: Mouth, stuff: Stuff, seed: u64, count: usize) -> Result<(), String> {
        match mouth {
            Mouth::Control => self.feed_control(&garbage::make(stuff, seed, count)),
            Mouth::Console => {
                let bytes = garbage::make(stuff, seed, count);
                let guest = self.guest()?;
                let typed = guest.type_in(&bytes).and_then(|()| guest.type_in(b"\n"));
                typed.map_err(|error| format!("its console: {error}"))?;
                guest.figures().map(drop).map_err(|error| format!("its console: {error}"))
            }
        }
    }

    /// Nothing is read, and the end is sudden.
    fn feed_control(&mut self, bytes: &[u8]) -> Result<(), String> {
        let socket = self.boot().control.clone().ok_or("it has no control port")?;
        let connected = UnixStream::connect(socket).and_then(|stream| {
            stream.set_write_timeout(Some(MOUTHFUL))?;
            Ok(stream)
        });
        let mut stream = connected.map_err(|error| format!("its control port: {error}"))?;
        // Who does not take it all is not at fault: it need not.
        if let Err(error) = stream.write_all(bytes) {
            self.notes.push(format!("not all of it was taken: {error}"));
        }
        Ok(())
    }

    fn put(&mut self, flips: &Flips, hold: Duration) -> Result<(), String> {
        let text = flips.of(&self.boot().environment);
        match self.ask("env put", Some(&text)) {
            Ok(_) => self.notes.push("taken".into()),
            Err(why) if why.contains("error: ") => self.notes.push("refused".into()),
            Err(why) => return Err(why),
        }
        self.rest(hold)?;
        self.ask("env drop", None).map(drop)
    }

    /// A start with an environment that is not what it was; then one with the good one.
    fn start_with(&mut self, place: Place, flips: &Flips) -> Result<Instant, String> {
        self.cut_the_power();
        let good = self.boot().environment.clone();
        match place {
            Place::FwCfg => self.boot().environment = flips.of(&good),
            Place::Volume => {
                let file = self.scratch.path().join("volume");
                fs::write(&file, volume(&good, flips)).map_err(|error| format!("a volume: {error}"))?;
                self.boot().volume = Some(file);
            }
        }
        let came = self.start_somehow(&|| Ok(()));
        (self.boot().environment, self.boot().volume) = (good, None);
        let told = self.ask("status", None);
        self.notes.push(came?.to_string());
        told?;
        self.cut_the_power();
        self.begin_again()
    }

    fn power(&mut self, early: &[u64]) -> Result<Instant, String> {
        self.cut_the_power();
        for part in early {
            let after = self.start_took.mul_f64(*part as f64 / 100.0);
            self.start_and_cut(after)?;
        }
        self.begin_again()
    }

    fn begin_again(&mut self) -> Result<Instant, String> {
        let since = Instant::now();
        self.start().map(|()| since)
    }
}

/// As `agent/src/source/volume.rs` draws it, changed, and whole sectors.
fn volume(environment: &[u8], flips: &Flips) -> Vec<u8> {
    let head = format!("# rootbrew-env {}\n", environment.len());
    let mut bytes = flips.of(&[head.as_bytes(), environment].concat());
    bytes.resize(bytes.len().next_multiple_of(SECTOR_BYTES), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_whole_sectors() {
        let bytes = volume(b"host = 'a'\n", &Flips(vec![]));
        assert!(bytes.starts_with(b"# rootbrew-env 11\nhost = 'a'\n\0"));
        assert_eq!(bytes.len(), 512);
    }
}
