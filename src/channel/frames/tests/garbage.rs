//! Any word of a pool may hold anything at any time: no call panics, none is without bound, none leaves the pool.

use super::*;

const CONFIG: Config = Config::new(3, 200).receivers(2);
const CANARY: u32 = 0xabab_abab;

/// A pool with 256 bytes behind it that are not its own.
fn room() -> (Room, usize) {
    let bytes = Frames::layout(&CONFIG).unwrap().size();
    let room = Room::new(bytes + 256);
    for at in (bytes..bytes + 256).step_by(4) {
        room.set(at, CANARY);
    }
    (room, bytes)
}

/// Every call there is. What it answers is not the question.
fn drive(pool: &Frames<'_>, tickets: &mut Vec<Ticket>) {
    let users = [
        pool.bare_user(),
        pool.bare_receiver(0),
        pool.bare_receiver(1),
    ];
    for user in users.iter().flatten() {
        let _ = (user.free(), user.present(), user.holder(1), user.receiver());
        for whom in [Receivers::NONE, Receivers::first(2)] {
            if let Ok(mut loan) = user.loan() {
                let _ = loan.write_at(190, &[7; 10]);
                loan.set_picture(&Picture::default());
                tickets.extend(loan.publish_for(200, whom));
            }
        }
        let lost = user.loan();
        for ticket in tickets.iter().rev().take(4) {
            for view in [user.view(*ticket), user.take(*ticket)]
                .into_iter()
                .flatten()
            {
                let _ = (
                    view.copy_to(&mut [0; 300]),
                    view.picture(),
                    view.bytes().is_ok(),
                );
            }
            let _ = user.recall(*ticket, Receivers::first(2));
        }
        let before = user.unclaimed();
        user.release_unclaimed(&before);
        for receiver in 0..3 {
            let _ = user.forget(receiver);
        }
        forget(lost);
    }
}

#[test]
fn any_word_may_be_anything() {
    for trust in EACH_TRUST {
        for at in (128..512 + 3 * 128).step_by(4) {
            for value in [
                0,
                1,
                2,
                0xff,
                0x1ff,
                1 << 31,
                0x8000_0001,
                u32::MAX - 1,
                u32::MAX,
            ] {
                let (room, bytes) = room();
                let pool = Frames::init(room.first(bytes, trust), &CONFIG).unwrap();
                let mut tickets = Vec::new();
                drive(&pool, &mut tickets);
                let held = pool.bare_user().inspect(|user| forget(user.loan()));
                room.set(at, value);
                drive(&pool, &mut tickets);
                drop(held);
                if let Ok(again) = Frames::attach(room.first(bytes, trust)) {
                    drive(&again, &mut tickets);
                }
                let behind = (bytes..bytes + 256).step_by(4);
                for at in behind {
                    assert_eq!(room.word(at), CANARY, "{value:#x} at {at}");
                }
            }
        }
    }
}

/// A region that somebody writes all over while every call is made.
#[test]
fn every_word_may_change_under_every_call() {
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
    let (room, bytes) = room();
    let done = AtomicBool::new(false);
    let pool = Frames::init(room.first(bytes, Trust::Distrusted), &CONFIG).unwrap();
    let words = room.view();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut state = 9u64;
            while !done.load(Relaxed) {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
                let word = (state >> 40) as usize % ((bytes - 128) / 4);
                let value = [0, 1, u32::MAX, (state >> 20) as u32][(state >> 60) as usize % 4];
                words.raw(128 + 4 * word).unwrap().store(value, Relaxed);
            }
        });
        let mut tickets = Vec::new();
        for _ in 0..500 {
            drive(&pool, &mut tickets);
            tickets.truncate(64);
        }
        done.store(true, Relaxed);
    });
    assert!(
        (bytes..bytes + 256)
            .step_by(4)
            .all(|at| room.word(at) == CANARY)
    );
}
