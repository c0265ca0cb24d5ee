//! Requirements 3, 9 and 29: nothing that a dead process held stays held, whoever gives it back, and it is told exactly.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;
// Forks, spaces of process numbers and ptrace: none of them is on Windows.
#[cfg(target_os = "linux")]
#[allow(dead_code)]
#[path = "../liveness/elsewhere.rs"]
mod elsewhere;

mod crowds;
#[cfg(target_os = "linux")]
mod heirs;
mod held;
mod joiners;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod killed;
#[cfg(target_os = "linux")]
mod spaces;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod stalled;

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::until;
use held::Held;
use ringpad::os::{self, OwnedPeer, SharedSegment};
use ringpad::{Life, PeerId, Reaped};

#[test]
fn child() {
    child::play(&[
        ("holder", held::holder),
        ("reaper", crowds::reaper),
        ("restless", crowds::restless),
        #[cfg(target_os = "linux")]
        ("spaced", spaces::spaced),
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        ("swept", killed::swept),
    ]);
}

/// Words of the page that every test here has.
const READY: usize = 0;
const STOP: usize = 1;

/// A segment, its page, and one living peer that watches.
struct Scene {
    room: Room,
    page: Page,
    segment: SharedSegment,
    me: OwnedPeer,
}

impl Scene {
    fn new(name: &str) -> Self {
        let room = Room::new(name);
        let page = Page::create(&room, "page");
        let segment = held::open(&room);
        let me = segment.join().unwrap();
        Self {
            room,
            page,
            segment,
            me,
        }
    }

    /// Puts into the rings what holders take.
    fn fill(&self) {
        for ring in held::RINGS {
            let mut tx = self.me.sender::<u64>(ring).unwrap();
            (1..=held::MESSAGES).for_each(|n| tx.try_send(n).unwrap());
        }
    }

    /// A process whose peers, one for each, hold these.
    fn hold(&self, each: &[Held]) -> Child {
        let before = self.page.get(READY);
        let words: Vec<_> = each.iter().map(|held| held.to_word()).collect();
        let child = child::spawn(&self.room, "holder", &[&words.join(",")]);
        until("it holds all of it", || self.page.get(READY) > before);
        child
    }

    /// Has peers that held these dead: killed, and gone.
    fn kill(&self, each: &[Held]) {
        self.hold(each).kill_and_reap();
    }

    /// Rows whose peers are dead.
    fn dead(&self) -> u32 {
        self.segment.dead().len() as u32
    }

    /// Everything can be had again, each message came once more, and nobody who is gone is counted among the sleepers.
    fn whole(&self) -> Result<(), String> {
        self.whole_but(None)
    }

    /// As [`Scene::whole`], beside a living peer that has this end.
    fn whole_but(&self, end: Option<u32>) -> Result<(), String> {
        let text = |error: os::Error| error.to_string();
        let again = self.me.reap().map_err(text)?;
        if !again.is_nothing() || self.dead() > 0 {
            return Err(format!("a second pass gave back {again:?}"));
        }
        let others: Vec<_> = (1..self.segment.peers())
            .map(|_| self.segment.join())
            .collect();
        if let Some(Err(error)) = others.into_iter().find(Result::is_err) {
            return Err(format!("a row is lost: {error}"));
        }
        let ends = held::take_all(&self.me, end).map_err(text)?;
        drop(ends);
        for at in held::WAITERS {
            let sleepers = held::word(&self.room, &self.segment, at);
            if sleepers != 0 {
                return Err(format!("{sleepers:#b} sleep at {at:?}"));
            }
        }
        held::drained(&self.me)
    }

    fn life(&self, row: PeerId) -> Life {
        self.segment.life(row)
    }
}

/// What came in addition, in the order of the counters.
fn since(before: Reaped, after: Reaped) -> [u32; 5] {
    let more = after.since(&before);
    [more.peers, more.ends, more.slots, more.messages, more.locks]
}

fn counts(of: Reaped) -> [u32; 5] {
    since(Reaped::default(), of)
}
