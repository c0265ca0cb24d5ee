//! What a reader or a subscriber may get, given what the writers wrote down outside the crate.
//!
//! Before a write its number is BEGUN, after its return it is COMMITTED. Whoever reads looks at COMMITTED before and at BEGUN after:
//! nothing older than the one, nothing newer than the other, and nothing of a life that had ended before that number.

use crate::common::page::Page;

use super::value::Said;

/// Words of the page; 0 and 1 are those of the sweep's steps.
pub mod at {
    /// The parent: 1 = writers stop, 2 = readers see the last and stop.
    pub const STOP: usize = 0;
    /// How often the writer (0) and each reader got something done.
    pub const PROGRESS: usize = 8;
    pub const BEGUN: usize = 16;
    pub const COMMITTED: usize = 17;
    /// What readers counted together.
    pub const READS: usize = 24;
    pub const LAPPED: usize = 25;
    pub const LOST: usize = 26;
    pub const EMPTY: usize = 27;
    /// The number that each reader got last.
    pub const LAST: usize = 32;
    /// The first number of each life.
    pub const FIRST: usize = 1024;
}

/// What a turn brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// The latest value, and its version if that counts writes.
    Note(Said, Option<u32>),
    /// The next message, and its number.
    Mail(Said, u64),
    /// So many are gone.
    Lapped(u64),
    /// Overwritten meanwhile.
    Again,
    Nothing,
    Evicted,
}

/// What kind of reader it is held to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Newest value only; of so many slots, if it can be lapped.
    Latest(Option<u64>),
    /// Every message, or how many are lost; of so many slots.
    Each(u64),
    /// Every message.
    All,
}

pub struct Ledger<'p> {
    page: &'p Page,
    rule: Rule,
    /// The number that is due, or the least that may come.
    pub next: u64,
    start: u64,
    delivered: u64,
    lost: u64,
    /// Last, for the life that may have ended since.
    last: Option<(u32, u64)>,
}

impl<'p> Ledger<'p> {
    pub fn new(page: &'p Page, rule: Rule, next: u64) -> Self {
        Self {
            page,
            rule,
            next,
            start: next,
            delivered: 0,
            lost: 0,
            last: None,
        }
    }

    /// Before a turn: what must be visible.
    pub fn before(&self) -> u64 {
        self.page.get(at::COMMITTED)
    }

    /// After a turn that began with `low`: is this what could come? True if it was something.
    pub fn after(&mut self, low: u64, got: Got) -> Result<bool, String> {
        let high = self.page.get(at::BEGUN);
        let due = self.next;
        let wrong = |what: &str| {
            Err(format!(
                "{what}: {got:?}, due {due}, {low} committed before and {high} begun"
            ))
        };
        match (self.rule, got) {
            (Rule::Latest(_), Got::Note(said, version)) => {
                let number = whole(said, low);
                if number < low {
                    return wrong("older than what was committed");
                }
                if number < self.next {
                    return wrong("older than before");
                }
                if number > high {
                    return wrong("never begun");
                }
                if version.is_some_and(|version| version != number as u32 & u32::MAX >> 1) {
                    return wrong("another version");
                }
                self.of_its_life(said, number)?;
                self.next = number;
                self.count(at::READS, 1);
            }
            (Rule::Latest(_), Got::Nothing) if low > 0 || self.next > 0 => {
                return wrong("lost");
            }
            (Rule::Latest(Some(slots)), Got::Again) => {
                if high < low + slots {
                    return wrong("nobody lapped it");
                }
                self.count(at::LAPPED, 1);
                return Ok(false);
            }
            (Rule::Each(_) | Rule::All, Got::Mail(said, sequence)) => {
                if sequence != self.next {
                    return wrong("a gap, or one again");
                }
                if whole(said, sequence) != sequence {
                    return wrong("another message");
                }
                if sequence > high {
                    return wrong("never begun");
                }
                self.of_its_life(said, sequence)?;
                self.next += 1;
                self.delivered += 1;
                self.count(at::READS, 1);
            }
            (Rule::Each(capacity), Got::Lapped(lost)) => {
                if lost == 0 || high < self.next + capacity {
                    return wrong("nobody lapped it");
                }
                if self.next + lost > high {
                    return wrong("more lost than there were");
                }
                self.next += lost;
                self.lost += lost;
                self.count(at::LAPPED, 1);
                self.count(at::LOST, lost);
            }
            (Rule::Each(_) | Rule::All, Got::Nothing) if low >= self.next => {
                return wrong("lost");
            }
            (_, Got::Nothing) => {
                self.count(at::EMPTY, 1);
                return Ok(false);
            }
            _ => return wrong("out of place"),
        }
        if !matches!(self.rule, Rule::Latest(_))
            && self.next != self.start + self.delivered + self.lost
        {
            return wrong("delivered and lost are not all");
        }
        Ok(true)
    }

    /// Did the life whose value this is write that number, or end before?
    fn of_its_life(&mut self, said: Said, number: u64) -> Result<(), String> {
        let last = self.last;
        if let Some(life) = said.life {
            self.last = Some((life, number));
        }
        for (life, number) in [last, self.last].into_iter().flatten() {
            let word = |life: u32| self.page.get(at::FIRST + life as usize);
            let (first, next) = (word(life), word(life + 1));
            if first == 0 || number < first || (next != 0 && number >= next) {
                return Err(format!(
                    "never committed: {number} of life {life}, which had {first}..{next}"
                ));
            }
        }
        Ok(())
    }

    fn count(&self, word: usize, by: u64) {
        self.page.add(word, by);
    }

    /// After the last writer stopped in good order and nothing more came.
    pub fn finish(&self) -> Result<(), String> {
        let committed = self.page.get(at::COMMITTED);
        let seen = match self.rule {
            Rule::Latest(_) => self.next,
            _ => self.next - 1,
        };
        if seen == committed {
            return Ok(());
        }
        Err(format!("at the end {seen} of {committed}"))
    }
}

/// The number whose low bits a value says, at least `low` if it can be.
fn whole(said: Said, low: u64) -> u64 {
    if said.bits == 64 {
        return said.number;
    }
    let mask = (1 << said.bits) - 1;
    let ahead = said.number.wrapping_sub(low) & mask;
    // More than half the range ahead is behind.
    if ahead > mask / 2 {
        return (low + ahead).saturating_sub(mask + 1);
    }
    low + ahead
}
