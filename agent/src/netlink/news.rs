//! What the kernel tells of the network: links, IPv6 addresses, and what routers say of name servers. Pure.
//!
//! ```text
//! nduseroptmsg  family:u8 pad:u8 opts_len:u16 index:i32 icmp_type:u8 icmp_code:u8 pad:6     then options of RFC 4861
//! RDNSS         type:u8=25 length:u8 (8 bytes each) reserved:u16 lifetime:u32be addresses:16 each     RFC 8106, 5.1
//! ```
//! The options are a router's, so anybody's on the link: nothing in them is believed.

use std::net::Ipv6Addr;
use std::time::Duration;

use super::HEADER_BYTES;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_NEWADDR: u16 = 20;
const RTM_NEWNDUSEROPT: u16 = 68;
const RDNSS: u8 = 25;
const NDUSEROPT_BYTES: usize = 16;
/// IFF_LOWER_UP: there is somebody at the other end.
const LOWER_UP: u32 = 1 << 16;
/// IFA_F_TENTATIVE: it is not known yet whether a neighbour has it.
const TENTATIVE: u8 = 0x40;
/// A router may say more; the resolver reads three.
const SERVERS_MAX: usize = 3;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    Link {
        index: u32,
        is_up: bool,
    },
    Gone {
        index: u32,
    },
    /// A global IPv6 address that can be used.
    Address6 {
        index: u32,
    },
    /// Name servers by a router's word, for that long; for no time: no longer.
    Servers {
        index: u32,
        servers: Vec<Ipv6Addr>,
        life: Duration,
    },
    /// There was more than the kernel kept: look yourself.
    Lost,
}

/// All messages of a datagram; what is no message of these kinds is passed over.
pub fn parse(mut bytes: &[u8]) -> Vec<News> {
    let mut news = Vec::new();
    while let Some(length) = u32_at(bytes, 0).map(|length| length as usize) {
        let Some(message) = bytes.get(..length).filter(|_| length >= HEADER_BYTES) else { break };
        news.extend(one(message));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    news
}

fn one(message: &[u8]) -> Option<News> {
    let kind = u16_at(message, 4)?;
    let body = &message[HEADER_BYTES..];
    let index = u32_at(body, 4)?;
    match kind {
        RTM_NEWLINK => Some(News::Link { index, is_up: u32_at(body, 8)? & LOWER_UP != 0 }),
        RTM_DELLINK => Some(News::Gone { index }),
        RTM_NEWADDR => {
            let [family, _, flags, scope] = *body.first_chunk()?;
            let usable = i32::from(family) == libc::AF_INET6 && flags & TENTATIVE == 0 && scope == 0;
            usable.then_some(News::Address6 { index })
        }
        RTM_NEWNDUSEROPT => {
            let length = usize::from(u16_at(body, 2)?);
            let options = body.get(NDUSEROPT_BYTES..NDUSEROPT_BYTES + length)?;
            let (servers, life) = servers(options)?;
            Some(News::Servers { index, servers, life })
        }
        _ => None,
    }
}

/// Of the first RDNSS option.
fn servers(mut options: &[u8]) -> Option<(Vec<Ipv6Addr>, Duration)> {
    while let [kind, units, ..] = *options {
        // An option of no length would never end.
        let option = options.get(..usize::from(units) * 8).filter(|option| !option.is_empty())?;
        if kind == RDNSS && option.len() >= 24 {
            let life = u32::from_be_bytes(option.get(4..8)?.try_into().ok()?);
            let addresses = option[8..].chunks_exact(16).filter_map(|octets| octets.try_into().ok());
            let addresses = addresses.map(|octets: [u8; 16]| Ipv6Addr::from(octets));
            let usable = addresses.filter(|address| !address.is_unspecified() && !address.is_multicast());
            return Some((usable.take(SERVERS_MAX).collect(), Duration::from_secs(u64::from(life))));
        }
        options = &options[option.len()..];
    }
    None
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = (HEADER_BYTES + body.len()) as u32;
        [&length.to_ne_bytes()[..], &kind.to_ne_bytes(), &[0; 10], body].concat()
    }

    fn router(option: &[u8]) -> Vec<u8> {
        let length = (option.len() as u16).to_ne_bytes();
        let head = [&[10, 0][..], &length, &2u32.to_ne_bytes(), &[134, 0], &[0; 6]].concat();
        message(RTM_NEWNDUSEROPT, &[&head, option].concat())
    }

    fn rdnss(address: u8) -> Vec<u8> {
        let mut option = vec![RDNSS, 3, 0, 0, 0, 0, 2, 88];
        option.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, address]);
        option
    }

    #[test]
    fn a_router_says_its_name_servers() {
        let expected = News::Servers {
            index: 2,
            servers: vec!["fd00::3".parse().unwrap()],
            life: Duration::from_secs(600),
        };
        let before = [31, 1, 0, 0, 0, 0, 0, 0]; // DNSSL
        assert_eq!(parse(&router(&[&before, &rdnss(3)[..]].concat())), [expected]);
        assert_eq!(parse(&router(&[RDNSS, 0, 0, 0])), [], "an option of no length");
        assert_eq!(parse(&router(&rdnss(3)[..20])), [], "cut");
    }

    #[test]
    fn links_come_and_go() {
        let link = |flags: u32| {
            message(RTM_NEWLINK, &[&[0; 4][..], &2u32.to_ne_bytes(), &flags.to_ne_bytes(), &[0; 4]].concat())
        };
        let both = [link(LOWER_UP | 1), link(1)].concat();
        let up = |is_up| News::Link { index: 2, is_up };
        assert_eq!(parse(&both), [up(true), up(false)]);
        assert_eq!(parse(&both[..40]), [up(true)]);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = [router(&rdnss(3)), router(&rdnss(4))].concat();
        crate::chance::rounds(5, 200_000, |chance| {
            parse(&chance.change(&whole, 0));
        });
    }
}
