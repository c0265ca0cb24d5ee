//! What is measured. Each group adds its entries for any peer that can take part.

pub mod blocked;
pub mod calls;
pub mod floors;
pub mod frames;
mod ledger;
pub mod mailslot;
pub mod mpmc;
pub mod notepad;
pub mod polled;
pub mod records;
pub mod round_trip;
mod tally;
pub mod throughput;

use std::hint::spin_loop;

use crate::harness::Entry;

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

/// Entries one group after the other, each in the order in which it came: a peer adds size after size.
pub fn by_group(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut groups: Vec<String> = Vec::new();
    let mut place = |entry: &Entry| {
        let known = groups.iter().position(|group| group == entry.group());
        known.unwrap_or_else(|| {
            groups.push(entry.group().into());
            groups.len() - 1
        })
    };
    entries.sort_by_cached_key(&mut place);
    entries
}
