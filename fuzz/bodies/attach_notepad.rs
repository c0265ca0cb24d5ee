//! Attaches notepads to arbitrary bytes, writes and reads.

use ringpad::notepad::{Missed, Note, Notepad, Reader, Writer};
use ringpad::{Channel, Content, PeerId, Pod, Wake};

use super::drive::Gone;
use super::room::{Arena, Script};

static DEAD: Gone = Gone(PeerId::BARE);

/// The input describes a region; each type of value has its turn with it.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    drive(room, script, |tx, rx, script| {
        word_step(room, tx, rx, 1u8, script)
    }) + drive(room, script, |tx, rx, script| {
        word_step(room, tx, rx, 2u32, script)
    }) + drive(room, script, |tx, rx, script| {
        value_step(room, tx, rx, 3u64, script)
    }) + drive(room, script, |tx, rx, script| {
        value_step(room, tx, rx, [4u8; 9], script)
    }) + drive(room, script, |tx, rx, script| {
        text_step(room, tx, rx, script)
    })
}

fn drive<'r, T: Content + ?Sized>(
    room: &'r impl Arena,
    script: &mut Script<'_>,
    step: impl Fn(&mut Writer<'r, T>, &Reader<'r, T>, &mut Script<'_>),
) -> u32 {
    let Ok(pad) = Notepad::<T>::attach(room.region()) else {
        return 0;
    };
    let (mut calls, rx) = (1, pad.reader());
    while let Ok(mut tx) = pad.bare_writer(&DEAD) {
        while let Some(next) = script.next() {
            calls += 1;
            match next % 16 {
                0 => break,
                1 => script.scribble(room),
                2 => drop((rx.version(), rx.changed(tx.version()), rx.writer())),
                _ => step(&mut tx, &rx, script),
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

fn word_step<T: Pod>(
    room: &impl Arena,
    tx: &mut Writer<'_, T>,
    rx: &Reader<'_, T>,
    value: T,
    script: &mut Script<'_>,
) {
    match script.byte() % 7 {
        0 => drop(tx.write(&value)),
        1 => drop(tx.update(|_| script.scribble(room))),
        2 => drop(tx.latest()),
        3 => assert!(rx.try_read().is_ok(), "a word is never overtaken"),
        4 => drop(rx.load()),
        5 => drop(rx.read::<spin::relax::Spin>(3)),
        _ => script.scribble(room),
    }
}

fn value_step<T: Pod>(
    room: &impl Arena,
    tx: &mut Writer<'_, T>,
    rx: &Reader<'_, T>,
    value: T,
    script: &mut Script<'_>,
) {
    match script.byte() % 9 {
        0 => drop(tx.write(&value)),
        1 => drop(tx.update(|_| script.scribble(room))),
        2 => drop(tx.latest()),
        3 => drop(rx.try_read()),
        4 => drop(rx.clone().try_read()),
        5 => {
            let mut draft = tx.draft();
            script.scribble(room);
            let at = usize::from(script.byte());
            assert_eq!(draft.most(), size_of::<T>());
            let fits = draft.write_at(at, &[7; 3]).is_ok();
            assert_eq!(fits, at + 3 <= size_of::<T>());
            assert_eq!(draft.read_at(at, &mut [0; 3]).is_ok(), fits);
            if script.byte().is_multiple_of(2) {
                draft.commit();
            }
        }
        6 | 7 => {
            let seen = rx.read_with(|glance| {
                assert_eq!(glance.len(), size_of::<T>());
                let at = usize::from(script.byte());
                let fits = glance.read_at(at, &mut [0; 3]).is_ok();
                script.scribble(room);
                assert_eq!(fits, at + 3 <= size_of::<T>());
            });
            assert!(!matches!(seen, Err(Missed::TooLong(_) | Missed::Corrupt)));
        }
        _ => script.scribble(room),
    }
}

fn text_step<W: Wake>(
    room: &impl Arena,
    tx: &mut Writer<'_, [u8], W>,
    rx: &Reader<'_, [u8]>,
    script: &mut Script<'_>,
) {
    let most = tx.most_bytes();
    match script.byte() % 7 {
        0 => {
            let len = usize::from(script.byte());
            assert_eq!(tx.write(&vec![7; len]).is_ok(), len <= most);
        }
        1 => {
            if let Some(Note { value, .. }) = tx.latest() {
                assert!(value.len() <= most);
                assert!(value.read_at(0, &mut vec![0; value.len()]).is_ok());
            }
        }
        2 | 3 => {
            let mut into = vec![0; usize::from(script.byte())];
            match rx.try_read_into(&mut into) {
                Ok(note) => assert!(note.is_none_or(|note| note.value <= into.len().min(most))),
                Err(Missed::TooLong(why)) => {
                    assert!(why.found > why.most && why.found <= most && why.most == into.len());
                }
                Err(_) => {}
            }
        }
        4 => {
            let mut draft = tx.draft();
            script.scribble(room);
            let (at, len) = (usize::from(script.byte()), usize::from(script.byte()));
            assert_eq!(draft.write_at(at, &vec![9; len]).is_ok(), at + len <= most);
            assert_eq!(draft.commit(len).is_ok(), len <= most);
        }
        5 => {
            let seen = rx.read_with(|glance| {
                let len = glance.len();
                assert!(len <= most && rx.most_bytes() == most);
                script.scribble(room);
                assert!(glance.read_at(0, &mut vec![0; len]).is_ok());
                assert!(glance.read_at(len, &mut [0]).is_err());
            });
            assert!(!matches!(seen, Err(Missed::TooLong(_))));
        }
        _ => script.scribble(room),
    }
}
