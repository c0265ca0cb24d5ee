//! Random calls on byte rings of both framings against a model that knows the wire's rules: headers of 8, padding to
//! 8, no record across the end.

#[path = "model.rs"]
mod model;

use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::bytes::{Bytes, Config, Consumer, Framing, Producer, Refused};

use self::model::Model;
use super::positions;
use crate::regions::{EACH_TRUST, GONE, HEAD, Room, TAIL, Trust};

#[derive(Clone, Copy, Debug)]
enum Call {
    Send(usize),
    Stage(usize),
    Publish,
    /// Granted, used, and what becomes of it.
    Grant(usize, usize, End),
    GrantUpTo(usize, usize, End),
    Recv(usize),
    /// Lends, and releases (or only drops) it.
    Read(bool),
    ReadPart(usize),
    NextLen,
    Count,
    NextProducer(bool),
    NextConsumer(bool),
}

#[derive(Clone, Copy, Debug)]
enum End {
    Commit,
    LeaveStaged,
    Drop,
}

fn calls() -> impl Strategy<Value = Call> {
    let end =
        || prop_oneof![4 => Just(End::Commit), 2 => Just(End::LeaveStaged), 1 => Just(End::Drop), ];
    let len = || prop_oneof![0..30usize, 0..300usize];
    prop_oneof![
        4 => len().prop_map(Call::Send),
        3 => len().prop_map(Call::Stage),
        1 => Just(Call::Publish),
        3 => (len(), 0..40usize, end()).prop_map(|(len, used, end)| Call::Grant(len, used, end)),
        3 => (len(), 0..300usize, end()).prop_map(|(len, used, end)| Call::GrantUpTo(len, used, end)),
        5 => len().prop_map(Call::Recv),
        4 => any::<bool>().prop_map(Call::Read),
        2 => len().prop_map(Call::ReadPart),
        1 => Just(Call::NextLen),
        1 => Just(Call::Count),
        1 => any::<bool>().prop_map(Call::NextProducer),
        1 => any::<bool>().prop_map(Call::NextConsumer),
    ]
}

fn copy_in(model: &mut Model, tx: &mut Producer<'_>, len: usize, send: bool) {
    let text = model.text(len);
    let done = if send {
        tx.send(&text)
    } else {
        tx.stage(&text)
    };
    let want = match model.framing {
        Framing::Records => model.place(len, len).map(|(skip, _)| skip),
        Framing::Stream if len > model.most() => Err(Refused::TooLong {
            found: len,
            most: model.most(),
        }),
        Framing::Stream if len > model.room() as usize => Err(Refused::Full),
        Framing::Stream => Ok(0),
    };
    assert_eq!(done, want.map(|_| ()), "{len} bytes");
    match want {
        Ok(skip) => model.stage(skip, &text),
        Err(Refused::Full) => model.publish(),
        Err(_) => return,
    }
    if send {
        model.publish();
    }
}

fn grant(
    model: &mut Model,
    tx: &mut Producer<'_>,
    trust: Trust,
    range: (usize, usize),
    used: usize,
    end: End,
) {
    let (least, len) = range;
    let want = match trust {
        Trust::Distrusted => Err(Refused::Distrusted),
        Trust::Cooperative => model.place(least, len),
    };
    let text = model.text(used);
    let granted = if least == len {
        tx.grant(len)
    } else {
        tx.grant_up_to(len)
    };
    let (skip, most) = match (&granted, want) {
        (Ok(granted), Ok((skip, most))) => {
            assert_eq!(granted.len(), most);
            (skip, most)
        }
        (Err(said), Err(want)) => {
            assert_eq!(*said, want);
            if want == Refused::Full {
                model.publish();
            }
            return;
        }
        (said, want) => panic!(
            "{:?} instead of {want:?}",
            said.as_ref().map(|grant| grant.len())
        ),
    };
    let mut granted = granted.unwrap();
    let shown = used.min(most);
    granted[..shown].copy_from_slice(&text[..shown]);
    let done = match end {
        End::Commit => granted.commit(used),
        End::LeaveStaged => granted.leave_staged(used),
        End::Drop => return drop(granted),
    };
    if used > most {
        return assert_eq!(done, Err(Refused::TooLong { found: used, most }));
    }
    assert_eq!(done, Ok(()));
    model.stage(skip, &text);
    if matches!(end, End::Commit) {
        model.publish();
    }
}

fn recv(model: &mut Model, rx: &mut Consumer<'_>, len: usize) {
    let mut into = vec![0; len];
    let got = rx.recv(&mut into).map(|got| got.map(<[u8]>::to_vec));
    let want = match (model.framing, model.published.front()) {
        (_, None) => Ok(None),
        (Framing::Records, Some((record, _))) if record.len() > len => Err(Refused::TooLong {
            found: record.len(),
            most: len,
        }),
        (Framing::Records, Some(_)) => Ok(Some(1)),
        (Framing::Stream, Some(_)) => Ok(Some(len.min(model.published.len()))),
    };
    assert_eq!(got, want.map(|count| count.map(|count| model.front(count))));
    if let Ok(Some(count)) = want {
        model.release(count);
    }
}

/// Lends the next piece; `part` releases so much of a stream's.
fn read(
    model: &mut Model,
    rx: &mut Consumer<'_>,
    trust: Trust,
    release: bool,
    part: Option<usize>,
) {
    if trust == Trust::Distrusted {
        assert_eq!(rx.read().err(), Some(Refused::Distrusted));
        return;
    }
    let to_end = model.to_end(model.head) as usize;
    let Some(lent) = rx.read().unwrap() else {
        return assert!(model.published.is_empty());
    };
    let count = match model.framing {
        Framing::Records => 1,
        // What was seen so far: at least something, never across the end.
        Framing::Stream => lent.len(),
    };
    assert!(count > 0 && count <= model.published.len().min(to_end));
    assert_eq!(*lent, model.front(count)[..]);
    match part {
        _ if !release => {}
        None => {
            lent.release();
            model.release(count);
        }
        Some(part) => {
            let most = lent.len();
            let done = lent.release_part(part);
            match model.framing {
                Framing::Records => assert_eq!(done, Err(Refused::NotAStream)),
                Framing::Stream if part > most => {
                    assert_eq!(done, Err(Refused::TooLong { found: part, most }))
                }
                Framing::Stream => {
                    assert_eq!(done, Ok(()));
                    model.release(part);
                }
            }
        }
    }
}

fn agree(trust: Trust, config: Config, start: u32, calls: &[Call]) {
    let room = Room::of::<Bytes<'_>>(&config);
    let ring: Bytes<'_> = room.channel(trust, &config, start);
    let mut tx = ring.bare_producer(&GONE).unwrap();
    let mut rx = ring.bare_consumer(&GONE).unwrap();
    let mut model = Model::new(config.framing, config.capacity_bytes, start);
    assert_eq!(tx.most(), model.most());
    for &call in calls {
        match call {
            Call::Send(len) => copy_in(&mut model, &mut tx, len, true),
            Call::Stage(len) => copy_in(&mut model, &mut tx, len, false),
            Call::Publish => {
                tx.publish();
                model.publish();
            }
            Call::Grant(len, used, end) => grant(&mut model, &mut tx, trust, (len, len), used, end),
            Call::GrantUpTo(len, used, end) => {
                grant(&mut model, &mut tx, trust, (len.min(1), len), used, end)
            }
            Call::Recv(len) => recv(&mut model, &mut rx, len),
            Call::Read(release) => read(&mut model, &mut rx, trust, release, None),
            Call::ReadPart(part) => read(&mut model, &mut rx, trust, true, Some(part)),
            Call::NextLen => {
                let len = rx.next_len().unwrap();
                assert_eq!(len.is_none(), model.published.is_empty());
                if config.framing == Framing::Records {
                    assert_eq!(len, model.published.front().map(|record| record.0.len()));
                }
            }
            Call::Count => {
                assert_eq!(tx.free_bytes(), model.room());
                assert_eq!(rx.used_bytes(), model.tail.wrapping_sub(model.head));
            }
            Call::NextProducer(crash) => {
                if crash {
                    forget(tx)
                } else {
                    drop(tx)
                }
                tx = ring.bare_producer(&GONE).unwrap();
                model.staged.clear();
            }
            Call::NextConsumer(crash) => {
                if crash {
                    forget(rx)
                } else {
                    drop(rx)
                }
                rx = ring.bare_consumer(&GONE).unwrap();
            }
        }
        assert_eq!(
            (room.get(TAIL), room.get(HEAD)),
            (model.tail, model.head),
            "after {call:?}"
        );
        assert_eq!(
            (tx.position(), rx.position()),
            (model.position(), model.head)
        );
    }
    assert_ne!(tx.send(&[]), Err(Refused::Corrupt));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_are_a_queue(power in 6..10u32, start in positions(), calls in vec(calls(), 1..120)) {
        for trust in EACH_TRUST {
            agree(trust, Config::records(1 << power), start & !7, &calls);
            agree(trust, Config::records(1 << power).compact(), start & !7, &calls);
        }
    }

    #[test]
    fn a_stream_is_a_queue_of_bytes(power in 6..10u32, start in positions(), calls in vec(calls(), 1..120)) {
        for trust in EACH_TRUST {
            agree(trust, Config::stream(1 << power), start, &calls);
            agree(trust, Config::stream(1 << power).compact(), start, &calls);
        }
    }
}
