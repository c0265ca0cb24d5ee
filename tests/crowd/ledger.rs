//! What a crowd notes down outside the segment, and whether it adds up.
//!
//! A sender notes BEGUN before a call and RETURNED behind it; a killed one's numbers in between arrive or do not. A receiver notes how
//! many it may get by a call, or which one it holds by name, then each that it got, then that it is through. What it may have had in
//! hand when it was killed is collected by the parent: so many may be missing, that one may come again.

use std::collections::BTreeSet;

use crate::common::page::{Page, WORDS};
use crate::common::room::Room;
use crate::message::{Message, name, parts, whole};

pub const SENDERS: usize = 2;
pub const RECEIVERS: usize = 3;
/// Most messages of one call.
pub const BATCH: usize = 5;
/// Most messages of one sender: a bit each.
pub const MOST: u64 = WORDS as u64 * 64 - 1;

/// Words of the page.
pub mod at {
    /// The parent: 1 = senders stop, 2 = receivers see the last and stop.
    pub const STOP: usize = 0;
    /// What is wrong: how many, and the first of them.
    pub const TORN: usize = 1;
    pub const NEVER: usize = 2;
    /// Messages that came when they had come before: how many; which from `AGAINS` on.
    pub const AGAIN: usize = 3;
    /// How many messages of each sender there is room for, [`MOST`](super::MOST) at most.
    pub const ROOM: usize = 4;
    /// Of each sender.
    pub const BEGUN: usize = 8;
    pub const RETURNED: usize = 16;
    /// Of each receiver: how many it may get by the call it is in; which it holds; how many it got.
    pub const CALLING: usize = 24;
    pub const HOLDING: usize = 32;
    pub const GOT: usize = 40;
    pub const AGAINS: usize = 1024;
}

pub struct Ledger {
    pub page: Page,
    /// A bit for each message of a sender's that came.
    came: Vec<Page>,
}

/// What the killed may have taken with them.
#[derive(Default)]
pub struct Allowed {
    /// Numbers of a killed sender's one call.
    limbo: BTreeSet<u64>,
    /// How many killed receivers may have had in hand, for good.
    missing: u64,
    /// What they held by name.
    again: BTreeSet<u64>,
}

/// What came of a crowd.
#[derive(Debug, Default)]
pub struct Sums {
    pub sent: u64,
    pub came: u64,
    pub again: u64,
    pub limbo: u64,
    pub missing: u64,
}

impl Ledger {
    pub fn create(room: &Room) -> Self {
        let came = (0..SENDERS).map(|sender| Page::create(room, &format!("came-{sender}")));
        let came = came.collect();
        Self {
            page: Page::create(room, "page"),
            came,
        }
    }

    pub fn open(room: &Room) -> Self {
        let came = (0..SENDERS).map(|sender| Page::open(room, &format!("came-{sender}")));
        let came = came.collect();
        Self {
            page: Page::open(room, "page"),
            came,
        }
    }

    /// Whether what a sender may send by one call more can be noted down.
    pub fn has_room(&self, sender: usize) -> bool {
        self.page.get(at::BEGUN + sender) + BATCH as u64 <= self.page.get(at::ROOM)
    }

    /// A sender has no room left.
    pub fn is_full(&self) -> bool {
        (0..SENDERS).any(|sender| !self.has_room(sender))
    }

    /// No sender but these has room: nobody sends, however well the ring does.
    pub fn is_full_without(&self, these: &[usize]) -> bool {
        let others = |sender: &usize| !these.contains(sender);
        !(0..SENDERS)
            .filter(others)
            .any(|sender| self.has_room(sender))
    }

    fn bit(&self, sender: usize, number: u64) -> (usize, u64) {
        debug_assert!(sender < SENDERS && number <= MOST);
        (number as usize / 64, 1 << (number % 64))
    }

    pub fn has_come(&self, sender: usize, number: u64) -> bool {
        let (word, bit) = self.bit(sender, number);
        self.came[sender].get(word) & bit != 0
    }

    /// A receiver got this.
    pub fn got(&self, message: &Message) {
        let name = whole(message).map(|name| (name, parts(name)));
        let Some((name, (sender, number))) = name else {
            self.page.add(at::TORN, 1);
            return;
        };
        if sender >= SENDERS || number > self.page.get(at::BEGUN + sender) {
            self.page.add(at::NEVER, 1);
            return;
        }
        let (word, bit) = self.bit(sender, number);
        let before = self.came[sender]
            .word(word)
            .fetch_or(bit, std::sync::atomic::Ordering::AcqRel);
        if before & bit != 0 {
            let count = self.page.add(at::AGAIN, 1);
            self.page.set(
                at::AGAINS + (count as usize).min(WORDS - at::AGAINS - 1),
                name,
            );
        }
    }

    /// A sender is dead: what it had begun and not finished may come or not. Its next life goes on behind that.
    pub fn bury_sender(&self, sender: usize, allowed: &mut Allowed) {
        let (returned, begun) = (at::RETURNED + sender, at::BEGUN + sender);
        let begun = self.page.get(begun);
        let limbo = self.page.get(returned) + 1..=begun;
        allowed
            .limbo
            .extend(limbo.map(|number| name(sender, number)));
        self.page.set(returned, begun);
    }

    pub fn bury_receiver(&self, receiver: usize, allowed: &mut Allowed) {
        allowed.missing += self.page.get(at::CALLING + receiver);
        let holding = self.page.get(at::HOLDING + receiver);
        allowed.again.extend((holding != 0).then_some(holding));
        self.page.set(at::CALLING + receiver, 0);
        self.page.set(at::HOLDING + receiver, 0);
    }

    pub fn sum(&self, of: usize, count: usize) -> u64 {
        (0..count).map(|index| self.page.get(of + index)).sum()
    }

    /// Nobody sends any more, and nothing is left in the ring.
    pub fn settle(&self, allowed: &Allowed) -> Result<Sums, String> {
        for (word, what) in [(at::TORN, "torn"), (at::NEVER, "never sent")] {
            if self.page.get(word) != 0 {
                return Err(format!("{} {what}", self.page.get(word)));
            }
        }
        let mut sums = Sums {
            again: self.page.get(at::AGAIN),
            ..Sums::default()
        };
        for index in 0..sums.again as usize {
            let name = self.page.get(at::AGAINS + index);
            if !allowed.again.contains(&name) {
                return Err(format!("{name:x} came again, and nobody died holding it"));
            }
        }
        let mut first = None;
        for sender in 0..SENDERS {
            for number in 1..=self.page.get(at::BEGUN + sender) {
                sums.sent += 1;
                if self.has_come(sender, number) {
                    sums.came += 1;
                } else if allowed.limbo.contains(&name(sender, number)) {
                    sums.limbo += 1;
                } else {
                    sums.missing += 1;
                    first.get_or_insert((sender, number));
                }
            }
        }
        if sums.missing > allowed.missing {
            let most = allowed.missing;
            return Err(format!(
                "lost: {sums:?}, {most} may be missing; first {first:?}"
            ));
        }
        Ok(sums)
    }
}
