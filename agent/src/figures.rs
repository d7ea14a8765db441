//! What the machine comes to while it runs, told on the word `figures`: memory in use, and who waits for the network.
//!
//! ```text
//! figure ram 10240 kB
//! figure listens tcp 00000000:01BB nginx nginx
//! figures end
//! ```
//! Addresses are the kernel's own (`/proc/net/tcp`): hexadecimal, in the order of the processor's bytes. Whoever asked
//! takes them apart: PID 1 stays small.

use std::fs;

/// The tables of `/proc/net`, and the state in which a socket waits: LISTEN; for UDP, with nobody at the other end.
const TABLES: [(&str, &str); 4] = [("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")];

/// The answer, line by line. What cannot be read is left out.
pub fn lines() -> Vec<String> {
    let mut lines = Vec::new();
    lines.extend(used_kb().map(|used| format!("figure ram {used} kB")));
    let holders = holders();
    for (table, state) in TABLES {
        let text = fs::read_to_string(format!("/proc/net/{table}")).unwrap_or_default();
        for (address, inode) in text.lines().filter_map(|line| waits(line, state)) {
            let by: String =
                holders.iter().filter(|(held, _)| held == inode).map(|(_, by)| format!(" {by}")).collect();
            lines.push(format!("figure listens {table} {address}{by}"));
        }
    }
    lines.push("figures end".into());
    lines
}

/// MemTotal - MemAvailable of `/proc/meminfo`: what could not be given to another program. Units are KiB, called kB.
fn used_kb() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let value = |name: &str| {
        text.lines().find(|line| line.starts_with(name))?.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    value("MemTotal:")?.checked_sub(value("MemAvailable:")?)
}

/// `sl local_address rem_address st … inode`: the local address and the inode of a socket that waits.
fn waits<'a>(line: &'a str, state: &str) -> Option<(&'a str, &'a str)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let waits = *words.get(3)? == state && words[2].ends_with(":0000");
    waits.then_some((words[1], *words.get(9)?))
}

/// Every socket's inode with the name of each program that holds it.
fn holders() -> Vec<(String, String)> {
    let mut holders = Vec::new();
    for process in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Ok(open) = fs::read_dir(process.path().join("fd")) else { continue };
        let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
        for descriptor in open.flatten() {
            let target = fs::read_link(descriptor.path()).unwrap_or_default();
            let inode = target.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
            holders.extend(inode.map(|inode| (inode.to_string(), name.trim().replace(' ', "_"))));
        }
    }
    holders
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits() {
        let line = "   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 17 1 0 100 0 0 10 0";
        assert_eq!(waits(line, "0A"), Some(("00000000:0050", "17")));
        assert_eq!(waits(&line.replace(" 0A ", " 01 "), "0A"), None);
        assert_eq!(waits("  sl  local_address rem_address   st tx_queue", "0A"), None);
        let connected =
            "  9: 0100007F:A000 0100007F:0035 07 00000000:00000000 00:00000000 00000000 0 0 18 2 0 0";
        assert_eq!(waits(connected, "07"), None);
    }

    #[test]
    fn this_machine_tells() {
        let here = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = format!(":{:04X}", here.local_addr().unwrap().port());
        let lines = lines();
        assert!(lines.iter().any(|line| line.starts_with("figure ram ")), "{lines:?}");
        let found = lines.iter().find(|line| line.contains(&port)).expect("our own socket");
        assert!(found.split(' ').count() > 4, "{found}");
        assert_eq!(lines.last().unwrap(), "figures end");
    }
}
