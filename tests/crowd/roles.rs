//! The children of a crowd.

use ringpad::os::{OwnedPeer, SharedSegment};

use crate::common::child;
use crate::common::room::Room;
use crate::ledger::{BATCH, Ledger, at};
use crate::message::{Message, message, whole};

pub const SEGMENT: &str = "crowd";
pub const RING: &str = "ring";

fn begin() -> (Ledger, OwnedPeer, usize, u64) {
    let room = Room::parents();
    let segment = SharedSegment::open(SEGMENT, &room.options()).expect("opening");
    let me = segment.join().expect("joining");
    let index = child::numeral(0) as usize;
    (Ledger::open(&room), me, index, child::numeral(1))
}

/// Sends on where its last life ended: one by one in even lives, several together in odd ones.
pub fn sender() {
    let (ledger, me, index, life) = begin();
    let mut tx = me.sender::<Message>(RING).expect("an end");
    let page = &ledger.page;
    let mut next = page.get(at::BEGUN + index) + 1;
    while page.get(at::STOP) == 0 {
        if !ledger.has_room(index) {
            std::thread::yield_now();
            continue;
        }
        let count = if life % 2 == 0 { 1 } else { BATCH as u64 };
        page.set(at::BEGUN + index, next + count - 1);
        let batch: [Message; BATCH] = std::array::from_fn(|i| message(index, next + i as u64));
        let mut left = &batch[..count as usize];
        // Also when told to stop: what is begun is finished.
        while !left.is_empty() {
            let sent = match left {
                [one] => usize::from(tx.try_send(*one).is_ok()),
                several => tx.try_send_slice(several),
            };
            left = &left[sent..];
            next += sent as u64;
            page.set(at::RETURNED + index, next - 1);
            if sent == 0 {
                std::thread::yield_now();
            }
        }
    }
}

/// Receives one by one, several at once, or by name, life by life. Told to stop, it sees what is there and ends.
pub fn receiver() {
    let (ledger, me, index, life) = begin();
    let mut rx = me.receiver::<Message>(RING).expect("an end");
    let page = &ledger.page;
    let (calling, holding) = (at::CALLING + index, at::HOLDING + index);
    loop {
        // Asked before: what was committed until then must come.
        let stop = page.get(at::STOP);
        let mut into: [Message; BATCH] = [[0; 4]; BATCH];
        let got = match life % 3 {
            0 | 1 => {
                let most = if life % 3 == 0 { 1 } else { BATCH };
                page.set(calling, most as u64);
                let got = if most == 1 {
                    let found = rx.try_recv();
                    found.into_iter().for_each(|message| into[0] = message);
                    usize::from(found.is_some())
                } else {
                    rx.try_recv_slice(&mut into)
                };
                into[..got].iter().for_each(|message| ledger.got(message));
                page.set(calling, 0);
                got
            }
            _ => match rx.try_take() {
                Some(taken) => {
                    page.set(holding, whole(taken.value()).unwrap_or(0));
                    ledger.got(taken.value());
                    if whole(taken.value()).is_some_and(|name| name % 8 == 0) {
                        // Now and then long enough to be killed with it in hand.
                        std::thread::yield_now();
                    }
                    taken.acknowledge();
                    page.set(holding, 0);
                    1
                }
                None => 0,
            },
        };
        page.add(at::GOT + index, got as u64);
        if got == 0 {
            if stop == 2 {
                return;
            }
            std::thread::yield_now();
        }
    }
}
