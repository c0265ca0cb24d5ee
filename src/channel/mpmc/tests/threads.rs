//! Threads that send and receive at once, with so little patience that they pass over each other all the time.

use super::*;
use crate::channel::mpmc::walk::Found;
use crate::memory::order::RELAXED;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::{scope, yield_now};
use std::time::{Duration, Instant};

/// How long nothing may come, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Small repeatable numbers.
fn dice(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 40) as usize
}

/// A message: who sent it, which of its own it is, and both again to see that it is whole.
type Message = [u64; 3];

fn message(sender: u64, n: u64) -> Message {
    let id = sender << 32 | n;
    [id, !id, id.rotate_left(17)]
}

/// What is wrong with what all receivers got together, each sender having sent so many.
fn wrong(got: &[Vec<Message>], senders: u64, each: u64) -> Option<String> {
    let mut seen = vec![0u8; (senders * each) as usize];
    for (receiver, got) in got.iter().enumerate() {
        let mut last = vec![None; senders as usize];
        for all in got {
            let (sender, n) = (all[0] >> 32, all[0] & u64::from(u32::MAX));
            if sender >= senders || n >= each || *all != message(sender, n) {
                return Some(format!("{all:x?} was never sent"));
            }
            if last[sender as usize] >= Some(n) {
                return Some(format!("{receiver} got {n} of {sender} after {last:?}"));
            }
            last[sender as usize] = Some(n);
            seen[(sender * each + n) as usize] += 1;
        }
    }
    let bad = seen.iter().position(|times| *times != 1)?;
    Some(format!("message {bad} came {} times", seen[bad]))
}

/// Times that somebody was passed over, as far as a look at the words now and then shows.
#[derive(Default)]
struct Passed {
    revoked: AtomicU64,
    skipped: AtomicU64,
}

fn send(mut tx: Sender<'_, Message>, ring: &Ring<'_>, me: u64, each: u64, passed: &Passed) {
    let (mut next, mut state) = (0, me + 1);
    let mut since = Instant::now();
    while next < each {
        let batch: Vec<Message> = (next..each)
            .take(1 + dice(&mut state) % 7)
            .map(|n| message(me, n))
            .collect();
        let sent = match dice(&mut state) % 4 {
            0 | 1 => tx.try_send_slice(&batch),
            2 => usize::from(tx.try_send(batch[0]).is_ok()),
            _ => stumble(ring, &batch, &mut state, passed),
        };
        next += sent as u64;
        match sent {
            0 => {
                assert!(
                    since.elapsed() < PATIENCE,
                    "no room for message {next} of {me}"
                );
                yield_now();
            }
            _ => since = Instant::now(),
        }
    }
}

/// Sends as a sender does that the system stops between its claim and its commit.
fn stumble(ring: &Ring<'_>, batch: &[Message], state: &mut u64, passed: &Passed) -> usize {
    let tag = Tag::of(Owner::BARE);
    let Found::Here(t, free) = ring.find_free(ring.tail.load(RELAXED), &mut ring.budget(0)) else {
        return 0;
    };
    let run = ring.claim(t, free, batch.len() as u32, tag);
    for (i, all) in batch.iter().enumerate().take(run as usize) {
        ring.slots.slot((t + i as u64) as u32).store_value(all);
    }
    (0..dice(state) % 4).for_each(|_| yield_now());
    if run == 0 {
        return 0;
    }
    if ring.commit(t, run, tag) {
        return run as usize;
    }
    passed.revoked.fetch_add(1, Relaxed);
    let now = word(ring, t);
    if ring.laps.ahead(now, t) > 0 {
        passed.skipped.fetch_add(1, Relaxed);
    }
    ring.give_back(t, tag);
    0
}

fn receive(
    mut rx: Receiver<'_, Message>,
    ring: &Ring<'_>,
    me: u64,
    left: &AtomicU64,
    passed: &Passed,
) -> Vec<Message> {
    let (mut got, mut state) = (Vec::new(), me + 100);
    let mut since = Instant::now();
    while left.load(Relaxed) > 0 {
        let before = got.len();
        match dice(&mut state) % 4 {
            0 => got.extend(rx.try_recv()),
            1 | 2 => {
                let mut into = [[0; 3]; 8];
                let most = 1 + dice(&mut state) % 8;
                let came = rx.try_recv_slice(&mut into[..most]);
                got.extend(&into[..came]);
            }
            _ => {
                if let Some(taken) = rx.try_take() {
                    let at = taken.sequence();
                    (0..dice(&mut state) % 4).for_each(|_| yield_now());
                    if ring.laps.ahead(word(ring, at), at) > 0 {
                        passed.skipped.fetch_add(1, Relaxed);
                    }
                    got.push(taken.acknowledge());
                }
            }
        }
        let came = (got.len() - before) as u64;
        match came {
            0 => {
                assert!(since.elapsed() < PATIENCE, "{left:?} messages do not come");
                yield_now();
            }
            _ => {
                left.fetch_sub(came, Relaxed);
                since = Instant::now();
            }
        }
    }
    got
}

/// Answers how often somebody was revoked, and passed over.
fn storm(
    mode: (Delivery, Recovery),
    slots: u32,
    senders: u64,
    receivers: u64,
    each: u64,
) -> (u64, u64) {
    let passed = Passed::default();
    with::<Message>(Trust::Cooperative, &config(slots, mode), |_, ring| {
        let left = AtomicU64::new(senders * each);
        let got = scope(|scope| {
            for me in 0..senders {
                let tx = ring.bare_sender().unwrap().with_patience(2);
                let (ring, passed) = (&ring.ring, &passed);
                scope.spawn(move || send(tx, ring, me, each, passed));
            }
            let receivers = (0..receivers).map(|me| {
                let rx = ring.bare_receiver().unwrap().with_patience(2);
                let (ring, left, passed) = (&ring.ring, &left, &passed);
                scope.spawn(move || receive(rx, ring, me, left, passed))
            });
            let receivers: Vec<_> = receivers.collect();
            receivers
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(wrong(&got, senders, each), None);
    });
    (passed.revoked.into_inner(), passed.skipped.into_inner())
}

#[test]
fn every_message_comes_once_and_in_order_however_often_they_pass_over_each_other() {
    let each = 20_000;
    let (mut revoked, mut skipped) = (0, 0);
    for (slots, senders, receivers) in [(4, 2, 2), (16, 4, 3), (64, 3, 4)] {
        for delivery in [Delivery::AtLeastOnce, Delivery::AtMostOnce] {
            let begin = Instant::now();
            let found = storm(
                (delivery, Recovery::Revoke),
                slots,
                senders,
                receivers,
                each,
            );
            println!(
                "{slots} slots, {senders} to {receivers}: {found:?} revoked and skipped, {:?}",
                begin.elapsed()
            );
            revoked += found.0;
            skipped += found.1;
        }
    }
    assert!(
        revoked > 100 && skipped > 10,
        "{revoked} revoked, {skipped} skipped"
    );
}

#[test]
fn with_proof_only_nobody_is_ever_passed_over() {
    for (slots, senders, receivers) in [(4, 2, 2), (64, 4, 4)] {
        let found = storm(MODES[1], slots, senders, receivers, 10_000);
        assert_eq!(found, (0, 0));
    }
}

#[test]
fn negative_control_what_is_wrong_is_noticed() {
    let good = || {
        vec![
            vec![message(0, 0), message(1, 0)],
            vec![message(0, 1), message(1, 1)],
        ]
    };
    assert_eq!(wrong(&good(), 2, 2), None);
    let spoil = |how: &dyn Fn(&mut Vec<Vec<Message>>)| {
        let mut got = good();
        how(&mut got);
        wrong(&got, 2, 2).expect("noticed")
    };
    assert!(spoil(&|got| _ = got[0].pop()).contains("came 0 times"));
    assert!(spoil(&|got| got[0].push(message(0, 1))).contains("came 2 times"));
    assert!(spoil(&|got| got[1] = vec![message(0, 1), message(0, 0)]).contains("after"));
    assert!(spoil(&|got| got[0][0][1] = 0).contains("never sent"));
}
