//! The main loop: interrupted while it reads and while it writes.

use core::fmt;

use ringpad::mailslot::Next;

use crate::ROUNDS;
use crate::channels::{Listener, MainSends};
use crate::place::Place;
use crate::spoil::Spoil;
use crate::values::{Taker, Wrong, fill, item, number, record_len};

/// What a run met.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Versions of the tick's note.
    notes: u32,
    mails: u32,
    lost: u64,
    /// Both of main's lossless channels, as PendSV took them.
    back: u32,
    full: u32,
    /// Ticks that came while main was in the middle of a call, by place.
    inside: [u32; Place::ALL.len()],
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            notes,
            mails,
            lost,
            back,
            full,
            inside,
        } = self;
        write!(
            f,
            "{ROUNDS} items, {ROUNDS} records, {notes} notes, {mails} mails and {lost} lost; back {back} by PendSV, refused {full}; \
             ticks inside: "
        )?;
        let places = Place::ALL.into_iter().zip(inside);
        places
            .into_iter()
            .try_for_each(|(place, ticks)| write!(f, "{place:?} {ticks} "))
    }
}

/// What main has.
pub(crate) struct MainLoop {
    ends: MainSends,
    taker: Taker,
    heard: Listener,
    spoil: Spoil,
    rounds: u32,
    last_note: u32,
    last_mail: u64,
    sent_items: u32,
    sent_records: u32,
    seen: Seen,
}

impl MainLoop {
    pub(crate) fn new(ends: MainSends, taker: Taker, heard: Listener, spoil: Spoil) -> Self {
        Self {
            ends,
            taker,
            heard,
            spoil,
            rounds: 0,
            last_note: 0,
            last_mail: 0,
            sent_items: 0,
            sent_records: 0,
            seen: Seen::default(),
        }
    }

    fn spoils(&self, what: Spoil) -> u32 {
        // One note alone might never be looked at.
        (self.spoil == what && (Spoil::AT..Spoil::AT + 64).contains(&self.rounds)).into()
    }

    /// One round of everything. True once there were enough.
    pub(crate) fn round(&mut self) -> Result<bool, Wrong> {
        if self.spoil == Spoil::Unknown {
            return Err(Wrong::Never("an argument that this image knows"));
        }
        self.rounds += 1;
        Place::Taking.during(|| self.taker.take_all())?;
        Place::Reading.during(|| self.read_note())?;
        // Not for 12 ticks of 32: else nobody would ever be lapped.
        if self.last_note & 31 >= 12 {
            Place::Hearing.during(|| self.hear_mail())?;
        }
        self.write_back()?;
        Ok(self.taker.next_item >= ROUNDS && self.taker.next_record >= ROUNDS)
    }

    fn read_note(&mut self) -> Result<(), Wrong> {
        let Ok(note) = self.heard.note.try_read() else {
            return Err(Wrong::Never("a read that two ticks do not overtake"));
        };
        if let Some(note) = note {
            let found = number("note", &note.value)?;
            if found < self.last_note {
                return Err(Wrong::Order("note", self.last_note, found));
            }
            self.seen.notes += u32::from(found > self.last_note);
            self.last_note = found;
        }
        Ok(())
    }

    fn hear_mail(&mut self) -> Result<(), Wrong> {
        loop {
            match self.heard.mail.poll() {
                Next::Empty => return Ok(()),
                Next::Lapped { lost } => {
                    self.seen.lost += lost;
                    self.last_mail += lost;
                }
                Next::Mail { sequence, value } => {
                    let found = number("mail", &value)?;
                    if (sequence, found) != (self.last_mail + 1, sequence as u32) {
                        return Err(Wrong::Order("mail", self.last_mail as u32 + 1, found));
                    }
                    self.last_mail = sequence;
                    self.seen.mails += 1;
                }
            }
        }
    }

    fn write_back(&mut self) -> Result<(), Wrong> {
        let mut value = item(self.sent_items);
        value[2] ^= self.spoils(Spoil::BackRing);
        match self.ends.ring.push(value) {
            Ok(()) => self.sent_items += 1,
            Err(_) => self.seen.full += 1,
        }
        let len = record_len(self.sent_records);
        let mut record = [0; crate::values::LONGEST];
        fill(&mut record[..len], self.sent_records);
        match self.ends.records.send(&record[..len]) {
            Err(ringpad::bytes::Refused::Full) => self.seen.full += 1,
            sent => {
                sent?;
                self.sent_records += 1;
            }
        }
        let mut note = item(self.rounds);
        note[1] ^= self.spoils(Spoil::BackNote);
        Place::Writing.during(|| self.ends.note.write(&note));
        let mut mail = item(self.ends.mail.next_sequence() as u32);
        mail[3] ^= self.spoils(Spoil::BackMail);
        Place::Publishing.during(|| self.ends.mail.publish(&mail));
        Ok(())
    }

    /// The sums, when nobody interrupts any more.
    pub(crate) fn settle(&mut self, taken: u32) -> Result<Seen, Wrong> {
        self.taker.take_all()?;
        self.hear_mail()?;
        self.read_note()?;
        if taken != self.sent_items + self.sent_records {
            let sent = self.sent_items + self.sent_records;
            return Err(Wrong::Order("what PendSV took", sent, taken));
        }
        // A mail a tick, and a note: the last of each is the same tick's.
        if self.last_mail as u32 != self.last_note {
            return Err(Wrong::Order(
                "the last mail",
                self.last_note,
                self.last_mail as u32,
            ));
        }
        self.seen.back = taken;
        let never = [
            (self.seen.notes, "new notes in most ticks"),
            (self.seen.mails, "mails that were heard"),
            (self.seen.lost as u32, "mails that were lost"),
        ];
        if let Some((_, what)) = never.into_iter().find(|(count, _)| *count < 100) {
            return Err(Wrong::Never(what));
        }
        self.seen.inside = Place::ALL.map(Place::ticks);
        match self.seen.inside.into_iter().min() {
            Some(0..=9) => Err(Wrong::Never("a tick in the middle of each call")),
            _ => Ok(core::mem::take(&mut self.seen)),
        }
    }
}
