//! Versions of a notepad across 2^31, numbers of a mailslot across 2^29 (an epoch), 2^31 (its stamps) and 2^32 (a word), cursors of
//! a reliable one across 2^24.

use std::mem::forget;

use ringpad::mailslot::reliable::{self, Delivery, Held, Slow};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Missed, Notepad};
use ringpad::{NoProof, PeerId};

use crate::regions::stamps::{self, CLAIM, EPOCH, complete, set_newest};
use crate::regions::{EACH_TRUST, GONE, Room, TAIL};

const NUMBER: u32 = u32::MAX >> 1;

#[test]
fn a_notepad_passes_its_last_version() {
    for trust in EACH_TRUST {
        for before in 0..9u32 {
            let config = notepad::Config::new().slots(4);
            let room = Room::of::<Notepad<'_, [u64; 3]>>(&config);
            let start = NUMBER - before;
            let (pad, slots) = stamps::notepad::<[u64; 3]>(&room, trust, &config, start);
            let reader = pad.reader();
            let mut tx = pad.bare_writer(&GONE).unwrap();
            assert_eq!(tx.version().unwrap().get(), start);
            assert_eq!(reader.try_read().unwrap().unwrap().value, [0; 3]);
            for n in 1..=40u32 {
                let want = start.wrapping_add(n) & NUMBER;
                let since = reader.version();
                let value = [u64::from(n); 3];
                let version = match n % 3 {
                    0 => tx.update(|latest| latest.iter_mut().for_each(|word| *word += 1)),
                    1 => tx.write(&value),
                    _ => {
                        let mut draft = tx.draft();
                        draft.write_at(0, bytemuck::bytes_of(&value)).unwrap();
                        draft.commit()
                    }
                };
                assert_eq!(version.get(), want);
                assert!(reader.changed(since) && !reader.changed(Some(version)));
                let note = reader.try_read().unwrap().unwrap();
                assert_eq!((note.version, note.value), (version, value));
                match n % 4 {
                    // Died in the middle of the next write.
                    1 => {
                        let mut draft = tx.draft();
                        draft.write_at(0, &[9; 24]).unwrap();
                    }
                    // Died between completing this one and saying so.
                    2 => room.set(TAIL, 1 << 31 | (want.wrapping_sub(1) & NUMBER)),
                    _ => {}
                }
                forget(tx);
                tx = pad.bare_writer(&GONE).unwrap();
                assert_eq!(room.get(TAIL), 1 << 31 | want, "rolled forward");
                assert_eq!(tx.latest().map(|note| note.value), Some(value));
                assert_eq!(reader.try_read().unwrap().unwrap().value, value);
            }
            // During one read: as many writes as there are slots, and one less.
            for (writes, lapped) in [(3, false), (4, true)] {
                room.set(TAIL, 1 << 31 | start);
                slots.fill(&room, start.into());
                forget(tx);
                tx = pad.bare_writer(&GONE).unwrap();
                let seen = reader.read_with(|glance| {
                    let mut part = [0; 8];
                    glance.read_at(16, &mut part).unwrap();
                    (0..writes).for_each(|n| _ = tx.write(&[n; 3]));
                });
                assert_eq!(
                    seen == Err(Missed::Lapped),
                    lapped,
                    "{writes} after {start:#x}"
                );
            }
        }
    }
}

#[test]
fn a_notepad_of_a_word_passes_its_last_version() {
    for trust in EACH_TRUST {
        for before in 0..4 {
            let config = notepad::Config::new();
            let room = Room::of::<Notepad<'_, u32>>(&config);
            let start = NUMBER - before;
            let (pad, _) = stamps::notepad::<u32>(&room, trust, &config, start);
            let reader = pad.reader();
            for n in 1..=10u32 {
                // Each successor counts one, whether or not there was a write to count.
                let mut tx = pad.bare_writer(&GONE).unwrap();
                let counted = start.wrapping_add(2 * n - 1) & NUMBER;
                assert_eq!(tx.version().unwrap().get(), counted);
                let version = tx.write(&n);
                assert_eq!(version.get(), start.wrapping_add(2 * n) & NUMBER);
                let note = reader.try_read().unwrap().unwrap();
                assert_eq!((note.version, note.value, reader.load()), (version, n, n));
                forget(tx);
            }
            assert!(room.get(TAIL) & NUMBER < 20, "it wrapped");
        }
    }
}

/// Numbers shortly before which something ends.
const ENDS: [u64; 6] = [1 << 29, 1 << 30, 1 << 31, 1 << 32, 3 << 29, 1 << 40];

#[test]
fn a_mailslot_passes_every_end_of_a_number() {
    let config = mailslot::Config::new(8);
    for (trust, end) in EACH_TRUST
        .into_iter()
        .flat_map(|trust| ENDS.map(|end| (trust, end)))
    {
        for before in 1..=12u64 {
            let start = end - before;
            let room = Room::of::<Mailslot<'_, u64>>(&config);
            let (mail, slots) = stamps::mailslot::<u64>(&room, trust, &config, start);
            let mut swift = mail.subscriber(Start::Newest);
            let oldest = mail.subscriber(Start::Oldest);
            assert_eq!(oldest.next_sequence(), start - 6, "all but one slot");
            let mut slow = mail.subscriber(Start::At(start + 1));
            assert_eq!((slow.next_sequence(), slow.behind()), (start + 1, 0));
            let mut tx = mail.bare_publisher(&GONE).unwrap();
            assert_eq!(tx.next_sequence(), start + 1);
            let mut due = start;
            let (mut heard, mut lost) = (start, 0);
            for n in start + 1..=start + 40 {
                match n % 5 {
                    0 => {
                        let mut draft = tx.draft();
                        draft.write_at(0, &n.to_le_bytes()).unwrap();
                        assert_eq!(draft.commit(), n);
                    }
                    1 => {
                        let _ = tx.draft();
                        assert_eq!(tx.publish(&n), n);
                    }
                    _ => assert_eq!(tx.publish(&n), n),
                }
                while due <= n {
                    let value = if due == start { 0 } else { due };
                    let sequence = due;
                    assert_eq!(swift.poll(), Next::Mail { sequence, value });
                    due += 1;
                }
                assert_eq!(swift.poll(), Next::Empty);
                if n % 11 == 0 {
                    // Killed before it said so; or in the middle of the next, whose epoch it has said.
                    room.set(TAIL, (n - 1) as u32);
                    assert_eq!(swift.poll(), Next::Empty);
                    forget(tx);
                    tx = mail.bare_publisher(&GONE).unwrap();
                } else if n % 11 == 5 {
                    let _ = tx.draft();
                    forget(tx);
                    tx = mail.bare_publisher(&GONE).unwrap();
                }
                assert_eq!(tx.next_sequence(), n + 1);
                assert_eq!((room.get(TAIL), swift.poll()), (n as u32, Next::Empty));
                if n % 13 == 0 {
                    loop {
                        match slow.poll() {
                            Next::Mail { sequence, value } => {
                                assert_eq!((sequence, value), (heard + lost + 1, sequence));
                                heard += 1;
                            }
                            Next::Lapped { lost: more } => lost += more,
                            Next::Empty => break,
                        }
                    }
                    assert_eq!(heard + lost, n);
                }
            }
            // Stopped for so many messages that the stamps say the same again.
            for further in [
                1 << 29,
                1 << 30,
                1 << 31,
                1 << 32,
                5 << 31,
                (1 << 31) + 3,
                1 << 33,
            ] {
                let newest = start + 40 + further;
                let mut late = swift.clone();
                set_newest(&room, &slots, newest);
                let Next::Lapped { lost } = late.poll() else {
                    panic!("from {due} to {newest}");
                };
                assert_eq!(
                    due + lost,
                    newest + 1 - 5,
                    "three quarters of the ring less one"
                );
                let sequence = due + lost;
                assert!(
                    matches!(late.poll(), Next::Mail { sequence: found, .. } if found == sequence)
                );
                assert_eq!(late.behind(), 4);
            }
        }
    }
}

#[test]
fn an_epoch_that_was_said_before_its_first_message() {
    let config = mailslot::Config::new(4);
    for end in [1u64 << 29, 1 << 31, 1 << 32] {
        let room = Room::of::<Mailslot<'_, u64>>(&config);
        let trust = EACH_TRUST[0];
        let (mail, slots) = stamps::mailslot::<u64>(&room, trust, &config, end - 1);
        room.set(EPOCH, (end >> 29) as u32);
        let mut rx = mail.subscriber(Start::At(end - 2));
        assert!(matches!(rx.poll(), Next::Mail { .. }));
        assert_eq!(mail.bare_publisher(&GONE).unwrap().next_sequence(), end);
        room.set(slots.slot(end), complete(end) | 1);
        assert!(matches!(rx.poll(), Next::Mail { sequence, .. } if sequence == end - 1));
        assert_eq!(rx.poll(), Next::Empty);
        assert_eq!(mail.bare_publisher(&GONE).unwrap().next_sequence(), end);
    }
}

#[test]
fn cursors_pass_their_last_position() {
    let ends = [1u64 << 24, 2 << 24, 1 << 29, 1 << 31, 1 << 32];
    for (trust, end) in EACH_TRUST
        .into_iter()
        .flat_map(|trust| ends.map(|end| (trust, end)))
    {
        for before in 1..=10 {
            let config = reliable::Config::new(8, 2).lag(6);
            let room = Room::of::<reliable::Reliable<'_, u64>>(&config);
            let start = end - before;
            let (sure, _) = stamps::reliable::<u64>(&room, trust, &config, start);
            let mut tx = sure.bare_publisher(&NoProof).unwrap();
            let at = |sequence| sure.bare_subscriber(Start::At(sequence), &NoProof).unwrap();
            let (mut swift, mut slow) = (at(start + 1), at(start + 1));
            assert_eq!(
                (swift.next_sequence(), slow.next_sequence()),
                (start + 1, start + 1)
            );
            let full = sure.bare_subscriber(Start::Oldest, &NoProof);
            assert_eq!(
                full.err(),
                Some(ringpad::Error::SubscribersFull { subscribers: 2 })
            );
            let mut heard = start;
            for n in start + 1..=start + 30 {
                if let Err(held) = tx.try_publish(&n) {
                    let by = PeerId::BARE;
                    assert_eq!((held, n - 1 - heard), (Held { by, lag: 6 }, 6));
                    assert_eq!(tx.slowest(), Some(held));
                    for sequence in heard + 1..n {
                        let value = sequence;
                        assert_eq!(slow.poll(), Delivery::Mail { sequence, value });
                    }
                    assert_eq!((slow.poll(), heard), (Delivery::Empty, n - 7));
                    heard = n - 1;
                    assert_eq!(tx.try_publish(&n), Ok(n));
                }
                let (sequence, value) = (n, n);
                assert_eq!(swift.poll(), Delivery::Mail { sequence, value });
                assert_eq!(swift.poll(), Delivery::Empty);
                if n % 7 == 0 {
                    // Its successor has no credit, and looks at the cursors.
                    forget(tx);
                    room.set(CLAIM, 0);
                    tx = sure.bare_publisher(&NoProof).unwrap();
                    assert_eq!(tx.next_sequence(), n + 1);
                }
            }
            assert!(tx.evict(PeerId::BARE) && tx.evicted() == 2);
            assert!(matches!(swift.poll(), Delivery::Evicted { behind: 0 }));
            // It learns that when it next says how far it has come; until then messages come that are still there.
            while let Delivery::Mail { sequence, value } = slow.poll() {
                heard += 1;
                assert_eq!((sequence, value), (heard, heard));
            }
            assert!(matches!(slow.poll(), Delivery::Evicted { .. }));
        }
    }
}

#[test]
fn a_slow_cursor_is_evicted_across_its_last_position() {
    let end = 1u64 << 24;
    for before in 1..=10 {
        let config = reliable::Config::new(8, 1).slow(Slow::Evict);
        let room = Room::of::<reliable::Reliable<'_, u64>>(&config);
        let (sure, _) = stamps::reliable::<u64>(&room, EACH_TRUST[1], &config, end - before);
        let mut tx = sure.bare_publisher(&NoProof).unwrap();
        let mut rx = sure.bare_subscriber(Start::Newest, &NoProof).unwrap();
        let first = rx.next_sequence();
        for n in end - before + 1..=end + 20 {
            assert_eq!(tx.try_publish(&n), Ok(n));
            assert_eq!(tx.evicted(), u64::from(n >= first + 8));
        }
        let behind = end + 21 - first;
        assert_eq!(rx.poll(), Delivery::Evicted { behind });
        rx.rejoin(Start::Newest).unwrap();
        let sequence = rx.next_sequence();
        assert_eq!(
            rx.poll(),
            Delivery::Mail {
                sequence,
                value: sequence
            }
        );
        assert_eq!(sequence, end + 20);
    }
}
