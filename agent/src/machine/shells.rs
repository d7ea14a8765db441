//! The machine's shells: opened on a way, their bytes relayed, reaped.

use super::Machine;
use crate::control::{Size, Typed};
use crate::events::tell;
use crate::service::end_text;
use crate::shell::Shell;
use crate::wait::News;

impl Machine {
    /// # Errors
    /// Why there is none.
    pub(super) fn open_shell(&mut self, way: u32, size: Size, term: &str) -> Result<(), String> {
        self.ways.debug.ready()?;
        let shell = Shell::open(size, term).map_err(|cause| format!("no shell: {cause}"))?;
        self.ways
            .waiter
            .watch_both(&shell, News::Shell(way))
            .map_err(|cause| format!("no shell: {cause}"))?;
        tell(format_args!("a shell is opened, process {}", shell.pid));
        self.ways.control.lend(way);
        self.shells.insert(way, shell);
        Ok(())
    }

    /// Both ways, as much as either side takes. What is left is told by the next news of it.
    pub(super) fn relay(&mut self, way: u32) {
        let (control, mut over) = (&mut self.ways.control, false);
        let Some(shell) = self.shells.get_mut(&way) else { return };
        shell.flush();
        let mut more = true;
        while more && !over && shell.is_hungry() {
            more = control.typed(way, &mut |typed| match typed {
                Typed::Bytes(bytes) => shell.take(&bytes),
                Typed::Size(size) => shell.resize(size),
                Typed::End => over = true,
            });
        }
        while control.has_room(way)
            && let Some(bytes) = shell.read()
        {
            control.show(way, &bytes);
        }
        if over {
            self.end_shell(way, "left");
        }
    }

    /// Those of these children that were shells.
    pub(super) fn shells_ended(&mut self, ended: &[(i32, i32)]) {
        for (pid, status) in ended {
            let way = self.shells.iter().find_map(|(way, shell)| (shell.pid == *pid).then_some(*way));
            if let Some(way) = way {
                // Its last words.
                self.relay(way);
                self.end_shell(way, &end_text(*status));
            }
        }
    }

    pub(super) fn end_shells(&mut self) {
        let ways: Vec<u32> = self.shells.keys().copied().collect();
        ways.into_iter().for_each(|way| self.end_shell(way, "the machine ends"));
    }

    fn end_shell(&mut self, way: u32, how: &str) {
        if let Some(shell) = self.shells.remove(&way) {
            tell(format_args!("the shell, process {}: {how}", shell.pid));
            drop(shell);
            self.ways.control.give_back(way, how);
        }
    }
}
