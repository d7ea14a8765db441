//! Answers as servers give them, and as liars do.

use super::*;

const XID: [u8; 4] = [1, 2, 3, 4];
const HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 1];

fn answer(options: &[u8]) -> Vec<u8> {
    let mut answer = vec![0; FIXED_BYTES];
    answer[..3].copy_from_slice(&[2, 1, 6]);
    answer[4..8].copy_from_slice(&XID);
    answer[16..20].copy_from_slice(&[10, 0, 2, 15]);
    answer[28..34].copy_from_slice(&HARDWARE);
    answer[236..240].copy_from_slice(&MAGIC);
    answer.extend(options);
    answer
}

/// An offer, option by option.
fn offer() -> Vec<Vec<u8>> {
    vec![
        vec![0, KIND, 1, OFFER],
        vec![SERVER_ID, 4, 10, 0, 2, 2],
        vec![MASK, 4, 255, 255, 255, 0],
        vec![LEASE_S, 4, 0, 0, 14, 16],
        vec![ROUTER, 4, 10, 0, 2, 2],
        vec![NAMESERVERS, 8, 10, 0, 2, 3, 0, 0, 0, 0],
        vec![INTERFACE_MTU, 2, 5, 180],
        vec![END, 0, 0],
    ]
}

fn read(bytes: &[u8]) -> Option<Lease> {
    match parse(bytes, XID, HARDWARE)? {
        Answer::Offer(lease) => Some(lease),
        _ => None,
    }
}

/// The offer with one option in the place of another.
fn with(code: u8, value: &[u8]) -> Option<Lease> {
    let mut options = offer();
    options.retain(|option| option[0] != code);
    options.insert(1, [&[code, value.len() as u8], value].concat());
    read(&answer(&options.concat()))
}

#[test]
fn reads_an_offer() {
    let lease = read(&answer(&offer().concat())).unwrap();
    assert_eq!(lease.address, Ipv4Addr::new(10, 0, 2, 15));
    assert_eq!((lease.prefix_bits, lease.gateway), (24, Some(Ipv4Addr::new(10, 0, 2, 2))));
    assert_eq!(lease.nameservers, [Ipv4Addr::new(10, 0, 2, 3)], "0.0.0.0 is none");
    assert_eq!(lease.mtu, Some(1460));
    let seconds = |span: Duration| span.as_secs();
    let Times { renew, rebind, lease } = lease.times;
    assert_eq!((seconds(renew), seconds(rebind), lease.map(seconds)), (1800, 3150, Some(3600)));
}

#[test]
fn an_answer_to_another_is_none() {
    let whole = answer(&offer().concat());
    assert_eq!(parse(&whole, [9; 4], HARDWARE), None);
    assert_eq!(parse(&whole, XID, [9; 6]), None);
    for cut in 0..FIXED_BYTES + 20 {
        assert_eq!(parse(&whole[..cut], XID, HARDWARE), None, "{cut}");
    }
}

#[test]
fn nonsense_is_refused() {
    for mask in [[255, 1, 255, 0], [0, 0, 0, 0]] {
        assert_eq!(with(MASK, &mask), None, "{mask:?}");
    }
    assert_eq!(with(LEASE_S, &[0; 4]), None, "a lease of no time");
    assert_eq!(with(LEASE_S, &[1]), None, "a lease of one byte");
    assert_eq!(with(SERVER_ID, &[]), None);
    for address in [[0, 0, 0, 0], [127, 0, 0, 1], [224, 0, 0, 1], [255; 4], [10, 0, 2, 0], [10, 0, 2, 255]] {
        let mut bytes = answer(&offer().concat());
        bytes[16..20].copy_from_slice(&address);
        assert_eq!(read(&bytes), None, "{address:?}");
    }
    assert_eq!(with(ROUTER, &[224, 0, 0, 1]).unwrap().gateway, None);
    assert_eq!(with(INTERFACE_MTU, &[0, 1]).unwrap().mtu, None);
    assert_eq!(with(NAMESERVERS, &[1; 252]).unwrap().nameservers.len(), 3);
}

#[test]
fn times_that_make_no_sense_are_ours() {
    let mut options = offer();
    options.insert(1, vec![T1_S, 4, 0, 0, 255, 255, T2_S, 4, 0, 0, 0, 1]);
    assert_eq!(read(&answer(&options.concat())).unwrap().times.renew, Duration::from_secs(1800));
    assert_eq!(with(LEASE_S, &[255; 4]).unwrap().times.lease, None);
}

#[test]
fn overloaded_fields_are_read_once() {
    let mut options = offer();
    options.retain(|option| option[0] != MASK);
    options.insert(1, vec![OVERLOAD, 1, 3]);
    let mut bytes = answer(&options.concat());
    assert_eq!(read(&bytes), None);
    // `file` says that `file` holds options, for ever.
    bytes[108..118].copy_from_slice(&[OVERLOAD, 1, 3, MASK, 4, 255, 255, 0, 0, END]);
    assert_eq!(read(&bytes).unwrap().prefix_bits, 16);
}

#[test]
fn what_we_ask_is_read_by_its_fields() {
    let address = Ipv4Addr::new(10, 0, 2, 15);
    let message = compose(XID, HARDWARE, Question::Extend(address));
    assert_eq!((&message[12..16], message[10], message.len()), (&[10, 0, 2, 15][..], 0, 300));
    let message = compose(XID, HARDWARE, Question::Request(address, Ipv4Addr::new(10, 0, 2, 2)));
    assert_eq!(find(&message[FIXED_BYTES..], SERVER_ID), Some(&[10, 0, 2, 2][..]));
    assert_eq!((&message[12..16], message[10]), (&[0; 4][..], 0x80));
}

/// Changed answers: no panic, and what is taken can be used.
#[test]
fn no_bytes_make_it_panic() {
    let whole = answer(&offer().concat());
    crate::chance::rounds(7, 300_000, |chance| {
        let bytes = chance.change(&whole, FIXED_BYTES);
        if let Some(Answer::Offer(lease) | Answer::Ack(lease)) = parse(&bytes, XID, HARDWARE) {
            assert!(is_host(lease.address) && (1..=32).contains(&lease.prefix_bits));
            assert!(lease.times.lease.is_none_or(|lease| !lease.is_zero()));
        }
    });
}
