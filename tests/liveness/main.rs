//! Requirements 9 to 11: who is dead, who is not, and what a forked child cannot do.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;

// Forks, other programs in a process's place, spaces of process numbers and /proc: none of them is on Windows.
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
mod elsewhere;
#[cfg(target_os = "linux")]
mod ends;
#[cfg(target_os = "linux")]
mod execs;
#[cfg(target_os = "linux")]
mod hidden;
#[cfg(target_os = "linux")]
mod numbers;
#[cfg(target_os = "linux")]
mod soak;
#[cfg(target_os = "linux")]
mod spaces;
mod stopped;
#[cfg(target_os = "linux")]
mod truth;
#[cfg(target_os = "linux")]
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
        #[cfg(target_os = "linux")]
        ("holder", zombies::holder),
        #[cfg(target_os = "linux")]
        ("leaderless", zombies::leaderless),
        #[cfg(target_os = "linux")]
        ("parent_of_all", ends::parent_of_all),
        #[cfg(target_os = "linux")]
        ("changer", execs::changer),
        #[cfg(target_os = "linux")]
        ("numberer", numbers::numberer),
        ("none", || ()),
        ("numberless", || std::thread::park()),
        #[cfg(target_os = "linux")]
        ("spaced", spaces::spaced),
        #[cfg(target_os = "linux")]
        ("blind", hidden::blind),
        ("stoppable", stopped::stoppable),
        ("asker", stopped::asker),
        #[cfg(target_os = "linux")]
        ("soaker", soak::soaker),
        #[cfg(target_os = "linux")]
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
#[cfg(target_os = "linux")]
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
