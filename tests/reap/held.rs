//! What a peer can hold, and what of it must come back.

use ringpad::mailslot::reliable::{self, Reliable};
use ringpad::mailslot::{self, Mailslot, Start};
use ringpad::mpmc::{self, Delivery, Mpmc};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{self, OwnedPeer, SharedSegment};
use ringpad::{Plan, bytes, spsc};

use crate::READY;
use crate::common::Dice;
use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::system::FileExt;

pub const NAME: &str = "held";
/// Rings of many: messages of the first come again, those of the second do not.
pub const RINGS: [&str; 2] = ["again", "once"];
/// Messages that lie in each before anybody dies.
pub const MESSAGES: u64 = 3;
/// Where the words of the sleepers lie whose bells a holder sleeps at: the consumer's of a pair of positions.
pub const WAITERS: [(&str, u64); 2] = [("ticks", 128 * 3 + 8), ("log", 128 * 3 + 8)];

pub fn plan() -> Plan<7> {
    let jobs = mpmc::Config::new(16);
    let plan = Plan::new().peers(5);
    plan.and_then(|plan| plan.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(8)))
        .and_then(|plan| plan.channel::<bytes::Bytes>("log", &bytes::Config::records(1024)))
        .and_then(|plan| plan.channel::<Notepad<u64>>("pad", &notepad::Config::new()))
        .and_then(|plan| plan.channel::<Mailslot<u64>>("mail", &mailslot::Config::new(8)))
        .and_then(|plan| plan.channel::<Reliable<u64>>("sure", &reliable::Config::new(8, 2)))
        .and_then(|plan| plan.channel::<Mpmc<u64>>(RINGS[0], &jobs))
        .and_then(|plan| plan.channel::<Mpmc<u64>>(RINGS[1], &jobs.delivery(Delivery::AtMostOnce)))
        .unwrap()
}

pub fn open(room: &Room) -> SharedSegment {
    SharedSegment::open_or_create(NAME, &plan(), &room.options()).expect("opening")
}

/// Which things a peer holds: one bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Held(u32);

/// The notepad's writer among them.
pub const PAD: u32 = 4;
/// Claimed ends and cursors.
const ENDS: u32 = 8;
const TAKES: [u32; 2] = [1 << 8, 1 << 9];
const SLEEPS: u32 = 1 << 10;

impl Held {
    pub const NOTHING: Held = Held(0);
    pub const ALL: Held = Held((1 << 11) - 1);
    #[cfg_attr(
        not(all(target_arch = "x86_64", target_os = "linux")),
        allow(dead_code)
    )]
    pub const ALL_BUT_PAD: Held = Held(Self::ALL.0 & !(1 << PAD));

    /// Gives everything to somebody, at random.
    pub fn dealt(among: usize, dice: &mut Dice) -> Vec<Held> {
        let mut hands = vec![Held::default(); among];
        for bit in 0..10 {
            // The last of so many hands is nobody's.
            if let Some(hand) = hands.get_mut(dice.below(among as u64 + 1) as usize) {
                hand.0 |= 1 << bit;
            }
        }
        hands.iter_mut().for_each(|hand| hand.0 |= SLEEPS);
        hands
    }

    pub fn to_word(self) -> String {
        self.0.to_string()
    }

    /// What a pass finds of peers that held these: in the order of the counters.
    pub fn expected(each: &[Held]) -> [u32; 5] {
        let count = |mask: u32| each.iter().map(|held| (held.0 & mask).count_ones()).sum();
        let ends = count((1 << ENDS) - 1);
        [each.len() as u32, ends, count(TAKES[1]), count(TAKES[0]), 0]
    }
}

type Kept = Box<dyn std::any::Any>;

/// Takes one end; the caller keeps what it gets.
fn take(me: &OwnedPeer, bit: u32) -> os::Result<Kept> {
    Ok(match bit {
        0 => Box::new(me.producer::<u64>("ticks")?),
        1 => Box::new(me.consumer::<u64>("ticks")?),
        2 => Box::new(me.byte_producer("log")?),
        3 => Box::new(me.byte_consumer("log")?),
        PAD => Box::new(me.notepad_writer::<u64>("pad")?),
        5 => Box::new(me.publisher::<u64>("mail")?),
        6 => Box::new(me.reliable_publisher::<u64>("sure")?),
        _ => Box::new(me.reliable_subscriber::<u64>("sure", Start::Oldest)?),
    })
}

/// Every end there is but this one; of the cursors both.
pub fn take_all(me: &OwnedPeer, but: Option<u32>) -> os::Result<Vec<Kept>> {
    let ends = (0..=ENDS).filter(|bit| Some(*bit) != but);
    ends.map(|bit| take(me, bit)).collect()
}

/// Joins once for each of its words, takes what they say, and stays; forks a child if somebody is named to end it.
pub fn holder() {
    let room = Room::parents();
    let segment = open(&room);
    let mut kept: Vec<Kept> = Vec::new();
    let hands = child::word(0);
    let hands = hands.split(',').map(|word| Held(word.parse().unwrap()));
    for held in hands {
        let me = segment.join().unwrap();
        for bit in (0..ENDS).filter(|bit| held.0 >> bit & 1 != 0) {
            kept.push(take(&me, bit).unwrap());
        }
        for (ring, _) in RINGS.iter().zip(TAKES).filter(|(_, bit)| held.0 & bit != 0) {
            let mut rx = me.receiver::<u64>(ring).unwrap();
            std::mem::forget(rx.try_take().expect("a message"));
            kept.push(Box::new(rx));
        }
        if held.0 & SLEEPS != 0 {
            let mut bells = Vec::new();
            // Whoever reads is not asked: sleeping at an end needs its bell, and any end of the ring has one.
            bells.extend(kept.iter().filter_map(|end| {
                let ticks = end.downcast_ref::<os::Consumer<u64>>();
                let log = end.downcast_ref::<os::ByteConsumer>();
                ticks.map(|rx| rx.bell()).or(log.map(|rx| rx.bell()))
            }));
            let mut waiter = me.waiter().unwrap();
            std::mem::forget(waiter.arm(&bells).unwrap());
            kept.push(Box::new(waiter));
        }
        kept.push(Box::new(me));
    }
    let page = Page::open(&room, "page");
    #[cfg(target_os = "linux")]
    if !child::word(1).is_empty() {
        crate::heirs::fork(&page);
    }
    page.add(READY, 1);
    loop {
        std::thread::park();
    }
}

/// A word of a channel, as the file has it.
pub fn word(room: &Room, segment: &SharedSegment, (channel, at): (&str, u64)) -> u32 {
    let mut entries = segment.entries();
    let entry = entries.find(|entry| &*entry.name == channel).unwrap();
    let file = std::fs::File::open(room.file(&format!("{NAME}.seg"))).unwrap();
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, entry.offset + at).unwrap();
    u32::from_ne_bytes(bytes)
}

/// Empties the rings. The first must have every message, the second all but those that were taken; then fill them again.
pub fn drained(me: &OwnedPeer) -> Result<(), String> {
    for (ring, least) in RINGS.into_iter().zip([MESSAGES, MESSAGES - 1]) {
        let mut rx = me
            .receiver::<u64>(ring)
            .map_err(|error| error.to_string())?;
        let mut got: Vec<u64> = std::iter::from_fn(|| rx.try_recv()).collect();
        got.sort_unstable();
        let twice = got.windows(2).any(|two| two[0] == two[1]);
        if (got.len() as u64) < least || got.len() as u64 > MESSAGES || twice {
            return Err(format!("{ring} had {got:?}"));
        }
        let mut tx = me.sender::<u64>(ring).map_err(|error| error.to_string())?;
        let room = (0..16).take_while(|n| tx.try_send(*n).is_ok()).count();
        if room != 16 {
            return Err(format!("{ring} has lost slots: {room} of 16 are there"));
        }
        while rx.try_recv().is_some() {}
    }
    Ok(())
}
