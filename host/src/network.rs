//! `[network]` of an environment: which interface, and how it gets its place. Text to types; it knows no interface.
//!
//! ```toml
//! [network]                       # the first Ethernet interface by name; nothing given: DHCP, and IPv6 by what routers say
//! address = "10.0.2.15/24"        # or a list; of both kinds
//! gateway = "10.0.2.2"            # or a list: one of a kind
//! nameservers = ["10.0.2.3"]      # in place of those that DHCP and routers tell
//! interface = "eth*"              # by name, `*` for any letters
//! mac = "52:54:00:12:34:56"       # or by its hardware address
//! ipv6 = false
//! [network.storage]               # another interface, by the same keys
//! ```

use std::collections::BTreeMap;
use std::net::IpAddr;

use toml::{Table, Value};

/// Nothing given: the first Ethernet interface, by DHCP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    pub first: Interface,
    /// `[network.NAME]`
    pub others: BTreeMap<String, Interface>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// Of its name, `eth*`.
    pub pattern: Option<String>,
    pub mac: Option<[u8; 6]>,
    /// With the bits of the net. No IPv4 address among them: DHCP.
    pub addresses: Vec<(IpAddr, u8)>,
    pub gateways: Vec<IpAddr>,
    pub nameservers: Vec<IpAddr>,
    /// Whether it has any, by routers' word.
    pub ipv6: bool,
}

impl Default for Interface {
    fn default() -> Interface {
        Interface {
            pattern: None,
            mac: None,
            addresses: vec![],
            gateways: vec![],
            nameservers: vec![],
            ipv6: true,
        }
    }
}

/// A key that is wrong (`network.address`), and what it must be.
pub type Wrong = (String, String);

impl Network {
    /// Lays one source's table over what the sources before it said, key by key.
    ///
    /// # Errors
    /// All of it that is wrong.
    pub fn lay(&mut self, table: &Table) -> Result<(), Vec<Wrong>> {
        let mut wrong = Vec::new();
        for (key, value) in table {
            match value {
                Value::Table(table) if is_name(key) => {
                    let other = self.others.entry(key.clone()).or_default();
                    for (inner, value) in table {
                        wrong.extend(other.lay(&format!("network.{key}.{inner}"), inner, value).err());
                    }
                }
                _ => wrong.extend(self.first.lay(&format!("network.{key}"), key, value).err()),
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// Every interface that is asked for, with what it is called: the tables first, since they say which; then the plain
    /// one, unless there are only tables.
    pub fn wishes(&self) -> Vec<(&str, &Interface)> {
        let others = self.others.iter().map(|(name, interface)| (name.as_str(), interface));
        let plain = self.others.is_empty() || self.first != Interface::default();
        others.chain(plain.then_some(("", &self.first))).collect()
    }
}

impl Interface {
    fn lay(&mut self, path: &str, key: &str, value: &Value) -> Result<(), Wrong> {
        let must = |what: &str| (path.to_string(), format!("must be {what}"));
        match key {
            "address" => {
                self.addresses = texts(value, net).ok_or_else(|| must("like \"10.0.2.15/24\", or a list"))?;
            }
            "gateway" => self.gateways = texts(value, host).ok_or_else(|| must("like \"10.0.2.2\""))?,
            "nameservers" => {
                self.nameservers = texts(value, host).ok_or_else(|| must("a list like [\"10.0.2.3\"]"))?;
            }
            "interface" => {
                let text = value.as_str().filter(|text| is_pattern(text));
                self.pattern = Some(text.ok_or_else(|| must("like \"eth*\""))?.to_string());
            }
            "mac" => {
                let mac = value.as_str().and_then(mac);
                self.mac = Some(mac.ok_or_else(|| must("like \"52:54:00:12:34:56\""))?);
            }
            "ipv6" => self.ipv6 = value.as_bool().ok_or_else(|| must("true or false"))?,
            _ => {
                let known = "one of `address`, `gateway`, `nameservers`, `interface`, `mac`, `ipv6`";
                return Err(must(known));
            }
        }
        Ok(())
    }
}

/// One text, or a list of them, each read.
fn texts<T>(value: &Value, read: fn(&str) -> Option<T>) -> Option<Vec<T>> {
    match value {
        Value::String(text) => read(text).map(|one| vec![one]),
        Value::Array(items) => items.iter().map(|item| read(item.as_str()?)).collect(),
        _ => None,
    }
}

fn net(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/')?;
    let (address, bits): (IpAddr, u8) = (host(address)?, bits.parse().ok()?);
    let most = if address.is_ipv4() { 32 } else { 128 };
    (1..=most).contains(&bits).then_some((address, bits))
}

/// An address that one machine can have.
fn host(text: &str) -> Option<IpAddr> {
    let address: IpAddr = text.parse().ok()?;
    let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
    (!address.is_unspecified() && !address.is_multicast() && !is_broadcast).then_some(address)
}

/// `52:54:00:12:34:56`
pub fn mac(text: &str) -> Option<[u8; 6]> {
    let byte = |part: &str| (part.len() == 2).then(|| u8::from_str_radix(part, 16).ok()).flatten();
    text.split(':').map(byte).collect::<Option<Vec<u8>>>()?.try_into().ok()
}

fn is_pattern(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.*".contains(&byte);
    !text.is_empty() && text.len() <= 32 && text.bytes().all(letter)
}

fn is_name(text: &str) -> bool {
    let known = ["address", "gateway", "nameservers", "interface", "mac", "ipv6"];
    !known.contains(&text) && !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether `name` is what the pattern says; `*` stands for any letters.
pub fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|name| {
            (0..=name.len()).any(|at| name.is_char_boundary(at) && fits(rest, &name[at..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lay(text: &str) -> Result<Network, Vec<String>> {
        let mut network = Network::default();
        let wrong = network.lay(&text.parse().unwrap()).err().unwrap_or_default();
        let said: Vec<String> = wrong.into_iter().map(|(key, what)| format!("{key} {what}")).collect();
        if said.is_empty() { Ok(network) } else { Err(said) }
    }

    #[test]
    fn one_or_many() {
        let network = lay("address = '10.0.2.15/24'\ngateway = ['10.0.2.2', 'fd00::1']\n").unwrap();
        assert_eq!(network.first.addresses, [("10.0.2.15".parse().unwrap(), 24)]);
        assert_eq!((network.first.gateways.len(), network.wishes().len()), (2, 1));
        let network = lay("[storage]\nmac = '52:54:00:12:34:56'\naddress = ['fd00::2/64']").unwrap();
        assert_eq!(network.wishes()[0].0, "storage");
        assert_eq!(network.wishes().len(), 1, "nothing is said of any other");
        assert_eq!(lay("ipv6 = false\n[storage]\ninterface = 'eth1'").unwrap().wishes().len(), 2);
    }

    #[test]
    fn all_that_is_wrong_at_once() {
        let wrong =
            lay("address = '10.0.2.15'\ngateway = '0.0.0.0'\nnameservers = [1]\nmac = '52:54'\nmtu = 3\n\
             interface = '../x'\nipv6 = 'no'\n[a]\naddress = ['fd00::/129']\n");
        assert_eq!(
            wrong.unwrap_err(),
            [
                "network.a.address must be like \"10.0.2.15/24\", or a list",
                "network.address must be like \"10.0.2.15/24\", or a list",
                "network.gateway must be like \"10.0.2.2\"",
                "network.interface must be like \"eth*\"",
                "network.ipv6 must be true or false",
                "network.mac must be like \"52:54:00:12:34:56\"",
                "network.mtu must be one of `address`, `gateway`, `nameservers`, `interface`, `mac`, `ipv6`",
                "network.nameservers must be a list like [\"10.0.2.3\"]",
            ]
        );
        for text in ["10.0.2.15/0", "10.0.2.15/33", "224.0.0.1/24", "255.255.255.255/8", "::/64", "x/8"] {
            assert!(lay(&format!("address = '{text}'")).is_err(), "{text}");
        }
    }

    #[test]
    fn patterns() {
        assert!(fits("eth*", "eth0") && fits("*", "x") && fits("e*0", "ens10") && fits("eth0", "eth0"));
        assert!(!fits("eth*", "veth0") && !fits("eth0", "eth00") && !fits("e*1", "eth0"));
    }
}
