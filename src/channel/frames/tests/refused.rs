//! What a pool refuses: configurations, other kinds, other peers, bytes that may not be written, tickets that nobody made.

use super::*;
use crate::segment::testing::Ring as Other;
use crate::{Field, Kind};

fn mismatch(field: Field, want: u64, found: u64) -> Error {
    Error::Mismatch { field, want, found }
}

fn bad(field: Field, found: u64, want: &'static str) -> Error {
    Error::BadConfig { field, found, want }
}

const FRAMES: &str = "1 to 65536 frames";
const BYTES: &str = "1 to 2^30 bytes";
const ALIGN: &str = "a power of two from 128 to 2^21";
const RECEIVERS: &str = "at most 16 receivers";

#[test]
fn a_configuration_outside_the_kind_is_refused() {
    let good = Config::new(2, 64);
    for (config, want) in [
        (good.frames(0), bad(Field::Capacity, 0, FRAMES)),
        (good.frames(65537), bad(Field::Capacity, 65537, FRAMES)),
        (Config::new(2, 0), bad(Field::ElementBytes, 0, BYTES)),
        (
            Config::new(2, (1 << 30) + 1),
            bad(Field::ElementBytes, (1 << 30) + 1, BYTES),
        ),
        (good.aligned(0), bad(Field::ElementAlign, 0, ALIGN)),
        (good.aligned(64), bad(Field::ElementAlign, 64, ALIGN)),
        (good.aligned(384), bad(Field::ElementAlign, 384, ALIGN)),
        (
            good.aligned(1 << 22),
            bad(Field::ElementAlign, 1 << 22, ALIGN),
        ),
        (good.receivers(17), bad(Field::Framing, 17, RECEIVERS)),
        (
            good.receivers(u32::MAX),
            bad(Field::Framing, u32::MAX.into(), RECEIVERS),
        ),
    ] {
        assert_eq!(Frames::layout(&config).unwrap_err(), want, "{config:?}");
    }
    let least = Frames::layout(&Config::new(1, 1)).unwrap();
    assert_eq!((least.size(), least.align()), (512 + 128 + 128, 128));
    let most = Config::new(1 << 16, 1 << 30).receivers(16);
    let most = Frames::layout(&most.aligned(1 << 21));
    assert_eq!(most.is_ok(), usize::BITS == 64, "2^46 bytes");
}

/// Wire offsets of the header.
const KIND: usize = 20;
const CAPACITY: usize = 36;
const ELEMENT: usize = 40;
const ALIGNED: usize = 44;
const SPAN: usize = 56;
const FRAMING: usize = 64;
const BEGIN: usize = 128;

#[test]
fn what_is_attached_must_be_what_the_header_says() {
    let config = Config::new(4, 200);
    with_bare(&config, |room, _| {
        let attach = || Frames::attach(room.region(Trust::Distrusted)).map(|_| ());
        let span = 512 + 4 * 128 + 4 * 256;
        let magic = |kind: Kind| u64::from_le_bytes(kind.magic());
        assert_eq!(
            Other::attach(room.region(Trust::Cooperative)).unwrap_err(),
            mismatch(Field::Magic, magic(Kind::Spsc), magic(Kind::Frames))
        );
        for (at, value, want) in [
            (KIND, 7, mismatch(Field::Kind, 9, 7)),
            (CAPACITY, 0, bad(Field::Capacity, 0, FRAMES)),
            (CAPACITY, 3, mismatch(Field::SpanBytes, span - 384, span)),
            (CAPACITY, 65537, bad(Field::Capacity, 65537, FRAMES)),
            (ELEMENT, 0, bad(Field::ElementBytes, 0, BYTES)),
            (ELEMENT, 100, mismatch(Field::SpanBytes, span - 512, span)),
            (ELEMENT, 1 << 31, bad(Field::ElementBytes, 1 << 31, BYTES)),
            (ALIGNED, 130, bad(Field::ElementAlign, 130, ALIGN)),
            (ALIGNED, 256, mismatch(Field::SpanBytes, span + 128, span)),
            (SPAN, 2048 - 128, mismatch(Field::SpanBytes, span, 1920)),
            (FRAMING, 17, bad(Field::Framing, 17, RECEIVERS)),
            (BEGIN, 1023, mismatch(Field::Offset, 1024, 1023)),
            (BEGIN, 1025, mismatch(Field::Offset, 1024, 1025)),
            (BEGIN, 0, mismatch(Field::Offset, 1024, 0)),
            (
                BEGIN,
                u32::MAX,
                mismatch(Field::Offset, 1024, u32::MAX.into()),
            ),
        ] {
            let was = room.word(at);
            room.set(at, value);
            assert_eq!(attach(), Err(want), "{value} at {at}");
            room.set(at, was);
            attach().unwrap();
        }
        // Fewer than 128 bytes in a frame, and still the same pool.
        room.set(ELEMENT, 129);
        attach().unwrap();
    });
    let short = Room::new(1024);
    assert_eq!(
        Frames::init(short.region(Trust::Cooperative), &config).unwrap_err(),
        Error::TooSmall {
            want: 2048,
            found: 1024
        }
    );
}

#[test]
fn a_plan_names_both_pools_where_they_differ() {
    let plan = |config: &Config| {
        let plan = Plan::<1>::new();
        plan.channel::<Frames>("pool", config).unwrap()
    };
    let config = Config::new(2, 256).receivers(1);
    let room = Room::new(plan(&config.frames(3)).layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan(&config)).unwrap();
    assert_eq!(segment.check(&plan(&config)), Ok(()));
    for (other, want) in [
        (config.frames(3), mismatch(Field::Capacity, 3, 2)),
        (config.aligned(256), mismatch(Field::ElementAlign, 256, 128)),
        (config.receivers(2), mismatch(Field::Framing, 2, 1)),
        (config.tagged(7), mismatch(Field::TypeTag, 7, 0)),
    ] {
        assert_eq!(segment.check(&plan(&other)), Err(want));
    }
}

#[test]
fn peers_of_other_segments_are_foreign() {
    let config = Config::new(1, 64).receivers(1);
    let (here, there) = (World::new(config), World::new(config));
    let (home, abroad) = (
        here.segment(Trust::Cooperative),
        there.segment(Trust::Cooperative),
    );
    let (me, stranger) = (here.join(&home), there.join(&abroad));
    let pool: Frames = home.open("pool").unwrap();
    let foreign = Err(Error::ForeignPeer);
    assert_eq!(pool.user(&stranger).map(|_| ()), foreign);
    assert_eq!(pool.receiver(&stranger, 0).map(|_| ()), foreign);
    assert_eq!(pool.bare_user().map(|_| ()), foreign);
    assert_eq!(pool.bare_receiver(0).map(|_| ()), foreign);
    let user = pool.user(&me).unwrap();
    assert_eq!(user.ringing(&stranger, crate::Silent).map(|_| ()), foreign);
    let bare = Room::of::<Frames>(&config);
    let bare = Frames::init(bare.region(Trust::Cooperative), &config).unwrap();
    assert_eq!(bare.user(&me).map(|_| ()), foreign);
    assert_eq!(here.line(&home, 0, 8), 0);
    let seat = segments::place(&home, "pool") + SEATS + 4;
    assert_eq!(here.room.word(seat), 0, "the seat was given back");
}

#[test]
fn a_region_that_may_only_be_read_has_no_users() {
    let config = Config::new(1, 64).receivers(1);
    with_bare(&config, |room, _| {
        let pool = Frames::attach(room.read_only()).unwrap();
        assert_eq!(pool.frames(), 1);
        assert_eq!(pool.bare_user().unwrap_err(), Error::ReadOnly);
        assert_eq!(pool.bare_receiver(0).unwrap_err(), Error::ReadOnly);
    });
}

#[test]
fn a_forked_child_uses_nothing_of_its_parent_s() {
    use crate::memory::sync::RawU32;
    use std::sync::atomic::Ordering::Relaxed;
    let guard = RawU32::new(1);
    let config = Config::new(4, 64).receivers(1);
    let room = Room::of::<Frames>(&config);
    let guarded = || room.region(Trust::Cooperative).guarded_by(&guard);
    let pool = Frames::init(guarded(), &config).unwrap();
    let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(0).unwrap());
    let (lossy, lossless) = (
        publish(&tx, b"a"),
        publish_for(&tx, b"b", Receivers::one(0)),
    );
    let (mut loan, taken, unsent) = (
        tx.loan().unwrap(),
        rx.take(lossless).unwrap(),
        tx.loan().unwrap(),
    );
    let before: Vec<_> = (0..room.len() / 4).map(|n| room.word(4 * n)).collect();
    guard.store(0, Relaxed);
    let forked = Refused::Region(Error::Forked);
    assert_eq!(tx.loan().unwrap_err(), forked);
    assert_eq!(rx.view(lossy).unwrap_err(), forked);
    assert_eq!(rx.take(lossless).unwrap_err(), forked);
    assert_eq!(tx.recall(lossless, Receivers::one(0)), Err(forked));
    assert_eq!(tx.forget(0).unwrap_err(), Error::Forked);
    assert_eq!((tx.free(), rx.release_unclaimed(&rx.unclaimed())), (0, 0));
    assert_eq!(loan.bytes_mut().unwrap_err(), Error::Forked);
    assert_eq!(loan.write_at(0, b"x").unwrap_err(), Error::Forked);
    loan.set_picture(&Picture {
        width: 1,
        ..Picture::default()
    });
    assert_eq!(loan.publish(1).unwrap_err(), Error::Forked);
    assert_eq!(taken.bytes().unwrap_err(), Error::Forked);
    assert_eq!(taken.copy_to(&mut [0; 4]).unwrap_err(), Error::Forked);
    assert_eq!(taken.picture(), Picture::default());
    assert_eq!(pool.bare_user().unwrap_err(), Error::Forked);
    assert_eq!(Frames::attach(guarded()).unwrap_err(), Error::Forked);
    drop((taken, unsent));
    drop((tx, rx));
    let after: Vec<_> = (0..room.len() / 4).map(|n| room.word(4 * n)).collect();
    assert_eq!(before, after, "no word changed");
}

#[test]
fn a_ticket_that_nobody_made_is_refused_and_named() {
    with_bare(&Config::new(4, 64).receivers(1), |_, pool| {
        let tx = pool.bare_user().unwrap();
        let rx = pool.bare_receiver(0).unwrap();
        let good = publish_for(&tx, b"x", Receivers::one(0));
        let all = |ticket| {
            [
                rx.view(ticket).map(|_| ()).unwrap_err(),
                rx.take(ticket).map(|_| ()).unwrap_err(),
                tx.recall(ticket, Receivers::one(0)).unwrap_err(),
            ]
        };
        for index in [4, 5, u32::MAX] {
            let ticket = Ticket { index, ..good };
            assert_eq!(all(ticket), [corrupt("frame number of a ticket", index); 3]);
        }
        for len in [65, u32::MAX] {
            let ticket = Ticket { len, ..good };
            assert_eq!(all(ticket), [corrupt("length of a ticket", len); 3]);
        }
        for generation in [1, 3, 5, u32::MAX] {
            let ticket = Ticket { generation, ..good };
            let want = corrupt("generation of a ticket", generation);
            assert_eq!(all(ticket), [want; 3]);
        }
        for generation in [0, 2, 6, u32::MAX - 1] {
            let ticket = Ticket { generation, ..good };
            assert_eq!(all(ticket), [Refused::Stale; 3]);
        }
        assert_eq!(all(Ticket::default()), [Refused::Stale; 3]);
        drop(rx.take(good).unwrap());
        assert_eq!(tx.free(), 4);
    });
}

/// Whatever is tried, a loaned frame is nobody else's, and nothing panics.
#[test]
fn random_tickets_never_give_a_loaned_frame() {
    with_bare(&Config::new(4, 64).receivers(2), |_, pool| {
        let tx = pool.bare_user().unwrap();
        let rx = [0, 1].map(|number| pool.bare_receiver(number).unwrap());
        let _published = publish_for(&tx, b"x", Receivers::first(2));
        let loans = [tx.loan().unwrap(), tx.loan().unwrap(), tx.loan().unwrap()];
        let mut state = 5u64;
        let mut next = |below: u32| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            ((state >> 33) as u32) % below
        };
        let mut had = 0;
        for _ in 0..50_000 {
            let ticket = Ticket {
                index: next(5),
                generation: [next(8), next(u32::MAX)][next(2) as usize],
                len: [next(66), next(u32::MAX)][next(2) as usize],
            };
            let user = &rx[next(2) as usize];
            let got = match next(2) {
                0 => user.view(ticket),
                _ => user.take(ticket),
            };
            if let Ok(view) = got {
                assert_eq!((view.ticket(), ticket.index), (ticket, 0));
                had += 1;
                // As if it had not been: the next taker may have it again.
                forget(view);
            }
        }
        assert_eq!(had, 2, "each receiver took what was for it");
        drop(loans);
    });
}
