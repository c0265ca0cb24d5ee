//! Batches: every size against every fill, in parts, across the ring's end.

use super::*;

/// A ring of eight that has moved on by `offset` and holds `fill` messages, numbered from 0.
fn filled(tx: &mut Sender<'_, u32>, rx: &mut Receiver<'_, u32>, offset: u32, fill: u32) {
    for _ in 0..offset {
        tx.try_send(0).unwrap();
        assert_eq!(rx.try_recv(), Some(0));
    }
    for n in 0..fill {
        tx.try_send(n).unwrap();
    }
}

#[test]
fn a_batch_of_any_size_fills_what_is_free() {
    for offset in 0..8 {
        for fill in 0..=8 {
            for size in 0..=10 {
                with_each::<u32>(8, |_, ring| {
                    let (mut tx, mut rx) = both(ring);
                    filled(&mut tx, &mut rx, offset, fill);
                    let batch: Vec<u32> = (fill..fill + size).collect();
                    let fit = size.min(8 - fill);
                    assert_eq!(tx.try_send_slice(&batch), fit as usize);
                    let want: Vec<u32> = (0..fill + fit).collect();
                    assert_eq!(drain(&mut rx), want, "{offset} {fill} {size}");
                });
            }
        }
    }
}

#[test]
fn as_many_are_taken_as_there_are_and_fit() {
    for offset in 0..8 {
        for fill in 0..=8 {
            for size in 0..=10 {
                with_each::<u32>(8, |_, ring| {
                    let (mut tx, mut rx) = both(ring);
                    filled(&mut tx, &mut rx, offset, 0);
                    let all: Vec<u32> = (0..fill).collect();
                    assert_eq!(tx.try_send_slice(&all), fill as usize);
                    let mut into = vec![77; size];
                    let got = rx.try_recv_slice(&mut into);
                    assert_eq!(got, size.min(fill as usize));
                    assert_eq!(into[..got], all[..got]);
                    assert!(
                        into[got..].iter().all(|n| *n == 77),
                        "nothing else is touched"
                    );
                    // As many slots are free again.
                    let free = 8 - fill as usize + got;
                    assert_eq!(tx.try_send_slice(&[100; 10]), free);
                    let rest = drain(&mut rx);
                    assert_eq!(rest[..fill as usize - got], all[got..]);
                });
            }
        }
    }
}

/// How a message leaves a run.
#[derive(Clone, Copy, Debug)]
enum Way {
    One,
    Some(usize),
    Taken,
}

#[test]
fn a_run_is_taken_in_parts_of_every_sort() {
    let ways = [
        Way::One,
        Way::Taken,
        Way::Some(1),
        Way::Some(2),
        Way::Some(3),
        Way::Some(5),
    ];
    for first in ways {
        for second in ways {
            for third in ways {
                with_each::<u32>(8, |_, ring| {
                    let (mut tx, mut rx) = both(ring);
                    let mut other = rx.clone();
                    let mut sent = 0;
                    for _ in 0..5 {
                        while tx.try_send_slice(&[sent, sent + 1, sent + 2]) == 3 {
                            sent += 3;
                        }
                        // What went of the last batch.
                        let got = drain(&mut rx);
                        sent = got.last().unwrap() + 1;
                        assert_eq!(got.len(), 8);
                        assert_eq!(
                            tx.try_send_slice(&[sent, sent + 1, sent + 2, sent + 3, sent + 4]),
                            5
                        );
                        let mut next = sent;
                        for (at, way) in [first, second, third].into_iter().enumerate() {
                            let rx = if at == 1 { &mut other } else { &mut rx };
                            next += leave(rx, way, next, sent + 5);
                        }
                        let rest: Vec<u32> = (next..sent + 5).collect();
                        assert_eq!(drain(&mut rx), rest, "{first:?} {second:?} {third:?}");
                        sent += 5;
                    }
                });
            }
        }
    }
}

/// Takes messages from `next` on, before `end`; answers how many.
fn leave(rx: &mut Receiver<'_, u32>, way: Way, next: u32, end: u32) -> u32 {
    let there = end - next;
    match way {
        Way::One => {
            assert_eq!(rx.try_recv(), (there > 0).then_some(next));
            there.min(1)
        }
        Way::Taken => {
            let got = rx.try_take().map(|taken| taken.acknowledge());
            assert_eq!(got, (there > 0).then_some(next));
            there.min(1)
        }
        Way::Some(most) => {
            let mut into = [0; 8];
            let got = rx.try_recv_slice(&mut into[..most]) as u32;
            assert_eq!(got, there.min(most as u32));
            assert!(
                into.iter()
                    .zip(next..)
                    .take(got as usize)
                    .all(|(n, want)| *n == want)
            );
            got
        }
    }
}

#[test]
fn a_batch_goes_around_whom_still_reads_if_it_may() {
    with_each::<u32>(8, |_, ring| {
        let (mut tx, mut rx) = both(ring);
        let mut slow = rx.clone();
        assert_eq!(tx.try_send_slice(&[0, 1, 2, 3]), 4);
        let taken = slow.try_take().unwrap();
        assert_eq!(drain(&mut rx), [1, 2, 3]);
        // Slots 4 to 7, then the one that is held.
        let sent = tx.try_send_slice(&[4, 5, 6, 7, 8, 9]);
        match ring.recovery() {
            Recovery::Revoke => {
                // Passed over: what is free behind it is used.
                assert_eq!(sent, 6);
                assert_eq!(tx.try_send_slice(&[10, 11]), 1);
                assert_eq!(tx.try_send(11), Err(Full(11)));
                assert_eq!(drain(&mut rx), [4, 5, 6, 7, 8, 9, 10]);
                taken.acknowledge();
            }
            Recovery::ProofOnly => {
                assert_eq!((sent, tx.try_send_slice(&[8])), (4, 0));
                taken.acknowledge();
                assert_eq!(tx.try_send_slice(&[8, 9, 10, 11, 12]), 4);
                assert_eq!(drain(&mut rx), [4, 5, 6, 7, 8, 9, 10, 11]);
            }
        }
    });
}

#[test]
fn nothing_asked_is_nothing_done() {
    with_each::<u32>(2, |room, ring| {
        let (mut tx, mut rx) = both(ring);
        assert_eq!((tx.try_send_slice(&[]), rx.try_recv_slice(&mut [])), (0, 0));
        tx.try_send(1).unwrap();
        assert_eq!((tx.try_send_slice(&[]), rx.try_recv_slice(&mut [])), (0, 0));
        assert_eq!((room.word(TAIL), room.word(HEAD)), (1, 0));
        assert_eq!(drain(&mut rx), [1]);
    });
}
