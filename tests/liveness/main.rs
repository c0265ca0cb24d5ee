//! Requirements 9 to 11: who is dead, who is not, and what a forked child cannot do.
#![cfg(all(feature = "std", target_os = "linux"))]

#[path = "../common/mod.rs"]
mod common;

mod calls;
mod elsewhere;
mod ends;
mod execs;
mod hidden;
mod numbers;
mod soak;
mod spaces;
mod stopped;
mod truth;
mod zombies;

use std::time::Duration;

use common::child;
use common::page::Page;
use common::room::Room;
use ringpad::os::{self, SharedSegment};
use ringpad::{Error, Life, PeerId, Plan, bytes, spsc};

#[test]
fn child() {
    child::play(&[
        ("holder", zombies::holder),
        ("leaderless", zombies::leaderless),
        ("parent_of_all", ends::parent_of_all),
        ("changer", execs::changer),
        ("numberer", numbers::numberer),
        ("none", || ()),
        ("numberless", || std::thread::park()),
        ("spaced", spaces::spaced),
        ("blind", hidden::blind),
        ("stoppable", stopped::stoppable),
        ("asker", stopped::asker),
        ("soaker", soak::soaker),
        ("witness", soak::witness),
        ("forgetful", forgetful),
    ]);
}

const NAME: &str = "life";
const SECOND: Duration = Duration::from_secs(1);
/// What children who ask without end sleep in between: who never does is the last whom a busy system lets run, and die.
const BREATH: Duration = Duration::from_micros(200);

/// Words of the page that every test here has.
const READY: usize = 0;
const HEIR: usize = 1;
const STOP: usize = 2;

fn plan() -> Plan<2> {
    let plan = Plan::<2>::new().peers(6).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(8));
    let log = bytes::Config::records(1024);
    plan.unwrap().channel::<bytes::Bytes>("log", &log).unwrap()
}

fn open(room: &Room) -> SharedSegment {
    SharedSegment::open_or_create(NAME, &plan(), &room.options()).expect("opening")
}

fn row(page: &Page, word: usize) -> PeerId {
    PeerId::new(page.get(word) as u32).expect("a row")
}

/// Who holds an end that was not given; none if it was.
fn taken<T>(found: os::Result<T>) -> Option<PeerId> {
    match found {
        Err(os::Error::Channel {
            why: Error::EndpointTaken { by },
            ..
        }) => Some(by),
        Err(error) => panic!("{error}"),
        Ok(_) => None,
    }
}

/// Exits with its peer and endpoint leaked.
fn forgetful() {
    let me = open(&Room::parents()).join().unwrap();
    std::mem::forget(me.producer::<u64>("ticks").unwrap());
    Page::open(&Room::parents(), "page").set(READY, me.id().get().into());
    std::mem::forget(me);
}

#[test]
fn an_earlier_life_of_a_row_is_dead_also_when_the_row_lives_again() {
    let room = Room::new("forgotten");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    for _ in 0..5 {
        child::spawn(&room, "forgetful", &[]).done();
        let its = row(&page, READY);
        // Somebody alive sits in that row now, and its lock is held.
        let next = segment.join().unwrap();
        assert_eq!((next.id(), segment.life(its)), (its, Life::Alive));
        let tx = me
            .producer::<u64>("ticks")
            .expect("the claim is of an earlier life");
        // The control: a claim of the present life stands.
        drop(tx);
        let _held = next.producer::<u64>("ticks").unwrap();
        assert_eq!(taken(me.producer::<u64>("ticks")), Some(its));
    }
    println!("5 forgotten endpoints of earlier lives taken over");
}
