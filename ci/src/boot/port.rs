//! Free ports of 127.0.0.1.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener};

/// A free host port for each guest port. Nothing holds them until QEMU does: whoever loses that race tries again.
pub(super) fn free(guest: &[u16]) -> io::Result<BTreeMap<u16, u16>> {
    // All are held before the first is let go, so that no two are the same.
    let held =
        guest.iter().map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect::<io::Result<Vec<_>>>()?;
    guest.iter().zip(&held).map(|(&guest, held)| Ok((guest, held.local_addr()?.port()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guest_port_has_its_own() {
        let ports = free(&[80, 443, 80]).unwrap();
        assert_eq!(ports.keys().copied().collect::<Vec<_>>(), [80, 443]);
        assert_ne!(ports[&80], ports[&443]);
    }
}
