//! Which interface is meant: by its hardware address, by its name's pattern, else the first Ethernet one by name.

use std::fs;

use host::error::{Error, Result};
use host::network::{self, Interface};

/// ARPHRD_ETHER of if_arp.h
const ETHERNET: &str = "1";

/// The first by name, so that the order of probing does not choose; none that is taken.
pub fn interface(wish: &Interface, taken: &[&str]) -> Option<String> {
    let entries = fs::read_dir("/sys/class/net").ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let free = names.filter(|name| !taken.contains(&name.as_str()) && read(name, "type") == ETHERNET);
    free.filter(|name| fits(wish, name)).min()
}

fn fits(wish: &Interface, name: &str) -> bool {
    wish.pattern.as_deref().is_none_or(|pattern| network::fits(pattern, name))
        && wish.mac.is_none_or(|mac| hardware(name) == Some(mac))
}

/// # Errors
/// The operator has described an interface, and none fits. Without a word about it a machine may have none.
pub fn absent(name: &str, wish: &Interface) -> Result<()> {
    let table = if name.is_empty() { "network".to_string() } else { format!("network.{name}") };
    let described = wish.pattern.is_some() || wish.mac.is_some() || !wish.addresses.is_empty();
    match described || !name.is_empty() {
        true => Err(Error::input(format!("{table}: no Ethernet interface is as it says"))),
        false => Ok(()),
    }
}

pub fn read(interface: &str, what: &str) -> String {
    let text = fs::read_to_string(format!("/sys/class/net/{interface}/{what}"));
    text.unwrap_or_default().trim().to_string()
}

pub fn hardware(interface: &str) -> Option<[u8; 6]> {
    network::mac(&read(interface, "address"))
}
