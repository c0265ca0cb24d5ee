//! Who can hand over frames.

mod bytes;
mod iceoryx2;
mod pipe;
mod ringpad;
mod shaq;

use crate::groups::frames;
use crate::harness::Entry;

/// Every bench of frames.
pub fn all(all: &mut Vec<Entry>) {
    frames::floors(all);
    frames::processes::<ringpad::Pool<ringpad::Ringing, false>>(all);
    frames::processes::<ringpad::Pool<ringpad::Silent, false>>(all);
    frames::processes::<ringpad::Pool<ringpad::Ringing, true>>(all);
    frames::processes::<ringpad::Pool<ringpad::Silent, true>>(all);
    frames::processes::<bytes::Grants>(all);
    frames::processes::<iceoryx2::Loans>(all);
    frames::processes_of::<shaq::Slots<64>>(all, 64);
    frames::processes_of::<shaq::Slots<4096>>(all, 4096);
    frames::processes_of::<shaq::Slots<65536>>(all, 65536);
    frames::processes_of::<shaq::Slots<{ frames::FULL_HD }>>(all, frames::FULL_HD);
    frames::processes_of::<shaq::Slots<{ frames::FOUR_K }>>(all, frames::FOUR_K);
    frames::processes::<pipe::Pipe>(all);
    frames::sizes::<ringpad::Pool<ringpad::Ringing, false>>(all);
    frames::sizes::<ringpad::Pool<ringpad::Ringing, true>>(all);
}
