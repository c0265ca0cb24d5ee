//! What clients and servers note down outside the segment, and whether it adds up.
//!
//! A client notes a number before it asks, and what became of it; of a message that nobody answers, that it was told. A server notes what
//! it was asked as soon as it knows. So what was told and never served went with a server that was killed; what was served twice, too.

use std::sync::atomic::Ordering;

use crate::common::page::{Page, WORDS};
use crate::common::room::Room;
use crate::message::{Message, message, parts, whole};

pub const CLIENTS: usize = 4;
pub const SERVERS: usize = 3;
/// Most numbers of one client: a bit each.
pub const MOST: u64 = WORDS as u64 * 64 - 1;

/// Words of the page.
pub mod at {
    /// The parent: 1 = clients stop, 2 = servers stop as soon as there is nothing.
    pub const STOP: usize = 0;
    /// What is wrong, each how often.
    pub const TORN: usize = 1;
    pub const NEVER: usize = 2;
    pub const ENDLESS: usize = 3;
    pub const UNTRUE: usize = 4;
    /// How calls ended.
    pub const READY: usize = 8;
    pub const DIED: usize = 9;
    pub const UNANSWERED: usize = 10;
    pub const TIMED_OUT: usize = 11;
    pub const CANCELLED: usize = 12;
    /// Of servers: how many requests, and how many that had been served before.
    pub const SERVED: usize = 13;
    pub const AGAIN: usize = 14;
    pub const LATE: usize = 15;
    /// Of each client.
    pub const BEGUN: usize = 64;
}

/// A bit for each number, for each client.
struct Bits(Vec<Page>);

impl Bits {
    fn of(page: impl Fn(usize) -> Page) -> Self {
        Self((0..CLIENTS).map(page).collect())
    }

    /// True if it was set before.
    fn set(&self, client: usize, number: u64) -> bool {
        let (word, bit) = (number as usize / 64, 1 << (number % 64));
        self.0[client].word(word).fetch_or(bit, Ordering::AcqRel) & bit != 0
    }

    fn has(&self, client: usize, number: u64) -> bool {
        self.0[client].get(number as usize / 64) & 1 << (number % 64) != 0
    }
}

pub struct Ledger {
    pub page: Page,
    told: Bits,
    served: Bits,
}

/// How the table serves, and how many servers were killed, each with at most one request in hand.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    pub idempotent: bool,
    pub killed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
#[allow(dead_code)] // to be printed
pub struct Sums {
    pub asked: u64,
    pub ready: u64,
    pub died: u64,
    pub unanswered: u64,
    pub timed_out: u64,
    pub cancelled: u64,
    pub served: u64,
    pub again: u64,
    pub late: u64,
    pub told: u64,
    pub missing: u64,
}

/// The reply to this.
pub fn answer(asked: &Message) -> Message {
    piece(asked, 0)
}

/// Part `which` of the reply to this, from 1.
pub fn piece(asked: &Message, which: u64) -> Message {
    let (client, number) = parts(asked[0]);
    message(100 * (1 + which as usize) + client, number)
}

impl Ledger {
    pub fn create(room: &Room) -> Self {
        let page = |what: &str, of| Page::create(room, &format!("{what}-{of}"));
        Self {
            page: Page::create(room, "page"),
            told: Bits::of(|of| page("told", of)),
            served: Bits::of(|of| page("served", of)),
        }
    }

    pub fn open(room: &Room) -> Self {
        let page = |what: &str, of| Page::open(room, &format!("{what}-{of}"));
        Self {
            page: Page::open(room, "page"),
            told: Bits::of(|of| page("told", of)),
            served: Bits::of(|of| page("served", of)),
        }
    }

    /// A message is on its way.
    pub fn told(&self, client: usize, number: u64) {
        self.told.set(client, number);
    }

    /// A server is asked this. Its number, if it was ever asked.
    pub fn serves(&self, asked: &Message) -> Option<u64> {
        let Some((client, number)) = whole(asked).map(parts) else {
            self.page.add(at::TORN, 1);
            return None;
        };
        if client >= CLIENTS || number > self.page.get(at::BEGUN + client) {
            self.page.add(at::NEVER, 1);
            return None;
        }
        self.page.add(at::SERVED, 1);
        if self.served.set(client, number) {
            self.page.add(at::AGAIN, 1);
        }
        Some(number)
    }

    /// This is the reply to that, says the table.
    pub fn replied(&self, asked: &Message, found: &Message, wanted: &Message) {
        if found != wanted {
            self.page.add(at::TORN, 1);
        }
        let (client, number) = parts(asked[0]);
        if !self.served.has(client, number) {
            self.page.add(at::UNTRUE, 1);
        }
    }

    pub fn moved(&self) -> [u64; 2] {
        [at::READY, at::SERVED].map(|word| self.page.get(word))
    }

    /// What is wrong already.
    pub fn wrong(&self) -> Result<(), String> {
        let wrong = [
            (at::TORN, "torn"),
            (at::NEVER, "never asked"),
            (at::ENDLESS, "without an end"),
            (at::UNTRUE, "that are not true"),
        ];
        for (word, what) in wrong {
            if self.page.get(word) != 0 {
                return Err(format!("{} {what}", self.page.get(word)));
            }
        }
        Ok(())
    }

    /// Nobody asks any more, and all that was told is served.
    pub fn settle(&self, terms: Terms) -> Result<Sums, String> {
        self.wrong()?;
        let get = |word| self.page.get(word);
        let mut sums = Sums {
            ready: get(at::READY),
            died: get(at::DIED),
            unanswered: get(at::UNANSWERED),
            timed_out: get(at::TIMED_OUT),
            cancelled: get(at::CANCELLED),
            served: get(at::SERVED),
            again: get(at::AGAIN),
            late: get(at::LATE),
            ..Sums::default()
        };
        for client in 0..CLIENTS {
            let begun = get(at::BEGUN + client);
            sums.asked += begun;
            for number in (1..=begun).filter(|number| self.told.has(client, *number)) {
                sums.told += 1;
                sums.missing += u64::from(!self.served.has(client, number));
            }
        }
        let Terms { idempotent, killed } = terms;
        // Either it comes again, or its caller is told, or it is gone.
        let (again, died) = match idempotent {
            true => (killed, 0),
            false => (0, killed),
        };
        let most = [
            (sums.again, again, "were served again"),
            (sums.died, died, "were told of a death"),
            (sums.missing, died, "lost: they were told and not served"),
        ];
        for (found, most, what) in most {
            if found > most {
                return Err(format!("{found} {what}, {most} may: {sums:?}"));
            }
        }
        Ok(sums)
    }
}

#[test]
fn control_the_ledger_takes_what_the_dead_had_and_nothing_else() {
    type Doctor = fn(&Ledger);
    fn serve(ledger: &Ledger, number: u64) {
        let _ = ledger.serves(&message(0, number));
    }
    let settled = |doctor: Doctor, idempotent, killed| {
        let room = Room::new("calls-control");
        let ledger = Ledger::create(&room);
        ledger.page.set(at::BEGUN, 10);
        (1..=9).for_each(|number| ledger.told(0, number));
        (1..=8).for_each(|number| serve(&ledger, number));
        doctor(&ledger);
        ledger.settle(Terms { idempotent, killed })
    };
    let nine: Doctor = |ledger| serve(ledger, 9);
    let twice: Doctor = |ledger| (8..=9).for_each(|number| serve(ledger, number));
    assert!(settled(nine, false, 0).is_ok() && settled(nine, true, 0).is_ok());
    assert!(settled(|_| (), false, 1).is_ok(), "it went with a server");
    assert!(settled(twice, true, 1).is_ok(), "a server died with it");
    let ill: [(Doctor, bool, &str); 7] = [
        (|_| (), true, "lost"),
        (twice, false, "served again"),
        (|ledger| serve(ledger, 11), false, "never asked"),
        (
            |ledger| {
                let _ = ledger.serves(&[7; 4]);
            },
            false,
            "torn",
        ),
        (
            |ledger| ledger.replied(&message(0, 8), &message(0, 8), &answer(&message(0, 8))),
            false,
            "torn",
        ),
        (
            |ledger| ledger.replied(&message(0, 9), &[0; 4], &[0; 4]),
            false,
            "not true",
        ),
        (|ledger| ledger.page.set(at::DIED, 2), false, "death"),
    ];
    for (doctor, idempotent, what) in ill {
        let why = settled(doctor, idempotent, 1).expect_err(what);
        assert!(why.contains(what), "{why}");
    }
}
