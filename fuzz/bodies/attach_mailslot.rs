//! Attaches mailslots to arbitrary bytes, publishes and listens.

use ringpad::mailslot::{Mailslot, Next, Publisher, Start, Subscriber};
use ringpad::{Channel, Content, PeerId, Pod};

use super::drive::Gone;
use super::room::{Arena, Script};

static DEAD: Gone = Gone(PeerId::BARE);

/// The input describes a region; each type of message has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    drive(room, script, |tx, rx, script| {
        step(room, tx, rx, 1u8, script)
    }) + drive(room, script, |tx, rx, script| {
        step(room, tx, rx, 2u32, script)
    }) + drive(room, script, |tx, rx, script| {
        step(room, tx, rx, [3u64; 3], script)
    }) + drive(room, script, |tx, rx, script| {
        text_step(room, tx, rx, script)
    })
}

/// Where a subscriber begins, by the script.
pub fn start(script: &mut Script<'_>) -> Start {
    match script.byte() % 4 {
        0 => Start::Oldest,
        1 => Start::Newest,
        2 => Start::At(u64::from(script.word())),
        _ => Start::At(u64::from(script.word()) << 32 | u64::from(script.word())),
    }
}

fn drive<'r, T: Content + ?Sized>(
    room: &'r impl Arena,
    script: &mut Script<'_>,
    step: impl Fn(&mut Publisher<'r, T>, &mut Subscriber<'r, T>, &mut Script<'_>),
) -> u32 {
    let Ok(mail) = Mailslot::<T>::attach(room.region()) else {
        return 0;
    };
    let (mut calls, mut rx) = (1, mail.subscriber(Start::Oldest));
    while let Ok(mut tx) = mail.bare_publisher(&DEAD) {
        while let Some(next) = script.next() {
            calls += 1;
            match next % 16 {
                0 => break,
                1 => script.scribble(room),
                2 => drop((rx.behind(), rx.publisher(), tx.next_sequence())),
                3 => rx.seek(start(script)),
                4 => rx = mail.subscriber(start(script)),
                _ => step(&mut tx, &mut rx, script),
            }
        }
        match script.next() {
            None => break,
            Some(next) if next % 2 == 0 => {}
            Some(_) => core::mem::forget(tx),
        }
    }
    calls
}

/// A turn moves a subscriber on by one, by as many as it says are lost, or not at all.
pub fn moves<V>(before: u64, turn: &Next<V>, after: u64) {
    match turn {
        Next::Mail { sequence, .. } => assert!(*sequence == before && after == before + 1),
        Next::Lapped { lost } => assert!(*lost > 0 && after == before + lost),
        Next::Empty => assert_eq!(before, after),
    }
}

fn step<T: Pod>(
    room: &impl Arena,
    tx: &mut Publisher<'_, T>,
    rx: &mut Subscriber<'_, T>,
    value: T,
    script: &mut Script<'_>,
) {
    let before = rx.next_sequence();
    match script.byte() % 9 {
        0 | 1 => assert_eq!(tx.publish(&value) + 1, tx.next_sequence()),
        2 => {
            let count = usize::from(script.byte());
            let next = tx.next_sequence();
            assert_eq!(tx.publish_slice(&vec![value; count]), next + count as u64);
        }
        3 | 4 => moves(before, &rx.poll(), rx.next_sequence()),
        5 => {
            let mut draft = tx.draft();
            script.scribble(room);
            let at = usize::from(script.byte());
            assert_eq!(
                draft.write_at(at, &[7; 3]).is_ok(),
                at + 3 <= size_of::<T>()
            );
            if script.byte().is_multiple_of(2) {
                draft.commit();
            }
        }
        6 => {
            let turn = rx.poll_with(|glance| {
                assert_eq!(glance.len(), size_of::<T>());
                script.scribble(room);
                let mut all = vec![0; glance.len()];
                assert!(glance.read_at(0, &mut all).is_ok());
            });
            moves(before, &turn, rx.next_sequence());
        }
        7 => {
            let mut twin = rx.clone();
            moves(before, &twin.poll(), twin.next_sequence());
        }
        _ => script.scribble(room),
    }
}

fn text_step(
    room: &impl Arena,
    tx: &mut Publisher<'_, [u8]>,
    rx: &mut Subscriber<'_, [u8]>,
    script: &mut Script<'_>,
) {
    let (most, before) = (tx.most_bytes(), rx.next_sequence());
    match script.byte() % 6 {
        0 | 1 => {
            let len = usize::from(script.byte());
            assert_eq!(tx.publish(&vec![7; len]).is_ok(), len <= most);
        }
        2 | 3 => {
            let mut into = vec![0; usize::from(script.byte())];
            match rx.poll_into(&mut into) {
                Ok(turn) => {
                    moves(before, &turn, rx.next_sequence());
                    if let Next::Mail { value, .. } = turn {
                        assert!(value <= into.len().min(most));
                    }
                }
                Err(why) => {
                    assert!(why.found > why.most && why.found <= most && why.most == into.len());
                    assert_eq!(rx.next_sequence(), before, "it stays");
                }
            }
        }
        4 => {
            let mut draft = tx.draft();
            script.scribble(room);
            let len = usize::from(script.byte());
            assert_eq!(draft.write_at(0, &vec![9; len]).is_ok(), len <= most);
            assert_eq!(draft.commit(len).is_ok(), len <= most);
        }
        _ => script.scribble(room),
    }
}
