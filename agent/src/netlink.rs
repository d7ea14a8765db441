//! The few rtnetlink requests that bring an interface up. Makes and sends messages, decides nothing.
//!
//! ```text
//! nlmsghdr   length:u32 type:u16 flags:u16 sequence:u32 port:u32        rtnetlink(7), all in the machine's byte order
//! ifinfomsg  family:u8 pad:u8 type:u16 index:i32 flags:u32 change:u32
//! ifaddrmsg  family:u8 prefix:u8 flags:u8 scope:u8 index:u32
//! rtmsg      family:u8 dst:u8 src:u8 tos:u8 table:u8 protocol:u8 scope:u8 type:u8 flags:u32
//! attribute  length:u16 type:u16 value, padded to 4
//! ```

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};

const AF_INET: u8 = 2;
const HEADER_BYTES: usize = 16;
/// NLM_F_REQUEST | NLM_F_ACK
const ASK: u16 = 0x1 | 0x4;
/// NLM_F_CREATE | NLM_F_REPLACE
const PUT: u16 = 0x400 | 0x100;
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWROUTE: u16 = 24;
const IFF_UP: u32 = 1;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
/// RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST
const DEFAULT_ROUTE: [u8; 4] = [254, 3, 0, 1];

pub struct Netlink(OwnedFd);

impl Netlink {
    pub fn open() -> io::Result<Netlink> {
        // No protocol is 0, which among netlink's is NETLINK_ROUTE.
        Ok(Netlink(socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?))
    }

    pub fn up(&self, index: u32) -> io::Result<()> {
        let body = [&[0; 4][..], &index.to_ne_bytes(), &IFF_UP.to_ne_bytes(), &IFF_UP.to_ne_bytes()].concat();
        self.ask(RTM_NEWLINK, 0, &body)
    }

    pub fn add_address(&self, index: u32, address: Ipv4Addr, prefix_bits: u8) -> io::Result<()> {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0);
        let broadcast = (u32::from(address) | !mask).to_be_bytes();
        let mut body = [&[AF_INET, prefix_bits, 0, 0][..], &index.to_ne_bytes()].concat();
        attribute(&mut body, IFA_LOCAL, &address.octets());
        attribute(&mut body, IFA_ADDRESS, &address.octets());
        attribute(&mut body, IFA_BROADCAST, &broadcast);
        self.ask(RTM_NEWADDR, PUT, &body)
    }

    pub fn set_gateway(&self, index: u32, gateway: Ipv4Addr) -> io::Result<()> {
        let mut body = [&[AF_INET, 0, 0, 0][..], &DEFAULT_ROUTE, &[0; 4]].concat();
        attribute(&mut body, RTA_GATEWAY, &gateway.octets());
        attribute(&mut body, RTA_OIF, &index.to_ne_bytes());
        self.ask(RTM_NEWROUTE, PUT, &body)
    }

    /// Sends one request and reads its acknowledgement.
    fn ask(&self, kind: u16, flags: u16, body: &[u8]) -> io::Result<()> {
        send(&self.0, &message(kind, flags, body), SendFlags::empty())?;
        let mut answer = [0; 1024];
        let (_, size) = recv(&self.0, &mut answer[..], RecvFlags::empty())?;
        acknowledged(&answer[..size.min(1024)])
    }
}

fn message(kind: u16, flags: u16, body: &[u8]) -> Vec<u8> {
    let length = (HEADER_BYTES + body.len()) as u32;
    let flags = (ASK | flags).to_ne_bytes();
    [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &flags, &[0; 8], body].concat()
}

fn attribute(body: &mut Vec<u8>, kind: u16, value: &[u8]) {
    body.extend(((4 + value.len()) as u16).to_ne_bytes());
    body.extend(kind.to_ne_bytes());
    body.extend(value);
    body.resize(body.len().next_multiple_of(4), 0);
}

/// NLMSG_ERROR with number 0 is the acknowledgement; any other number is a negated errno.
fn acknowledged(answer: &[u8]) -> io::Result<()> {
    let kind = answer.get(4..6).and_then(|bytes| bytes.try_into().ok()).map(u16::from_ne_bytes);
    let number = answer.get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
    match (kind, number) {
        (Some(NLMSG_ERROR), Some(0)) => Ok(()),
        (Some(NLMSG_ERROR), Some(number)) => Err(io::Error::from_raw_os_error(number.saturating_neg())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not an acknowledgement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_to_four() {
        let mut body = Vec::new();
        attribute(&mut body, 5, b"abcde");
        assert_eq!(body, [9, 0, 5, 0, b'a', b'b', b'c', b'd', b'e', 0, 0, 0]);
    }

    #[test]
    fn an_acknowledgement_is_an_error_of_zero() {
        let answer = |number: i32| [&[20, 0, 0, 0, 2, 0][..], &[0; 10], &number.to_ne_bytes()].concat();
        assert!(acknowledged(&answer(0)).is_ok());
        assert_eq!(acknowledged(&answer(-17)).unwrap_err().raw_os_error(), Some(17));
        assert_eq!(acknowledged(&[1, 2]).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
