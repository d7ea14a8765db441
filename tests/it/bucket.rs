//! A channel in a bucket, by the built program and by its rooms, on Ceph's gateway: published, taken, verified, pruned; by
//! three at once; cut off at seeded points; and after a death.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use builder::fetch::Places;
use ci::channel::{self, Bucket, ChannelError, Content, Shelf};

use crate::channel::Home;
use crate::support::Chance;
use crate::support::texts::{Texts, hasty, item};
use crate::support::{ceph, ceph::SECRET};

/// Short, so that the dead are not waited for; long enough for a machine that is busy with other tests.
const HOLD: Duration = Duration::from_secs(10);

#[test]
fn published_taken_and_pruned_in_a_bucket() {
    let ceph = ceph();
    let home = Home::at("s3://program/some/prefix", ceph.bucket("program"));
    home.publish().says(&["moved", "edge/box"]);
    home.publish().says(&["same"]);
    home.pull("s3://program/some/prefix").expect(0);
    let first = home.pulled();
    home.edit("2.0");
    home.publish().says(&["moved"]);
    home.pull("s3://program/some/prefix").expect(0);
    assert_ne!(home.pulled(), first);
    let on = |words: &[&str]| home.run(&[&["channel"], words, &["--keys", "keys"]].concat()).expect(0);
    on(&["rollback", "s3://program/some/prefix", "edge", "box"]);
    on(&["promote", "s3://program/some/prefix", "edge", "stable"]).says(&["stable/box"]);
    on(&["log", "s3://program/some/prefix"]).says(&["rolled back", "promoted from edge"]);
    home.verify().says(&["2 lines", "0 faults"]);
    on(&["prune", "s3://program/some/prefix", "--keep", "1", "--days", "0", "--grace", "0"]);
    home.verify().says(&["0 faults"]);
    home.pull("s3://program/some/prefix").expect(0);
    assert_eq!(home.pulled(), first);
    // The same files, as any web server would serve them, once the bucket is anybody's to read.
    let told = home.command(&["channel", "verify", "s3://program", "--keys", "keys"]);
    let told = crate::support::Ran::of(&mut { told }).expect(1);
    assert!(!format!("{}{}", told.out, told.err).contains(SECRET));
}

#[test]
fn no_credential_is_said() {
    let ceph = ceph();
    let home = Home::at("s3://secrets", ceph.bucket("secrets"));
    for (name, value) in
        [("AWS_SECRET_ACCESS_KEY", "wrong words"), ("AWS_ENDPOINT_URL", "http://127.0.0.1:1")]
    {
        let mut command =
            home.command(&["channel", "publish", "s3://secrets", "--line", "edge", "--keys", "keys"]);
        let ran = crate::support::Ran::of(command.env(name, value)).expect(1);
        let told = format!("{}{}", ran.out, ran.err);
        assert!(
            !["wrong words", SECRET, "X-Amz-Signature"].iter().any(|secret| told.contains(secret)),
            "{told}"
        );
    }
}

fn texts(url: &str, environment: BTreeMap<String, String>) -> Texts {
    Texts::new(Box::new(opener(url, environment)))
}

fn opener(url: &str, environment: BTreeMap<String, String>) -> impl Fn() -> Box<dyn Shelf> + Sync + 'static {
    let url = url.to_string();
    move || {
        let places = Places { patience: hasty(), ..Places::default() };
        Box::new(Bucket::open(&url, &environment, &places, HOLD).expect("a bucket"))
    }
}

/// Whoever lost to another, or found nothing before the first image, is no fault.
fn is_fair(done: &Result<(), ChannelError>) -> bool {
    match done {
        Ok(()) | Err(ChannelError::Lost { .. }) => true,
        Err(ChannelError::Asked(what)) => what.ends_with("no image before its present one"),
        Err(_) => false,
    }
}

#[test]
fn a_hundred_rounds_of_three_at_once() {
    let ceph = ceph();
    let texts = texts("s3://rounds", ceph.bucket("rounds"));
    let shelf = texts.shelf();
    ["web", "cache"]
        .iter()
        .for_each(|role| texts.publish(shelf.as_ref(), role, "first").expect("it is published"));
    let one = |seed: u64, round: u64| {
        let mut chance = Chance(seed * 1000 + round + 1);
        // Each a bucket of its own, as programs on three machines.
        let (shelf, role) = (texts.shelf(), ["web", "cache"][chance.below(2) as usize]);
        let done = match chance.below(6) {
            // Some come back: what a pruner may be removing.
            0..3 => texts.publish(shelf.as_ref(), role, &format!("image {}", chance.below(5))),
            3 => texts
                .change(shelf.as_ref(), |desk| channel::promote(desk, "edge", "stable", role, 0).map(drop)),
            4 => texts.prune(shelf.as_ref()),
            _ => texts.change(shelf.as_ref(), |desk| channel::rollback(desk, "edge", role, None).map(drop)),
        };
        assert!(is_fair(&done), "seed {seed}, round {round}: {done:?}");
    };
    for round in 0..100 {
        std::thread::scope(|scope| {
            (1..4).for_each(|seed| drop(scope.spawn(move || one(seed, round))));
        });
        if round % 20 == 19 {
            texts.is_whole();
            texts.pull(shelf.as_ref(), "web").expect("it is taken");
        }
    }
}

/// A wire that is cut once so many bytes went over it, in both directions together.
fn wire(to: u16, left: Arc<AtomicI64>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("its address").port();
    std::thread::spawn(move || {
        for here in listener.incoming().flatten() {
            let Ok(there) = TcpStream::connect(("127.0.0.1", to)) else { continue };
            for (from, into) in [(&here, &there), (&there, &here)] {
                let ends = [from, into].map(|end| end.try_clone().expect("a socket"));
                let left = left.clone();
                std::thread::spawn(move || carry(ends, &left));
            }
        }
    });
    port
}

fn carry([mut from, mut into]: [TcpStream; 2], left: &AtomicI64) {
    let mut buffer = [0; 4096];
    while let Ok(count) = from.read(&mut buffer) {
        let may = left.fetch_sub(count as i64, Ordering::Relaxed).clamp(0, count as i64) as usize;
        if count == 0 || into.write_all(&buffer[..may]).is_err() || may < count {
            break;
        }
    }
    // Who hung up already has heard enough.
    from.shutdown(std::net::Shutdown::Both).ok();
    into.shutdown(std::net::Shutdown::Both).ok();
}

const CUTS: u64 = 200;

#[test]
fn cut_off_at_two_hundred_points() {
    let ceph = ceph();
    let direct = ceph.bucket("cuts");
    let mut texts = texts("s3://cuts", direct.clone());
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let straight = texts.shelf();
    texts.publish(straight.as_ref(), "web", "first").expect("it is published");
    texts.open = Box::new(opener("s3://cuts", ceph.environment(wire(ceph.port, left.clone()))));
    let mut chance = Chance(0x5eed);
    let (mut cut, mut images) = (0, vec!["first".to_string()]);
    for at in 0..CUTS {
        left.store(chance.below(40_000) as i64, Ordering::Relaxed);
        let shelf = texts.shelf();
        let text = format!("image {at} ").repeat(500);
        let done = match at % 4 {
            0 | 1 => {
                images.push(text.clone());
                texts.publish(shelf.as_ref(), "web", &text)
            }
            2 => texts
                .change(shelf.as_ref(), |desk| channel::promote(desk, "edge", "stable", "web", 0).map(drop)),
            _ => texts.pull(shelf.as_ref(), "web").map(|root| assert!(images.contains(&root), "{root}")),
        };
        cut += u64::from(done.is_err());
        drop(shelf);
        left.store(i64::MAX, Ordering::Relaxed);
        if at % 10 == 9 {
            texts.is_whole();
            let root = texts.pull(straight.as_ref(), "web").expect("it is taken");
            assert!(images.contains(&root), "{root}");
        }
        if at % 50 == 49 {
            // The marks of those that were cut off cease to count.
            texts.prune(straight.as_ref()).expect("it is pruned");
            texts.is_whole();
        }
    }
    assert!((CUTS / 4..CUTS).contains(&cut), "{cut} of {CUTS} were cut");
    texts.open = Box::new(opener("s3://cuts", direct));
    texts.publish(texts.shelf().as_ref(), "web", "last").expect("it is published");
    assert_eq!(texts.pull(straight.as_ref(), "web").expect("it is taken"), "last");
}

/// A publisher dies while it holds, and so does a pruner: others wait as long as their marks say, and then go on.
#[test]
fn the_dead_hold_nobody_up_for_long() {
    let ceph = ceph();
    let texts = texts("s3://dead", ceph.bucket("dead"));
    let shelf = texts.shelf();
    texts.publish(shelf.as_ref(), "web", "one").expect("it is published");
    for mark in ["locks/shared-dead", "locks/alone"] {
        shelf.put(mark, &mut HOLD.as_secs().to_string().as_bytes()).expect("a mark");
    }
    let begun = Instant::now();
    texts.publish(shelf.as_ref(), "web", "two").expect("it is published");
    assert!(begun.elapsed() > HOLD, "it did not wait for who may be removing");
    texts.prune(shelf.as_ref()).expect("it is pruned");
    assert_eq!(texts.pull(shelf.as_ref(), "web").expect("it is taken"), "two");
    texts.is_whole();
}

/// Who removes is alone, and who could not say any more that it is, removes nothing.
#[test]
fn a_hold_that_was_lost_is_not_used() {
    let ceph = ceph();
    let texts = texts("s3://lost", ceph.bucket("lost"));
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let shelf = opener("s3://lost", ceph.environment(wire(ceph.port, left.clone())))();
    texts.publish(shelf.as_ref(), "web", "one").expect("it is published");
    let held = shelf.alone().expect("it is alone");
    left.store(0, Ordering::Relaxed);
    std::thread::sleep(HOLD);
    left.store(i64::MAX, Ordering::Relaxed);
    let refused = shelf.remove("metadata/timestamp.json").expect_err("its hold was lost").to_string();
    assert!(refused.contains("could not be put again in time"), "{refused}");
    drop(held);
    texts.is_whole();
}

/// Longer than one part of an upload.
#[test]
fn a_large_blob_goes_in_parts() {
    let ceph = ceph();
    let texts = texts("s3://large", ceph.bucket("large"));
    let shelf = texts.shelf();
    let mut chance = Chance(7);
    let bytes: Vec<u8> = (0..20_000_000 / 8).flat_map(|_| chance.below(u64::MAX).to_le_bytes()).collect();
    let mut item = item("web", "small");
    item.parts.push(("large.bin".into(), "application/octet-stream".into(), Content::Bytes(bytes.clone())));
    texts.change(shelf.as_ref(), |desk| desk.publish("edge", item).map(drop)).expect("it is published");
    texts.pull(shelf.as_ref(), "web").expect("it is taken");
    assert!(read(&texts.folder.path().join("out/large.bin")) == bytes);
    texts.is_whole();
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", PathBuf::from(path).display()))
}
