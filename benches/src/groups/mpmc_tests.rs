use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;
use crate::peers::many::{crossbeam, flume, heapless, kanal, ringpad, shaq};
use crate::peers::vyukov;

fn here() -> Placement {
    Placement::choose(None).expect("two processors")
}

/// A short run of each kind; what is wrong in it panics.
fn sound<P: ManyPeer>() {
    for batch in [1, 8] {
        for ends in ENDS.into_iter().filter(|&ends| ends <= P::MOST_ENDS) {
            assert!(crossing::<P>(&here(), ends, batch).value > 0.0);
        }
        assert!(alone::<P>(batch, 1000).value > 0.0);
    }
}

#[test]
fn ringpad_is_sound() {
    sound::<ringpad::Threads<ringpad::Revoking>>();
    sound::<ringpad::Threads<ringpad::ProofOnly>>();
    sound::<ringpad::Threads<ringpad::AtMostOnce>>();
    sound::<ringpad::Threads<ringpad::AtMostOnceProofOnly>>();
}

#[test]
fn vyukovs_ring_is_sound() {
    sound::<vyukov::Vyukov>();
}

#[test]
fn crossbeam_is_sound() {
    sound::<crossbeam::Crossbeam>();
}

#[test]
fn heapless_is_sound() {
    sound::<heapless::Heapless>();
}

#[test]
fn flume_is_sound() {
    sound::<flume::Flume>();
}

#[test]
fn kanal_is_sound() {
    sound::<kanal::Kanal>();
    sound::<kanal::Drained>();
}

#[test]
fn shaq_is_sound() {
    sound::<shaq::Shaq>();
}

#[cfg(moodycamel)]
#[test]
fn moodycamel_is_sound() {
    sound::<crate::peers::many::moodycamel::Moodycamel>();
}

#[test]
fn who_sends_one_by_one_says_so() {
    assert_eq!(contender::<crossbeam::Crossbeam>(1), "crossbeam threads");
    assert_eq!(
        contender::<crossbeam::Crossbeam>(8),
        "crossbeam one by one threads"
    );
    assert_eq!(contender::<vyukov::Vyukov>(8), "vyukov threads");
}

const SOUND: u8 = 0;
const LOSES: u8 = 1;
const DOUBLES: u8 = 2;
const DOUBLES_AND_LOSES: u8 = 3;
const TEARS: u8 = 4;
const MAKES_UP: u8 = 5;

/// A queue behind a lock that does something wrong with one message in many.
struct Flawed<const FLAW: u8>;

#[derive(Default)]
struct Store {
    messages: VecDeque<u64>,
    seen: u64,
}

struct End<'r, const FLAW: u8>(&'r Mutex<Store>);

impl<const FLAW: u8> ManyPeer for Flawed<FLAW> {
    const NAME: &str = "flawed";
    const BATCHES: bool = false;
    // So that what is wrong must be found by the sums.
    const IN_ORDER: bool = FLAW == SOUND;
    type Room = Mutex<Store>;
    type Sender<'r> = End<'r, FLAW>;
    type Receiver<'r> = End<'r, FLAW>;

    fn room(_: usize, _: usize) -> Self::Room {
        Mutex::default()
    }

    fn split(
        room: &mut Self::Room,
        senders: usize,
        receivers: usize,
    ) -> (Vec<Self::Sender<'_>>, Vec<Self::Receiver<'_>>) {
        // Asked for receivers alone: all is over.
        if FLAW == MAKES_UP && senders == 0 {
            room.get_mut().unwrap().messages.push_back(7);
        }
        let ends = |count| (0..count).map(|_| End(room)).collect();
        (ends(senders), ends(receivers))
    }
}

impl<const FLAW: u8> Sender<u64> for End<'_, FLAW> {
    fn send(&mut self, message: u64) -> bool {
        let mut store = self.0.lock().unwrap();
        if store.messages.len() >= CAPACITY {
            return false;
        }
        store.seen += 1;
        let (lost, doubled, torn) = match (FLAW, store.seen) {
            (LOSES, 1000) => (true, false, false),
            (DOUBLES, 1000) => (false, true, false),
            (DOUBLES_AND_LOSES, 1000 | 1001) => (store.seen == 1000, store.seen == 1001, false),
            (TEARS, 1000) => (false, false, true),
            _ => (false, false, false),
        };
        let message = if torn { message ^ (1 << 20) } else { message };
        let times = usize::from(!lost) + usize::from(doubled);
        store.messages.extend(std::iter::repeat_n(message, times));
        true
    }
}

impl<const FLAW: u8> Receiver<u64> for End<'_, FLAW> {
    fn recv(&mut self) -> Option<u64> {
        self.0.lock().unwrap().messages.pop_front()
    }
}

impl<const FLAW: u8> BatchSender<u64> for End<'_, FLAW> {
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        crate::ends::many::send_one_by_one(self, messages)
    }
}

impl<const FLAW: u8> BatchReceiver<u64> for End<'_, FLAW> {
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        crate::ends::many::recv_one_by_one(self, into)
    }
}

#[test]
fn the_queue_that_has_no_flaw_is_sound() {
    sound::<Flawed<SOUND>>();
}

#[test]
#[should_panic = "messages are missing"]
fn a_lost_message_is_seen() {
    crossing::<Flawed<LOSES>>(&here(), 1, 1);
}

#[test]
#[should_panic = "not as many came"]
fn a_message_that_comes_twice_is_seen() {
    crossing::<Flawed<DOUBLES>>(&here(), 2, 8);
}

#[test]
#[should_panic = "other messages came"]
fn a_loss_behind_a_double_is_seen() {
    crossing::<Flawed<DOUBLES_AND_LOSES>>(&here(), 2, 1);
}

#[test]
#[should_panic = "other messages came"]
fn a_torn_message_is_seen() {
    crossing::<Flawed<TEARS>>(&here(), 2, 8);
}

#[test]
#[should_panic = "that was not sent"]
fn a_message_after_the_last_is_seen() {
    crossing::<Flawed<MAKES_UP>>(&here(), 1, 1);
}

#[test]
#[should_panic = "not all came"]
fn a_message_lost_alone_is_seen() {
    alone::<Flawed<LOSES>>(8, 1000);
}
