//! What a cast notes down outside the segment, and whether it adds up.
//!
//! A publisher notes a number before it publishes, then each receiver to whom its ticket was sent, then that it is through. A receiver notes
//! what it has in hand before it removes the ticket. So what was sent and never came is lost; what came and was never noted as sent
//! was in the hands of a publisher that was killed; what came again was in those of a receiver.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use crate::common::page::{Page, WORDS};
use crate::common::room::Room;
use crate::picture::{name, parts};

pub const RECEIVERS: usize = 2;
/// Most numbers of one publisher: a bit each.
pub const MOST: u64 = WORDS as u64 * 64 - 1;

/// Words of the page.
pub mod at {
    /// The parent: 1 = publishers and viewers stop, 2 = receivers see the last and stop.
    pub const STOP: usize = 0;
    /// What is wrong, each how often.
    pub const TORN: usize = 1;
    pub const NEVER: usize = 2;
    pub const DISORDER: usize = 3;
    pub const REFUSED: usize = 4;
    /// Not wrong: what came again, what was too late to be looked at, what was taken back.
    pub const AGAIN: usize = 5;
    pub const STALE: usize = 6;
    pub const RECALLED: usize = 7;
    /// Of all of a role: how many they published, looked at, took.
    pub const MOVED: [usize; 3] = [8, 9, 10];
    /// Of each publisher.
    pub const BEGUN: usize = 64;
    pub const RETURNED: usize = 128;
    /// Of each publisher and receiver: the last that was taken.
    pub const LAST: usize = 256;
}

/// Bits of numbers, for each publisher and receiver.
struct Bits(Vec<Page>);

impl Bits {
    fn of(publishers: usize, page: impl Fn(usize) -> Page) -> Self {
        Self((0..publishers * RECEIVERS).map(page).collect())
    }

    fn set(&self, of: usize, number: u64) {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        self.0[of].word(word).fetch_or(bit, Ordering::AcqRel);
    }

    fn has(&self, of: usize, number: u64) -> bool {
        self.0[of].get(number as usize / 64) & 1 << (number % 64) != 0
    }
}

pub struct Ledger {
    pub page: Page,
    publishers: usize,
    sent: Bits,
    came: Bits,
}

/// What the killed may have done and not noted.
#[derive(Default)]
pub struct Allowed {
    limbo: BTreeSet<u64>,
    /// Receivers that were killed: each may have had one in hand.
    pub again: u64,
}

/// What came of a cast.
#[derive(Debug, Default)]
pub struct Sums {
    pub published: u64,
    pub viewed: u64,
    pub stale: u64,
    pub sent: u64,
    pub came: u64,
    pub again: u64,
    pub limbo: u64,
    pub recalled: u64,
}

/// Which pair.
fn pair(publisher: usize, receiver: usize) -> usize {
    publisher * RECEIVERS + receiver
}

impl Ledger {
    pub fn create(room: &Room, publishers: usize) -> Self {
        let page = |what: &str, of| Page::create(room, &format!("{what}-{of}"));
        Self {
            page: Page::create(room, "page"),
            publishers,
            sent: Bits::of(publishers, |of| page("sent", of)),
            came: Bits::of(publishers, |of| page("came", of)),
        }
    }

    pub fn open(room: &Room, publishers: usize) -> Self {
        let page = |what: &str, of| Page::open(room, &format!("{what}-{of}"));
        Self {
            page: Page::open(room, "page"),
            publishers,
            sent: Bits::of(publishers, |of| page("sent", of)),
            came: Bits::of(publishers, |of| page("came", of)),
        }
    }

    /// The ticket of this number is in the receiver's ring.
    pub fn sent(&self, publisher: usize, receiver: usize, number: u64) {
        self.sent.set(pair(publisher, receiver), number);
    }

    /// What a viewer sees, by this publisher's ticket; the number, if it is one of its.
    pub fn saw(&self, publisher: usize, found: Option<u64>) -> Option<u64> {
        let Some((whose, number)) = found.map(parts) else {
            self.page.add(at::TORN, 1);
            return None;
        };
        if whose != publisher || number > self.page.get(at::BEGUN + publisher) {
            self.page.add(at::NEVER, 1);
            return None;
        }
        Some(number)
    }

    /// A receiver has this in hand. `first`: of this life, from this publisher.
    pub fn got(&self, publisher: usize, receiver: usize, found: Option<u64>, first: bool) {
        let Some(number) = self.saw(publisher, found) else {
            return;
        };
        let of = pair(publisher, receiver);
        let last = self.page.get(at::LAST + of);
        if number < last || number == last && !first {
            self.page.add(at::DISORDER, 1);
        } else if number == last {
            self.page.add(at::AGAIN, 1);
        }
        self.page.set(at::LAST + of, number);
        self.came.set(of, number);
        self.page.add(at::MOVED[2], 1);
    }

    /// A publisher is dead: of what it had begun and not finished any may have been sent.
    pub fn bury_publisher(&self, publisher: usize, allowed: &mut Allowed) {
        let (returned, begun) = (at::RETURNED + publisher, at::BEGUN + publisher);
        let begun = self.page.get(begun);
        let limbo = self.page.get(returned) + 1..=begun;
        let names = limbo.map(|number| name(publisher, number));
        allowed.limbo.extend(names);
        self.page.set(returned, begun);
    }

    pub fn moved(&self) -> [u64; 3] {
        at::MOVED.map(|word| self.page.get(word))
    }

    /// What is wrong already.
    pub fn wrong(&self) -> Result<(), String> {
        let wrong = [
            (at::TORN, "torn"),
            (at::NEVER, "never published"),
            (at::DISORDER, "out of order"),
            (at::REFUSED, "refused"),
        ];
        for (word, what) in wrong {
            if self.page.get(word) != 0 {
                return Err(format!("{} {what}", self.page.get(word)));
            }
        }
        Ok(())
    }

    /// Nobody publishes any more, and nothing is left in the rings.
    pub fn settle(&self, allowed: &Allowed) -> Result<Sums, String> {
        self.wrong()?;
        let [published, viewed, _] = self.moved();
        let mut sums = Sums {
            published,
            viewed,
            stale: self.page.get(at::STALE),
            again: self.page.get(at::AGAIN),
            recalled: self.page.get(at::RECALLED),
            ..Sums::default()
        };
        if sums.again > allowed.again {
            return Err(format!("{sums:?} came again, {} may", allowed.again));
        }
        for publisher in 0..self.publishers {
            for number in 1..=self.page.get(at::BEGUN + publisher) {
                for receiver in 0..RECEIVERS {
                    let of = pair(publisher, receiver);
                    let (sent, came) = (self.sent.has(of, number), self.came.has(of, number));
                    sums.sent += u64::from(sent);
                    sums.came += u64::from(came);
                    let which = (publisher, number, receiver);
                    if sent && !came {
                        return Err(format!("lost: {which:?}"));
                    }
                    if came && !sent {
                        sums.limbo += 1;
                        if !allowed.limbo.contains(&name(publisher, number)) {
                            return Err(format!("came and never was sent: {which:?}"));
                        }
                    }
                }
            }
        }
        Ok(sums)
    }
}

#[test]
fn control_the_ledger_takes_what_the_dead_had_and_nothing_else() {
    type Doctor = fn(&Ledger);
    let settled = |doctor: Doctor, again| {
        let room = Room::new("frames-control");
        let ledger = Ledger::create(&room, 2);
        ledger.page.set(at::BEGUN, 10);
        ledger.page.set(at::RETURNED, 9);
        let mut allowed = Allowed::default();
        ledger.bury_publisher(0, &mut allowed);
        allowed.again = again;
        (1..=9).for_each(|number| ledger.sent(0, 1, number));
        (1..=8).for_each(|number| ledger.got(0, 1, Some(name(0, number)), false));
        doctor(&ledger);
        ledger.settle(&allowed)
    };
    let nine = |ledger: &Ledger| ledger.got(0, 1, Some(name(0, 9)), false);
    let well: [Doctor; 3] = [
        nine,
        |ledger| {
            // Begun, and sent after all; and in a dead one's hands.
            (8..=10).for_each(|number| ledger.got(0, 1, Some(name(0, number)), true));
        },
        |ledger| {
            ledger.got(0, 1, Some(name(0, 9)), false);
            ledger.got(0, 1, Some(name(0, 9)), true);
        },
    ];
    for doctor in well {
        assert!(settled(doctor, 1).is_ok());
    }
    assert!(settled(well[2], 0).is_err_and(|why| why.contains("again")));
    let ill: [(Doctor, &str); 6] = [
        (|_| (), "lost"),
        (|ledger| ledger.got(0, 1, None, false), "torn"),
        (
            |ledger| ledger.got(0, 1, Some(name(0, 11)), false),
            "never published",
        ),
        (
            |ledger| ledger.got(0, 1, Some(name(1, 1)), false),
            "never published",
        ),
        (
            |ledger| ledger.got(0, 1, Some(name(0, 8)), false),
            "out of order",
        ),
        (
            |ledger| {
                ledger.got(0, 0, Some(name(0, 9)), false);
                ledger.got(0, 1, Some(name(0, 9)), false);
            },
            "never was sent",
        ),
    ];
    for (doctor, what) in ill {
        let why = settled(doctor, 1).expect_err(what);
        assert!(why.contains(what), "{why}");
    }
}
