//! Two threads and a ring that passes its last position under them; sums over all that went through.

use std::time::{Duration, Instant};

use ringpad::bytes::{self, Bytes, Refused};
use ringpad::spsc::{self, Spsc};

use crate::regions::{EACH_TRUST, HEAD, Room, TAIL};

/// How long one end may find nothing to do, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// One thread's patience with the other.
struct Patience(Instant);

impl Patience {
    fn new() -> Self {
        Self(Instant::now())
    }

    /// Lets the other thread work; fails when nothing comes of it for too long.
    fn wait(&mut self) {
        assert!(self.0.elapsed() < PATIENCE, "the other end stands still");
        std::thread::yield_now();
    }

    fn got_on(&mut self) {
        self.0 = Instant::now();
    }
}

/// FNV-1a, over everything that went through.
fn mix(sum: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(sum, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Small repeatable numbers.
fn dice(state: &mut u64) -> usize {
    *state = state
        .wrapping_mul(6364136223846793005)
        .wrapping_add(1442695040888963407);
    (*state >> 40) as usize
}

#[test]
fn two_threads_pass_the_last_position_with_items() {
    const ITEMS: u64 = 40_000;
    for trust in EACH_TRUST {
        let config = spsc::Config::new(512);
        let room = Room::of::<Spsc<'_, [u64; 3]>>(&config);
        let ring: Spsc<'_, [u64; 3]> = room.channel(trust, &config, u32::MAX - ITEMS as u32 / 2);
        let (mut tx, mut rx) = ring.split().unwrap();
        let item = |n: u64| [n, n.rotate_left(17), !n];
        let (sent, got) = std::thread::scope(|scope| {
            let producer = scope.spawn(move || {
                let (mut next, mut sum, mut state) = (0, 0, 1);
                let mut patience = Patience::new();
                while next < ITEMS {
                    let batch: Vec<_> = (next..ITEMS)
                        .take(1 + dice(&mut state) % 50)
                        .map(item)
                        .collect();
                    let count = match dice(&mut state) % 3 {
                        0 => tx.push_slice(&batch),
                        1 => batch
                            .iter()
                            .take_while(|item| tx.push(**item).is_ok())
                            .count(),
                        _ => {
                            let staged = batch
                                .iter()
                                .take_while(|item| tx.stage(**item).is_ok())
                                .count();
                            tx.publish();
                            staged
                        }
                    };
                    sum = batch[..count]
                        .iter()
                        .fold(sum, |sum, item| mix(sum, &item[1].to_le_bytes()));
                    next += count as u64;
                    match count {
                        0 => patience.wait(),
                        _ => patience.got_on(),
                    }
                }
                sum
            });
            let (mut next, mut sum, mut state) = (0, 0, 2);
            let mut patience = Patience::new();
            while next < ITEMS {
                let mut into = [[0; 3]; 40];
                let most = 1 + dice(&mut state) % 40;
                let count = match dice(&mut state) % 3 {
                    0 => rx.pop_slice(&mut into[..most]),
                    1 => into[..most]
                        .iter_mut()
                        .map_while(|into| rx.pop().map(|got| *into = got))
                        .count(),
                    _ => {
                        let taken = into[..most]
                            .iter_mut()
                            .map_while(|into| rx.take().map(|got| *into = got))
                            .count();
                        rx.acknowledge();
                        taken
                    }
                };
                for got in &into[..count] {
                    assert_eq!(*got, item(next));
                    sum = mix(sum, &got[1].to_le_bytes());
                    next += 1;
                }
                match count {
                    0 => patience.wait(),
                    _ => patience.got_on(),
                }
            }
            (producer.join().unwrap(), sum)
        });
        assert_eq!(sent, got);
        assert!(room.get(TAIL) == room.get(HEAD) && room.get(HEAD) < ITEMS as u32);
    }
}

#[test]
fn two_threads_pass_the_last_position_with_bytes() {
    const BYTES: usize = 400_000;
    for trust in EACH_TRUST {
        for config in [bytes::Config::records(8192), bytes::Config::stream(4096)] {
            let room = Room::of::<Bytes<'_>>(&config);
            let ring: Bytes<'_> =
                room.channel(trust, &config, 0u32.wrapping_sub((BYTES as u32 / 2) & !7));
            let (mut tx, mut rx) = ring.split().unwrap();
            let (sent, got) = std::thread::scope(|scope| {
                let producer = scope.spawn(move || {
                    let (mut done, mut sum, mut state) = (0, 0, 3);
                    let mut patience = Patience::new();
                    while done < BYTES {
                        let len = (dice(&mut state) % 200).min(BYTES - done);
                        let text: Vec<u8> = (done..done + len)
                            .map(|at| ((at * 31) >> 3) as u8)
                            .collect();
                        while let Err(refused) = tx.send(&text) {
                            assert_eq!(refused, Refused::Full);
                            patience.wait();
                        }
                        patience.got_on();
                        sum = mix(sum, &text);
                        done += len;
                    }
                    sum
                });
                let (mut done, mut sum) = (0, 0);
                let mut patience = Patience::new();
                while done < BYTES {
                    let mut into = [0; 200];
                    let Some(text) = rx.recv(&mut into).unwrap() else {
                        patience.wait();
                        continue;
                    };
                    patience.got_on();
                    for (at, &byte) in (done..).zip(text) {
                        assert_eq!(byte, ((at * 31) >> 3) as u8, "byte {at}");
                    }
                    sum = mix(sum, text);
                    done += text.len();
                }
                (producer.join().unwrap(), sum)
            });
            assert_eq!(sent, got);
            assert!(room.get(TAIL) < u32::MAX / 2, "it wrapped");
        }
    }
}

#[test]
fn negative_control_a_swapped_byte_changes_the_sum() {
    assert_ne!(mix(0, b"abcd"), mix(0, b"abdc"));
    assert_ne!(mix(0, b"abcd"), mix(0, b"abc"));
}
