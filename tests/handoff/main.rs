//! Segments without a name: handed down to children, passed over sockets, and what is refused on the way.
#![cfg(all(feature = "std", any(target_os = "linux", windows), not(ringpad_flock)))]

#[path = "../common/mod.rs"]
mod common;

// Descriptors, and sockets that carry them.
#[cfg(unix)]
mod descriptors;
#[cfg(unix)]
mod refusals;
#[cfg(unix)]
mod strangers;

use std::process::Command;
use std::time::Duration;

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::{until, until_within};
use ringpad::os::{self, Error, HANDOFF_VARIABLE, Options, SharedSegment};
use ringpad::{Life, PeerId, Plan, bytes, spsc};

#[test]
fn child() {
    child::play(&[
        ("heir", heir),
        ("second", second),
        #[cfg(unix)]
        ("wary", strangers::wary),
        #[cfg(unix)]
        ("leaks", descriptors::leaks),
        #[cfg(unix)]
        ("misled", descriptors::misled),
        #[cfg(unix)]
        ("stranger", strangers::stranger),
        #[cfg(unix)]
        ("victim", strangers::victim),
    ]);
}

/// Words of the page.
const READY: usize = 0;
const GOT: usize = 1;
const STOP: usize = 2;

/// Two rings each way: numbers out, numbers back, records out, records back.
fn plan() -> Plan<4> {
    let (slots, log) = (spsc::Config::new(8), bytes::Config::records(256));
    let plan = Plan::<4>::new().peers(3).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("out", &slots).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("back", &slots).unwrap();
    let plan = plan.channel::<bytes::Bytes>("log", &log).unwrap();
    plan.channel::<bytes::Bytes>("echo", &log).unwrap()
}

/// For children, who keep to the protocol.
fn anonymous() -> SharedSegment {
    SharedSegment::anonymous(&plan(), &Options::new()).unwrap()
}

/// For anybody: its bytes are copied at this end too.
fn distrusted() -> SharedSegment {
    SharedSegment::anonymous(&plan(), &Options::new().distrusted(true)).unwrap()
}

/// Sends every number back, plus one, asleep in between.
fn echo(segment: &SharedSegment, page: &Page) {
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("out").unwrap();
    let mut tx = me.producer::<u64>("back").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    page.set(READY, me.id().get().into());
    let bell = [rx.bell()];
    while page.get(STOP) == 0 {
        let got = waiter.wait(&bell, None, || rx.pop()).unwrap();
        tx.push(got.expect("no deadline") + 1).unwrap();
        page.add(GOT, 1);
    }
}

/// Sends numbers to the other process, which is asleep each time, and sleeps for the answers.
fn converse(segment: &SharedSegment, asleep: impl Fn(), rounds: u64) -> Duration {
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("out").unwrap();
    let mut rx = me.consumer::<u64>("back").unwrap();
    let mut waiter = me.waiter().unwrap().without_tick();
    let (bell, mut longest) = ([rx.bell()], Duration::ZERO);
    for round in 0..rounds {
        asleep();
        tx.push(round).unwrap();
        let start = std::time::Instant::now();
        let most = Some(common::PATIENCE);
        let got = waiter.wait(&bell, most, || rx.pop()).unwrap();
        assert_eq!(got, Some(round + 1), "woken with the answer");
        longest = longest.max(start.elapsed());
    }
    longest
}

fn bad(found: os::Result<SharedSegment>) -> String {
    match found {
        Err(error @ Error::BadHandoff(_)) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

/// Takes what the parent handed down.
fn heir() {
    let page = Page::open(&Room::parents(), "page");
    #[cfg(unix)]
    let segment = descriptors::inherited();
    #[cfg(windows)]
    let segment = SharedSegment::inherited().unwrap();
    let again = bad(SharedSegment::inherited());
    // On Windows what was taken leaves no trace that could tell.
    assert!(cfg!(windows) || again.contains("taken"), "{again}");
    if child::word(0) == "parent" {
        // A child of the child finds the variable, and nothing behind it.
        let status = child::command(&Room::parents(), "second", &[]).status();
        assert!(status.unwrap().success());
    }
    echo(&segment, &page);
}

/// The variable without the descriptors.
fn second() {
    std::env::var(HANDOFF_VARIABLE).expect("inherited with the environment");
    #[cfg(unix)]
    let before = descriptors::descriptors();
    bad(SharedSegment::inherited());
    #[cfg(unix)]
    assert_eq!(
        descriptors::descriptors(),
        before,
        "nothing closed that was not ours"
    );
}

#[test]
fn a_child_inherits_and_its_death_frees_its_row() {
    let room = Room::new("heir");
    let page = Page::create(&room, "page");
    let segment = anonymous();
    let mut longest = Duration::ZERO;
    for round in 0..10 {
        page.set(READY, 0);
        let how = if round == 0 { "parent" } else { "" };
        #[cfg(unix)]
        let copies = descriptors::Copies::of(&segment);
        let mut command = child::command(&room, "heir", &[&how]);
        let heir = Child::of(segment.spawn(&mut command).unwrap());
        #[cfg(unix)]
        copies.are_as_before();
        until("the child joined", || page.get(READY) != 0);
        let row = PeerId::new(page.get(READY) as u32).unwrap();
        assert_eq!(segment.life(row), Life::Alive);
        longest = longest.max(converse(&segment, || heir.asleep(), 5));
        heir.kill();
        let second = Duration::from_secs(1);
        until_within(second, "it is seen dead", || {
            segment.life(row) == Life::Dead
        });
        heir.zombie();
        // By its lock, not only by its process: all three rows can be taken.
        let peers: Vec<_> = (0..3).map(|_| segment.join().unwrap()).collect();
        drop(peers);
    }
    println!(
        "10 heirs, {} messages, longest way there and back {longest:?}",
        page.get(GOT)
    );
}

#[test]
fn a_named_segment_is_not_handed_over() {
    let room = Room::new("named");
    let named = SharedSegment::open_or_create("n", &plan(), &room.options()).unwrap();
    let mut command = Command::new("true");
    assert!(matches!(
        named.spawn(&mut command),
        Err(Error::BadHandoff(_))
    ));
    #[cfg(unix)]
    descriptors::are_refused(named);
    #[cfg(windows)]
    drop(named);
    assert_eq!(room.files(), [""; 0]);
}
