//! Pools of frames for models, bare or in a segment, and the ledger of what was published in them.

use ringpad::frames::{Config, Frames, Loan, Picture, Receivers, Refused, Ticket, User, View};
use ringpad::{Channel, Peer};

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
