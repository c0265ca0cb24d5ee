//! Who can hand over frames.

mod bytes;
mod iceoryx2;
mod pipe;
mod shaq;

use crate::groups::frames;
use crate::harness::Entry;

/// Every bench of frames.
pub fn all(all: &mut Vec<Entry>) {
    frames::floors(all);
    frames::processes::<bytes::Grants>(all);
    frames::processes::<iceoryx2::Loans>(all);
    frames::processes_of::<shaq::Slots<64>>(all, 64);
    frames::processes_of::<shaq::Slots<4096>>(all, 4096);
    frames::processes_of::<shaq::Slots<65536>>(all, 65536);
    frames::processes_of::<shaq::Slots<{ frames::FULL_HD }>>(all, frames::FULL_HD);
    frames::processes_of::<shaq::Slots<{ frames::FOUR_K }>>(all, frames::FOUR_K);
    frames::processes::<pipe::Pipe>(all);
}
