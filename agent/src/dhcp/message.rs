//! DHCPv4's messages (RFC 2131, options of RFC 2132): composed, and read from whoever answers. Pure; never a panic.
//!
//! ```text
//! op:u8 htype:u8 hlen:u8 hops:u8 xid:u32 secs:u16 flags:u16 ciaddr yiaddr siaddr giaddr:4×4
//! chaddr:16 sname:64 file:128 magic:63 82 53 63 options (code:u8 length:u8 value)… 255
//! ```

use std::net::Ipv4Addr;
use std::time::Duration;

const MAGIC: [u8; 4] = [0x63, 0x82, 0x53, 0x63];
const FIXED_BYTES: usize = 240;
/// What musl's resolver reads.
const NAMESERVERS_MAX: usize = 3;
/// 68 is IPv4's least, 576 what every host must take: less is nonsense or an attack on throughput.
const MTU: std::ops::RangeInclusive<u16> = 576..=9216;

const MASK: u8 = 1;
const ROUTER: u8 = 3;
const NAMESERVERS: u8 = 6;
const INTERFACE_MTU: u8 = 26;
const WANTED_ADDRESS: u8 = 50;
const LEASE_S: u8 = 51;
const OVERLOAD: u8 = 52;
const KIND: u8 = 53;
const SERVER_ID: u8 = 54;
const PARAMETERS: u8 = 55;
const T1_S: u8 = 58;
const T2_S: u8 = 59;
const END: u8 = 255;

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;
const NAK: u8 = 6;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub address: Ipv4Addr,
    pub prefix_bits: u8,
    pub gateway: Option<Ipv4Addr>,
    pub nameservers: Vec<Ipv4Addr>,
    pub mtu: Option<u16>,
    pub server: Ipv4Addr,
    pub times: Times,
}

/// From the moment of the request that was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Ask the server again.
    pub renew: Duration,
    /// Ask any server.
    pub rebind: Duration,
    /// `None`: for ever.
    pub lease: Option<Duration>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Offer(Lease),
    Ack(Lease),
    /// By this server, if it says which.
    Nak(Option<Ipv4Addr>),
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Discover,
    /// An offer, of that server.
    Request(Ipv4Addr, Ipv4Addr),
    /// An address that we had, after the link was gone.
    Reboot(Ipv4Addr),
    /// An address that we have: renewing and rebinding differ by whom they are sent to.
    Extend(Ipv4Addr),
}

pub fn compose(xid: [u8; 4], hardware: [u8; 6], question: Question) -> Vec<u8> {
    let mut message = vec![0; FIXED_BYTES];
    message[..4].copy_from_slice(&[1, 1, 6, 0]);
    message[4..8].copy_from_slice(&xid);
    message[28..34].copy_from_slice(&hardware);
    message[236..].copy_from_slice(&MAGIC);
    let kind = if question == Question::Discover { DISCOVER } else { REQUEST };
    message.extend([KIND, 1, kind]);
    match question {
        Question::Extend(address) => message[12..16].copy_from_slice(&address.octets()),
        // Asked for by broadcast, so that a plain UDP socket hears it before there is an address.
        _ => message[10] = 0x80,
    }
    if let Question::Request(address, _) | Question::Reboot(address) = question {
        message.extend([WANTED_ADDRESS, 4]);
        message.extend(address.octets());
    }
    if let Question::Request(_, server) = question {
        message.extend([SERVER_ID, 4]);
        message.extend(server.octets());
    }
    message.extend([PARAMETERS, 7, MASK, ROUTER, NAMESERVERS, INTERFACE_MTU, LEASE_S, T1_S, T2_S, END]);
    // BOOTP's length (RFC 951): relays have thrown shorter ones away.
    message.resize(message.len().max(300), 0);
    message
}

/// `None` for anything but a well-formed answer to our question that can be used.
pub fn parse(answer: &[u8], xid: [u8; 4], hardware: [u8; 6]) -> Option<Answer> {
    let is_ours = answer.get(..3)? == [2, 1, 6]
        && answer.get(4..8)? == xid
        && answer.get(28..34)? == hardware
        && answer.get(236..240)? == MAGIC;
    let options = Options::of(answer)?;
    match (is_ours, options.find(KIND)?) {
        (true, [OFFER]) => lease(answer, &options).map(Answer::Offer),
        (true, [ACK]) => lease(answer, &options).map(Answer::Ack),
        (true, [NAK]) => Some(Answer::Nak(options.address(SERVER_ID))),
        _ => None,
    }
}

fn lease(answer: &[u8], options: &Options) -> Option<Lease> {
    let address = addresses(answer.get(16..20)?).next()?;
    let mask = u32::from(options.address(MASK)?);
    let contiguous = mask.leading_ones() + mask.trailing_zeros() == 32 || mask == u32::MAX;
    let usable = contiguous && mask != 0 && is_host(address) && is_inside(address, mask);
    usable.then_some(Lease {
        address,
        prefix_bits: mask.leading_ones() as u8,
        gateway: options.address(ROUTER).filter(|gateway| is_host(*gateway) && *gateway != address),
        nameservers: options
            .find(NAMESERVERS)
            .map(|value| addresses(value).filter(|server| is_host(*server)).take(NAMESERVERS_MAX).collect())
            .unwrap_or_default(),
        mtu: options.find(INTERFACE_MTU).and_then(u16_of).filter(|mtu| MTU.contains(mtu)),
        server: options.address(SERVER_ID)?,
        times: times(options)?,
    })
}

/// RFC 2131, 4.4.5: half and seven eighths, where the server does not say others that make sense.
fn times(options: &Options) -> Option<Times> {
    let seconds = |code| options.find(code).and_then(u32_of);
    let lease_s = seconds(LEASE_S).filter(|lease_s| *lease_s > 0)?;
    let (half, eighths) = (lease_s / 2, lease_s - lease_s / 8);
    let told = seconds(T1_S).zip(seconds(T2_S));
    let (renew_s, rebind_s) = told
        .filter(|(renew, rebind)| 0 < *renew && renew < rebind && *rebind < lease_s)
        .unwrap_or((half, eighths));
    let span = |seconds: u32| Duration::from_secs(u64::from(seconds));
    // All ones is infinity.
    let lease = (lease_s != u32::MAX).then_some(span(lease_s));
    Some(Times { renew: span(renew_s), rebind: span(rebind_s), lease })
}

/// An address that one machine can have.
fn is_host(address: Ipv4Addr) -> bool {
    let [first, ..] = address.octets();
    (1..=223).contains(&first) && !address.is_loopback()
}

/// Not its net's own name nor all of its hosts; nets of one or two hosts have neither.
fn is_inside(address: Ipv4Addr, mask: u32) -> bool {
    let host = u32::from(address) & !mask;
    mask.leading_ones() > 30 || (host != 0 && host != !mask)
}

/// The places where options stand: their own, and by option 52 the fields `file` and `sname`, each once.
struct Options<'a>([&'a [u8]; 3]);

impl<'a> Options<'a> {
    fn of(answer: &'a [u8]) -> Option<Options<'a>> {
        let own = answer.get(FIXED_BYTES..)?;
        let more = |bit: u8, part: std::ops::Range<usize>| match find(own, OVERLOAD) {
            Some([places]) if places & bit != 0 => answer.get(part).unwrap_or_default(),
            _ => &[],
        };
        Some(Options([own, more(1, 108..236), more(2, 44..108)]))
    }

    fn find(&self, code: u8) -> Option<&'a [u8]> {
        self.0.iter().find_map(|options| find(options, code))
    }

    fn address(&self, code: u8) -> Option<Ipv4Addr> {
        addresses(self.find(code)?).next()
    }
}

fn find(mut options: &[u8], wanted: u8) -> Option<&[u8]> {
    loop {
        match options {
            [END, ..] | [] | [_] => return None,
            [0, rest @ ..] => options = rest,
            [code, length, rest @ ..] => {
                let value = rest.get(..usize::from(*length))?;
                if *code == wanted {
                    return Some(value);
                }
                options = &rest[value.len()..];
            }
        }
    }
}

fn addresses(value: &[u8]) -> impl Iterator<Item = Ipv4Addr> {
    value.chunks_exact(4).map(|octets| Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3]))
}

fn u32_of(value: &[u8]) -> Option<u32> {
    value.try_into().ok().map(u32::from_be_bytes)
}

fn u16_of(value: &[u8]) -> Option<u16> {
    value.try_into().ok().map(u16::from_be_bytes)
}

#[cfg(test)]
#[path = "message_test.rs"]
mod tests;
