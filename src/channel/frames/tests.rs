//! A pool of frames, one rule a test; each under both trusts where they could differ.

#![forbid(unsafe_code)]

mod aligned;
mod bells;
mod garbage;
mod recalled;
mod receivers;
mod refused;
mod seats;
mod threads;
mod wraps;

use core::mem::forget;
use std::time::{Duration, Instant};

use super::{Config, FourCc, Frames, Picture, Receivers, Refused, Ticket, User, View};
use crate::memory::testing::{EACH_TRUST, Graves, Room, Trust};
use crate::segment::testing as segments;
use crate::{Channel, Error, Identity, Peer, Plan, Segment};

/// Wire offsets, from the pool's beginning.
const WAITERS: usize = 132;
const NEXT: usize = 256;
const SEATS: usize = 384;
const LINES: usize = 512;

/// Runs `test` with a bare pool under each trust.
fn with_bare(config: &Config, test: impl Fn(&Room, &Frames<'_>)) {
    for trust in EACH_TRUST {
        let room = Room::of::<Frames>(config);
        let pool = Frames::init(room.region(trust), config).unwrap();
        test(&room, &pool);
    }
}

/// A segment with a pool, and an oracle that knows who was buried.
struct World {
    room: Room,
    graves: Graves,
    config: Config,
}

impl World {
    fn new(config: Config) -> Self {
        let plan = Self::plan(&config);
        let room = Room::new(plan.layout().unwrap().size());
        let graves = Graves::default();
        Self {
            room,
            graves,
            config,
        }
    }

    fn plan(config: &Config) -> Plan<1> {
        let plan = Plan::new().peers(32).unwrap();
        plan.channel::<Frames>("pool", config).unwrap()
    }

    fn segment(&self, trust: Trust) -> Segment<'_> {
        Segment::init(self.room.region(trust), &Self::plan(&self.config)).unwrap()
    }

    fn join<'w>(&'w self, segment: &Segment<'w>) -> Peer<'w> {
        segment.join(&Identity::default(), &self.graves).unwrap()
    }

    /// A word of a frame's line.
    fn line(&self, segment: &Segment<'_>, frame: usize, at: usize) -> u32 {
        let begin = segments::place(segment, "pool");
        self.room.word(begin + LINES + frame * 128 + at)
    }
}

/// Runs `test` in a segment under each trust.
fn with_each(config: Config, test: impl Fn(&World, &Segment<'_>, &Frames<'_>)) {
    for trust in EACH_TRUST {
        let world = World::new(config);
        let segment = world.segment(trust);
        let pool: Frames = segment.open("pool").unwrap();
        test(&world, &segment, &pool);
    }
}

/// What comes in time, on however busy a machine.
fn until<T>(mut ready: impl FnMut() -> Option<T>) -> T {
    let late = Instant::now() + Duration::from_secs(120);
    loop {
        if let Some(value) = ready() {
            return value;
        }
        assert!(Instant::now() < late, "it never came");
        std::thread::yield_now();
    }
}

/// Publishes these bytes for these receivers.
fn publish_for(user: &User<'_>, bytes: &[u8], whom: Receivers) -> Ticket {
    let mut loan = user.loan().unwrap();
    loan.write_at(0, bytes).unwrap();
    loan.publish_for(bytes.len() as u32, whom).unwrap()
}

fn publish(user: &User<'_>, bytes: &[u8]) -> Ticket {
    publish_for(user, bytes, Receivers::NONE)
}

/// All bytes of a view, under either trust.
fn seen(view: &View<'_, '_>) -> Vec<u8> {
    let mut bytes = vec![0; view.len() as usize];
    assert_eq!(view.copy_to(&mut bytes), Ok(bytes.len()));
    if let Ok(lent) = view.bytes() {
        assert_eq!(lent, bytes);
    }
    bytes
}

/// A bell's owner, a seat or a frame is none of a `Refused`'s business but this.
fn corrupt(what: &'static str, found: u32) -> Refused {
    Refused::Region(Error::Corrupt { what, found })
}

#[test]
fn a_frame_goes_from_its_loan_through_views_back_to_a_loan() {
    with_bare(&Config::new(2, 100), |_, pool| {
        let (tx, one, two) = (
            pool.bare_user().unwrap(),
            pool.bare_user().unwrap(),
            pool.bare_user().unwrap(),
        );
        assert_eq!((tx.frames(), tx.frame_bytes(), tx.free()), (2, 100, 2));
        let ticket = publish(&tx, b"first");
        assert_eq!((ticket.index, ticket.generation, ticket.len), (0, 4, 5));
        let (a, b) = (one.view(ticket).unwrap(), two.view(ticket).unwrap());
        assert_eq!((seen(&a), seen(&b)), (b"first".to_vec(), b"first".to_vec()));
        assert_eq!((a.ticket(), a.len(), a.is_empty()), (ticket, 5, false));
        assert_eq!(one.view(ticket).unwrap_err(), Refused::AlreadyViewed);
        assert_eq!(tx.free(), 1);
        let other = publish(&tx, b"second");
        assert_eq!(other.index, 1, "never the frame that is viewed");
        let again = publish(&tx, b"third");
        assert_eq!((again.index, again.generation), (1, 6));
        assert_eq!(two.view(other).unwrap_err(), Refused::Stale);
        drop(a);
        assert_eq!(publish(&tx, b"4").index, 1, "it has one viewer left");
        assert_eq!(seen(&b), b"first");
        drop(b);
        assert_eq!(publish(&tx, b"5").index, 0);
        assert_eq!(one.view(ticket).unwrap_err(), Refused::Stale);
        assert_eq!(tx.free(), 2, "what was published for nobody is free");
    });
}

#[test]
fn every_frame_is_had_once_and_then_none() {
    with_bare(&Config::new(5, 8), |_, pool| {
        let tx = pool.bare_user().unwrap();
        for _ in 0..3 {
            let loans: Vec<_> = (0..5).map(|_| tx.loan().unwrap()).collect();
            assert_eq!(tx.loan().unwrap_err(), Refused::NoFrame);
            assert_eq!(tx.free(), 0);
            drop(loans);
            assert_eq!(tx.free(), 5);
        }
    });
}

#[test]
fn the_frame_published_longest_ago_is_loaned_next() {
    with_bare(&Config::new(4, 8), |_, pool| {
        let tx = pool.bare_user().unwrap();
        for n in 0..20 {
            assert_eq!(publish(&tx, b"x").index, n % 4);
        }
    });
}

#[test]
fn a_loan_that_is_dropped_is_not_published() {
    with_bare(&Config::new(1, 8), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let old = publish(&tx, b"old");
        let mut loan = tx.loan().unwrap();
        loan.write_at(0, b"never").unwrap();
        assert_eq!(rx.view(old).unwrap_err(), Refused::Stale, "being written");
        drop(loan);
        assert_eq!(rx.view(old).unwrap_err(), Refused::Stale, "overwritten");
        assert_eq!(tx.free(), 1);
        let loan = tx.loan().unwrap();
        let too_small = Error::TooSmall { want: 9, found: 8 };
        assert_eq!(loan.publish(9).unwrap_err(), too_small);
        assert_eq!(tx.free(), 1, "given back");
        let loan = tx.loan().unwrap();
        let whom = Receivers::one(0);
        assert_eq!(
            loan.publish_for(u32::MAX, whom).unwrap_err(),
            Error::TooSmall {
                want: u32::MAX.into(),
                found: 8
            }
        );
        assert_eq!(tx.free(), 1);
    });
}

#[test]
fn less_than_the_frame_may_be_written_published_and_copied() {
    with_bare(&Config::new(1, 100), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let mut loan = tx.loan().unwrap();
        assert_eq!(loan.capacity(), 100);
        loan.write_at(0, &[7; 100]).unwrap();
        loan.write_at(90, b"0123456789").unwrap();
        loan.write_at(100, b"").unwrap();
        for (offset, len, want) in [(91, 10, 101), (100, 1, 101), (u32::MAX, 1, 1 << 32)] {
            let refused = loan.write_at(offset, &vec![0; len]).unwrap_err();
            assert_eq!(refused, Error::TooSmall { want, found: 100 });
        }
        let ticket = loan.publish(95).unwrap();
        let view = rx.view(ticket).unwrap();
        let mut want = vec![7; 90];
        want.extend(b"01234");
        assert_eq!(seen(&view), want);
        let mut some = [0; 8];
        assert_eq!(
            (view.copy_at(92, &mut some), &some[..3]),
            (Ok(3), &b"234"[..])
        );
        assert_eq!(view.copy_to(&mut some), Ok(8));
        assert_eq!(view.copy_at(95, &mut some), Ok(0));
        assert_eq!(view.copy_at(u32::MAX, &mut some), Ok(0));
        assert_eq!(some, [7; 8]);
        drop(view);
        let view = rx.view(Ticket { len: 0, ..ticket }).unwrap();
        assert!(view.is_empty() && seen(&view).is_empty());
        drop(view);
        let all = tx.loan().unwrap().publish(100).unwrap();
        assert_eq!(seen(&rx.view(all).unwrap())[95..], *b"56789", "as it was");
    });
}

#[test]
fn bytes_are_lent_in_place_where_others_are_trusted_and_copied_elsewhere() {
    for trust in EACH_TRUST {
        let config = Config::new(1, 8);
        let room = Room::of::<Frames>(&config);
        let pool = Frames::init(room.region(trust), &config).unwrap();
        let user = pool.bare_user().unwrap();
        let mut loan = user.loan().unwrap();
        let is_trusted = trust == Trust::Cooperative;
        match loan.bytes_mut() {
            Ok(bytes) if is_trusted => bytes.copy_from_slice(b"in place"),
            Err(Error::Distrusted) if !is_trusted => loan.write_at(0, b"in place").unwrap(),
            other => panic!("{other:?} of {trust:?}"),
        }
        let ticket = loan.publish(8).unwrap();
        let view = user.view(ticket).unwrap();
        match is_trusted {
            true => assert_eq!(view.bytes(), Ok(&b"in place"[..])),
            false => assert_eq!(view.bytes(), Err(Error::Distrusted)),
        }
        assert_eq!(seen(&view), b"in place");
        let frames = 512 + 128;
        assert_eq!(room.word(frames).to_ne_bytes(), *b"in p", "no copy of it");
    }
}

#[test]
fn what_is_said_of_a_picture_goes_with_its_frame() {
    with_bare(&Config::new(2, 8), |_, pool| {
        let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_user().unwrap());
        let picture = Picture {
            width: 1920,
            height: 1080,
            stride: 2048,
            format: FourCc(*b"NV12"),
            timestamp_ns: u64::MAX - 7,
            sequence: 1 << 40,
        };
        let plain = publish(&tx, b"0");
        let mut loan = tx.loan().unwrap();
        loan.set_picture(&Picture::default());
        loan.set_picture(&picture);
        let ticket = loan.publish(1).unwrap();
        assert_eq!(rx.view(plain).unwrap().picture(), Picture::default());
        assert_eq!(rx.view(ticket).unwrap().picture(), picture);
        drop((tx.loan().unwrap(), tx.loan().unwrap()));
        let (a, b) = (publish(&tx, b"a"), publish(&tx, b"b"));
        let [a, b] = [a, b].map(|ticket| rx.view(ticket).unwrap().picture());
        assert!(
            [a, b].contains(&picture),
            "kept until something else is said"
        );
    });
}

#[test]
fn the_handle_says_what_its_creator_chose() {
    let config = Config::new(3, 100).aligned(256).receivers(2).tagged(9);
    with_bare(&config, |room, _| {
        let pool = Frames::attach(room.region(Trust::Cooperative)).unwrap();
        assert_eq!((pool.frames(), pool.frame_bytes()), (3, 100));
        assert_eq!(
            (pool.align(), pool.receivers(), pool.type_tag()),
            (256, 2, 9)
        );
        let wrong = Error::Mismatch {
            field: crate::Field::TypeTag,
            want: 8,
            found: 9,
        };
        let pool = pool.expect_tag(9).unwrap();
        assert_eq!(pool.expect_tag(8).unwrap_err(), wrong);
    });
}

#[test]
fn a_load_s_worst_case_is_enough_and_one_frame_less_is_not_always() {
    use super::Load;
    assert_eq!(Load::default(), Load::new());
    let load = Load {
        publishers: 2,
        loans: 2,
        viewers: 3,
        receivers: 1,
        views: 2,
        queue: 4,
    };
    assert_eq!(load.frames(), 4 + 8 + 4 + 1);
    let most = Load {
        publishers: u32::MAX,
        loans: u32::MAX,
        ..load
    };
    assert_eq!(most.frames(), u32::MAX, "it saturates");
    let config = Config::for_load(&load, 8);
    assert_eq!((config.frames, config.receivers), (17, 1));
    for (spare, enough) in [(0, true), (2, false)] {
        with_bare(&config.frames(17 - spare), |_, pool| {
            let users: Vec<_> = (0..5).map(|_| pool.bare_user().unwrap()).collect();
            let tx = &users[0];
            let rx = pool.bare_receiver(0).unwrap();
            let mut views = Vec::new();
            for viewer in &users[2..] {
                for _ in 0..2 {
                    views.push(viewer.view(publish(tx, b"x")).unwrap());
                }
            }
            let mut waiting: Vec<_> = (0..6)
                .map(|_| publish_for(tx, b"y", Receivers::one(0)))
                .collect();
            views.extend(waiting.drain(..2).map(|ticket| rx.take(ticket).unwrap()));
            let loans: Vec<_> = (0..4).map_while(|n| users[n % 2].loan().ok()).collect();
            assert_eq!(loans.len() == 4, enough, "{spare} spare");
        });
    }
}
