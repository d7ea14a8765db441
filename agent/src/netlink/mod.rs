//! The few rtnetlink requests that give an interface its place, and its news. Makes, sends and reads messages; decides
//! nothing.
//!
//! ```text
//! nlmsghdr   length:u32 type:u16 flags:u16 sequence:u32 port:u32        rtnetlink(7), all in the machine's byte order
//! ifinfomsg  family:u8 pad:u8 type:u16 index:i32 flags:u32 change:u32
//! ifaddrmsg  family:u8 prefix:u8 flags:u8 scope:u8 index:u32
//! rtmsg      family:u8 dst:u8 src:u8 tos:u8 table:u8 protocol:u8 scope:u8 type:u8 flags:u32
//! attribute  length:u16 type:u16 value, padded to 4
//! ```

pub mod news;

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

pub use news::News;

pub(crate) const HEADER_BYTES: usize = 16;
/// NLM_F_REQUEST | NLM_F_ACK
const ASK: u16 = 0x1 | 0x4;
/// NLM_F_CREATE | NLM_F_REPLACE
const PUT: u16 = 0x400 | 0x100;
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_NEWROUTE: u16 = 24;
const IFF_UP: u32 = 1;
const IFLA_MTU: u16 = 4;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
/// RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_UNIVERSE, RTN_UNICAST
const DEFAULT_ROUTE: [u8; 4] = [254, 3, 0, 1];
/// RTNH_F_ONLINK: the gateway is reached though no net of ours holds it, as in clouds that give /32.
const ONLINK: u32 = 4;
/// RTMGRP_LINK, RTMGRP_IPV6_IFADDR, and 1 << (RTNLGRP_ND_USEROPT - 1): what routers say of name servers.
const GROUPS: u32 = 1 | 1 << 8 | 1 << 19;

pub struct Netlink(OwnedFd);

impl Netlink {
    pub fn open() -> io::Result<Netlink> {
        Ok(Netlink(open(SocketFlags::CLOEXEC)?))
    }

    pub fn up(&self, index: u32) -> io::Result<()> {
        let body = [&[0; 4][..], &index.to_ne_bytes(), &IFF_UP.to_ne_bytes(), &IFF_UP.to_ne_bytes()].concat();
        self.ask(RTM_NEWLINK, 0, &body)
    }

    pub fn set_mtu(&self, index: u32, mtu: u16) -> io::Result<()> {
        let mut body = [&[0; 4][..], &index.to_ne_bytes(), &[0; 8]].concat();
        attribute(&mut body, IFLA_MTU, &u32::from(mtu).to_ne_bytes());
        self.ask(RTM_NEWLINK, 0, &body)
    }

    pub fn add_address(&self, index: u32, address: IpAddr, prefix_bits: u8) -> io::Result<()> {
        self.ask(RTM_NEWADDR, PUT, &address_body(index, address, prefix_bits))
    }

    /// One that is not there is as good as gone.
    pub fn remove_address(&self, index: u32, address: IpAddr, prefix_bits: u8) -> io::Result<()> {
        match self.ask(RTM_DELADDR, 0, &address_body(index, address, prefix_bits)) {
            Err(cause) if cause.raw_os_error() == Some(libc::EADDRNOTAVAIL) => Ok(()),
            done => done,
        }
    }

    pub fn set_gateway(&self, index: u32, gateway: IpAddr) -> io::Result<()> {
        // A gateway that is in no net of ours; the kernel knows this flag for IPv4, and takes any of IPv6 that is on a link.
        let flags = if gateway.is_ipv4() { ONLINK } else { 0 };
        let mut body = [&[family(gateway), 0, 0, 0][..], &DEFAULT_ROUTE, &flags.to_ne_bytes()].concat();
        attribute(&mut body, RTA_GATEWAY, &octets(gateway));
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

/// Where the kernel tells what changes.
pub struct Ear(OwnedFd);

impl Ear {
    pub fn open() -> io::Result<Ear> {
        let socket = open(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
        bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
        Ok(Ear(socket))
    }

    /// What has come, at most one datagram. `None`: nothing more. More than the kernel could keep for us is
    /// [`News::Lost`].
    pub fn hear(&self) -> Option<Vec<News>> {
        // One message of the kernel is at most a page, a datagram a few of them.
        let mut bytes = [0; 16384];
        match recv(&self.0, &mut bytes[..], RecvFlags::DONTWAIT) {
            Ok((_, size)) => Some(news::parse(&bytes[..size.min(bytes.len())])),
            Err(rustix::io::Errno::NOBUFS) => Some(vec![News::Lost]),
            Err(_) => None,
        }
    }
}

impl AsFd for Ear {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// No protocol is 0, which among netlink's is NETLINK_ROUTE.
fn open(flags: SocketFlags) -> io::Result<OwnedFd> {
    Ok(socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?)
}

fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => libc::AF_INET as u8,
        IpAddr::V6(_) => libc::AF_INET6 as u8,
    }
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address_body(index: u32, address: IpAddr, prefix_bits: u8) -> Vec<u8> {
    let mut body = [&[family(address), prefix_bits, 0, 0][..], &index.to_ne_bytes()].concat();
    attribute(&mut body, IFA_LOCAL, &octets(address));
    attribute(&mut body, IFA_ADDRESS, &octets(address));
    if let IpAddr::V4(address) = address {
        let mask = u32::MAX.checked_shl(32 - u32::from(prefix_bits)).unwrap_or(0);
        attribute(&mut body, IFA_BROADCAST, &(u32::from(address) | !mask).to_be_bytes());
    }
    body
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
