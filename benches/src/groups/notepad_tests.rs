use super::*;
use crate::peers::values::{arc_swap, atomic_cell, floor, ringpad, seqlock, triple_buffer};

fn here() -> Placement {
    Placement::choose(None).expect("two processors")
}

/// A short run of each kind; what is wrong in it panics.
fn sound<P: NotepadPeer>() {
    fn of_size<P: NotepadPeer, M: Message>() {
        assert!(alone::<P, M>(1000) > Duration::ZERO);
        for readers in [1, 3].into_iter().filter(|&most| most <= P::MOST_READERS) {
            for measured in [Measured::Reads, Measured::EachWrite] {
                let sample = beside::<P, M>(&here(), readers, measured, true);
                assert!(sample.value > 0.0, "{measured:?}");
                assert_eq!(sample.histogram.is_some(), measured == Measured::EachWrite);
            }
        }
    }
    of_size::<P, [u64; 1]>();
    of_size::<P, [u64; 8]>();
    of_size::<P, [u64; 512]>();
}

#[test]
fn notepads_are_sound() {
    sound::<ringpad::Threads>();
}

#[test]
fn seqlocks_are_sound() {
    sound::<seqlock::Seqlock>();
}

#[test]
fn triple_buffers_are_sound() {
    sound::<triple_buffer::TripleBuffer>();
}

#[test]
fn atomic_cells_are_sound() {
    sound::<atomic_cell::Cell>();
}

#[test]
fn swapped_arcs_are_sound() {
    sound::<arc_swap::Swap>();
}

#[test]
fn the_floors_run() {
    assert!(copied::<[u64; 8]>(1000) > Duration::ZERO);
    let sample = beside::<floor::Unguarded, [u64; 8]>(&here(), 1, Measured::Reads, false);
    assert!(sample.value > 0.0);
}

/// What no protocol guards is torn, and is seen to be.
#[test]
#[should_panic = "a torn message"]
fn torn_values_are_seen() {
    for _ in 0..50 {
        beside::<floor::Unguarded, [u64; 512]>(&here(), 1, Measured::Reads, true);
    }
}

#[test]
#[should_panic = "an older value came"]
fn values_that_go_back_are_seen() {
    let mut watch = Watch::new(true);
    for number in [1, 2, 2, 1] {
        watch.see(&<[u64; 8]>::numbered(number), true);
    }
}

#[test]
#[should_panic = "a torn message"]
fn a_tear_inside_is_seen_in_time() {
    let mut watch = Watch::new(true);
    for _ in 0..LOOK {
        watch.see(&[1, 2, 2, 1], true);
    }
}

/// A reader that keeps the first value it saw.
struct Stuck;

struct StuckReader;

struct StuckWriter;

impl<M: Message> ValueWriter<M> for StuckWriter {
    fn write(&mut self, value: &M) {
        black_box(value);
    }
}

impl<M: Message> ValueReader<M> for StuckReader {
    fn read(&mut self) -> M {
        M::numbered(0)
    }
}

impl NotepadPeer for Stuck {
    const NAME: &str = "stuck";
    type Room<M: Message> = ();
    type Writer<'r, M: Message> = StuckWriter;
    type Reader<'r, M: Message> = StuckReader;

    fn room<M: Message>() {}

    fn split<M: Message>((): &mut (), _: usize) -> (StuckWriter, Vec<StuckReader>) {
        (StuckWriter, vec![StuckReader])
    }
}

#[test]
#[should_panic = "not the last value came"]
fn a_value_that_never_changes_is_seen() {
    beside::<Stuck, [u64; 8]>(&here(), 1, Measured::Reads, true);
}

#[test]
#[should_panic = "not the value came"]
fn a_value_that_was_not_written_is_seen() {
    alone::<Stuck, [u64; 8]>(10);
}
