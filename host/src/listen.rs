//! Where a service is listened for: sockets that the agent binds, and that outlive the service. Pure.
//!
//! ```text
//! 80                  TCP, every address
//! "udp:53"            UDP, every address
//! "tcp:127.0.0.1:80"  one address; IPv6 in brackets: "tcp:[::1]:80"
//! "/run/x.sock"       a Unix socket, of streams
//! ```

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub enum Listen {
    /// `None`: every address, of both protocols where the machine has both.
    Tcp(Option<IpAddr>, u16),
    Udp(Option<IpAddr>, u16),
    Unix(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Port(u16),
    Text(String),
}

impl TryFrom<Written> for Listen {
    type Error = String;
    fn try_from(written: Written) -> Result<Listen, String> {
        match written {
            Written::Port(0) => Err("0 is no port".into()),
            Written::Port(port) => Ok(Listen::Tcp(None, port)),
            Written::Text(text) => text.parse(),
        }
    }
}

impl FromStr for Listen {
    type Err = String;
    fn from_str(text: &str) -> Result<Listen, String> {
        // sun_path has 108 bytes, the last of them zero.
        if text.starts_with('/') && text.len() < 108 && !text.contains('\0') {
            return Ok(Listen::Unix(text.into()));
        }
        let fault = || format!("`{text}` is no place to listen; as 80, \"udp:53\", \"/run/x.sock\"");
        let (kind, place) = text.split_once(':').ok_or_else(fault)?;
        let (address, port) = match place.parse::<SocketAddr>() {
            Ok(whole) => (Some(whole.ip()), whole.port()),
            Err(_) => (None, place.parse().map_err(|_| fault())?),
        };
        match kind {
            _ if port == 0 => Err(fault()),
            "tcp" => Ok(Listen::Tcp(address, port)),
            "udp" => Ok(Listen::Udp(address, port)),
            _ => Err(fault()),
        }
    }
}

impl Listen {
    /// Its word in `LISTEN_FDNAMES`, where `:` parts names: `tcp80`, `udp53`, `x.sock`.
    pub fn name(&self) -> String {
        match self {
            Listen::Tcp(_, port) => format!("tcp{port}"),
            Listen::Udp(_, port) => format!("udp{port}"),
            Listen::Unix(path) => path.rsplit('/').next().unwrap_or_default().replace(':', "_"),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Listen::Tcp(None, port) => write!(to, "tcp:{port}"),
            Listen::Udp(None, port) => write!(to, "udp:{port}"),
            Listen::Tcp(Some(address), port) => write!(to, "tcp:{}", SocketAddr::from((*address, *port))),
            Listen::Udp(Some(address), port) => write!(to, "udp:{}", SocketAddr::from((*address, *port))),
            Listen::Unix(path) => to.write_str(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, written: &str, name: &str) {
        let listen: Listen = text.parse().unwrap();
        assert_eq!((listen.to_string().as_str(), listen.name().as_str()), (written, name));
    }

    #[test]
    fn places() {
        check("tcp:80", "tcp:80", "tcp80");
        check("udp:53", "udp:53", "udp53");
        check("tcp:127.0.0.1:80", "tcp:127.0.0.1:80", "tcp80");
        check("udp:[::1]:53", "udp:[::1]:53", "udp53");
        check("/run/a:b.sock", "/run/a:b.sock", "a_b.sock");
        for wrong in ["80", "tcp:", "tcp:0", "tcp:65536", "sctp:80", "run/x", "tcp:localhost:80", "/"] {
            assert_eq!(wrong.parse::<Listen>().is_err(), wrong != "/", "{wrong}");
        }
        assert!(format!("/{}", "x".repeat(107)).parse::<Listen>().is_err());
    }
}
