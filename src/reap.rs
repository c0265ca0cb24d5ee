//! One pass over everything that dead peers named: it works from the directory's headers alone, and knows each kind's words but no type.

#![forbid(unsafe_code)]

use crate::channel::{cursor, lock, mailslot, notepad};
use crate::error::Result;
use crate::memory::layout::Spacing;
use crate::memory::region::RegionRef;
use crate::segment::claim::Held;
use crate::segment::doorbell::Signal;
use crate::segment::header::Header;
use crate::segment::join::Peer;
use crate::segment::kind::{Kind, Names};
use crate::segment::reaped::{Pass, Reaped};

impl Peer<'_> {
    /// Gives back what proven dead peers of this segment held: ends, slots, locks, and, where rows have no locks of the system's, their
    /// rows. Wakes those who sleep for it by `signal`.
    ///
    /// Nothing breaks if others reap too, or if this call is killed: see `docs/crash-model.md`. It looks at every slot of every ring of many
    /// senders, and asks the oracle for each row and each name that it finds: not for the hot path.
    ///
    /// # Errors
    ///
    /// [`Error::Forked`](crate::Error::Forked). Channels that hold garbage are passed over.
    pub fn reap(&self, signal: &dyn Signal) -> Result<Reaped> {
        self.segment().check_joinable()?;
        if self.segment().rows_are_locked() {
            return self.reap_rows(&[], 0, signal);
        }
        let (me, court, table) = (self.owner(), self.court(), self.segment().table());
        // One after another: two reapers that held each other's next row would both go without.
        let mut all = Reaped::default();
        let mut any = false;
        for (row, generation) in self.segment().dead_rows(me, &court) {
            // Whoever else reaps it now does it as well.
            let Ok(_alone) = Held::take(table.reaper(row)?, me, table.region(), &court) else {
                continue;
            };
            if table.begin_reaping(row, generation) {
                all += self.reap_rows(&[(row, generation)], 0, signal)?;
                any = true;
            }
        }
        if !any {
            // The dead whose rows have moved on.
            all += self.reap_rows(&[], 0, signal)?;
        }
        Ok(all)
    }

    /// One pass, in which these rows cannot be taken: they are REAPING, or the caller's own, new one. Frees those that are REAPING; `freed` others were.
    pub(crate) fn reap_rows(
        &self,
        rows: &[(crate::PeerId, u32)],
        freed: u32,
        signal: &dyn Signal,
    ) -> Result<Reaped> {
        let segment = self.segment();
        let mut pass = Pass::new(self.owner(), self.court(), segment, signal);
        for (row, _) in rows {
            pass.sleepers |= row.bit();
        }
        pass.found.peers = freed;
        pass.builder()?;
        for (kind, region) in segment.channels() {
            // What cannot be attached to holds nothing that anybody could use.
            let _ = channel(kind, region, &mut pass);
        }
        for (row, generation) in rows {
            pass.found.peers += u32::from(segment.table().end_reaping(*row, *generation));
        }
        Ok(pass.finish())
    }
}

fn channel(kind: Kind, region: RegionRef<'_>, pass: &mut Pass<'_>) -> Result<()> {
    let mut ends = |names: fn(Spacing) -> Names| {
        let geometry = Header::at(region)?.attach(kind)?;
        pass.ends(region, names(geometry.spacing))
    };
    match kind {
        Kind::Spsc | Kind::Bytes => ends(cursor::names),
        Kind::Notepad => ends(notepad::names),
        Kind::Mailslot => ends(mailslot::names),
        Kind::Reliable => mailslot::reliable::reap(region, pass),
        #[cfg(target_has_atomic = "64")]
        Kind::Mpmc => crate::channel::mpmc::reap(region, pass),
        Kind::Lock => lock::reap(region, pass),
        #[cfg(target_has_atomic = "64")]
        Kind::Frames => crate::channel::frames::reap(region, pass),
        #[cfg(target_has_atomic = "64")]
        Kind::Rpc => crate::channel::rpc::reap(region, pass),
        _ => Ok(()),
    }
}

#[cfg(all(test, not(ringpad_loom)))]
mod tests;
