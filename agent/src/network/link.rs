//! One interface: brought up, given its addresses, its lease kept.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::epoll;
use rustix::net::sockopt::{set_socket_broadcast, set_socket_reuseaddr};
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, socket_with};

use super::choose;
use crate::dhcp::message::Lease;
use crate::dhcp::{Client, Do, Moment};
use crate::events::tell;
use crate::netlink::Netlink;
use crate::sys;
use host::error::{Error, Result};
use host::network::Interface;

const SERVER_PORT: u16 = 67;
const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
/// Messages of one turn: who sends more than that waits like everybody else.
const MESSAGES_MAX: usize = 16;
/// The ids below are the network's own.
const FIRST_ID: u64 = 16;

enum Way {
    Static,
    /// The kernel's own `ip=` has made a route.
    Told,
    Dhcp(Box<Client>),
}

pub struct Link {
    pub name: String,
    pub index: u32,
    /// Which `[network.NAME]` it is; empty: `[network]`.
    pub wish_name: String,
    pub has_ipv6: bool,
    wish: Interface,
    way: Way,
    is_up: bool,
    /// While an answer is awaited: nobody else may find a port of ours open.
    socket: Option<UdpSocket>,
    lease: Option<Lease>,
    /// By routers' word, until then.
    servers6: Vec<(Ipv6Addr, Moment)>,
}

impl Link {
    pub fn up(
        wish_name: &str,
        wish: &Interface,
        name: String,
        netlink: &Netlink,
        now: Moment,
    ) -> Result<Link> {
        let text = choose::read(&name, "ifindex");
        let index = text.parse().map_err(|_| Error::input(format!("{name} has no index, but `{text}`")))?;
        set_ipv6(&name, wish.ipv6);
        netlink.up(index).map_err(Error::world(format!("bring up {name}")))?;
        let way = match wish.addresses.iter().any(|(address, _)| address.is_ipv4()) {
            true => Way::Static,
            false if told_by_kernel(&name) => Way::Told,
            false => Way::Dhcp(Box::new(client(&name, now)?)),
        };
        let is_up = choose::read(&name, "carrier") == "1";
        let (wish, wish_name) = (wish.clone(), wish_name.to_string());
        let (socket, lease, servers6, has_ipv6) = (None, None, vec![], false);
        let link = Link { name, index, wish_name, has_ipv6, wish, way, is_up, socket, lease, servers6 };
        link.apply_static(netlink).map_err(Error::world(format!("set the address of {}", link.name)))?;
        Ok(link)
    }

    fn apply_static(&self, netlink: &Netlink) -> io::Result<()> {
        for (address, bits) in &self.wish.addresses {
            netlink.add_address(self.index, *address, *bits)?;
            tell(format_args!("{}: {address}/{bits}", self.name));
        }
        if matches!(self.way, Way::Told) {
            tell(format_args!("{}: as the kernel was told", self.name));
        }
        self.wish.gateways.iter().try_for_each(|gateway| netlink.set_gateway(self.index, *gateway))
    }

    pub fn id(&self) -> u64 {
        FIRST_ID + u64::from(self.index)
    }

    pub fn has_place(&self) -> bool {
        match &self.way {
            Way::Static | Way::Told => true,
            Way::Dhcp(client) => client.is_bound(),
        }
    }

    #[cfg(test)]
    pub fn has_carrier(&self) -> bool {
        self.is_up
    }

    pub fn why_not(&self) -> &'static str {
        if self.is_up { "no DHCP server gives one; asked on" } else { "nothing is at the other end" }
    }

    pub fn due(&self) -> Option<Moment> {
        let lease = match &self.way {
            Way::Dhcp(client) if self.is_up => client.due(),
            _ => None,
        };
        self.servers6.iter().map(|(_, until)| *until).chain(lease).min()
    }

    pub fn step(&mut self, netlink: &Netlink, epoll: &OwnedFd, now: Moment) {
        self.servers6.retain(|(_, until)| *until > now);
        if let (Way::Dhcp(client), true) = (&mut self.way, self.is_up) {
            let does = client.step(now);
            self.open(epoll);
            self.perform(does, netlink);
        }
        if matches!(&self.way, Way::Dhcp(client) if !client.is_asking()) {
            self.socket = None;
        }
    }

    /// The messages that have come.
    pub fn hear(&mut self, netlink: &Netlink, now: Moment) {
        let mut bytes = [0; 1500];
        for _ in 0..MESSAGES_MAX {
            let Some(Ok(size)) = self.socket.as_ref().map(|socket| socket.recv(&mut bytes)) else { break };
            if let Way::Dhcp(client) = &mut self.way {
                let does = client.hear(&bytes[..size], now);
                self.perform(does, netlink);
            }
        }
    }

    /// What the kernel says of the other end.
    pub fn carrier(&mut self, is_up: bool, now: Moment) {
        if self.is_up == is_up {
            return;
        }
        self.is_up = is_up;
        tell(format_args!("{}: {}", self.name, if is_up { "the link is there" } else { "the link is gone" }));
        if let (Way::Dhcp(client), true) = (&mut self.way, is_up) {
            client.link_returned(now);
        }
    }

    /// By its own eyes, where news were lost.
    pub fn look(&mut self, now: Moment) {
        let is_up = choose::read(&self.name, "carrier") == "1";
        self.carrier(is_up, now);
    }

    pub fn take_servers(&mut self, servers: &[Ipv6Addr], now: Moment, life: Duration) {
        self.servers6.retain(|(server, _)| !servers.contains(server));
        if !life.is_zero() {
            self.servers6.extend(servers.iter().map(|server| (*server, now + life)));
            // The newest word counts, and nobody may fill our memory.
            let many = self.servers6.len().saturating_sub(3);
            self.servers6.drain(..many);
        }
    }

    /// The operator's name servers, else those that others told.
    pub fn nameservers(&self) -> Vec<String> {
        if !self.wish.nameservers.is_empty() {
            return self.wish.nameservers.iter().map(IpAddr::to_string).collect();
        }
        let leased = self.lease.iter().flat_map(|lease| lease.nameservers.iter().map(Ipv4Addr::to_string));
        let routers = self.servers6.iter().map(|(server, _)| match server.is_unicast_link_local() {
            true => format!("{server}%{}", self.name),
            false => server.to_string(),
        });
        leased.chain(routers).collect()
    }

    fn perform(&mut self, does: Vec<Do>, netlink: &Netlink) {
        for one in does {
            match one {
                Do::Send(to, message) => self.send(to, &message),
                Do::Hold(lease) => self.hold(lease, netlink),
                Do::Lose(why) => self.lose(why, netlink),
            }
        }
    }

    /// What cannot be sent now is sent again later.
    fn send(&self, to: Option<Ipv4Addr>, message: &[u8]) {
        let to = SocketAddrV4::new(to.unwrap_or(Ipv4Addr::BROADCAST), SERVER_PORT);
        if let Some(socket) = &self.socket {
            drop(socket.send_to(message, to));
        }
    }

    fn hold(&mut self, lease: Lease, netlink: &Netlink) {
        let place = |lease: &Lease| (lease.address, lease.prefix_bits, lease.gateway, lease.mtu);
        let before = self.lease.replace(lease.clone());
        if before.as_ref().map(place) == Some(place(&lease)) {
            return;
        }
        if let Some(before) = before.filter(|before| before.address != lease.address) {
            self.remove(&before, netlink);
        }
        match self.apply(&lease, netlink) {
            Ok(()) => tell(format_args!("{}: {}/{}", self.name, lease.address, lease.prefix_bits)),
            Err(cause) => tell(format_args!("{}: set its address {}: {cause}", self.name, lease.address)),
        }
    }

    fn apply(&self, lease: &Lease, netlink: &Netlink) -> io::Result<()> {
        if let Some(mtu) = lease.mtu {
            netlink.set_mtu(self.index, mtu)?;
        }
        netlink.add_address(self.index, lease.address.into(), lease.prefix_bits)?;
        let ours = self.wish.gateways.iter().any(IpAddr::is_ipv4);
        let gateway = lease.gateway.filter(|_| !ours);
        gateway.map_or(Ok(()), |gateway| netlink.set_gateway(self.index, gateway.into()))
    }

    /// Somebody else is to give it its place.
    pub fn leave(&mut self, netlink: &Netlink) {
        if let Some(lease) = self.lease.take() {
            self.remove(&lease, netlink);
        }
    }

    fn lose(&mut self, why: &str, netlink: &Netlink) {
        if let Some(lease) = self.lease.take() {
            tell(format_args!("{}: {} is given up: {why}; asking anew", self.name, lease.address));
            self.remove(&lease, netlink);
        }
    }

    /// Its routes go with it.
    fn remove(&self, lease: &Lease, netlink: &Netlink) {
        if let Err(cause) = netlink.remove_address(self.index, lease.address.into(), lease.prefix_bits) {
            tell(format_args!("{}: remove its address {}: {cause}", self.name, lease.address));
        }
    }

    fn open(&mut self, epoll: &OwnedFd) {
        if self.socket.is_some() || !matches!(&self.way, Way::Dhcp(client) if client.is_asking()) {
            return;
        }
        let opened = socket(&self.name).and_then(|socket| {
            epoll::add(epoll, &socket, epoll::EventData::new_u64(self.id()), epoll::EventFlags::IN)?;
            Ok(socket)
        });
        match opened {
            Ok(socket) => self.socket = Some(socket),
            Err(cause) => tell(format_args!("{}: open a socket for DHCP: {cause}", self.name)),
        }
    }
}

/// Bound to the interface before it has the port: two interfaces may ask at once.
fn socket(interface: &str) -> io::Result<UdpSocket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, flags, None)?;
    sys::bind_to_interface(socket.as_fd(), interface)?;
    set_socket_reuseaddr(&socket, true)?;
    set_socket_broadcast(&socket, true)?;
    bind(&socket, &CLIENT)?;
    Ok(UdpSocket::from(socket))
}

/// The number of its first question differs between neighbours and between boots. Not from the random pool, which may not
/// be filled for seconds yet.
fn client(interface: &str, now: Moment) -> Result<Client> {
    let hardware = choose::hardware(interface)
        .ok_or_else(|| Error::input(format!("{interface} has no hardware address")))?;
    let [_, _, rest @ ..] = hardware;
    Ok(Client::new(hardware, u32::from_be_bytes(rest) ^ now.subsec_nanos(), now))
}

/// Before it is up, or the first word of a router is missed. 2: also where the role makes it a router itself.
fn set_ipv6(interface: &str, on: bool) {
    let (knob, value) = if on { ("accept_ra", "2") } else { ("disable_ipv6", "1") };
    // A kernel without IPv6 has neither knob, and then nothing is to be done.
    drop(fs::write(format!("/proc/sys/net/ipv6/conf/{interface}/{knob}"), value));
}

/// Its routes are the kernel's only where it was told of any.
fn told_by_kernel(interface: &str) -> bool {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if !line.split_whitespace().any(|word| word.starts_with("ip=")) {
        return false;
    }
    let routes = fs::read_to_string("/proc/thread-self/net/route").unwrap_or_default();
    routes.lines().skip(1).any(|line| line.split_whitespace().next() == Some(interface))
}
