//! A timer of the kernel's for a service that runs at its times: PID 1 sleeps until then, and is told when the clock is set.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use host::calendar::Calendar;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

use crate::stamp::now_ms;

pub struct Timer(OwnedFd);

impl Timer {
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        Ok(Timer(timerfd_create(TimerfdClockId::Realtime, flags)?))
    }

    /// Sets it to what comes next by the clock as it is now: that time in seconds since 1970; `None`: never again.
    pub fn arm(&self, calendar: &Calendar) -> io::Result<Option<i64>> {
        let next = calendar.next((now_ms() / 1000) as i64);
        let at = |tv_sec| Timespec { tv_sec, tv_nsec: 0 };
        let wanted = Itimerspec { it_interval: at(0), it_value: at(next.unwrap_or(0)) };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        timerfd_settime(&self.0, flags, &wanted)?;
        Ok(next)
    }

    /// Whether the time has come. Not when the clock was set: then it is to be armed again.
    pub fn fired(&self) -> bool {
        rustix::io::read(&self.0, &mut [0; 8]) == Ok(8)
    }
}

impl AsFd for Timer {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_fires_when_its_second_comes() {
        let timer = Timer::new().unwrap();
        let calendar: Calendar = "*:*:*".parse().unwrap();
        let next = timer.arm(&calendar).unwrap().unwrap();
        assert!(!timer.fired());
        std::thread::sleep(std::time::Duration::from_millis(next as u64 * 1000 - now_ms() + 20));
        assert!(timer.fired() && !timer.fired());
        assert_eq!(timer.arm(&"2020-01-01".parse().unwrap()).unwrap(), None);
    }
}
