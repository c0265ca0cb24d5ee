//! Rings of many whose 64-bit positions pass 2^32, and the end of the 61 bits that their words carry: alone and under threads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use ringpad::mpmc::{Config, Delivery, Mpmc, Recovery};

use crate::regions::many::{ring, wide};
use crate::regions::{EACH_TRUST, HEAD, Room, TAIL, Trust};

const ENDS: [u64; 2] = [1 << 32, 1 << 61];

/// How long nothing may come, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(120);

fn configs(slots: u32) -> [Config; 4] {
    let config = Config::new(slots);
    let once = config.delivery(Delivery::AtMostOnce);
    [
        config,
        config.recovery(Recovery::ProofOnly),
        once,
        once.recovery(Recovery::ProofOnly),
    ]
}

#[test]
fn a_ring_of_many_passes_the_end_of_each_number() {
    for trust in EACH_TRUST {
        for config in [1, 4].into_iter().flat_map(configs) {
            let slots = u64::from(config.capacity);
            for start in ENDS
                .into_iter()
                .flat_map(|end| [end - slots, end - 3 * slots])
            {
                let room = Room::of::<Mpmc<'_, u64>>(&config);
                let ring: Mpmc<'_, u64> = ring(&room, trust, &config, start);
                let (mut tx, mut rx) = (ring.bare_sender().unwrap(), ring.bare_receiver().unwrap());
                for n in 0..8 * slots {
                    match n % 3 {
                        0 => tx.try_send(n).unwrap(),
                        _ => assert_eq!(tx.try_send_slice(&[n]), 1),
                    }
                    let taken = rx.try_take().unwrap();
                    assert_eq!((*taken.value(), taken.sequence()), (n, start + n));
                    taken.acknowledge();
                    assert_eq!(rx.try_recv(), None);
                }
                assert_eq!(
                    (0..9).filter(|n| tx.try_send(*n).is_ok()).count() as u64,
                    slots
                );
                assert_eq!(wide(&room, TAIL), start + 9 * slots);
                assert_eq!(wide(&room, HEAD), start + 8 * slots);
            }
        }
    }
}

/// Every number once; the sum of all that came.
fn threads(config: &Config, start: u64, each: u64) -> (u64, u64) {
    let room = Room::of::<Mpmc<'_, u64>>(config);
    let ring: Mpmc<'_, u64> = ring(&room, Trust::Distrusted, config, start);
    let (left, sum) = (AtomicU64::new(2 * each), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for side in 0..2 {
            let mut tx = ring.bare_sender().unwrap().with_patience(2);
            scope.spawn(move || {
                let all: Vec<u64> = (side * each..(side + 1) * each).collect();
                let (mut rest, mut since) = (&all[..], Instant::now());
                while !rest.is_empty() {
                    match tx.try_send_slice(&rest[..rest.len().min(5)]) {
                        0 => std::thread::yield_now(),
                        sent => (rest, since) = (&rest[sent..], Instant::now()),
                    }
                    assert!(since.elapsed() < PATIENCE, "no room");
                }
            });
            let mut rx = ring.bare_receiver().unwrap().with_patience(2);
            let (left, sum) = (&left, &sum);
            scope.spawn(move || {
                let (mut into, mut since) = ([0; 7], Instant::now());
                while left.load(Relaxed) > 0 {
                    match rx.try_recv_slice(&mut into) {
                        0 => std::thread::yield_now(),
                        got => {
                            sum.fetch_add(into[..got].iter().map(|n| n * n).sum(), Relaxed);
                            left.fetch_sub(got as u64, Relaxed);
                            since = Instant::now();
                        }
                    }
                    assert!(since.elapsed() < PATIENCE, "nothing comes");
                }
            });
        }
    });
    (sum.into_inner(), wide(&room, HEAD))
}

#[test]
fn threads_pass_the_end_of_each_number() {
    let each = 10_000;
    let want: u64 = (0..2 * each).map(|n| n * n).sum();
    for end in ENDS {
        for config in configs(16) {
            let (sum, head) = threads(&config, end - each / 16 * 16, each);
            assert_eq!(sum, want);
            assert!(head > end, "it was passed");
        }
    }
}
