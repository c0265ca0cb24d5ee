//! What the consumers of one channel have received, kept outside the crate so that it survives each of them.
//!
//! The rules: a message is whole, lies where its producer put it, follows the one before it; comes again only if its
//! consumer died before giving it back; is missing only if its consumer died inside the call that gave it back; and of
//! each producer at least as many arrive as it was told are committed.

use crate::common::page::Page;

use super::message;

/// Words of the page. The producers' words first.
pub mod at {
    /// The parent: 1 = stop producing, 2 = drain and stop.
    pub const STOP: usize = 0;
    /// Messages after which a role kills itself: the producer's, the consumer's.
    pub const STEPS: [usize; 2] = [1, 2];
    /// How often a role got something done.
    pub const PROGRESS: [usize; 2] = [3, 4];
    pub const REDELIVERED: usize = 5;
    pub const SKIPPED: usize = 6;
    pub(super) const CURRENT: usize = 8;
    /// Two snapshots of 8 words: one is always whole.
    pub(super) const SNAPSHOTS: usize = 16;
    /// The last 256 messages: position and CRC.
    pub(super) const SEEN: usize = 64;
    /// Messages that the producer of each life was told are committed.
    pub const COMMITTED: usize = 1024;
}

const SEEN: u64 = 256;

/// How far a dead consumer's successor may find the ring from what was recorded, in messages.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Taken and recorded, not yet given back: these come again.
    pub behind: u32,
    /// Given back inside a call that did not return: these were never recorded.
    pub ahead: u32,
    /// Most messages that a producer commits at once.
    pub unit: u32,
    /// Most that the ring's positions advance by for one message.
    pub stride: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Snapshot {
    position: u32,
    life: u32,
    n: u32,
    fresh: u64,
    /// As many of the next messages may be missing: dying consumers swallowed them, one or several in a row.
    gap: u32,
}

pub struct Ledger<'p> {
    page: &'p Page,
    rule: Rule,
    now: Snapshot,
    again: u32,
}

impl<'p> Ledger<'p> {
    /// Goes on where the last consumer's record ends; the ring says that it stands `at`.
    pub fn resume(page: &'p Page, rule: Rule, at: u32) -> Result<Self, String> {
        let place = at::SNAPSHOTS + 8 * (page.get(at::CURRENT) as usize % 2);
        let mut now = Snapshot {
            position: page.get(place) as u32,
            life: page.get(place + 1) as u32,
            n: page.get(place + 2) as u32,
            fresh: page.get(place + 3),
            gap: page.get(place + 4) as u32,
        };
        let distance = at.wrapping_sub(now.position) as i32;
        let most = rule.stride as i32;
        if distance > rule.ahead as i32 * most || -distance > rule.behind as i32 * most {
            return Err(format!(
                "the ring stands {distance} from the record {now:?}"
            ));
        }
        let swallowed = distance > 0;
        if swallowed {
            now.position = at;
            now.gap += rule.ahead;
        }
        let ledger = Self {
            page,
            rule,
            now,
            again: 0,
        };
        if swallowed {
            // This consumer too may die before it records a message: the next one counts from here.
            ledger.keep();
        }
        Ok(ledger)
    }

    /// Checks the message that the ring gave `at` its position, whose end is `next`.
    pub fn accept(&mut self, at: u32, bytes: &[u8], next: u32) -> Result<(), String> {
        let found = message::read(bytes).map_err(|why| format!("at {at}: {why}"))?;
        if found.position != at {
            return Err(format!("at {at}: out of place, {found:?}"));
        }
        if (at.wrapping_sub(self.now.position) as i32) < 0 {
            return self.accept_again(at, found.crc);
        }
        if at != self.now.position {
            let want = self.now.position;
            return Err(format!("lost: wanted {want}, found {found:?}"));
        }
        self.follow(&found)?;
        let entry = at::SEEN + (self.now.fresh % SEEN) as usize;
        let seen = u64::from(at) << 32 | u64::from(found.crc);
        self.page.set(entry, seen);
        self.now = Snapshot {
            position: next,
            life: found.life,
            n: found.n + 1,
            fresh: self.now.fresh + 1,
            gap: 0,
        };
        Ok(())
    }

    fn accept_again(&mut self, at: u32, crc: u32) -> Result<(), String> {
        let same = u64::from(at) << 32 | u64::from(crc);
        if !(0..SEEN as usize).any(|entry| self.page.get(at::SEEN + entry) == same) {
            return Err(format!("at {at}: redelivered, but not what came before"));
        }
        self.again += 1;
        if self.again > self.rule.behind {
            return Err(format!("{} messages came again", self.again));
        }
        self.page.add(at::REDELIVERED, 1);
        Ok(())
    }

    /// Checks that a message comes next after those recorded.
    fn follow(&mut self, found: &message::Message) -> Result<(), String> {
        let (life, n, slack) = (self.now.life, self.now.n, self.now.gap);
        let mut skipped = 0;
        if found.life == life {
            if found.n < n || found.n > n + slack {
                return Err(format!(
                    "out of order: wanted {n} of {life}, found {found:?}"
                ));
            }
            skipped += found.n - n;
        } else if found.life > life {
            for gone in life..found.life {
                let had = if gone == life { n } else { 0 };
                skipped += self.ended(gone, had, slack)?;
            }
            skipped += found.n;
            if found.n > slack {
                return Err(format!("lost: the first {} of {}", found.n, found.life));
            }
        } else {
            return Err(format!("an earlier life: wanted {life}, found {found:?}"));
        }
        self.page.add(at::SKIPPED, u64::from(skipped.min(slack)));
        Ok(())
    }

    /// A producer's life is over and `had` of its messages came: were all that it had been promised?
    fn ended(&self, life: u32, had: u32, slack: u32) -> Result<u32, String> {
        let promised = self.page.get(at::COMMITTED + life as usize) as u32;
        if had + slack < promised || had > promised + self.rule.unit {
            return Err(format!("life {life} committed {promised}, {had} came"));
        }
        Ok(promised.saturating_sub(had))
    }

    /// Keeps what was accepted, in one store: to be done before it is given back.
    pub fn record(&mut self) {
        self.keep();
        self.page.add(at::PROGRESS[1], 1);
    }

    fn keep(&self) {
        let other = (self.page.get(at::CURRENT) + 1) % 2;
        let place = at::SNAPSHOTS + 8 * other as usize;
        self.page.set(place, self.now.position.into());
        self.page.set(place + 1, self.now.life.into());
        self.page.set(place + 2, self.now.n.into());
        self.page.set(place + 3, self.now.fresh);
        self.page.set(place + 4, self.now.gap.into());
        self.page.set(at::CURRENT, other);
    }

    pub fn fresh(&self) -> u64 {
        self.now.fresh
    }

    /// After the last producer stopped in good order and the ring is empty.
    pub fn finish(&self, last_life: u32) -> Result<(), String> {
        for life in self.now.life..=last_life {
            let had = if life == self.now.life { self.now.n } else { 0 };
            self.ended(life, had, self.now.gap)?;
        }
        Ok(())
    }
}
