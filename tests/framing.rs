//! Frame pools in segments of the system's: users, loans and views that own what they need; alignment in every mapping; waiting for a free frame.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

mod common;

use std::sync::Arc;
use std::thread;

use common::PATIENCE;
use common::room::Room;
use ringpad::frames::{Config, Frames, Picture, Receivers, Refused, Ticket};
use ringpad::os::{Error, FrameUser, SharedSegment};
use ringpad::{PeerId, Plan};

const NAME: &str = "pool";

fn open(room: &Room, config: &Config) -> SharedSegment {
    let plan = Plan::<1>::new().peers(6).unwrap();
    let plan = plan.channel::<Frames>("pool", config).unwrap();
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

fn publish(user: &Arc<FrameUser>, bytes: &[u8], whom: Receivers) -> Ticket {
    let mut loan = user.loan_owned().unwrap();
    loan.bytes_mut().unwrap()[..bytes.len()].copy_from_slice(bytes);
    loan.publish_for(bytes.len() as u32, whom).unwrap()
}

#[test]
fn owned_loans_and_views_keep_what_they_need() {
    let room = Room::new("framing");
    let segment = open(&room, &Config::new(3, 64).receivers(1));
    let me = segment.join().unwrap();
    let user = Arc::new(me.frame_user("pool").unwrap());
    let rx = Arc::new(me.frame_receiver("pool", 0).unwrap());
    let lossless = publish(&user, b"for one", Receivers::one(0));
    let mut loan = user.loan_owned().unwrap();
    drop((user, me, segment));
    // Nothing but the loan and the receiver is left of it; both go elsewhere.
    let (ticket, taken) = thread::spawn(move || {
        assert_eq!(loan.capacity(), 64);
        loan.write_at(0, b"from a thread").unwrap();
        let picture = Picture {
            width: 5,
            ..Picture::default()
        };
        loan.set_picture(&picture);
        (loan.publish(13).unwrap(), rx.take_owned(lossless).unwrap())
    })
    .join()
    .unwrap();
    assert_eq!(taken.bytes().unwrap(), b"for one");
    let segment = SharedSegment::open(NAME, &room.options()).unwrap();
    let other = segment.join().unwrap();
    let other = Arc::new(other.frame_user("pool").unwrap());
    let view = Arc::new(other.view_owned(ticket).unwrap());
    let again = other.view_owned(ticket).unwrap_err();
    assert_eq!(again, Refused::AlreadyViewed);
    assert_eq!(other.free(), 1);
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let view = view.clone();
            thread::spawn(move || {
                assert_eq!(view.bytes().unwrap(), b"from a thread");
                (view.picture().width, view.ticket())
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), (5, ticket));
    }
    drop(view);
    assert_eq!(other.free(), 2);
    drop(taken);
    assert_eq!(other.free(), 3);
}

/// Each mapping lies elsewhere, and in each every frame does as its creator wanted.
#[test]
fn frames_are_aligned_in_every_mapping() {
    for align in [128, 4096, 1 << 16, 1 << 21] {
        let room = Room::new("framing-aligned");
        let config = Config::new(2, 1000).aligned(align);
        let made = open(&room, &config);
        let others: Vec<_> = (0..3)
            .map(|_| SharedSegment::open(NAME, &room.options()).unwrap())
            .collect();
        let mut places = Vec::new();
        for segment in [made].iter().chain(&others) {
            let me = segment.join().unwrap();
            let user = Arc::new(me.frame_user("pool").unwrap());
            let mut loans = [user.loan_owned().unwrap(), user.loan_owned().unwrap()];
            for loan in &mut loans {
                let place = loan.bytes_mut().unwrap().as_ptr().addr();
                assert_eq!(place % align as usize, 0, "{align}");
                places.push(place);
            }
        }
        places.sort();
        places.dedup();
        assert_eq!(places.len(), 8, "four mappings of two frames");
    }
}

#[test]
fn whoever_waits_for_a_frame_is_woken_by_a_view_s_drop() {
    let room = Room::new("framing-waits");
    let segment = open(&room, &Config::new(1, 64));
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let tx = Arc::new(me.frame_user("pool").unwrap());
    let rx = Arc::new(you.frame_user("pool").unwrap());
    for _ in 0..20 {
        let ticket = publish(&tx, b"x", Receivers::NONE);
        let view = rx.view_owned(ticket).unwrap();
        let waiting = thread::spawn({
            let (tx, bell) = (tx.clone(), [tx.bell()]);
            // A wake-up that is lost is not made good for.
            let mut waiter = me.waiter().unwrap().without_tick();
            move || {
                let had = waiter.wait(&bell, Some(PATIENCE), || tx.loan_owned().ok());
                had.unwrap().is_some()
            }
        });
        thread::yield_now();
        drop(view);
        assert!(waiting.join().unwrap());
    }
    assert_eq!(tx.free(), 1);
}

#[test]
fn names_and_refusals_come_through() {
    let room = Room::new("framing-refused");
    let segment = open(&room, &Config::new(1, 64).receivers(2));
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let rx = me.frame_receiver("pool", 1).unwrap();
    assert_eq!(rx.holder(1), PeerId::new(1));
    let refused = |error: Error| match error {
        Error::Channel { why, .. } => why,
        other => panic!("{other}"),
    };
    let by = rx.holder(1).unwrap();
    assert_eq!(
        refused(you.frame_receiver("pool", 1).unwrap_err()),
        ringpad::Error::EndpointTaken { by }
    );
    assert_eq!(
        refused(you.frame_receiver("pool", 2).unwrap_err()),
        ringpad::Error::SeatsFull { seats: 2 }
    );
    assert!(you.frame_user("nothing").is_err());
    drop(rx);
    let user = you.frame_receiver("pool", 1).unwrap().silent();
    assert_eq!(user.loan().unwrap_err(), Refused::Receiver);
    let silent = me.frame_user("pool").unwrap().silent();
    let ticket = silent.loan().unwrap().publish_for(0, Receivers::one(1));
    drop(user.take(ticket.unwrap()).unwrap());
    assert_eq!(silent.free(), 1);
}
