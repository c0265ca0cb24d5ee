//! What is measured. Each group adds its entries for any peer that can take part.

pub mod blocked;
pub mod floors;
mod ledger;
pub mod mailslot;
pub mod notepad;
pub mod polled;
pub mod records;
pub mod round_trip;
pub mod throughput;

use std::hint::spin_loop;

/// Asks until there is an answer.
#[inline(always)]
pub fn poll<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    loop {
        if let Some(value) = ask() {
            return value;
        }
        spin_loop();
    }
}

/// Tries until it is done.
#[inline(always)]
pub fn poll_until(mut done: impl FnMut() -> bool) {
    while !done() {
        spin_loop();
    }
}
