//! A service that has all the tasks that it may: said once a life, told by the kernel. A bomb goes on being refused, and
//! wakes nobody.

use super::{Running, What};
use crate::wait::{News, Waiter};

impl Running {
    /// A kernel that does not count tasks tells nothing.
    pub(super) fn watch_tasks(&mut self, waiter: &Waiter, at: u32) {
        let counted = self.cgroup.as_ref().and_then(|cgroup| cgroup.tasks_refused().ok());
        self.tasks = counted.filter(|file| waiter.watch_urgent(file, News::Tasks(at)).is_ok());
    }

    pub fn lacks_tasks(&mut self) {
        if self.tasks.take().is_some() {
            self.log.tell(&format!("has all of its {} tasks, and gets no more", self.service.tasks));
            self.events.push(What::Full(self.service.tasks));
        }
    }
}
