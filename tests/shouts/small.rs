//! The segment of the smaller tests.

use ringpad::Plan;
use ringpad::mailslot::reliable::{self, Reliable, Slow};
use ringpad::mailslot::{self, Mailslot};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{OwnedPeer, SharedSegment, Waiter};

use crate::common::page::Page;
use crate::common::room::Room;

pub const NAME: &str = "small";
/// Slots of each channel.
pub const SLOTS: u64 = 8;

/// Words of the smaller tests' page.
pub const READY: usize = 0;
pub const GO: usize = 1;
pub const COUNT: usize = 2;
pub const LOST: usize = 3;
pub const BEHIND: usize = 4;
pub const WHO: usize = 5;

pub fn open(room: &Room) -> SharedSegment {
    let slots = SLOTS as u32;
    let plan = Plan::<4>::new().peers(6).unwrap();
    let pad = notepad::Config::new().slots(slots);
    let plan = plan.channel::<Notepad<[u64; 8]>>("pad", &pad).unwrap();
    let mail = mailslot::Config::new(slots);
    let plan = plan.channel::<Mailslot<u64>>("mail", &mail).unwrap();
    let sure = reliable::Config::new(slots, 3);
    let plan = plan.channel::<Reliable<u64>>("sure", &sure).unwrap();
    let swift = sure.slow(Slow::Evict);
    let plan = plan.channel::<Reliable<u64>>("swift", &swift).unwrap();
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

/// What every child begins with.
pub fn join() -> (Room, Page, OwnedPeer) {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    page.set(WHO, me.id().get().into());
    (room, page, me)
}

/// A waiter that only a ring or a death can wake.
pub fn waiter(peer: &OwnedPeer) -> Waiter {
    peer.waiter().unwrap().without_tick()
}

/// Eight words that belong together: cheap to make, for there are many.
pub fn whole(n: u64) -> [u64; 8] {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    [
        n,
        !n,
        n ^ ODD,
        n ^ ODD << 1,
        n ^ ODD << 2,
        n ^ ODD << 3,
        n ^ ODD << 4,
        !n ^ ODD,
    ]
}

/// The number of a value, if it is whole.
pub fn number_of(value: &[u64; 8]) -> Option<u64> {
    (*value == whole(value[0])).then_some(value[0])
}

pub fn for_ever() -> ! {
    loop {
        std::thread::park();
    }
}
