//! Attaches reliable mailslots to arbitrary bytes: a publisher, two subscribers, an observer.

use ringpad::mailslot;
use ringpad::mailslot::reliable::{Delivery, Publisher, Refused, Reliable, Subscriber};
use ringpad::{Channel, Content, PeerId, Pod};

use super::attach_mailslot::{moves, start};
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
    drive(room, script, |ends, script| step(room, ends, 1u8, script))
        + drive(room, script, |ends, script| step(room, ends, 2u32, script))
        + drive(room, script, |ends, script| {
            step(room, ends, [3u64; 3], script)
        })
        + drive(room, script, |ends, script| text_step(room, ends, script))
}

struct Ends<'r, T: ?Sized> {
    tx: Publisher<'r, T>,
    rx: [Option<Subscriber<'r, T>>; 2],
    observer: mailslot::Subscriber<'r, T>,
}

fn drive<'r, T: Content + ?Sized>(
    room: &'r impl Arena,
    script: &mut Script<'_>,
    step: impl Fn(&mut Ends<'r, T>, &mut Script<'_>),
) -> u32 {
    let Ok(mail) = Reliable::<T>::attach(room.region()) else {
        return 0;
    };
    assert!((1..=32).contains(&mail.subscribers()));
    assert!(mail.lag() > 0 && mail.lag() <= mail.capacity());
    let mut calls = 1;
    while let Ok(tx) = mail.bare_publisher(&DEAD) {
        let mut ends = Ends {
            tx,
            rx: [None, None],
            observer: mail.observer(start(script)),
        };
        while let Some(next) = script.next() {
            calls += 1;
            match next % 16 {
                0 => break,
                1 => script.scribble(room),
                2 => {
                    let by = PeerId::new(u32::from(script.byte()) % 40);
                    let _ = (ends.tx.slowest(), ends.tx.evicted());
                    ends.tx.evict(by.unwrap_or(PeerId::BARE));
                }
                3 | 4 => {
                    let (who, from) = (usize::from(next) >> 4 & 1, start(script));
                    ends.rx[who] = None;
                    ends.rx[who] = mail.bare_subscriber(from, &DEAD).ok();
                }
                5 => {
                    let from = start(script);
                    if let Some(rx) = &mut ends.rx[usize::from(next) >> 4 & 1] {
                        let _ = (rx.behind(), rx.publisher(), rx.is_abandoned());
                        let _ = rx.rejoin(from);
                    }
                }
                _ => step(&mut ends, script),
            }
        }
        match script.next() {
            None => break,
            Some(next) if next % 2 == 0 => {}
            Some(_) => core::mem::forget(ends),
        }
    }
    calls
}

/// A turn moves a subscriber on by one, or not at all.
fn stays<V>(before: u64, turn: &Delivery<V>, after: u64) {
    match turn {
        Delivery::Mail { sequence, .. } => assert!(*sequence == before && after == before + 1),
        Delivery::Empty | Delivery::Evicted { .. } => assert_eq!(before, after),
    }
}

fn step<T: Pod>(room: &impl Arena, ends: &mut Ends<'_, T>, value: T, script: &mut Script<'_>) {
    let what = script.byte();
    let who = usize::from(what) >> 4 & 1;
    match (what % 8, &mut ends.rx[who]) {
        (0..=2, _) => {
            let next = ends.tx.next_sequence();
            let sent = ends.tx.try_publish(&value);
            assert!(sent.is_err() || sent == Ok(next));
        }
        (3 | 4, Some(rx)) => {
            let before = rx.next_sequence();
            stays(before, &rx.poll(), rx.next_sequence());
        }
        (5, Some(rx)) => {
            let before = rx.next_sequence();
            let turn = rx.poll_with(|glance| {
                assert_eq!(glance.len(), size_of::<T>());
                script.scribble(room);
                let mut all = vec![0; glance.len()];
                assert!(glance.read_at(0, &mut all).is_ok());
            });
            stays(before, &turn, rx.next_sequence());
        }
        (6, _) => {
            if let Ok(mut draft) = ends.tx.try_draft() {
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
        }
        _ => {
            let before = ends.observer.next_sequence();
            moves(before, &ends.observer.poll(), ends.observer.next_sequence());
            script.scribble(room);
        }
    }
}

fn text_step(room: &impl Arena, ends: &mut Ends<'_, [u8]>, script: &mut Script<'_>) {
    let (what, most) = (script.byte(), ends.tx.most_bytes());
    let who = usize::from(what) >> 4 & 1;
    match (what % 6, &mut ends.rx[who]) {
        (0 | 1, _) => {
            let len = usize::from(script.byte());
            match ends.tx.try_publish(&vec![7; len]) {
                Ok(_) => assert!(len <= most),
                Err(Refused::TooLong(why)) => assert!(len > most && why.found == len),
                Err(_) => {}
            }
        }
        (2 | 3, Some(rx)) => {
            let before = rx.next_sequence();
            let mut into = vec![0; usize::from(script.byte())];
            match rx.poll_into(&mut into) {
                Ok(turn) => {
                    stays(before, &turn, rx.next_sequence());
                    if let Delivery::Mail { value, .. } = turn {
                        assert!(value <= into.len().min(most));
                    }
                }
                Err(why) => {
                    assert!(why.found > why.most && why.found <= most && why.most == into.len());
                    assert_eq!(rx.next_sequence(), before, "it stays");
                }
            }
        }
        (4, _) => {
            if let Ok(mut draft) = ends.tx.try_draft() {
                script.scribble(room);
                let len = usize::from(script.byte());
                assert_eq!(draft.write_at(0, &vec![9; len]).is_ok(), len <= most);
                assert_eq!(draft.commit(len).is_ok(), len <= most);
            }
        }
        _ => {
            let mut into = vec![0; usize::from(script.byte())];
            let _ = ends.observer.poll_into(&mut into);
            script.scribble(room);
        }
    }
}
