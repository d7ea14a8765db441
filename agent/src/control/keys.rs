//! A terminal whose keys stop nothing. At a Ctrl-S, typed or a byte of noise that is one, the kernel holds back what is
//! written until a Ctrl-Q: PID 1 would wait in its next word. A Ctrl-D keeps what comes after it until more comes.

use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex, Termios};

pub fn stop_nothing(modes: &mut Termios) {
    modes.input_modes -= InputModes::IXON | InputModes::IXOFF;
    modes.local_modes -= LocalModes::ISIG;
    modes.special_codes[SpecialCodeIndex::VEOF] = 0;
}

#[cfg(test)]
mod tests {
    use rustix::termios::tcgetattr;

    use super::*;

    #[test]
    fn a_terminal_that_is_opened_has_none() {
        let modes = tcgetattr(super::super::open("/dev/ptmx").unwrap()).unwrap();
        assert!(!modes.input_modes.intersects(InputModes::IXON | InputModes::IXOFF));
        assert!(!modes.local_modes.intersects(LocalModes::ECHO | LocalModes::ISIG));
        assert_eq!(modes.special_codes[SpecialCodeIndex::VEOF], 0);
    }
}
