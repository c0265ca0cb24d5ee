//! The operations of frame pools, lap by lap as those of the rings: a lap publishes every frame and looks at every one.

use std::hint::black_box;

use ringpad::frames::{Config, Frames, Receivers, Ticket, User};
use ringpad::os::{Options, OwnedRinger};
use ringpad::{Channel, Silent, Wake};

use crate::counted;
use crate::homes::{SLOTS, join, room};
use crate::operations::laps;

/// Frames of a pool; what a search costs that finds the first frame in use is no matter of laps.
const FRAMES: u32 = 16;
/// Bytes of a frame, which nothing here depends on.
const BYTES: u32 = 64;
/// Times that a lap goes through all frames.
const ROUNDS: u32 = SLOTS / FRAMES;

/// Who publishes, and the receiver.
type Users<W> = (User<'static, W>, User<'static, W>);

fn config() -> Config {
    Config::new(FRAMES, BYTES).receivers(1)
}

fn bare() -> Users<Silent> {
    let pool = Frames::init(room(), &config()).expect("a pool");
    let users = (pool.bare_user(), pool.bare_receiver(0));
    (users.0.expect("a user"), users.1.expect("the receiver"))
}

fn ringing() -> Users<OwnedRinger> {
    let me = join::<Frames<'static>>(&config(), &Options::new());
    let users = (me.frame_user("ring"), me.frame_receiver("ring", 0));
    (users.0.expect("a user"), users.1.expect("the receiver"))
}

/// Goes through all frames some times: each published, then each looked at.
fn rounds<W: Wake>(
    count: u32,
    mut users: Users<W>,
    publish: impl Fn(&mut User<'static, W>) -> Ticket,
    look: impl Fn(&mut User<'static, W>, Ticket) -> bool,
) -> u64 {
    laps(count, || {
        for _ in 0..ROUNDS {
            let tickets: [Ticket; FRAMES as usize] =
                std::array::from_fn(|_| black_box(publish(&mut users.0)));
            for ticket in tickets {
                assert!(look(&mut users.1, ticket));
            }
        }
        SLOTS.into()
    })
}

fn publish<W: Wake>(count: u32, users: Users<W>) -> u64 {
    let call = black_box(counted::frame_publish::<W> as fn(&mut _) -> Ticket);
    rounds(count, users, call, |user, ticket| user.view(ticket).is_ok())
}

fn view<W: Wake>(count: u32, users: Users<W>) -> u64 {
    let call = black_box(counted::frame_view::<W> as fn(&mut _, Ticket) -> bool);
    let publish = |user: &mut User<'static, W>| {
        let loan = user.loan().expect("a free frame");
        loan.publish(BYTES).expect("a whole frame")
    };
    rounds(count, users, publish, call)
}

pub fn bare_publish(count: u32) -> u64 {
    publish(count, bare())
}

pub fn bare_view(count: u32) -> u64 {
    view(count, bare())
}

pub fn ringing_publish(count: u32) -> u64 {
    publish(count, ringing())
}

pub fn ringing_view(count: u32) -> u64 {
    view(count, ringing())
}

pub fn reserve(count: u32) -> u64 {
    let call = black_box(counted::frame_reserve as fn(&mut _) -> Ticket);
    rounds(count, bare(), call, |user, ticket| {
        user.take(ticket).is_ok()
    })
}

pub fn take(count: u32) -> u64 {
    let call = black_box(counted::frame_take as fn(&mut _, Ticket) -> bool);
    let publish = |user: &mut User<'static, Silent>| {
        let loan = user.loan().expect("a free frame");
        let ticket = loan.publish_for(BYTES, Receivers::one(0));
        ticket.expect("a whole frame")
    };
    rounds(count, bare(), publish, call)
}

/// Of a frame that holds something else by now.
pub fn view_stale(count: u32) -> u64 {
    let call = black_box(counted::frame_view::<Silent> as fn(&mut _, Ticket) -> bool);
    let (user, mut viewer) = bare();
    let old = user.loan().expect("a free frame").publish(BYTES);
    let old = old.expect("a whole frame");
    for _ in 0..FRAMES {
        let loan = user.loan().expect("a free frame");
        loan.publish(BYTES).expect("a whole frame");
    }
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(!call(&mut viewer, old)));
        SLOTS.into()
    })
}
