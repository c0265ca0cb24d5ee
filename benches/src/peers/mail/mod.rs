//! Messages that each of many subscribers gets: ringpad's mailslots and their peers. Some overwrite what a slow subscriber has not
//! taken; the names of those that wait for it instead say "backpressured".

pub mod bus;
pub mod disruptor;
pub mod iceoryx2;
pub mod ringpad;
pub mod ringpad_reliable;
pub mod shaq;
pub mod tokio;

use crate::groups::{floors, mailslot, polled};
use crate::harness::Entry;

pub fn all(all: &mut Vec<Entry>) {
    floors::copies(all, mailslot::cells());
    polled::floors(all);
    mailslot::threads::<ringpad::Threads>(all);
    mailslot::threads::<ringpad_reliable::Threads>(all);
    mailslot::threads::<tokio::Broadcast>(all);
    mailslot::threads::<iceoryx2::Overflow>(all);
    mailslot::threads::<bus::Bus>(all);
    mailslot::threads::<disruptor::Disruptor>(all);
    mailslot::threads::<shaq::Broadcast>(all);
    polled::threads::<ringpad::Threads>(all);
    polled::threads::<tokio::Broadcast>(all);
}
