//! One value that one thread writes and others read: ringpad's notepad and its peers. All give a copy of the value, those too
//! that would show it where it lies.

pub mod arc_swap;
pub mod atomic_cell;
pub mod floor;
pub mod ringpad;
pub mod seqlock;
pub mod triple_buffer;

use crate::ends::notepad::NotepadPeer;
use crate::groups::notepad;
use crate::harness::Entry;

pub fn all(all: &mut Vec<Entry>) {
    notepad::copies(all);
    notepad::beside_threads::<floor::Unguarded>(all);
    both::<ringpad::Threads>(all);
    both::<seqlock::Seqlock>(all);
    both::<triple_buffer::TripleBuffer>(all);
    both::<atomic_cell::Cell>(all);
    both::<arc_swap::Swap>(all);
}

fn both<P: NotepadPeer + 'static>(all: &mut Vec<Entry>) {
    notepad::alone_threads::<P>(all);
    notepad::beside_threads::<P>(all);
}
