//! ringpad's frame pools: a loan, published, whose ticket goes through a ring; the view of it; numbers go through a ring of their own.

use std::marker::PhantomData;

use ringpad::frames::{self, Frames, Receivers, Ticket, User};
use ringpad::os::{Consumer as OsConsumer, Producer as OsProducer};
use ringpad::os::{FrameUser, Options, OwnedPeer, OwnedRinger, OwnedSilence, SharedSegment};
use ringpad::spsc::{Config, Consumer, Producer, Spsc};
use ringpad::{Plan, Result, Wake};

use crate::ends::Lane;
use crate::ends::frames::{FRAMES, FrameGiver, FramePeer, FrameTaker};

const POOL: &str = "pool";

/// How the ends wake.
pub trait Way {
    const NAMES: [&str; 2];
    type Wake: Wake;
    fn user(user: FrameUser) -> User<'static, Self::Wake>;
    fn tickets(ends: (OsProducer<Ticket>, OsConsumer<u64>)) -> GiversRings<Self::Wake>;
    fn numbers(ends: (OsConsumer<Ticket>, OsProducer<u64>)) -> TakersRings<Self::Wake>;
}

type GiversRings<W> = (Producer<'static, Ticket, W>, Consumer<'static, u64, W>);
type TakersRings<W> = (Consumer<'static, Ticket, W>, Producer<'static, u64, W>);

/// Ends that look for sleepers after each commit.
pub struct Ringing;

impl Way for Ringing {
    const NAMES: [&str; 2] = ["ringpad", "ringpad reserved"];
    type Wake = OwnedRinger;

    fn user(user: FrameUser) -> User<'static, OwnedRinger> {
        user
    }

    fn tickets(ends: (OsProducer<Ticket>, OsConsumer<u64>)) -> GiversRings<OwnedRinger> {
        ends
    }

    fn numbers(ends: (OsConsumer<Ticket>, OsProducer<u64>)) -> TakersRings<OwnedRinger> {
        ends
    }
}

/// Ends that look for no sleeper.
pub struct Silent;

impl Way for Silent {
    const NAMES: [&str; 2] = ["ringpad silent", "ringpad reserved silent"];
    type Wake = OwnedSilence;

    fn user(user: FrameUser) -> User<'static, OwnedSilence> {
        user.silent()
    }

    fn tickets(ends: (OsProducer<Ticket>, OsConsumer<u64>)) -> GiversRings<OwnedSilence> {
        (ends.0.silent(), ends.1.silent())
    }

    fn numbers(ends: (OsConsumer<Ticket>, OsProducer<u64>)) -> TakersRings<OwnedSilence> {
        (ends.0.silent(), ends.1.silent())
    }
}

/// A pool whose frames go to whoever views them in time; with `RESERVED` to the one receiver, which nobody can make lose one.
pub struct Pool<W, const RESERVED: bool>(PhantomData<W>);

pub struct Giver<W: Wake, const RESERVED: bool> {
    user: User<'static, W>,
    tickets: Producer<'static, Ticket, W>,
    numbers: Consumer<'static, u64, W>,
    name: String,
    _peer: OwnedPeer,
}

pub struct Taker<W: Wake, const RESERVED: bool> {
    user: User<'static, W>,
    tickets: Consumer<'static, Ticket, W>,
    numbers: Producer<'static, u64, W>,
    _peer: OwnedPeer,
}

fn plan(bytes: usize) -> Result<Plan<3>> {
    let pool = frames::Config::new(FRAMES as u32, bytes as u32).receivers(1);
    let ring = Config::new(FRAMES as u32);
    Plan::new()
        .channel::<Frames<'static>>(POOL, &pool)?
        .channel::<Spsc<'static, Ticket>>(Lane::There.name(), &ring)?
        .channel::<Spsc<'static, u64>>(Lane::Back.name(), &ring)
}

impl<W: Way, const RESERVED: bool> FramePeer for Pool<W, RESERVED> {
    const NAME: &str = W::NAMES[RESERVED as usize];
    type Giver = Giver<W::Wake, RESERVED>;
    type Taker = Taker<W::Wake, RESERVED>;

    fn giver(meeting: &str, bytes: usize) -> Self::Giver {
        let plan = plan(bytes).expect("a plan");
        let segment = SharedSegment::open_or_create(meeting, &plan, &Options::new());
        let peer = segment.and_then(|s| s.join()).expect("a segment");
        let tickets = peer.producer(Lane::There.name()).expect("an end");
        let numbers = peer.consumer(Lane::Back.name()).expect("an end");
        let (tickets, numbers) = W::tickets((tickets, numbers));
        Giver {
            user: W::user(peer.frame_user(POOL).expect("a user")),
            tickets,
            numbers,
            name: meeting.into(),
            _peer: peer,
        }
    }

    fn taker(invitation: &str, _: usize) -> Self::Taker {
        let segment = SharedSegment::open(invitation, &Options::new());
        let peer = segment.and_then(|s| s.join()).expect("the segment");
        let tickets = peer.consumer(Lane::There.name()).expect("an end");
        let numbers = peer.producer(Lane::Back.name()).expect("an end");
        let (tickets, numbers) = W::numbers((tickets, numbers));
        Taker {
            user: W::user(peer.frame_receiver(POOL, 0).expect("the receiver")),
            tickets,
            numbers,
            _peer: peer,
        }
    }
}

impl<W: Wake, const RESERVED: bool> FrameGiver for Giver<W, RESERVED> {
    fn invitation(&self) -> String {
        self.name.clone()
    }

    #[inline(always)]
    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        let Ok(mut loan) = self.user.loan() else {
            return false;
        };
        fill(loan.bytes_mut().expect("a trusted region"));
        let len = loan.capacity();
        let ticket = if RESERVED {
            loan.publish_for(len, Receivers::one(0))
        } else {
            loan.publish(len)
        };
        let pushed = self.tickets.push(ticket.expect("a whole frame"));
        assert!(pushed.is_ok(), "as many tickets fit as there are frames");
        true
    }

    #[inline(always)]
    fn reply(&mut self) -> Option<u64> {
        self.numbers.pop()
    }
}

impl<W: Wake, const RESERVED: bool> FrameTaker for Taker<W, RESERVED> {
    #[inline(always)]
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        if !RESERVED {
            let view = self.user.view(self.tickets.pop()?);
            let view = view.expect("nobody loans a frame before its reply");
            return Some(look(view.bytes().expect("a trusted region")));
        }
        // The ticket stays until its frame was looked at, for a successor.
        let ticket = self.tickets.peek()?;
        let view = self.user.take(ticket).expect("a reserved frame");
        let seen = look(view.bytes().expect("a trusted region"));
        self.tickets.pop();
        Some(seen)
    }

    #[inline(always)]
    fn answer(&mut self, number: u64) -> bool {
        self.numbers.push(number).is_ok()
    }
}
