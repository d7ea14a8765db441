//! Free ports of 127.0.0.1.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// A free host port, of TCP and of UDP, for each guest port. Nothing holds them until QEMU does: whoever loses that race
/// tries again.
pub(super) fn free(guest: &[u16]) -> io::Result<BTreeMap<u16, u16>> {
    // All are held before the first is let go, so that no two are the same.
    let held = guest.iter().map(|_| hold()).collect::<io::Result<Vec<_>>>()?;
    guest.iter().zip(&held).map(|(&guest, (tcp, _))| Ok((guest, tcp.local_addr()?.port()))).collect()
}

/// The system's choice among TCP's free ports may be another's in UDP.
const TRIES_MAX: usize = 16;

fn hold() -> io::Result<(TcpListener, UdpSocket)> {
    let mut last = io::ErrorKind::AddrInUse.into();
    for _ in 0..TRIES_MAX {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        match UdpSocket::bind(tcp.local_addr()?) {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) => last = error,
        }
    }
    Err(last)
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
