//! Pools of frames for models, bare or in a segment, and the ledger of what was published in them.

use ringpad::frames::{Config, Frames, Loan, Picture, Receivers, Refused, Ticket, User, View};
use ringpad::hooks::probe::pool::free_frames;
use ringpad::{Channel, Peer, Plan, Silent, spsc};

use super::saw;
use super::world::{Room, World};

/// Bytes of a frame: a number.
pub const BYTES: u32 = 4;
/// The one receiver of most models.
pub const FIRST: Receivers = Receivers::one(0);

pub type Pool = Frames<'static>;
pub type Hand = User<'static>;

/// What models say of a frame that should be free, and is not.
pub const LEAKED: &str = "a frame is never free again";
/// Of a frame that was reserved and is not.
pub const DESTROYED: &str = "a frame reserved by the living is gone";
/// Of a view that shows what its ticket does not say.
pub const OTHER: &str = "a view of something else";

pub fn config(frames: u32, receivers: u32) -> Config {
    Config::new(frames, BYTES).receivers(receivers)
}

/// A bare pool: of nobody is ever proven that it died.
pub fn bare(frames: u32, receivers: u32) -> (Room, Pool) {
    let config = config(frames, receivers);
    let room = Room::new(Pool::layout(&config).unwrap().size());
    let pool = Pool::init(room.region(), &config).unwrap();
    (room, pool)
}

/// A segment of so many rows with a pool.
pub fn world(peers: u32, frames: u32, receivers: u32) -> World {
    World::with::<Pool>(peers, &config(frames, receivers))
}

pub fn user(world: &World, me: &'static Peer<'static>) -> Hand {
    world.open::<Pool>().user(me).unwrap()
}

pub fn receiver(world: &World, me: &'static Peer<'static>, number: u32) -> Hand {
    world.open::<Pool>().receiver(me, number).unwrap()
}

pub type Out = spsc::Producer<'static, Ticket>;
pub type Tickets = spsc::Consumer<'static, Ticket>;

/// A bare ring for so many tickets.
pub fn tickets(capacity: u32) -> (Room, Out, Tickets) {
    let config = spsc::Config::new(capacity);
    let room = Room::new(spsc::Spsc::<Ticket>::layout(&config).unwrap().size());
    let ring = spsc::Spsc::init(room.region(), &config).unwrap();
    let (out, tickets) = ring.split().unwrap();
    (room, out, tickets)
}

/// Publishes a number for the first receiver and sends its ticket, if there is a frame.
pub fn send(user: &Hand, out: &mut Out, n: u32) -> bool {
    let Some(ticket) = publish(user, n, FIRST) else {
        return false;
    };
    // As many places as frames.
    out.push(ticket).unwrap();
    true
}

/// As a receiver works: takes the frame, works, removes the ticket, drops the frame. True if there was one.
pub fn work(user: &Hand, tickets: &mut Tickets, got: &mut Vec<u32>) -> bool {
    let Some(ticket) = tickets.peek() else {
        saw("no ticket");
        return false;
    };
    let view = user.take(ticket).expect(DESTROYED);
    got.push(number(&view));
    tickets.pop();
    saw("worked");
    true
}

/// A segment with a pool that has a receiver, a ring for its tickets, and a ledger of what goes through both.
pub struct Belt {
    pub world: World,
    frames: u32,
}

impl Belt {
    pub fn new(peers: u32, frames: u32) -> Self {
        let plan = Plan::new().peers(peers).unwrap();
        let plan = plan.channel::<Pool>("ring", &config(frames, 1)).unwrap();
        let tickets = spsc::Config::new(2);
        let plan = plan.channel::<spsc::Spsc<Ticket>>("tickets", &tickets);
        let world = World::new(&plan.unwrap());
        Self { world, frames }
    }

    fn tickets(&self) -> spsc::Spsc<'static, Ticket> {
        self.world.segment.open("tickets").unwrap()
    }

    /// A publisher's.
    pub fn tx(&self, me: &'static Peer<'static>) -> (Hand, Out) {
        (user(&self.world, me), self.tickets().producer(me).unwrap())
    }

    /// The receiver's.
    pub fn rx(&self, me: &'static Peer<'static>) -> (Hand, Tickets) {
        self.joiner(me)()
    }

    /// Becomes the receiver, in any thread. It is never refused.
    pub fn joiner(&self, me: &'static Peer<'static>) -> impl FnOnce() -> (Hand, Tickets) + use<> {
        let (pool, tickets) = (self.world.open::<Pool>(), self.tickets());
        move || (pool.receiver(me, 0).unwrap(), tickets.consumer(me).unwrap())
    }

    /// What a receiver does when a publisher died, or its predecessor: asks, drains, releases.
    pub fn settle(rx: &Hand, tickets: &mut Tickets) -> Vec<u32> {
        let (before, mut got) = (rx.unclaimed(), Vec::new());
        while work(rx, tickets, &mut got) {}
        rx.release_unclaimed(&before);
        got
    }

    /// As [`closes`].
    pub fn closes(&self, me: &'static Peer<'static>) {
        closes(&self.world, me, self.frames);
    }
}

/// What remains when all other threads are done and the dead are buried: every frame can be loaned again. `me` lives.
pub fn closes(world: &World, me: &'static Peer<'static>, frames: u32) {
    me.reap(&Silent).unwrap();
    // Before a user takes a seat, and cleans it.
    let free = free_frames(world.bytes_of_channel()).unwrap();
    assert_eq!(free, frames, "{LEAKED}");
    let user = user(world, me);
    let loans: Vec<_> = (0..frames).map(|_| loan(&user)).collect();
    assert!(loans.iter().all(Option::is_some), "{LEAKED}");
}

/// What was sent comes, in order: to a receiver that may be dead, and what that one had in work when it died (or `None`) to its successor again.
pub fn check_order(sent: &[u32], dead: &[u32], living: &[u32]) {
    let again = match (dead.last(), living.first()) {
        (Some(last), Some(first)) if last == first => 1,
        _ => 0,
    };
    let got: Vec<_> = dead.iter().chain(&living[again..]).copied().collect();
    assert_eq!(got, sent, "{DESTROYED}");
}

/// The ticket of a frame's publication of this generation, whoever made it.
pub fn ticket(index: u32, generation: u32) -> Ticket {
    Ticket {
        index,
        generation,
        len: BYTES,
    }
}

/// A frame to write, if there is one. One attempt is enough: the checker makes it at every moment there is.
pub fn loan(user: &Hand) -> Option<Loan<'_, 'static>> {
    let loan = match user.loan() {
        Ok(loan) => Some(loan),
        Err(Refused::NoFrame) => None,
        Err(other) => panic!("{other}"),
    };
    saw(if loan.is_some() { "loaned" } else { "no frame" });
    loan
}

/// Writes a number into a loan, and beside it.
pub fn write(loan: &mut Loan<'_, '_>, n: u32) {
    loan.bytes_mut().unwrap().copy_from_slice(&n.to_le_bytes());
    let sequence = u64::from(n);
    loan.set_picture(&Picture {
        sequence,
        ..Picture::default()
    });
}

/// Publishes a number for these, if there is a frame.
pub fn publish(user: &Hand, n: u32, whom: Receivers) -> Option<Ticket> {
    let mut loan = loan(user)?;
    write(&mut loan, n);
    Some(loan.publish_for(BYTES, whom).unwrap())
}

/// The number that a view shows, in its bytes and beside them.
pub fn number(view: &View<'_, '_>) -> u32 {
    let n = u32::from_le_bytes(view.bytes().unwrap().try_into().unwrap());
    let mut copy = [0; BYTES as usize];
    assert_eq!(view.copy_to(&mut copy), Ok(copy.len()));
    assert_eq!(u32::from_le_bytes(copy), n, "{OTHER}");
    assert_eq!(view.picture().sequence, u64::from(n), "{OTHER}");
    n
}

/// What a view shows, if the frame is still what the ticket says.
pub fn seen(view: Result<View<'_, '_>, Refused>) -> Option<u32> {
    match view {
        Ok(view) => {
            saw("viewed");
            Some(number(&view))
        }
        Err(Refused::Stale) => {
            saw("stale");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// What a receiver's view shows, if the frame is still reserved for it.
pub fn taken(view: Result<View<'_, '_>, Refused>) -> Option<u32> {
    match view {
        Ok(view) => {
            saw("viewed");
            Some(number(&view))
        }
        Err(Refused::Stale | Refused::NotReserved) => {
            saw("gone");
            None
        }
        Err(Refused::AlreadyViewed) => panic!("{DESTROYED}, its bit is not"),
        Err(other) => panic!("{other}"),
    }
}
