//! Random calls on a pool of frames, by users and receivers of whom some die, against a plain model of it. Users are leaked, so that loans and views of
//! any of them can be held side by side.

use std::cell::Cell;
use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::frames::{Config, Frames, Loan, Receivers, Refused, Ticket, User, View};
use ringpad::{Identity, Life, Liveness, Peer, PeerId, Plan, Segment, Silent};

use crate::regions::{EACH_TRUST, Room, Trust};

const FRAMES: u32 = 4;
const RECEIVERS: usize = 2;
/// Receivers first; each on a peer of its own. One more peer reaps.
const ACTORS: usize = 5;

#[derive(Clone, Copy, Debug)]
enum Call {
    Loan(usize),
    /// One of its loans, dropped.
    Return(usize, usize),
    /// One of its loans, for these receivers.
    Publish(usize, usize, u32),
    /// One of the last tickets.
    View(usize, usize),
    Take(usize, usize),
    /// One of its views, dropped.
    Drop(usize, usize),
    /// One of the last tickets, for these receivers.
    Recall(usize, usize, u32),
    /// A receiver asks, and releases at once.
    Release(usize),
    /// Dies with all that it has; reaped; another comes in its place.
    Die(usize),
    /// Dies, and is found by whoever needs frames or its place, not by a reaper.
    DieUnnoticed(usize),
}

fn calls() -> impl Strategy<Value = Call> {
    let actor = 0..ACTORS;
    let user = RECEIVERS..ACTORS;
    let receiver = 0..RECEIVERS;
    let (nth, mask) = (0..6usize, 0..8u32);
    prop_oneof![
        5 => actor.clone().prop_map(Call::Loan),
        1 => (user.clone(), nth.clone()).prop_map(|(by, n)| Call::Return(by, n)),
        6 => (user.clone(), nth.clone(), mask.clone()).prop_map(|(by, n, m)| Call::Publish(by, n, m)),
        5 => (actor.clone(), nth.clone()).prop_map(|(by, n)| Call::View(by, n)),
        6 => (actor.clone(), nth.clone()).prop_map(|(by, n)| Call::Take(by, n)),
        6 => (actor.clone(), nth.clone()).prop_map(|(by, n)| Call::Drop(by, n)),
        2 => (user, nth, mask).prop_map(|(by, n, m)| Call::Recall(by, n, m)),
        2 => receiver.prop_map(Call::Release),
        1 => actor.clone().prop_map(Call::Die),
        1 => actor.prop_map(Call::DieUnnoticed),
    ]
}

/// Says which rows' peers died.
#[derive(Default)]
struct Deaths([Cell<bool>; ACTORS + 1]);

// SAFETY: one thread uses it.
unsafe impl Sync for Deaths {}

// SAFETY: the test says so only of peers whose users it forgot.
unsafe impl Liveness for Deaths {
    fn state(&self, peer: PeerId) -> Life {
        match self.0[peer.get() as usize - 1].get() {
            true => Life::Dead,
            false => Life::Alive,
        }
    }
}

/// What one frame is, plainly. Seats are the actors' numbers.
#[derive(Clone, Debug)]
struct Frame {
    generation: u32,
    loaned: Option<usize>,
    /// Who has it to look at, or has it reserved.
    pins: Vec<usize>,
    /// For whom it is reserved, and whether the ticket will not come.
    reserved: Vec<(usize, bool)>,
    /// Who published it, in which life.
    publisher: Option<(usize, u32)>,
    content: u64,
}

impl Frame {
    fn is_free(&self) -> bool {
        self.loaned.is_none() && self.pins.is_empty()
    }

    fn without(&mut self, actor: usize) {
        self.pins.retain(|pin| *pin != actor);
        self.reserved.retain(|(receiver, _)| *receiver != actor);
    }
}

/// Someone, with all that it holds.
struct Actor {
    user: &'static User<'static>,
    peer: &'static Peer<'static>,
    loans: Vec<Loan<'static, 'static>>,
    views: Vec<(View<'static, 'static>, u64)>,
    life: u32,
}

struct World {
    segment: &'static Segment<'static>,
    deaths: &'static Deaths,
    reaper: &'static Peer<'static>,
    actors: Vec<Actor>,
    frames: Vec<Frame>,
    tickets: Vec<Ticket>,
    dead: Vec<(usize, u32)>,
    next: u64,
    trust: Trust,
    /// Wrong, for the control: a model in which a dead receiver's frames are free.
    generous: bool,
}

fn receivers(mask: u32) -> Receivers {
    (0..3)
        .filter(|n| mask >> n & 1 == 1)
        .fold(Receivers::NONE, Receivers::with)
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

impl World {
    fn new(trust: Trust, generous: bool) -> Self {
        let config = Config::new(FRAMES, 64).receivers(RECEIVERS as u32);
        let plan = Plan::<1>::new().peers(ACTORS as u32 + 1).unwrap();
        let plan = plan.channel::<Frames<'_>>("pool", &config).unwrap();
        let room = leak(Room::new(plan.layout().unwrap().size()));
        let segment = leak(Segment::init(room.region(trust), &plan).unwrap());
        let deaths = leak(Deaths::default());
        let frame = Frame {
            generation: 2,
            loaned: None,
            pins: vec![],
            reserved: vec![],
            publisher: None,
            content: 0,
        };
        let join = || leak(segment.join(&Identity::default(), deaths).unwrap());
        let peers: [_; ACTORS] = std::array::from_fn(|_| join());
        let mut world = Self {
            segment,
            deaths,
            reaper: join(),
            actors: vec![],
            frames: vec![frame; FRAMES as usize],
            tickets: vec![],
            dead: vec![],
            next: 0,
            trust,
            generous,
        };
        for (by, peer) in peers.into_iter().enumerate() {
            let actor = world.actor(by, peer, 0);
            world.actors.push(actor);
        }
        world
    }

    fn actor(&self, by: usize, peer: &'static Peer<'static>, life: u32) -> Actor {
        let pool: Frames<'_> = self.segment.open("pool").unwrap();
        let user = match by {
            0..RECEIVERS => pool.receiver(peer, by as u32),
            _ => pool.user(peer),
        };
        Actor {
            user: leak(user.unwrap()),
            peer,
            loans: vec![],
            views: vec![],
            life,
        }
    }

    fn ticket(&self, nth: usize) -> Option<Ticket> {
        let last = self.tickets.len().checked_sub(1)?;
        Some(self.tickets[last - nth.min(last)])
    }

    /// What cleaning an actor's seat does to the frames. Answers how many are free by it.
    fn clean(&mut self, by: usize) -> u32 {
        let mut freed = 0;
        for frame in &mut self.frames {
            let was_free = frame.is_free();
            if frame.loaned == Some(by) {
                frame.loaned = None;
                frame.generation = frame.generation.wrapping_add(3);
            } else if by >= RECEIVERS || self.generous {
                frame.without(by);
            } else if frame.pins.contains(&by) && !frame.reserved.iter().any(|(r, _)| *r == by) {
                frame.reserved.push((by, true));
            }
            freed += u32::from(frame.is_free() && !was_free);
        }
        freed
    }

    fn loan(&mut self, by: usize) {
        if by < RECEIVERS {
            let refused = self.actors[by].user.loan().map(|_| ()).unwrap_err();
            assert_eq!(refused, Refused::Receiver);
            return;
        }
        let got = self.actors[by].user.loan();
        let free = self.frames.iter().filter(|frame| frame.is_free()).count();
        match got {
            Ok(mut loan) => {
                // Nobody knows which before it is published; it says so of itself by its bytes.
                self.next += 1;
                loan.write_at(0, &self.next.to_le_bytes()).unwrap();
                assert!(free > 0);
                let index = self.written(&mut loan);
                let frame = &mut self.frames[index];
                assert!(frame.is_free(), "frame {index} is {frame:?}");
                frame.loaned = Some(by);
                frame.generation = frame.generation.wrapping_add(1);
                frame.content = self.next;
                self.actors[by].loans.push(loan);
            }
            Err(refused) => assert_eq!((refused, free), (Refused::NoFrame, 0)),
        }
    }

    /// Which frame a loan is: its debug form says so.
    fn written(&self, loan: &mut Loan<'_, '_>) -> usize {
        let said = format!("{loan:?}");
        let digits: String = said.chars().filter(char::is_ascii_digit).collect();
        digits.parse().expect("a loan that says its frame")
    }

    fn content(&self, view: &View<'_, '_>) -> u64 {
        let mut bytes = [0; 8];
        assert_eq!(view.copy_to(&mut bytes), Ok(8));
        match self.trust {
            Trust::Cooperative => assert_eq!(view.bytes(), Ok(&bytes[..])),
            Trust::Distrusted => assert!(view.bytes().is_err()),
        }
        u64::from_le_bytes(bytes)
    }

    fn had(
        &mut self,
        by: usize,
        got: Result<View<'static, 'static>, Refused>,
        want: Result<(), Refused>,
        at: usize,
    ) {
        match (got, want) {
            (Ok(view), Ok(())) => {
                let content = self.frames[at].content;
                assert_eq!(self.content(&view), content);
                self.actors[by].views.push((view, content));
            }
            (Err(got), Err(want)) => assert_eq!(got, want),
            (got, want) => panic!("{got:?} instead of {want:?}"),
        }
    }

    fn view(&mut self, by: usize, ticket: Ticket) {
        let at = ticket.index as usize;
        let frame = &mut self.frames[at];
        let want = match () {
            () if frame.generation != ticket.generation => Err(Refused::Stale),
            () if frame.pins.contains(&by) => Err(Refused::AlreadyViewed),
            () => {
                frame.pins.push(by);
                Ok(())
            }
        };
        let got = self.actors[by].user.view(ticket);
        self.had(by, got, want, at);
    }

    fn take(&mut self, by: usize, ticket: Ticket) {
        let at = ticket.index as usize;
        let frame = &mut self.frames[at];
        let reserved = frame.reserved.iter().position(|(r, _)| *r == by);
        let want = match () {
            () if frame.generation != ticket.generation => Err(Refused::Stale),
            () if !frame.pins.contains(&by) => Err(Refused::NotReserved),
            () => match reserved {
                Some(place) => {
                    frame.reserved.remove(place);
                    Ok(())
                }
                None => Err(Refused::AlreadyViewed),
            },
        };
        let got = self.actors[by].user.take(ticket);
        self.had(by, got, want, at);
    }

    fn recall(&mut self, by: usize, ticket: Ticket, mask: u32) {
        let me = Some((by, self.actors[by].life));
        let frame = &mut self.frames[ticket.index as usize];
        let want = match frame.generation == ticket.generation && frame.publisher == me {
            false => Err(Refused::Stale),
            true => {
                let asked = |r: usize| mask >> r & 1 == 1;
                let mut had = Receivers::NONE;
                for (receiver, old) in &mut frame.reserved {
                    if asked(*receiver) && !*old {
                        *old = true;
                        had = had.with(*receiver as u32);
                    }
                }
                Ok(had)
            }
        };
        let got = self.actors[by].user.recall(ticket, receivers(mask));
        assert_eq!(got, want);
    }

    fn release(&mut self, by: usize) {
        let (mut want, dead) = (0, &self.dead);
        for frame in &mut self.frames {
            let gone = frame.publisher.is_some_and(|whose| dead.contains(&whose));
            if frame
                .reserved
                .iter()
                .any(|(r, old)| *r == by && (*old || gone))
            {
                frame.without(by);
                want += 1;
            }
        }
        let user = self.actors[by].user;
        assert_eq!(user.release_unclaimed(&user.unclaimed()), want);
    }

    /// Forgets an actor with all that it has, and has another come in its place.
    fn die(&mut self, by: usize, reaped: bool) {
        let actor = self.actors.remove(by);
        self.dead.push((by, actor.life));
        actor.loans.into_iter().for_each(forget);
        actor.views.into_iter().for_each(forget);
        let row = &self.deaths.0[actor.peer.id().get() as usize - 1];
        row.set(true);
        if reaped {
            let freed = match by {
                0..RECEIVERS => 0,
                _ => self.clean(by),
            };
            let pass = self.reaper.reap(&Silent).unwrap();
            assert_eq!((pass.peers, pass.ends, pass.frames), (1, 1, freed));
        } else {
            // The row moves on without a pass over the channels: what the seat names is of a life before.
            let heir = self.actor_of_reaper(by);
            self.clean(by);
            let pass = self.reaper.reap(&Silent).unwrap();
            assert_eq!((pass.peers, pass.ends, pass.frames), (1, 0, 0));
            drop(heir);
        }
        row.set(false);
        let peer = leak(
            self.segment
                .join(&Identity::default(), self.deaths)
                .unwrap(),
        );
        let next = self.actor(by, peer, actor.life + 1);
        self.actors.insert(by, next);
        self.clean(by);
    }

    /// A user that the reaper has in the place of a dead one, which it cleans.
    fn actor_of_reaper(&self, by: usize) -> User<'static> {
        let pool: Frames<'_> = self.segment.open("pool").unwrap();
        match by {
            0..RECEIVERS => pool.receiver(self.reaper, by as u32).unwrap(),
            // Free seats come first: all of them are taken until the dead one's is left.
            _ => {
                let mut users: Vec<_> =
                    std::iter::from_fn(|| pool.user(self.reaper).ok()).collect();
                users.pop().expect("the dead one's seat")
            }
        }
    }

    fn publish(&mut self, by: usize, nth: usize, mask: u32) {
        let loans = &mut self.actors[by].loans;
        if loans.is_empty() {
            return;
        }
        let mut loan = loans.remove(nth % loans.len());
        let at = self.written(&mut loan);
        let ticket = loan.publish_for(8, receivers(mask)).unwrap();
        let frame = &mut self.frames[at];
        frame.loaned = None;
        frame.generation = frame.generation.wrapping_add(1);
        frame.pins = (0..RECEIVERS).filter(|r| mask >> r & 1 == 1).collect();
        frame.reserved = frame.pins.iter().map(|r| (*r, false)).collect();
        if !frame.pins.is_empty() {
            frame.publisher = Some((by, self.actors[by].life));
        }
        assert_eq!(
            (ticket.index as usize, ticket.generation),
            (at, frame.generation)
        );
        self.tickets.push(ticket);
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Loan(by) => self.loan(by),
            Call::Return(by, nth) => {
                let loans = &mut self.actors[by].loans;
                if loans.is_empty() {
                    return;
                }
                let mut loan = loans.remove(nth % loans.len());
                let at = self.written(&mut loan);
                drop(loan);
                self.frames[at].loaned = None;
                self.frames[at].generation = self.frames[at].generation.wrapping_add(1);
            }
            Call::Publish(by, nth, mask) => self.publish(by, nth, mask),
            Call::View(by, nth) => _ = self.ticket(nth).map(|ticket| self.view(by, ticket)),
            Call::Take(by, nth) => _ = self.ticket(nth).map(|ticket| self.take(by, ticket)),
            Call::Drop(by, nth) => {
                let views = &mut self.actors[by].views;
                if views.is_empty() {
                    return;
                }
                let (view, content) = views.remove(nth % views.len());
                assert_eq!(
                    self.content(&view),
                    content,
                    "it changed while it was viewed"
                );
                let at = view.ticket().index as usize;
                self.frames[at].pins.retain(|pin| *pin != by);
            }
            Call::Recall(by, nth, mask) => {
                _ = self.ticket(nth).map(|ticket| self.recall(by, ticket, mask));
            }
            Call::Release(by) => self.release(by),
            Call::Die(by) => self.die(by, true),
            Call::DieUnnoticed(by) => self.die(by, false),
        }
        let free = self.frames.iter().filter(|frame| frame.is_free()).count();
        assert_eq!(self.actors[0].user.free(), free as u32, "after {call:?}");
    }
}

fn play(trust: Trust, calls: &[Call], generous: bool) {
    let mut world = World::new(trust, generous);
    calls.iter().for_each(|call| world.call(*call));
    // Everybody dies; the reservations of receivers who never come are dropped: every frame is free.
    for by in (0..ACTORS).rev() {
        world.call(Call::Die(by));
    }
    for by in 0..RECEIVERS {
        world.call(Call::Release(by));
    }
    assert_eq!(world.actors[0].user.free(), FRAMES);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn a_pool_is_what_its_model_is(calls in vec(calls(), 0..120)) {
        for trust in EACH_TRUST {
            play(trust, &calls, false);
        }
    }
}

#[test]
fn control_a_model_that_frees_what_a_dead_receiver_had_is_noticed() {
    let calls = [Call::Loan(3), Call::Publish(3, 0, 1), Call::DieUnnoticed(0)];
    play(EACH_TRUST[0], &calls, false);
    assert!(std::panic::catch_unwind(|| play(EACH_TRUST[0], &calls, true)).is_err());
}
