//! Attaches locks to arbitrary bytes, locks, sets and unlocks.

use ringpad::lock::{Acquired, Guard, Key, Lock, Locked, Refused};
use ringpad::{Channel, Error, PeerId, Pod};

use super::room::{Arena, Script};

/// The input describes a region; each type of value has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    alone(room, script)
        + drive(room, script, 1u8)
        + drive(room, script, 2u32)
        + drive(room, script, [3u64; 3])
}

/// The lock, if the word lets it be had; what it answers besides must name what is there.
fn had<'k, 'p, T: Pod>(key: &'k mut Key<'p, T>, by_looking: u8) -> Option<Guard<'k, 'p, T>> {
    assert!(
        key.holder()
            .is_none_or(|by| by == PeerId::BARE || by.get() <= PeerId::MOST)
    );
    let got = match by_looking {
        0 => key.try_lock(),
        looks => key.lock_for::<spin::relax::Spin>(u32::from(looks)),
    };
    match got {
        Ok(Acquired::Clean(guard)) => {
            assert!(!guard.is_poisoned());
            Some(guard)
        }
        Ok(Acquired::Inherited { from, guard }) => {
            assert!(
                guard.is_poisoned() && from.is_none(),
                "of a bare one nobody is dead"
            );
            Some(guard)
        }
        Err(Refused::Held { by }) => {
            assert_eq!(by, PeerId::BARE);
            None
        }
        Err(Refused::Region(Error::Corrupt { what, found })) => {
            assert!(what == "lock word" && found & !(1 << 31) != 0);
            None
        }
        Err(other) => panic!("try_lock said {other:?}"),
    }
}

fn alone(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    let Ok(lock) = Lock::attach(room.region()) else {
        return 0;
    };
    let Ok(mut key) = lock.bare_key() else {
        return 0;
    };
    let mut calls = 1;
    while let Some(step) = script.next() {
        calls += 1;
        match step % 8 {
            // As its holder would: the others get on.
            0 => room.scribble(32, 0),
            1 => script.scribble(room),
            2 => room.scribble(32, script.word()),
            step => {
                if let Some(mut guard) = had(&mut key, script.byte() % 4) {
                    if step == 4 {
                        script.scribble(room);
                    }
                    if step == 5 {
                        guard.mark_consistent();
                    }
                    if step == 6 {
                        core::mem::forget(guard);
                    }
                }
            }
        }
    }
    calls
}

fn drive<T: Pod>(room: &impl Arena, script: &mut Script<'_>, value: T) -> u32 {
    let Ok(lock) = Locked::<T>::attach(room.region()) else {
        return 0;
    };
    let Ok(mut key) = lock.bare_key() else {
        return 0;
    };
    let mut calls = 1;
    while let Some(step) = script.next() {
        calls += 1;
        match step % 16 {
            0 | 4 => room.scribble(32, 0),
            1 => script.scribble(room),
            // The lock's own words more often than their number says.
            2 => room.scribble(32, script.word() >> 24),
            3 => room.scribble(64, script.word()),
            5 => drop(key.clone().holder()),
            step => {
                let Some(mut guard) = had(&mut key, script.byte() % 4) else {
                    continue;
                };
                for _ in 0..script.byte() % 4 {
                    match script.byte() % 5 {
                        0 => drop(guard.get()),
                        1 => guard.update(|_| script.scribble(room)),
                        2 => guard.mark_consistent(),
                        3 => script.scribble(room),
                        _ => guard.set(&value),
                    }
                }
                if step == 6 {
                    core::mem::forget(guard);
                }
            }
        }
    }
    calls
}
