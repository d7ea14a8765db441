//! Real interfaces in namespaces of their own, and servers that lie. Needs root.

use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsFd;
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::*;
use crate::dhcp::tests::answer;

const OFFER: u8 = 2;
const ACK: u8 = 5;

fn run(command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    let status = Command::new(words[0]).args(&words[1..]).status().unwrap();
    assert!(status.success(), "{command}");
}

fn says(command: &str) -> String {
    let words: Vec<&str> = command.split_whitespace().collect();
    String::from_utf8(Command::new(words[0]).args(&words[1..]).output().unwrap().stdout).unwrap()
}

/// A network and a `/sys` and a `/run` of this thread's own.
#[allow(unsafe_code)]
fn apart() {
    // SAFETY: neither flag touches memory or descriptors; the thread ends with the test.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET | UnshareFlags::NEWNS) }.unwrap();
    run("mount --make-rprivate /");
    run("mount -t sysfs sysfs /sys");
    run("mount -t tmpfs tmpfs /run");
    run("ip link set lo up");
}

/// What a server answers to a message; `None`: it has heard enough.
type Server = Box<dyn FnMut(&[u8]) -> Option<Vec<Vec<u8>>> + Send>;

/// Runs `client` where `eth0` leads to a server at 10.0.0.1.
fn with_server(mut server: Server, client: impl FnOnce() + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI must run these tests as root");
        return eprintln!("skipped: namespaces need root");
    }
    let (tell, told) = mpsc::channel();
    let (ready, go) = mpsc::channel();
    let serving = thread::spawn(move || {
        apart();
        tell.send(rustix::thread::gettid()).unwrap();
        go.recv().unwrap();
        run("ip address add 10.0.0.1/24 dev v1");
        run("ip link set v1 up");
        let socket = UdpSocket::bind("0.0.0.0:67").unwrap();
        crate::sys::bind_to_interface(socket.as_fd(), "v1").unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut bytes = [0; 1500];
        loop {
            let size = match socket.recv_from(&mut bytes) {
                Ok((size, _)) => size,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return eprintln!("the server ends: {cause}"),
            };
            let Some(answers) = server(&bytes[..size]) else { return };
            for answer in answers {
                socket.send_to(&answer, (Ipv4Addr::BROADCAST, 68)).unwrap();
            }
        }
    });
    let client = thread::spawn(move || {
        apart();
        let peer = told.recv().unwrap();
        run("ip link add eth0 type veth peer name v1");
        run(&format!("ip link set v1 netns {}", peer.as_raw_nonzero()));
        ready.send(()).unwrap();
        client();
    });
    client.join().unwrap();
    drop(serving);
}

/// The kind of a message: option 53 stands first.
fn kind(message: &[u8]) -> u8 {
    message[242]
}

fn good(message: &[u8], lease_s: u32) -> Vec<Vec<u8>> {
    let kind = if kind(message) == 1 { OFFER } else { ACK };
    vec![answer(message, kind, 1, lease_s)]
}

fn start() -> Network {
    Network::start(&wanted::Network::default()).unwrap()
}

/// Hears until it is as it should, at most so long.
fn until(network: &mut Network, limit_s: u64, holds: impl Fn(&Network) -> bool) {
    let end = Instant::now() + Duration::from_secs(limit_s);
    while !holds(network) {
        assert!(Instant::now() < end, "not within {limit_s} s: {}", says("ip address show eth0"));
        let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        poll(&mut [PollFd::new(&*network, PollFlags::IN)], Some(&wait)).unwrap();
        network.hear();
    }
}

fn has_address(_: &Network) -> bool {
    says("ip -4 address show eth0").contains("10.0.0.9/24")
}

#[test]
fn a_lease_is_taken_kept_lost_and_taken_again() {
    let (mut asked_to_renew, mut discovered_anew) = (0, false);
    let server = move |message: &[u8]| {
        // An address of its own in `ciaddr`: it holds one.
        let holds_one = message[12..16] != [0; 4];
        asked_to_renew += u32::from(holds_one);
        discovered_anew |= !holds_one && asked_to_renew > 0;
        Some(match (holds_one, asked_to_renew) {
            (true, 1) => good(message, 4),
            // Silence beyond the lease's end.
            (true, _) => vec![],
            _ => good(message, if discovered_anew { 3600 } else { 4 }),
        })
    };
    with_server(Box::new(server), || {
        let mut network = start();
        network.settle(Duration::from_secs(10));
        assert!(has_address(&network));
        assert!(says("ip route").contains("default via 10.0.0.1"), "{}", says("ip route"));
        assert_eq!(std::fs::read_to_string(RESOLV).unwrap(), "nameserver 10.0.0.1\n");
        assert!(!says("ss -lun").contains(":68 "), "no port is open while nothing is asked");
        until(&mut network, 12, |network| !has_address(network));
        assert_eq!(std::fs::read_to_string(RESOLV).unwrap(), "", "its name server is gone with it");
        until(&mut network, 12, has_address);
    });
}

/// What a server may say instead of an offer.
fn lies(message: &[u8]) -> Vec<Vec<u8>> {
    let whole = answer(message, OFFER, 1, 3600);
    let change = |at: usize, bytes: &[u8]| {
        let mut lie = whole.clone();
        lie[at..at + bytes.len()].copy_from_slice(bytes);
        lie
    };
    let mut lies = vec![
        change(4, &[9, 9, 9, 9]),      // another's question
        change(16, &[0, 0, 0, 0]),     // no address
        change(16, &[255; 4]),         // everybody's
        change(28, &[9; 6]),           // another's hardware
        change(236, &[0; 4]),          // no magic
        change(240, &[53, 255]),       // an option that is longer than the message
        change(240, &[52, 1, 3]),      // fields that hold options, and do not
        answer(message, OFFER, 1, 0),  // a lease of no time
        answer(message, 200, 1, 3600), // no kind that there is
        answer(message, ACK, 1, 3600), // what was not asked
        whole[..239].to_vec(),
        vec![],
        vec![0xff; 1400],
    ];
    let mut looped = change(108, &[52, 1, 3, 52, 1, 3]);
    looped.extend([52, 1, 3, 52, 1, 3]);
    lies.push(looped);
    lies.extend((0..64).map(|_| vec![2; 300]));
    lies
}

#[test]
fn who_lies_is_passed_over() {
    let mut heard = 0;
    let server = move |message: &[u8]| {
        heard += 1;
        Some(if heard <= 3 { lies(message) } else { good(message, 3600) })
    };
    with_server(Box::new(server), || {
        let mut network = start();
        network.settle(Duration::from_secs(15));
        assert!(has_address(&network));
    });
}

/// Offers that are never kept, by a server that takes back what it gives.
#[test]
fn who_takes_back_all_is_asked_again_and_holds_nobody() {
    let mut requests = 0;
    let server = move |message: &[u8]| {
        requests += u32::from(kind(message) == 3);
        Some(match kind(message) {
            3 if requests <= 2 => vec![answer(message, 6, 1, 0)],
            _ => good(message, 3600),
        })
    };
    with_server(Box::new(server), || {
        let mut network = start();
        network.settle(Duration::from_secs(15));
        assert!(has_address(&network));
    });
}

#[test]
fn silence_holds_the_start_no_longer_than_its_limit() {
    with_server(Box::new(|_| Some(vec![])), || {
        let begun = Instant::now();
        let mut network = start();
        network.settle(Duration::from_secs(2));
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(6), "{took:?}");
        assert!(!has_address(&network));
    });
}

#[test]
fn a_link_that_returns_is_asked_about() {
    let (tell, told) = mpsc::channel();
    let server = move |message: &[u8]| {
        tell.send(kind(message)).unwrap();
        Some(good(message, 3600))
    };
    with_server(Box::new(server), move || {
        let mut network = start();
        network.settle(Duration::from_secs(10));
        run("ip link set eth0 down");
        until(&mut network, 5, |network| !network.links[0].has_carrier());
        run("ip link set eth0 up");
        until(&mut network, 10, |network| network.links[0].has_carrier());
        until(&mut network, 10, |network| network.links[0].has_place());
        until(&mut network, 10, has_address);
        assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 3, 3], "discover, request, and the same again");
    });
}

#[test]
fn static_addresses_of_both_kinds() {
    with_server(Box::new(|_| None), || {
        let mut wanted = wanted::Network::default();
        let text = "address = ['10.0.0.7/24', 'fd00::7/64']\ngateway = ['10.0.0.1', 'fd00::1']\n\
                    nameservers = ['10.0.0.3', 'fd00::3']\ninterface = 'e*0'";
        wanted.lay(&text.parse().unwrap()).unwrap();
        let mut network = Network::start(&wanted).unwrap();
        network.settle(Duration::from_secs(1));
        let shown = says("ip address show eth0");
        assert!(shown.contains("10.0.0.7/24") && shown.contains("fd00::7/64"), "{shown}");
        assert!(says("ip route").contains("default via 10.0.0.1"));
        assert!(says("ip -6 route").contains("default via fd00::1"), "{}", says("ip -6 route"));
        assert_eq!(std::fs::read_to_string(RESOLV).unwrap(), "nameserver 10.0.0.3\nnameserver fd00::3\n");
        wanted.lay(&"interface = 'wlan*'".parse().unwrap()).unwrap();
        let fault = Network::start(&wanted).err().unwrap().to_string();
        assert_eq!(fault, "network: no Ethernet interface is as it says");
    });
}
