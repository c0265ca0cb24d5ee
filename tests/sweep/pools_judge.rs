//! What must be true of a pool behind a kill: who is sent something gets it, who looks sees it whole, and every frame comes free.

use ringpad::frames::{Refused, User};
use ringpad::{Error, Silent};

use crate::common::tracer::{END, Stop, Tracee};

use super::faults::Faults;
use super::locks::id;
use super::message::name;
use super::plain::When;
use super::pools::{FRAMES, From, Pools, RECEIVERS, SEATS, read, ring, rings_of};
use super::pools_acts::{Holds, Operation};
use super::stage::{SURVIVORS, VICTIM};

/// What becomes of the victim, and who gives back what it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Killed; another reaps.
    Reaped,
    /// Killed; whoever needs something takes it.
    Found,
    /// Stopped; others go on, claim, release and reap; then it goes on to its end, and is killed.
    GoesOn,
}

pub const FATES: [Fate; 3] = [Fate::Reaped, Fate::Found, Fate::GoesOn];

/// One sweep's judge.
pub struct Judge {
    pub operation: Operation,
    pub fate: Fate,
    /// A control: nothing is released.
    pub keeps: bool,
    /// How many of the victim's own arrived, by each ring: a point later no fewer.
    pub arrived: [usize; 4],
}

/// What survivors took, by each ring.
type Seen = [Vec<u64>; 4];

impl Judge {
    pub fn new(operation: Operation, fate: Fate) -> Self {
        Self {
            operation,
            fate,
            keeps: false,
            arrived: [0; 4],
        }
    }

    pub fn judge(&mut self, mut pools: Pools, mut tracee: Tracee, when: When, faults: &mut Faults) {
        let mut seen = Seen::default();
        if self.fate == Fate::GoesOn {
            self.beside(&mut pools, &mut seen, faults);
            if !when.returned {
                assert_eq!(tracee.run(), Stop::Mark(END), "whoever was stopped goes on");
            }
        }
        tracee.kill();
        if self.fate != Fate::GoesOn {
            self.go_on(&mut pools, faults);
            self.nobody_is_robbed(&pools, when, faults);
        }
        pools.world.notes.declare_dead(VICTIM);
        if self.fate == Fate::Reaped {
            reaps(&pools, faults);
        }
        self.take_over(&pools, &mut seen, faults);
        self.add_up(&pools, &seen, faults);
        self.everything_again(&mut pools, faults);
        self.go_on(&mut pools, faults);
        if !pools.is_held_whole() {
            faults.torn("a frame that was looked at all the time".into());
        }
        pools.let_go();
        let user = pools.user(SURVIVORS[0]);
        if user.free() != user.frames() {
            let (free, all) = (user.free(), user.frames());
            faults.stuck(format!("{free} of {all} frames are free"));
        }
        drop(user);
        if pools.seats() != SEATS {
            faults.stuck(format!("{} of {SEATS} seats", pools.seats()));
        }
    }

    /// The living go on, whoever holds what.
    fn go_on(&self, pools: &mut Pools, faults: &mut Faults) {
        for _ in 0..2 {
            match pools.shows() {
                Ok(true) => {}
                Ok(false) => faults.torn("what was published last".into()),
                Err(Refused::NoFrame) if self.operation.has_all => {}
                Err(error) => faults.stuck(format!("the living: {error}")),
            }
        }
    }

    /// Nobody's death is known: receiver 0 is whose it was.
    fn nobody_is_robbed(&self, pools: &Pools, when: When, faults: &mut Faults) {
        let must = match self.operation.holds {
            Holds::Never => false,
            Holds::Always => true,
            Holds::Then => when.returned,
            Holds::Until => when.untouched,
        };
        match pools.as_receiver(0, |_| ()) {
            Ok(_) if must => faults.lost("robbed of its seat, its death unknown".into()),
            Ok(_) => {}
            Err(Error::EndpointTaken { by }) if by == id(VICTIM) => {}
            Err(error) => faults.stuck(format!("a seat: {error}")),
        }
    }

    /// Others do everything while the victim stands still.
    fn beside(&self, pools: &mut Pools, seen: &mut Seen, faults: &mut Faults) {
        self.go_on(pools, faults);
        let [one, _] = SURVIVORS;
        if let Err(error) = pools.peers[one].reap(&Silent) {
            faults.stuck(format!("a reaper beside: {error}"));
        }
        for number in RECEIVERS {
            let receives = |user: &User<'_>| self.receives(pools, user, number, seen, faults);
            match pools.as_receiver(number, receives) {
                Ok(()) | Err(Error::EndpointTaken { .. }) => {}
                Err(error) => faults.stuck(format!("a seat beside: {error}")),
            }
        }
        if self.operation.forgets {
            // Taken, if the victim has it now.
            let _ = pools.user(one).forget(0);
        }
        // Whatever is free holds something new, which is sent when all is over.
        pools.reserves_all();
    }

    /// Asks who is dead, takes everything that was sent, gives back the rest.
    fn receives(
        &self,
        pools: &Pools,
        user: &User<'_>,
        number: u32,
        seen: &mut Seen,
        faults: &mut Faults,
    ) {
        let dead = user.unclaimed();
        let mut empty = true;
        for ring in rings_of(number) {
            let Ok(mut rx) = pools.rings[ring].consumer(pools.peers[SURVIVORS[1]]) else {
                empty = false; // The victim has it, and lives.
                continue;
            };
            while let Some(ticket) = rx.peek() {
                match user.take(ticket) {
                    Ok(view) => {
                        let name = read(&view);
                        rx.pop();
                        if name == 0 {
                            faults.torn(format!("{ticket:?}"));
                        }
                        seen[ring].push(name);
                    }
                    Err(Refused::Stale | Refused::NotReserved)
                        if self.operation.forgets && number == 0 =>
                    {
                        rx.pop();
                    }
                    Err(error) => {
                        rx.pop();
                        faults.lost(format!("{ticket:?} by {ring}: {error}"));
                    }
                }
            }
        }
        if empty && !self.keeps {
            user.release_unclaimed(&dead);
        }
    }

    fn take_over(&self, pools: &Pools, seen: &mut Seen, faults: &mut Faults) {
        for number in RECEIVERS {
            let receives = |user: &User<'_>| self.receives(pools, user, number, seen, faults);
            if let Err(error) = pools.as_receiver(number, receives) {
                faults.stuck(format!("the next receiver: {error}"));
            }
        }
    }

    /// What was sent came, in order; again at most what the victim had in hand.
    fn add_up(&mut self, pools: &Pools, seen: &Seen, faults: &mut Faults) {
        let notes = pools.world.notes;
        let got = notes.names(VICTIM);
        for (index, owed) in pools.owed.iter().enumerate() {
            if self.operation.forgets && rings_of(0).contains(&index) {
                continue;
            }
            let sends = RECEIVERS
                .into_iter()
                .any(|to| self.operation.sends_to.contains(to) && index == ring(From::Doomed, to));
            let by_victim = |name: &&u64| super::message::parts(**name).0 == VICTIM;
            let own = seen[index].iter().filter(by_victim).count();
            let must = if sends { notes.sent_by(VICTIM) } else { 0 } as usize;
            if own < must.max(self.arrived[index]) {
                faults.lost(format!("{own} of the victim's {must} by {index}"));
            }
            self.arrived[index] = own;
            let mut all = owed.clone();
            all.extend((1..=own as u64).map(|number| name(VICTIM, number)));
            let taken = got.iter().filter(|name| owed.contains(name)).count();
            if !all.ends_with(&seen[index]) || seen[index].len() + taken < all.len() {
                faults.lost(format!("{:x?} of {all:x?} by {index}", seen[index]));
            } else if seen[index].len() + taken > all.len() + 1 {
                faults.repeated(format!("{:x?} of {all:x?} by {index}", seen[index]));
            }
        }
    }

    /// Every frame can be used again, for every receiver, and nothing of the living's is given back.
    fn everything_again(&self, pools: &mut Pools, faults: &mut Faults) {
        pools.reserves_all();
        let (full, most) = (pools.unsent.len(), FRAMES as usize - 1);
        if full != most {
            faults.stuck(format!("{full} frames of {most} can be had again"));
        }
        for number in RECEIVERS {
            let released = |user: &User<'_>| user.release_unclaimed(&user.unclaimed());
            match pools.as_receiver(number, released) {
                Err(error) => faults.stuck(format!("a receiver again: {error}")),
                Ok(0) => {}
                Ok(dropped) => faults.lost(format!("{dropped} that a living one reserved")),
            }
        }
        pools.owed = Default::default();
        pools.sends_late();
        let mut seen = Seen::default();
        self.take_over(pools, &mut seen, faults);
        let forgotten = |ring| self.operation.forgets && rings_of(0).contains(&ring);
        for (ring, owed) in pools.owed.iter().enumerate() {
            if *owed != seen[ring] && !forgotten(ring) {
                faults.lost(format!("then {:x?} of {owed:x?} by {ring}", seen[ring]));
            }
        }
    }
}

/// After one pass nothing is left.
fn reaps(pools: &Pools, faults: &mut Faults) {
    let [one, two] = SURVIVORS.map(|who| pools.peers[who]);
    if let Err(error) = one.reap(&Silent) {
        faults.stuck(format!("a reaper: {error}"));
    }
    match two.reap(&Silent) {
        Ok(found) if found.is_nothing() => {}
        found => faults.stuck(format!("left by a whole pass: {found:?}")),
    }
}
