//! The interrupt: it writes to main at whatever instruction main is, and reads what main is just writing.

use ringpad::mailslot::Next;

use crate::channels::{Listener, TickSends};
use crate::place::Place;
use crate::spoil::Spoil;
use crate::values::{Wrong, fill, item, number, record_len};

/// What SysTick has.
pub(crate) struct Tick {
    ends: TickSends,
    heard: Listener,
    spoil: Spoil,
    next_item: u32,
    next_record: u32,
    ticks: u32,
    last_note: u32,
    last_mail: u64,
    dice: u32,
}

impl Tick {
    pub(crate) fn new(ends: TickSends, heard: Listener, spoil: Spoil) -> Self {
        Self {
            ends,
            heard,
            spoil,
            next_item: 0,
            next_record: 0,
            ticks: 0,
            last_note: 0,
            last_mail: 0,
            dice: 0x2545_f491,
        }
    }

    fn spoils(&self, what: Spoil, number: u32) -> u32 {
        (self.spoil == what && number == Spoil::AT).into()
    }

    /// One note or mail alone might never be looked at.
    fn spoils_for_long(&self, what: Spoil) -> u32 {
        (self.spoil == what && (Spoil::AT..Spoil::AT + 64).contains(&self.ticks)).into()
    }

    /// One tick's work. Answers a number that nobody foretells.
    pub(crate) fn work(&mut self) -> Result<u32, Wrong> {
        Place::tick();
        self.ticks += 1;
        self.send_item();
        self.send_record()?;
        let mut note = item(self.ticks);
        note[3] ^= self.spoils_for_long(Spoil::Note);
        self.ends.note.write(&note);
        let mut mail = item(self.ends.mail.next_sequence() as u32);
        mail[2] ^= self.spoils_for_long(Spoil::Mail);
        self.ends.mail.publish(&mail);
        self.read_back()?;
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 17;
        self.dice ^= self.dice << 5;
        Ok(self.dice)
    }

    fn send_item(&mut self) {
        let mut value = item(self.next_item);
        value[1] ^= self.spoils(Spoil::Ring, self.next_item);
        // Full: the same number comes at the next tick.
        if self.ends.ring.push(value).is_ok() {
            self.next_item += 1 + self.spoils(Spoil::Lost, self.next_item);
        }
    }

    fn send_record(&mut self) -> Result<(), Wrong> {
        let len = record_len(self.next_record);
        let mut grant = match self.ends.records.grant(len) {
            Err(ringpad::bytes::Refused::Full) => return Ok(()),
            grant => grant?,
        };
        fill(&mut grant, self.next_record);
        grant[len - 1] ^=
            u8::from(self.spoil == Spoil::Record && self.next_record == Spoil::AT + 1);
        grant.commit(len)?;
        self.next_record += 1 - self.spoils(Spoil::Doubled, self.next_record);
        Ok(())
    }

    /// What main has just written, or is about to: whole in any case.
    fn read_back(&mut self) -> Result<(), Wrong> {
        // Nobody writes meanwhile, so nothing is ever missed here.
        let Ok(note) = self.heard.note.try_read() else {
            return Err(Wrong::Never("a note that stays while it is read"));
        };
        if let Some(note) = note {
            let found = number("main's note", &note.value)?;
            if found < self.last_note {
                return Err(Wrong::Order("main's note", self.last_note, found));
            }
            self.last_note = found;
        }
        loop {
            match self.heard.mail.poll() {
                Next::Empty => return Ok(()),
                Next::Lapped { lost } => self.last_mail += lost,
                Next::Mail { sequence, value } => {
                    let found = number("main's mail", &value)?;
                    if (sequence, found) != (self.last_mail + 1, sequence as u32) {
                        return Err(Wrong::Order(
                            "main's mail",
                            self.last_mail as u32 + 1,
                            found,
                        ));
                    }
                    self.last_mail = sequence;
                }
            }
        }
    }
}
