//! The client's states, by a clock of the test's own. Real sockets are in the network's tests.

use super::*;

const HARDWARE: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// An answer to `asked`: of that kind, of server 10.0.0.`server`, for 10.0.0.9, a lease of `lease_s`.
pub fn answer(asked: &[u8], kind: u8, server: u8, lease_s: u32) -> Vec<u8> {
    let mut answer = asked[..240].to_vec();
    answer[0] = 2;
    answer[12..16].copy_from_slice(&[0; 4]);
    answer[16..20].copy_from_slice(&[10, 0, 0, 9]);
    answer.extend([53, 1, kind, 54, 4, 10, 0, 0, server, 1, 4, 255, 255, 255, 0, 51, 4]);
    answer.extend(lease_s.to_be_bytes());
    answer.extend([3, 4, 10, 0, 0, 1, 6, 4, 10, 0, 0, 1, 255]);
    answer
}

fn s(seconds: u64) -> Moment {
    Duration::from_secs(seconds)
}

fn sent(does: &[Do]) -> (Option<Ipv4Addr>, Vec<u8>) {
    match does {
        [Do::Send(to, message)] => (*to, message.clone()),
        other => panic!("{other:?}"),
    }
}

/// A client that holds a lease of 100 s from second 10 on.
fn bound() -> Client {
    let mut client = Client::new(HARDWARE, 7, s(10));
    let (_, discover) = sent(&client.step(s(10)));
    let (to, request) = sent(&client.hear(&answer(&discover, 2, 1, 100), s(10)));
    assert_eq!((to, request[4..8] == discover[4..8]), (None, true));
    assert!(matches!(client.hear(&answer(&request, 5, 1, 100), s(11))[..], [Do::Hold(_)]));
    assert!(!client.is_asking());
    client
}

#[test]
fn a_lease_is_renewed_at_half_its_time() {
    let mut client = bound();
    assert_eq!(client.due(), Some(s(60)));
    assert!(client.step(s(59)).is_empty());
    let (to, renew) = sent(&client.step(s(60)));
    assert_eq!((to, client.address()), (Some([10, 0, 0, 1].into()), Some([10, 0, 0, 9].into())));
    assert!(matches!(client.hear(&answer(&renew, 5, 1, 100), s(61))[..], [Do::Hold(_)]));
    assert_eq!(client.due(), Some(s(110)), "from the request on, not from the answer");
}

#[test]
fn silence_is_answered_by_all_and_then_by_the_end() {
    let mut client = bound();
    sent(&client.step(s(60)));
    let due = client.due().unwrap();
    assert!(due > s(60) && due <= s(98));
    let (to, _) = sent(&client.step(s(98)));
    assert_eq!(to, None, "rebinding asks all");
    assert_eq!(client.step(s(110)), [Do::Lose("the lease is over")]);
    sent(&client.step(s(111)));
}

#[test]
fn who_takes_it_back_must_be_the_server() {
    let mut client = bound();
    let (_, renew) = sent(&client.step(s(60)));
    assert!(client.hear(&answer(&renew, 6, 2, 100), s(61)).is_empty());
    assert!(client.hear(&answer(&renew, 5, 2, 100), s(61)).is_empty());
    assert_eq!(client.hear(&answer(&renew, 6, 1, 100), s(61)), [Do::Lose("the server takes it back")]);
    assert!(client.step(s(61)).is_empty(), "no busy loop");
    sent(&client.step(s(62)));
}

#[test]
fn after_the_link_was_gone_it_asks_whether_the_address_is_still_its_own() {
    let mut client = bound();
    client.link_returned(s(20));
    let (_, reboot) = sent(&client.step(s(20)));
    assert!(matches!(client.hear(&answer(&reboot, 5, 3, 50), s(20))[..], [Do::Hold(_)]));
    client.link_returned(s(30));
    for second in [30, 31, 32] {
        sent(&client.step(s(second)));
    }
    assert_eq!(client.step(s(40)), [Do::Lose("no server knows it any more")]);
}

#[test]
fn an_offer_that_is_not_kept_is_forgotten() {
    let mut client = Client::new(HARDWARE, 7, s(0));
    let (_, discover) = sent(&client.step(s(0)));
    sent(&client.hear(&answer(&discover, 2, 1, 100), s(0)));
    for second in [1, 2, 4] {
        sent(&client.step(s(second)));
    }
    assert!(client.step(s(10)).is_empty());
    assert_eq!(client.due(), Some(s(11)));
    let (_, again) = sent(&client.step(s(11)));
    assert_ne!(again[4..8], discover[4..8]);
}

#[test]
fn pauses_grow_to_a_minute() {
    let mut client = Client::new(HARDWARE, 7, s(0));
    let mut now = s(0);
    for _ in 0..20 {
        sent(&client.step(now));
        now = client.due().unwrap();
    }
    assert_eq!(client.due().unwrap() - now, Duration::ZERO);
    sent(&client.step(now));
    assert_eq!(client.due().unwrap() - now, s(64));
}

/// Any bytes at any time: no panic, and always a next time or a lease without end.
#[test]
fn no_bytes_make_it_panic() {
    let (mut client, mut now) = (Client::new(HARDWARE, 7, s(0)), s(0));
    let mut last = answer(&[0; 240], 2, 1, 9);
    crate::chance::rounds(3, 50_000, |chance| {
        now = client.due().map_or(now + s(1), |due| due.max(now));
        for does in client.step(now) {
            if let Do::Send(_, message) = does {
                let kind = [2, 5, 5, 6][chance.below(4)];
                last = answer(&message, kind, chance.below(2) as u8 + 1, chance.below(300) as u32);
            }
        }
        let bytes = if chance.below(3) == 0 { chance.change(&last, 0) } else { last.clone() };
        client.hear(&bytes, now);
        assert!(client.due().is_some() || client.is_bound());
    });
}
