//! The end of the machine.

use rustix::system::{RebootCommand, reboot};

use crate::console::{self, say};
use crate::control::Ask;
use crate::{clock, data, mount, seed};

/// Everything has been stopped. Does not return in a machine; in a test's namespace the kernel ends the namespace.
pub fn end(how: Ask) -> ! {
    let (word, command) = match how {
        Ask::Reboot => ("reboot", RebootCommand::Restart),
        _ => ("power off", RebootCommand::PowerOff),
    };
    say(word);
    if data::is_lasting() {
        seed::keep();
        clock::keep();
    }
    mount::release();
    console::last_words();
    if let Err(cause) = reboot(command) {
        say(format_args!("{word}: {cause}"));
    }
    std::process::exit(1)
}

/// A fault of the agent itself: said, then a fresh start, never a machine that hangs.
pub fn on_panic() {
    std::panic::set_hook(Box::new(|panic| {
        console::speak();
        say(format_args!("agent: a fault of its own: {panic}"));
        end(Ask::Reboot);
    }));
}
