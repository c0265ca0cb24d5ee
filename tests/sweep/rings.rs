//! The swept ring, in a segment of the core's.

use std::fmt;

use ringpad::mpmc::{Config, Delivery, Mpmc, Receiver, Recovery, Sender};
use ringpad::{Identity, Peer, Plan, Region, Segment};

use super::message::Message;
use super::stage::{End, Hands, PARTIES, SLOTS, World};

/// Looks at what stands in the way: few, since each is many steps.
const LOOKS: u32 = 2;

/// How the ring recovers, and what becomes of what the dead had taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    pub recovery: Recovery,
    pub delivery: Delivery,
}

pub const MODES: [Mode; 4] = [
    Mode::of(Recovery::Revoke, Delivery::AtLeastOnce),
    Mode::of(Recovery::Revoke, Delivery::AtMostOnce),
    Mode::of(Recovery::ProofOnly, Delivery::AtLeastOnce),
    Mode::of(Recovery::ProofOnly, Delivery::AtMostOnce),
];

impl Mode {
    const fn of(recovery: Recovery, delivery: Delivery) -> Self {
        Self { recovery, delivery }
    }

    pub fn revokes(self) -> bool {
        self.recovery == Recovery::Revoke
    }

    pub fn again(self) -> bool {
        self.delivery == Delivery::AtLeastOnce
    }

    pub fn plan(self) -> Plan<1> {
        let config = Config::new(SLOTS as u32)
            .recovery(self.recovery)
            .delivery(self.delivery);
        let plan = Plan::new().channel::<Mpmc<Message>>("ring", &config);
        plan.expect("a plan")
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { recovery, delivery } = self;
        f.pad(&format!("{recovery:?} {delivery:?}"))
    }
}

/// Both ends of a party's.
pub struct Both {
    pub tx: Sender<'static, Message>,
    pub rx: Receiver<'static, Message>,
}

impl End for Both {
    fn send(&mut self, messages: &[Message]) -> usize {
        match messages {
            [one] => usize::from(self.tx.try_send(*one).is_ok()),
            several => self.tx.try_send_slice(several),
        }
    }

    fn recv(&mut self, into: &mut [Message]) -> usize {
        if let [one] = into {
            let found = self.rx.try_recv();
            found.into_iter().for_each(|message| *one = message);
            return found.is_some().into();
        }
        self.rx.try_recv_slice(into)
    }

    fn take(&mut self) -> Option<(Message, Option<u64>)> {
        let taken = self.rx.try_take()?;
        let sequence = taken.sequence();
        Some((taken.acknowledge(), Some(sequence)))
    }
}

/// A world with room for a segment of this plan.
pub fn world() -> World {
    World::new(MODES[0].plan().layout().expect("a layout").size())
}

/// The segment in cleared memory.
pub fn segment<const N: usize>(world: &World, plan: &Plan<N>) -> Segment<'static> {
    world.clear();
    // SAFETY: mapped for ever and page aligned; only this segment's users touch it while it is there.
    let region = unsafe { Region::new(world.memory.as_ptr(), world.memory.len()) };
    Segment::init(region.expect("a region"), plan).expect("a segment")
}

/// An empty ring, and all parties at it.
pub fn begin(world: &World, mode: Mode) -> Vec<Hands<Both>> {
    let segment = segment(world, &mode.plan());
    let join = |who| {
        let peer = segment
            .join(&Identity::default(), world.oracle)
            .expect("a row");
        // Never left: the next run clears the table under it.
        let peer: &'static Peer<'static> = Box::leak(Box::new(peer));
        let ring: Mpmc<'static, Message> = segment.open("ring").expect("the ring");
        let tx = ring.sender(peer).expect("an end").with_patience(LOOKS);
        let rx = ring.receiver(peer).expect("an end").with_patience(LOOKS);
        world.hands(who, Both { tx, rx })
    };
    (0..PARTIES).map(join).collect()
}
