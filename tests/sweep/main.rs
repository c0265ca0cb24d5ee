//! Kill sweeps over rings of many senders and receivers, locks, ends, frame pools, calls and the peer table: a process is killed at every
//! instruction at which the region changed (`RINGPAD_SWEEP=every`: at every instruction), and the others must go on. Requirement 3.
//!
//! A binary of its own, without segments of the operating system: its forked children keep copies of all descriptors.
#![cfg(all(feature = "std", target_os = "linux", target_arch = "x86_64"))]

#[path = "../common/mod.rs"]
mod common;

/// Prints what was killed also where the test harness keeps to itself what tests print: CI shows it.
#[macro_export]
macro_rules! tell {
    ($($what:tt)*) => {{
        use std::io::Write;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

mod acts;
mod calls;
mod calls_acts;
mod calls_judge;
mod calls_tests;
mod drive;
mod ends;
mod estate;
mod faults;
mod heirs;
mod ledger;
mod locks;
mod locks_tests;
mod message;
mod operations;
mod plain;
mod pools;
mod pools_acts;
mod pools_judge;
mod pools_tests;
mod reaping;
mod rings;
mod robust;
mod stage;
mod table;
mod taking;
mod trail;
mod verdict;
mod vyukov;
mod vyukov_tests;
