//! What a dead peer held, a reaper that is killed or stopped over it, and what the others find then.

use std::mem::forget;

use ringpad::lock::Acquired;
use ringpad::mailslot::{Start, reliable};
use ringpad::{Error, Peer, Reaped, Silent, notepad, spsc};

use crate::common::tracer::{BEGIN, END, Stop, Tracee, mark};

use super::estate::{Estate, PLACES};
use super::faults::Faults;
use super::locks::id;
use super::message::{Message, message};
use super::stage::{SLOTS, SURVIVORS};
use super::trail::Trail;

/// How many changes of a send of three bring it into the midst of its run.
const WRITING: u64 = 9;

/// An estate, who reaps it, and what the living hold.
pub struct Heirs {
    pub estate: Estate,
    pub reaper: usize,
    consumer: spsc::Consumer<'static, Message>,
    publisher: reliable::Publisher<'static, Message>,
    /// Words that a broken reaper puts back as they were.
    pub lock: Vec<(usize, u64)>,
    pub living: Vec<(usize, u64)>,
}

fn says(number: u64) -> Message {
    message(SURVIVORS[0], number)
}

impl Heirs {
    /// The dead one held a bit of everything, and its death is known. The trail is that of its last send.
    pub fn new(estate: Estate, (reaper, dead): (usize, usize), trail: &mut Trail) -> Self {
        let [one, two] = SURVIVORS.map(|who| estate.peers[who]);
        let gone = estate.peers[dead];
        let mut tx = estate.spsc.producer(gone).expect("an end");
        assert!(tx.push(says(0)).is_ok() && tx.push(says(1)).is_ok());
        assert!(tx.stage(says(2)).is_ok(), "never published");
        forget(tx);
        let mut consumer = None;
        let living = estate.words_of(|| consumer = estate.spsc.consumer(two).ok());
        let mut writer = estate.pad.writer(gone).expect("an end");
        writer.write(&says(0));
        // Begun, and never committed: dropping a draft changes nothing.
        let mut draft = writer.draft();
        draft.write_at(0, &[0xee; 8]).expect("room");
        forget(writer);
        let mut publisher = estate.rely.publisher(one).expect("an end");
        forget(
            estate
                .rely
                .subscriber(gone, Start::Oldest)
                .expect("a cursor"),
        );
        (0..PLACES).for_each(|n| assert!(publisher.try_publish(&says(n.into())).is_ok()));
        assert!(publisher.try_publish(&says(9)).is_err(), "held up");
        let mut key = estate.lock.key(gone).expect("a key");
        key.try_lock().expect("a lock").into_guard().set(&says(0));
        let lock = estate.words_of(|| forget(key.try_lock().expect("a lock").into_guard()));
        let mut tx = estate.ring.sender(one).expect("an end");
        assert!(tx.try_send(says(0)).is_ok() && tx.try_send(says(1)).is_ok());
        let mut rx = estate.ring.receiver(gone).expect("an end");
        forget(rx.try_take().expect("a message"));
        let mut tx = estate.ring.sender(gone).expect("an end");
        let mut tracee = Tracee::fork(|| {
            mark(BEGIN);
            tx.try_send_slice(&[says(5), says(6), says(7)]);
            mark(END);
        });
        assert_eq!(tracee.run(), Stop::Mark(BEGIN));
        trail.follow(&mut tracee, estate.world, WRITING);
        tracee.kill();
        estate.world.notes.declare_dead(dead);
        Self {
            consumer: consumer.expect("an end"),
            estate,
            reaper,
            publisher,
            lock,
            living,
        }
    }

    fn peer(&self, survivor: usize) -> &'static Peer<'static> {
        self.estate.peers[SURVIVORS[survivor]]
    }

    /// Another reaper's pass while the first is stopped or its death unknown: less may be found, nothing may break.
    pub fn pass_beside(&self, faults: &mut Faults) {
        if let Err(error) = self.peer(0).reap(&Silent) {
            faults.stuck(format!("a reaper beside: {error}"));
        }
        self.nobody_is_robbed(faults);
    }

    /// What the living hold is theirs.
    fn nobody_is_robbed(&self, faults: &mut Faults) {
        let [one, two] = SURVIVORS;
        let consumer = self.estate.spsc.consumer(self.peer(0)).map(|_| ());
        let publisher = self.estate.rely.publisher(self.peer(1)).map(|_| ());
        for (end, by) in [(consumer, two), (publisher, one)] {
            if end != Err(Error::EndpointTaken { by: id(by) }) {
                faults.lost(format!("robbed: {end:?}, held by {by}"));
            }
        }
        for who in SURVIVORS {
            if self.estate.segment.occupant(id(who)).is_none() {
                faults.lost(format!("robbed of its row: {who}"));
            }
        }
    }

    /// All deaths are known, `rows` of them. After one pass nothing is left.
    pub fn settle(mut self, rows: u32, again: bool, faults: &mut Faults) {
        // Whoever joins meanwhile has a row that is free, and no dead one's name.
        let mut newcomers: Vec<_> = self.estate.join().into_iter().collect();
        let [one, two] = [self.peer(0), self.peer(1)];
        if let Err(error) = one.reap(&Silent) {
            faults.stuck(format!("the next reaper: {error}"));
        }
        for peer in [one, two] {
            if peer.reap(&Silent) != Ok(Reaped::default()) {
                faults.stuck("something was left by a whole pass".into());
            }
        }
        self.counted(rows, again, faults);
        self.nobody_is_robbed(faults);
        newcomers.extend(std::iter::from_fn(|| self.estate.join()));
        if newcomers.len() as u32 != rows {
            faults.stuck(format!("{} rows of {rows} are free", newcomers.len()));
        }
        self.ends(faults);
        self.locked(faults);
        self.messages(again, faults);
    }

    /// Counted at most once.
    fn counted(&self, rows: u32, again: bool, faults: &mut Faults) {
        let found = self.estate.segment.reaped();
        let (slots, messages) = if again { (3, 1) } else { (4, 0) };
        let pairs = [
            (found.peers, rows),
            (found.ends, 3),
            (found.slots, slots + u32::from(again)),
            (found.messages, messages),
            (found.locks, 1),
        ];
        if pairs.iter().any(|(found, most)| found > most) {
            faults.repeated(format!("counted twice: {found:?}"));
        }
    }

    fn ends(&mut self, faults: &mut Faults) {
        let one = self.peer(0);
        match self.estate.spsc.producer(one) {
            Err(error) => faults.stuck(format!("a producer: {error}")),
            Ok(mut tx) => {
                let left: Vec<_> = std::iter::from_fn(|| self.consumer.pop()).collect();
                let filled = (0..SLOTS as u64).take_while(|n| tx.push(says(*n)).is_ok());
                let filled = filled.count() as u32;
                if left != [says(0), says(1)] || filled != PLACES {
                    faults.lost(format!("{left:x?}, and room for {filled}"));
                }
            }
        }
        match self.estate.pad.writer(one) {
            Err(error) => faults.stuck(format!("a writer: {error}")),
            Ok(mut writer) => {
                let mut reads = |what| {
                    let note = self.estate.pad.reader().try_read();
                    if !matches!(note, Ok(Some(notepad::Note { value, .. })) if value == what) {
                        faults.torn(format!("{note:x?}, not {what:x?}"));
                    }
                };
                reads(says(0));
                writer.write(&says(1));
                reads(says(1));
            }
        }
        match self.estate.rely.subscriber(one, Start::Newest) {
            Err(error) => faults.stuck(format!("a cursor: {error}")),
            Ok(mut subscriber) => {
                for number in PLACES.into()..3 * u64::from(PLACES) {
                    subscriber.poll();
                    if self.publisher.try_publish(&says(number)).is_err() {
                        return faults.stuck("a publisher, held up by the dead".into());
                    }
                }
            }
        }
    }

    fn locked(&self, faults: &mut Faults) {
        for (who, inherited) in [(0, true), (1, false)] {
            let mut key = self.estate.lock.key(self.peer(who)).expect("a key");
            match key.try_lock() {
                Err(refused) => faults.stuck(format!("{refused}")),
                Ok(acquired) => {
                    let from_nobody = match &acquired {
                        Acquired::Inherited { from, .. } => from.is_none() && inherited,
                        Acquired::Clean(_) => !inherited,
                    };
                    let mut guard = acquired.into_guard();
                    if !from_nobody || guard.get() != says(0) {
                        faults.lost(format!("poisoned {}, not {inherited}", guard.is_poisoned()));
                    }
                    guard.mark_consistent();
                }
            }
        }
    }

    fn messages(&self, again: bool, faults: &mut Faults) {
        let mut rx = self.estate.ring.receiver(self.peer(0)).expect("an end");
        let mut got = Vec::new();
        while let Some(taken) = rx.try_take() {
            got.push((taken.is_again(), taken.acknowledge()));
        }
        let wanted = [(true, says(0)), (false, says(1))];
        if got != wanted[usize::from(!again)..] {
            faults.lost(format!("{got:x?}"));
        }
        let mut tx = self.estate.ring.sender(self.peer(1)).expect("an end");
        let filled = (0..2 * SLOTS as u64).take_while(|n| tx.try_send(says(*n)).is_ok());
        let filled = filled.count();
        if filled != SLOTS {
            faults.stuck(format!("{filled} slots can be filled again"));
        }
    }
}
