//! What must be true of calls behind a kill: each ends, with its own reply or with the truth; what was told is served; no slot is lost.

use ringpad::Silent;
use ringpad::rpc::{Call, Poll, Refused};

use crate::common::tracer::{END, Stop, Tracee};

use super::calls::{CLIENTS, Calls, DEPTH, SERVERS, answer, piece};
use super::calls_acts::{OWN, Operation};
use super::faults::Faults;
use super::locks::id;
use super::message::{Message, message, name};
use super::plain::When;
use super::pools_judge::Fate;
use super::stage::{OTHER, SURVIVORS, VICTIM};

/// Turns of serving and asking in which every call has ended.
const TURNS: usize = 4;

/// One sweep's judge.
pub struct Judge {
    pub operation: Operation,
    pub fate: Fate,
    /// While it is stopped its caller gives up, and uses the slot again as soon as it may.
    pub gives_up: bool,
    /// A control: nobody is told of any death.
    pub silent: bool,
}

impl Judge {
    pub fn judge(&self, mut calls: Calls, mut tracee: Tracee, when: When, faults: &mut Faults) {
        if self.fate == Fate::GoesOn {
            self.beside(&mut calls, faults);
            if !when.returned {
                assert_eq!(tracee.run(), Stop::Mark(END), "whoever was stopped goes on");
            }
        }
        tracee.kill();
        if self.fate != Fate::GoesOn {
            self.go_on(&mut calls, faults);
        }
        if !self.silent {
            calls.world.notes.declare_dead(VICTIM);
        }
        if self.fate == Fate::Reaped {
            reaps(&calls, faults);
        }
        for _ in 0..TURNS {
            calls.serves();
            self.poll_all(&mut calls, faults);
        }
        if !calls.open.is_empty() {
            let open = calls.open.iter().map(|(name, _)| *name);
            faults.stuck(format!("never ends: {:x?}", open.collect::<Vec<_>>()));
        }
        calls.open.clear();
        self.newcomers(&mut calls, faults);
        calls.serves();
        if calls.server.next_anywhere().is_some() {
            faults.stuck("a call that nobody hears of".into());
        }
        self.add_up(&calls, when, faults);
        self.all_slots(&mut calls, faults);
    }

    /// The living ask, and are answered.
    fn go_on(&self, calls: &mut Calls, faults: &mut Faults) {
        if calls.open.len() + calls.owed.len() + calls.may.len() >= DEPTH as usize {
            return; // Everything it has is in the hands of the dead.
        }
        if !calls.asks() {
            return faults.stuck("the living have no slot".into());
        }
        let asked = calls.open.last().map_or(0, |(name, _)| *name);
        calls.serves();
        self.poll_all(calls, faults);
        if calls.open.iter().any(|(name, _)| *name == asked) {
            faults.stuck(format!("the living: {asked:x} is not answered"));
        }
    }

    /// Others do everything while the victim stands still.
    fn beside(&self, calls: &mut Calls, faults: &mut Faults) {
        self.go_on(calls, faults);
        calls.serves();
        self.poll_all(calls, faults);
        if self.gives_up {
            calls.open.clear();
            calls.asks_all();
            // Not looked at before the victim went on: what it writes late must be nobody's.
            calls.serves();
        }
        if let Err(error) = calls.peers[SURVIVORS[0]].reap(&Silent) {
            faults.stuck(format!("a reaper beside: {error}"));
        }
        let me = calls.peers[SURVIVORS[1]];
        let client = calls.table.client(me).map(|_| ());
        let server = calls.table.server(me).map(|_| ());
        if let Err(error) = client.and(server) {
            faults.stuck(format!("a seat beside: {error}"));
        }
    }

    /// Looks at each open call once; those that ended go.
    fn poll_all(&self, calls: &mut Calls, faults: &mut Faults) {
        let open = std::mem::take(&mut calls.open);
        for (name, mut call) in open {
            if self.goes_on(calls, name, &mut call, faults) {
                calls.open.push((name, call));
            }
        }
    }

    /// False if the call has ended.
    fn goes_on(
        &self,
        calls: &Calls,
        name: u64,
        call: &mut Call<'_, 'static, Message>,
        faults: &mut Faults,
    ) -> bool {
        match call.poll_and_ask() {
            Poll::Pending => true,
            Poll::Part { number, value } => {
                if value != piece(name, number) {
                    faults.torn(format!("a part of {name:x}: {value:x?}"));
                }
                true
            }
            Poll::Ready(value) => {
                if value != answer(name) {
                    faults.torn(format!("the reply to {name:x}: {value:x?}"));
                }
                let notes = calls.world.notes;
                let by_victim = notes.names(VICTIM).contains(&name);
                let taken = calls.taken_by_dead.contains(&name);
                if !calls.served.contains(&name) && !by_victim && !taken {
                    faults.uncommitted(format!("a reply to {name:x}, which nobody served"));
                }
                false
            }
            // The dead had it, or it died beside the caller's asking.
            Poll::PeerDied { by } => {
                let known = by == id(VICTIM) || by == id(OTHER);
                if calls.idempotent || !known || calls.served.contains(&name) {
                    faults.lost(format!("{name:x}: {by} died"));
                }
                false
            }
            Poll::Unanswered if self.operation.drops && !calls.served.contains(&name) => false,
            other => {
                faults.lost(format!("{name:x}: {other:?}"));
                false
            }
        }
    }

    /// Every seat can be had, and every slot of it.
    fn newcomers(&self, calls: &mut Calls, faults: &mut Faults) {
        let me = calls.peers[SURVIVORS[1]];
        let clients: Vec<_> = (1..CLIENTS)
            .map_while(|_| calls.table.client(me).ok())
            .collect();
        let servers: Vec<_> = (1..SERVERS)
            .map_while(|_| calls.table.server(me).ok())
            .collect();
        if clients.len() + 1 != CLIENTS as usize || servers.len() + 1 != SERVERS as usize {
            let (clients, servers) = (clients.len(), servers.len());
            faults.stuck(format!("{clients} seats of clients, {servers} of servers"));
        }
        for round in 0..2 {
            let mut open = Vec::new();
            for client in &clients {
                // What is told to nobody yet has its slot.
                calls.serves();
                let mut slots = 0;
                while slots <= DEPTH {
                    let number = calls.number();
                    match client.call(&message(SURVIVORS[1], number)) {
                        Ok(call) => open.push((name(SURVIVORS[1], number), call)),
                        Err(Refused::Full) => break,
                        Err(error) => faults.stuck(format!("a newcomer: {error}")),
                    }
                    slots += 1;
                }
                let late = u32::from(round == 0 && calls.in_hand.is_some());
                if slots + late < DEPTH || slots > DEPTH {
                    faults.stuck(format!("{slots} slots of {DEPTH} of a newcomer's"));
                }
            }
            // An answer that comes late is nobody's.
            if let Some(mut request) = calls.in_hand.take() {
                let asked = request.query()[0];
                let _ = request.reply(&answer(asked));
            }
            for server in &servers {
                if let Some(mut request) = server.next() {
                    let asked = request.query()[0];
                    calls.served.push(asked);
                    let _ = request.reply(&answer(asked));
                }
            }
            calls.serves();
            for (name, mut call) in open {
                if self.goes_on(calls, name, &mut call, faults) {
                    faults.stuck(format!("a newcomer's {name:x} is not answered"));
                }
            }
        }
    }

    /// What was told was served; nothing was served twice that may not be.
    fn add_up(&self, calls: &Calls, when: When, faults: &mut Faults) {
        let notes = calls.world.notes;
        let by_victim = notes.names(VICTIM);
        let times = |name: u64| {
            let all = calls.served.iter().chain(&by_victim);
            let all = all.chain(&calls.taken_by_dead);
            all.filter(|served| **served == name).count()
        };
        let mut owed = calls.owed.clone();
        let own = name(VICTIM, OWN);
        if self.operation.tells && notes.sent_by(VICTIM) > 0 {
            owed.push(own);
        }
        for told in owed {
            let by_victim = by_victim.contains(&told) && self.operation.answers;
            if !by_victim && !calls.served.contains(&told) {
                faults.lost(format!("{told:x}, which was told"));
            }
        }
        let begun = !when.untouched || notes.sent_by(VICTIM) > 0 || self.fate == Fate::GoesOn;
        if !begun && times(own) > 0 {
            faults.uncommitted(format!("{own:x}, which was never told"));
        }
        let mut all = calls.served.clone();
        all.extend(&by_victim);
        all.sort_unstable();
        all.dedup();
        for name in all {
            if !calls.idempotent && times(name) > 1 {
                faults.repeated(format!("{name:x} was served {} times", times(name)));
            }
        }
    }

    /// The living client has all its slots.
    fn all_slots(&self, calls: &mut Calls, faults: &mut Faults) {
        for _ in 0..2 {
            calls.asks_all();
            let slots = calls.open.len() as u32;
            if slots != DEPTH {
                faults.stuck(format!("{slots} slots of {DEPTH} of the living one's"));
            }
            calls.serves();
            self.poll_all(calls, faults);
            if !calls.open.is_empty() {
                faults.stuck("the living are not answered".into());
            }
        }
    }
}

/// After one pass nothing is left.
fn reaps(calls: &Calls, faults: &mut Faults) {
    let [one, two] = SURVIVORS.map(|who| calls.peers[who]);
    if let Err(error) = one.reap(&Silent) {
        faults.stuck(format!("a reaper: {error}"));
    }
    match two.reap(&Silent) {
        Ok(found) if found.is_nothing() => {}
        found => faults.stuck(format!("left by a whole pass: {found:?}")),
    }
}
