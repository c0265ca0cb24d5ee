//! A segment with a channel of each kind that has something to hold, and parties that hold it.

use ringpad::lock::{self, Locked};
use ringpad::mailslot::{self, Mailslot, reliable};
use ringpad::mpmc::{self, Delivery, Mpmc};
use ringpad::notepad::{self, Notepad};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Identity, Peer, Plan, Result, Segment};

use super::message::Message;
use super::rings;
use super::stage::{PARTIES, SLOTS, World};

/// Places of every ring but that of many.
pub const PLACES: u32 = 4;
/// Where a party's identity begins.
const PIDS: u32 = 0x5151_0000;
/// Bytes of a row.
const ROW: usize = 128;

/// All there is.
pub struct Estate {
    pub world: World,
    pub segment: Segment<'static>,
    pub peers: [&'static Peer<'static>; PARTIES],
    pub spsc: Spsc<'static, Message>,
    pub pad: Notepad<'static, Message>,
    /// Only where it is wanted: a reaper looks at each channel, at the cost of many steps.
    pub mail: Option<Mailslot<'static, Message>>,
    pub rely: reliable::Reliable<'static, Message>,
    pub lock: Locked<'static, Message>,
    pub ring: Mpmc<'static, Message>,
}

fn plan(delivery: Delivery, mail: bool) -> Result<Plan<6>> {
    let ring = mpmc::Config::new(SLOTS as u32).delivery(delivery);
    let plan = Plan::new()
        .peers(PARTIES as u32)?
        .channel::<Spsc<'_, Message>>("spsc", &spsc::Config::new(PLACES))?
        .channel::<Notepad<'_, Message>>("pad", &notepad::Config::new())?
        .channel::<reliable::Reliable<'_, Message>>("rely", &reliable::Config::new(PLACES, 1))?
        .channel::<Locked<'_, Message>>("lock", &lock::Config::new())?
        .channel::<Mpmc<'_, Message>>("ring", &ring)?;
    match mail {
        true => plan.channel::<Mailslot<'_, Message>>("mail", &mailslot::Config::new(PLACES)),
        false => Ok(plan),
    }
}

/// A world with room for it.
pub fn world() -> World {
    let plan = plan(Delivery::AtLeastOnce, true).expect("a plan");
    World::new(plan.layout().expect("a layout").size())
}

impl Estate {
    /// Everything new, everybody joined: party `n` in row `n + 1`, and no row left.
    pub fn new(world: World, delivery: Delivery, mail: bool) -> Self {
        let segment = rings::segment(&world, &plan(delivery, mail).expect("a plan"));
        fn open<C: Channel<'static>>(segment: &Segment<'static>, name: &str) -> C {
            segment.open(name).expect("a channel")
        }
        let peers = std::array::from_fn(|who| {
            let identity = Identity {
                pid: PIDS + who as u32,
                ..Identity::default()
            };
            let peer = segment.join(&identity, world.oracle).expect("a row");
            // Never left: the next run clears the table under it.
            &*Box::leak(Box::new(peer))
        });
        Self {
            world,
            peers,
            spsc: open(&segment, "spsc"),
            pad: open(&segment, "pad"),
            mail: mail.then(|| open(&segment, "mail")),
            rely: open(&segment, "rely"),
            lock: open(&segment, "lock"),
            ring: open(&segment, "ring"),
            segment,
        }
    }

    /// Joins in a row that somebody else had before.
    pub fn join(&self) -> Option<Peer<'static>> {
        let identity = Identity::default();
        let peer = self.segment.join(&identity, self.world.oracle).ok()?;
        self.world.notes.declare_alive(peer.id().get() as usize - 1);
        Some(peer)
    }

    /// The words that this changes, as they were before.
    pub fn words_of(&self, what: impl FnOnce()) -> Vec<(usize, u64)> {
        let memory = self.world.memory;
        let words = || (0..memory.len() / 8).map(|word| memory.get(word));
        let before: Vec<u64> = words().collect();
        what();
        let found = before.into_iter().zip(words()).enumerate();
        found
            .filter(|(_, (old, new))| old != new)
            .map(|(word, (old, _))| (word, old))
            .collect()
    }

    /// The word with the state of a party's row.
    pub fn row(&self, party: usize) -> usize {
        let memory = self.world.memory;
        (0..memory.len())
            .step_by(ROW)
            .map(|base| base / 8)
            .find(|word| memory.get(word + 1) >> 32 == u64::from(PIDS) + party as u64)
            .expect("the row of who has joined")
    }
}
