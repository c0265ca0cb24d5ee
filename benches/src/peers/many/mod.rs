//! Queues with many senders and many receivers: ringpad's and its peers.

pub mod crossbeam;
pub mod flume;
pub mod heapless;
pub mod kanal;
#[cfg(moodycamel)]
pub mod moodycamel;
pub mod ringpad;
pub mod shaq;

use super::vyukov;
use crate::groups::mpmc;
use crate::harness::Entry;

pub fn all(all: &mut Vec<Entry>) {
    mpmc::threads::<ringpad::Threads<ringpad::Revoking>>(all);
    mpmc::threads::<ringpad::Threads<ringpad::ProofOnly>>(all);
    mpmc::threads::<ringpad::Threads<ringpad::AtMostOnce>>(all);
    mpmc::threads::<ringpad::Threads<ringpad::AtMostOnceProofOnly>>(all);
    mpmc::threads::<vyukov::Vyukov>(all);
    mpmc::threads::<crossbeam::Crossbeam>(all);
    mpmc::threads::<heapless::Heapless>(all);
    mpmc::threads::<flume::Flume>(all);
    mpmc::threads::<kanal::Kanal>(all);
    mpmc::threads::<kanal::Drained>(all);
    mpmc::threads::<shaq::Shaq>(all);
    #[cfg(moodycamel)]
    mpmc::threads::<moodycamel::Moodycamel>(all);
}
