//! The machine's place in the network: loopback, one address on the first interface, `/run/resolv.conf`.
//!
//! The environment's static address wins; then what the kernel was told (`ip=`); then DHCP.

use std::fs;
use std::net::Ipv4Addr;

use crate::dhcp;
use crate::netlink::Netlink;
use host::environment::Network;
use host::error::{Error, Result};

const RESOLV: &str = "/run/resolv.conf";
/// ARPHRD_ETHER of if_arp.h
const ETHERNET: &str = "1";

#[derive(Debug, PartialEq, Eq)]
struct Settings {
    address: Ipv4Addr,
    prefix_bits: u8,
    gateway: Option<Ipv4Addr>,
    nameservers: Vec<Ipv4Addr>,
}

/// Brings loopback up. Needs `/sys`.
pub fn loopback() -> Result<()> {
    let up = || Netlink::open()?.up(1); // lo is the first interface of every network namespace
    up().map_err(Error::world("bring up lo"))
}

/// Brings the first Ethernet interface up and gives it an address; tells which, for the console.
pub fn up(wanted: &Network) -> Result<String> {
    let settings = wanted.address.as_deref().map(|address| read_static(address, wanted)).transpose()?;
    let Some(interface) = first_interface() else {
        return match settings {
            Some(_) => Err(Error::input("network.address is given, and there is no Ethernet interface")),
            None => Ok("no interface".into()),
        };
    };
    let index = index_of(&interface)?;
    let netlink = Netlink::open().map_err(Error::world("open netlink"))?;
    netlink.up(index).map_err(Error::world(format!("bring up {interface}")))?;
    let settings = match settings {
        Some(settings) => settings,
        None if told_by_kernel() => return Ok(format!("{interface}: as the kernel was told")),
        None => ask(&interface)?,
    };
    apply(&netlink, index, &settings).map_err(Error::world(format!("set the address of {interface}")))?;
    write_resolv(&settings.nameservers)?;
    Ok(format!("{interface}: {}/{}", settings.address, settings.prefix_bits))
}

fn read_static(address: &str, wanted: &Network) -> Result<Settings> {
    let refuse = |what: &str, text: &str| {
        Error::input(format!("network.{what}: `{text}` is not like {}", example(what)))
    };
    let (host, bits) = address.split_once('/').ok_or_else(|| refuse("address", address))?;
    let parse = |what: &str, text: &str| text.parse::<Ipv4Addr>().map_err(|_| refuse(what, text));
    let prefix_bits = bits.parse().ok().filter(|bits| (1..=32).contains(bits));
    Ok(Settings {
        address: parse("address", host)?,
        prefix_bits: prefix_bits.ok_or_else(|| refuse("address", address))?,
        gateway: wanted.gateway.as_deref().map(|text| parse("gateway", text)).transpose()?,
        nameservers: wanted
            .nameservers
            .iter()
            .map(|text| parse("nameservers", text))
            .collect::<Result<_>>()?,
    })
}

fn example(what: &str) -> &'static str {
    if what == "address" { "10.0.2.15/24" } else { "10.0.2.2" }
}

fn ask(interface: &str) -> Result<Settings> {
    let path = format!("/sys/class/net/{interface}/address");
    let text = fs::read_to_string(&path).map_err(Error::world(format!("read {path}")))?;
    let hardware =
        hardware_address(&text).ok_or_else(|| Error::input(format!("{path}: no hardware address")))?;
    let lease = dhcp::acquire(interface, hardware).map_err(Error::world(format!("DHCP on {interface}")))?;
    let dhcp::Lease { address, prefix_bits, gateway, nameservers, .. } = lease;
    Ok(Settings { address, prefix_bits, gateway, nameservers })
}

fn hardware_address(text: &str) -> Option<[u8; 6]> {
    let bytes: Option<Vec<u8>> =
        text.trim().split(':').map(|part| u8::from_str_radix(part, 16).ok()).collect();
    bytes?.try_into().ok()
}

fn apply(netlink: &Netlink, index: u32, settings: &Settings) -> std::io::Result<()> {
    netlink.add_address(index, settings.address, settings.prefix_bits)?;
    settings.gateway.map_or(Ok(()), |gateway| netlink.set_gateway(index, gateway))
}

fn write_resolv(nameservers: &[Ipv4Addr]) -> Result<()> {
    let text: String = nameservers.iter().map(|server| format!("nameserver {server}\n")).collect();
    fs::write(RESOLV, text).map_err(Error::world(format!("write {RESOLV}")))
}

/// By name, so that the order of probing does not choose.
fn first_interface() -> Option<String> {
    let entries = fs::read_dir("/sys/class/net").ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter(|name| read(name, "type") == ETHERNET).min()
}

fn read(interface: &str, what: &str) -> String {
    let text = fs::read_to_string(format!("/sys/class/net/{interface}/{what}"));
    text.unwrap_or_default().trim().to_string()
}

fn index_of(interface: &str) -> Result<u32> {
    let text = read(interface, "ifindex");
    text.parse().map_err(|_| Error::input(format!("{interface} has no index, but `{text}`")))
}

/// The kernel's own `ip=` has made a route.
fn told_by_kernel() -> bool {
    fs::read_to_string("/proc/net/route").is_ok_and(|routes| routes.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str, gateway: &str) -> std::result::Result<Settings, String> {
        let gateway = Some(gateway.to_string());
        let wanted = Network { address: None, gateway, nameservers: vec![] };
        read_static(address, &wanted).map_err(|fault| fault.to_string())
    }

    #[test]
    fn static_addresses() {
        let settings = check("10.0.2.15/24", "10.0.2.2").unwrap();
        assert_eq!((settings.address.octets(), settings.prefix_bits), ([10, 0, 2, 15], 24));
        let refused = |text: &str| Err(format!("network.address: `{text}` is not like 10.0.2.15/24"));
        assert_eq!(check("10.0.2.15", "10.0.2.2"), refused("10.0.2.15"));
        assert_eq!(check("10.0.2.15/33", "10.0.2.2"), refused("10.0.2.15/33"));
        assert_eq!(check("10.0.2.15/0", "10.0.2.2"), refused("10.0.2.15/0"));
        assert_eq!(check("10.0.2.15/24", "x"), Err("network.gateway: `x` is not like 10.0.2.2".into()));
    }

    #[test]
    fn hardware_addresses() {
        assert_eq!(hardware_address("52:54:00:12:34:56\n"), Some([0x52, 0x54, 0, 0x12, 0x34, 0x56]));
        assert_eq!(hardware_address("52:54:00"), None);
        assert_eq!(hardware_address(""), None);
    }
}
