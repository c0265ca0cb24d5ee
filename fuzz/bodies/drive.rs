//! Drives the ends of rings by a script, scribbling between the calls. Whatever the region holds: no panic, no
//! access outside, and no answer beyond the private geometry.

use ringpad::bytes::{self, Refused};
use ringpad::{Life, Liveness, PeerId, Pod, Signal, Wake, spsc};

use super::room::{Arena, Script};

/// Says that one holder is gone, as often as it is asked.
#[derive(Debug)]
pub struct Gone(pub PeerId);

// SAFETY: the bodies claim in its light only ends whose last holder they dropped or forgot, on one thread, or that garbage
// ascribes to a peer that nobody is.
unsafe impl Liveness for Gone {
    fn state(&self, peer: PeerId) -> Life {
        if peer == self.0 {
            Life::Dead
        } else {
            Life::Unknown
        }
    }
}

/// A bell that counts.
#[derive(Debug, Default)]
pub struct Count(std::cell::Cell<u32>);

impl Signal for Count {
    fn signal(&self, peer: PeerId) {
        assert!(peer.get() <= 32);
        self.0.set(self.0.get() + 1);
    }
}

/// One step with both ends of a typed ring.
pub fn spsc_step<T: Pod, W: Wake, V: Wake>(
    room: &impl Arena,
    tx: &mut spsc::Producer<'_, T, W>,
    rx: &mut spsc::Consumer<'_, T, V>,
    value: T,
    script: &mut Script<'_>,
) {
    let capacity = tx.capacity();
    match script.byte() % 14 {
        0 => drop(tx.push(value)),
        1 => drop(tx.stage(value)),
        2 => tx.publish(),
        3 => drop(rx.pop()),
        4 => drop(rx.take()),
        5 => rx.acknowledge(),
        6 => drop(rx.peek()),
        7 => {
            let values = vec![value; usize::from(script.byte())];
            assert!(tx.push_slice(&values) <= values.len().min(capacity as usize));
        }
        8 => {
            let mut into = vec![value; usize::from(script.byte())];
            let room = into.len();
            assert!(rx.pop_slice(&mut into) <= room.min(capacity as usize));
        }
        9 => assert!(tx.slots() <= capacity && rx.slots() <= capacity),
        10 => drop((tx.is_abandoned(), rx.is_abandoned(), tx.other(), rx.other())),
        11 => drop((tx.check(), rx.check(), tx.position(), rx.position())),
        _ => script.scribble(room),
    }
}

/// One step with the producer of a byte ring.
pub fn bytes_tx_step<W: Wake>(tx: &mut bytes::Producer<'_, W>, script: &mut Script<'_>) {
    let capacity = tx.capacity();
    assert!(tx.most() <= capacity as usize);
    match script.byte() % 6 {
        0 => drop(tx.send(&vec![7; usize::from(script.byte())])),
        1 => drop(tx.stage(&vec![8; usize::from(script.byte())])),
        2 => tx.publish(),
        3 => assert!(tx.free_bytes() <= capacity),
        4 => {
            let len = usize::from(script.byte());
            assert_eq!(tx.grant(len).err(), Some(Refused::Distrusted));
            assert_eq!(tx.grant_up_to(len).err(), Some(Refused::Distrusted));
        }
        _ => drop((tx.is_abandoned(), tx.other(), tx.position())),
    }
}

/// One step with the consumer of a byte ring.
pub fn bytes_rx_step<W: Wake>(rx: &mut bytes::Consumer<'_, W>, script: &mut Script<'_>) {
    let capacity = rx.capacity();
    match script.byte() % 5 {
        0 | 1 => {
            let mut into = vec![0; usize::from(script.byte())];
            let room = into.len();
            match rx.recv(&mut into) {
                Ok(Some(got)) => assert!(got.len() <= room.min(capacity as usize)),
                Err(Refused::TooLong { found, most }) => {
                    assert!(found <= capacity as usize && most == room && found > most);
                }
                Ok(None) | Err(Refused::Corrupt) => {}
                Err(other) => panic!("recv said {other:?}"),
            }
        }
        2 => {
            if let Ok(Some(len)) = rx.next_len() {
                assert!(len <= capacity as usize);
            }
        }
        3 => assert!(rx.used_bytes() <= capacity),
        _ => {
            assert_eq!(rx.read().err(), Some(Refused::Distrusted));
            let _ = (rx.is_abandoned(), rx.other(), rx.position());
        }
    }
}
