//! DHCPv4 (RFC 2131): discover, offer, request, acknowledge. The messages are pure; [`acquire`] speaks them.
//!
//! ```text
//! op:u8 htype:u8 hlen:u8 hops:u8 xid:u32 secs:u16 flags:u16 ciaddr yiaddr siaddr giaddr:4×4
//! chaddr:16 sname:64 file:128 magic:63 82 53 63 options (code:u8 length:u8 value)… 255
//! ```
//! Broadcast answers are asked for, so that a plain UDP socket hears them before there is an address. A lease is not
//! renewed yet (docs/hosts.md, "What is missing").

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::sys;

const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const FIXED_BYTES: usize = 240;
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
const CLIENT: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68);
/// RFC 2131 begins at 4 s; a machine that should be ready in a blink asks sooner. 15.75 s in all.
const WAITS_MS: [u64; 6] = [250, 500, 1000, 2000, 4000, 8000];

const MASK: u8 = 1;
const ROUTER: u8 = 3;
const NAMESERVERS: u8 = 6;
const WANTED_ADDRESS: u8 = 50;
const KIND: u8 = 53;
const SERVER_ID: u8 = 54;
const PARAMETERS: u8 = 55;
const END: u8 = 255;

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub prefix_bits: u8,
    pub gateway: Option<Ipv4Addr>,
    pub nameservers: Vec<Ipv4Addr>,
    server: Ipv4Addr,
}

/// A lease for the interface, which must be up. `TimedOut` when no server answers within 16 s.
pub fn acquire(interface: &str, hardware: [u8; 6]) -> io::Result<Lease> {
    let socket = UdpSocket::bind(CLIENT)?;
    sys::bind_to_interface(socket.as_fd(), interface)?;
    socket.set_broadcast(true)?;
    let dialogue = Dialogue { socket, xid: question_number(hardware), hardware };
    let offer = dialogue.ask(&[KIND, 1, DISCOVER], OFFER)?;
    let (address, server) = (offer.address.octets(), offer.server.octets());
    let request = [&[KIND, 1, REQUEST, WANTED_ADDRESS, 4][..], &address, &[SERVER_ID, 4], &server].concat();
    dialogue.ask(&request, ACK)
}

/// Differs between neighbours and between boots. Not from the random pool, which may not be filled for seconds yet.
fn question_number(hardware: [u8; 6]) -> [u8; 4] {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let [_, _, rest @ ..] = hardware;
    (u32::from_be_bytes(rest) ^ now.tv_nsec as u32).to_be_bytes()
}

struct Dialogue {
    socket: UdpSocket,
    xid: [u8; 4],
    hardware: [u8; 6],
}

impl Dialogue {
    /// Sends until an answer of that kind comes, with growing pauses.
    fn ask(&self, options: &[u8], kind: u8) -> io::Result<Lease> {
        let message = compose(self.xid, self.hardware, options);
        for wait_ms in WAITS_MS {
            self.socket.send_to(&message, SERVER)?;
            if let Some(lease) = self.listen(kind, Duration::from_millis(wait_ms))? {
                return Ok(lease);
            }
        }
        Err(io::Error::new(io::ErrorKind::TimedOut, "no DHCP server answered"))
    }

    /// The first fitting answer within `limit`; what does not fit is passed over.
    fn listen(&self, kind: u8, limit: Duration) -> io::Result<Option<Lease>> {
        let until = Instant::now() + limit;
        let mut answer = [0; 1500];
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            self.socket.set_read_timeout(Some(left))?;
            match self.socket.recv(&mut answer) {
                Ok(size) => match parse(&answer[..size], self.xid, kind) {
                    Some(lease) => return Ok(Some(lease)),
                    None => continue,
                },
                Err(cause) if is_timeout(&cause) => return Ok(None),
                Err(cause) => return Err(cause),
            }
        }
    }
}

fn is_timeout(cause: &io::Error) -> bool {
    matches!(cause.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

fn compose(xid: [u8; 4], hardware: [u8; 6], options: &[u8]) -> Vec<u8> {
    let mut message = vec![0; FIXED_BYTES];
    message[..4].copy_from_slice(&[1, 1, 6, 0]);
    message[4..8].copy_from_slice(&xid);
    message[10] = 0x80; // the broadcast flag
    message[28..34].copy_from_slice(&hardware);
    message[236..].copy_from_slice(&MAGIC);
    message.extend(options);
    message.extend([PARAMETERS, 3, MASK, ROUTER, NAMESERVERS, END]);
    message
}

/// `None` for anything but a well-formed answer of that kind to our question.
fn parse(answer: &[u8], xid: [u8; 4], kind: u8) -> Option<Lease> {
    let ours = answer.first() == Some(&2) && answer.get(4..8)? == xid && answer.get(236..240)? == MAGIC;
    let options = answer.get(FIXED_BYTES..)?;
    let server = addresses(find(options, SERVER_ID)?).next()?;
    let mask = u32::from(addresses(find(options, MASK)?).next()?);
    let address = addresses(answer.get(16..20)?).next()?;
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32 || mask == u32::MAX;
    let usable = !address.is_unspecified() && !address.is_multicast() && !address.is_loopback();
    (ours && contiguous && usable && find(options, KIND)? == [kind]).then(|| Lease {
        address,
        prefix_bits: mask.leading_ones() as u8,
        gateway: find(options, ROUTER).and_then(|value| addresses(value).next()),
        nameservers: find(options, NAMESERVERS).map(|value| addresses(value).collect()).unwrap_or_default(),
        server,
    })
}

fn find(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        match options {
            [END, ..] | [] => return None,
            [0, rest @ ..] => options = rest,
            [code, length, rest @ ..] => {
                let value = rest.get(..usize::from(*length))?;
                if *code == wanted {
                    return Some(value);
                }
                options = &rest[value.len()..];
            }
            [_] => return None,
        }
    }
}

fn addresses(value: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    value.chunks_exact(4).map(|octets| Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const XID: [u8; 4] = [1, 2, 3, 4];

    fn answer(options: &[u8]) -> Vec<u8> {
        let mut answer = compose(XID, [0; 6], &[]);
        answer.truncate(FIXED_BYTES);
        answer[0] = 2;
        answer[16..20].copy_from_slice(&[10, 0, 2, 15]);
        answer.extend(options);
        answer
    }

    const GOOD: [u8; 31] = [
        0,
        KIND,
        1,
        OFFER,
        SERVER_ID,
        4,
        10,
        0,
        2,
        2,
        MASK,
        4,
        255,
        255,
        255,
        0,
        ROUTER,
        4,
        10,
        0,
        2,
        2,
        NAMESERVERS,
        4,
        10,
        0,
        2,
        3,
        END,
        0,
        0,
    ];

    #[test]
    fn reads_an_offer() {
        let lease = parse(&answer(&GOOD), XID, OFFER).unwrap();
        assert_eq!(lease.address, Ipv4Addr::new(10, 0, 2, 15));
        assert_eq!((lease.prefix_bits, lease.gateway), (24, Some(Ipv4Addr::new(10, 0, 2, 2))));
        assert_eq!(lease.nameservers, [Ipv4Addr::new(10, 0, 2, 3)]);
    }

    #[test]
    fn passes_over_what_is_not_for_us_or_nonsense() {
        assert_eq!(parse(&answer(&GOOD), [9; 4], OFFER), None);
        assert_eq!(parse(&answer(&GOOD), XID, ACK), None);
        let mut holes = GOOD;
        holes[13] = 1; // mask 255.1.255.0
        assert_eq!(parse(&answer(&holes), XID, OFFER), None);
        for cut in 0..answer(&GOOD).len() - 3 {
            let whole_before_the_gateway = cut >= FIXED_BYTES + 16;
            assert_eq!(parse(&answer(&GOOD)[..cut], XID, OFFER).is_some(), whole_before_the_gateway, "{cut}");
        }
    }
}
