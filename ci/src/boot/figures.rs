//! What a running guest comes to, by its agent's own word: memory, and who waits for the network.
//!
//! ```text
//! figures                                            we, on its console
//! figure ram 10240 kB                                the agent
//! figure listens tcp 00000000:01BB nginx nginx
//! figures end
//! ```
//! A guest is hostile: what is no such line is passed over, and more than the console keeps is not held.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Of one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// MemTotal - MemAvailable: neither the kernel's own text nor what it can give back at once is in it.
    pub ram_bytes: Option<u64>,
    /// Sorted, each once.
    pub listens: Vec<Listen>,
}

/// A socket that waits, and the programs that hold it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listen {
    pub port: u16,
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    pub address: IpAddr,
    pub by: Vec<String>,
}

/// The last line of an answer.
pub(super) const END: &str = "figures end";

/// Whether a line of the console belongs to an answer.
pub(super) fn is_part(line: &str) -> bool {
    line.starts_with("figure ") || line == END
}

impl Figures {
    pub(super) fn parse(lines: &[String]) -> Figures {
        let mut figures = Figures::default();
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["figure", "ram", used, "kB"] => {
                    figures.ram_bytes = used.parse::<u64>().ok().and_then(|used| used.checked_mul(1024));
                }
                ["figure", "listens", table, place, ref by @ ..] => {
                    figures.listens.extend(listen(table, place, by))
                }
                _ => {}
            }
        }
        figures.listens.sort();
        figures.listens.dedup();
        figures
    }

    /// What waits in both: a socket of UDP that waits for one answer is gone the next time.
    pub fn lasting(&self, later: &Figures) -> Vec<Listen> {
        let lasts = |listen: &&Listen| {
            listen.protocol == "tcp"
                || self.listens.iter().any(|first| first.port == listen.port && first.protocol == "udp")
        };
        later.listens.iter().filter(lasts).cloned().collect()
    }
}

fn listen(table: &str, place: &str, by: &[&str]) -> Option<Listen> {
    let protocol = match table.trim_end_matches('6') {
        "tcp" => "tcp",
        "udp" => "udp",
        _ => return None,
    };
    let (address, port) = place.split_once(':')?;
    let mut by: Vec<String> = by.iter().map(ToString::to_string).collect();
    by.sort();
    by.dedup();
    Some(Listen { port: u16::from_str_radix(port, 16).ok()?, protocol, address: self::address(address)?, by })
}

/// The kernel prints words of 32 bits, each as the processor reads it; every processor of ours is little-endian.
fn address(text: &str) -> Option<IpAddr> {
    let word = |at: usize| Some(u32::from_str_radix(text.get(at..at + 8)?, 16).ok()?.to_le_bytes());
    match text.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let bytes = [word(0)?, word(8)?, word(16)?, word(24)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Figures {
        Figures::parse(&text.lines().map(str::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn an_answer() {
        let figures = parse(
            "figure ram 10240 kB\nfigure listens tcp 00000000:01BB nginx nginx\nfigure listens tcp 0100007F:0050\n\
             figure listens udp6 00000000000000000000000001000000:0035 unbound\nfigures end",
        );
        assert_eq!(figures.ram_bytes, Some(10_485_760));
        let told: Vec<String> = figures
            .listens
            .iter()
            .map(|listen| format!("{} {} {} {:?}", listen.protocol, listen.address, listen.port, listen.by))
            .collect();
        assert_eq!(
            told,
            [r#"udp ::1 53 ["unbound"]"#, "tcp 127.0.0.1 80 []", r#"tcp 0.0.0.0 443 ["nginx"]"#]
        );
    }

    #[test]
    fn what_is_no_answer_is_passed_over() {
        let text = "figure ram much kB\nfigure ram 18446744073709551615 kB\nfigure listens tcp 0000:1\nfigure\n\
                    figure listens tcp 0é00000:0050\nfigure listens raw 00000000:0050\nfigure listens tcp 00000000:10000";
        assert_eq!(parse(text), Figures::default());
    }

    #[test]
    fn an_answer_that_is_awaited_is_no_port() {
        let first = parse("figure listens udp 00000000:0035 a\nfigure listens udp 00000000:9000 a");
        let later = parse(
            "figure listens udp 00000000:0035 a\nfigure listens udp 00000000:9001 a\nfigure listens tcp 00000000:0016 b",
        );
        let ports: Vec<u16> = first.lasting(&later).iter().map(|listen| listen.port).collect();
        assert_eq!(ports, [22, 53]);
    }
}
