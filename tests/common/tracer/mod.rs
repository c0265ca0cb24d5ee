//! Kill sweeps: a process is traced, stopped at a chosen instruction, killed there, and what it left is checked.
//!
//! Linux on x86-64. The swept operation lies between two [`mark`]s, so that nothing else is. It runs either
//! - in a fork of this process ([`Sweep::forked`]): cheap, for operations on memory alone. Other threads are not there in
//!   the fork: the operation takes no lock and allocates nothing, and all it works on was mapped shared before.
//!   A fork also keeps copies of all descriptors until it is killed, locks and pipes of other tests' too: fork sweeps
//!   belong into test files without segments of the operating system;
//! - in a process started by exec ([`Sweep::executed`]): for operations that make system calls.
//!
//! A trace belongs to the thread that began it; everything here is done by one thread. The operation itself has one too.
//! One step costs 20 to 30 microseconds where tracer and traced share a processor, six times that where they do not,
//! so `pin` keeps them together.

// Each test file uses its own part of this.
#![allow(unused_imports)]

mod jump;
mod memory;
mod pin;
mod raw;
mod sweep;
mod tally;
mod tracee;

pub use memory::Shared;
pub use sweep::{Points, Sweep};
pub use tally::{Kill, Place, Tally};
pub use tracee::{Stop, Tracee};

/// The operation begins: what a swept process says to its tracer.
pub const BEGIN: u64 = 1;
/// The operation has ended.
pub const END: u64 = 2;

/// Tells the tracer a number: a breakpoint instruction, no system call. Kills a process that is not traced.
#[inline(always)]
pub fn mark(number: u64) {
    // SAFETY: the trap changes no register and no memory; the compiler moves no access across it.
    unsafe { std::arch::asm!("int3", in("rdi") number) };
}

/// A number that changes when the bytes do.
pub fn fingerprint(bytes: &[u8]) -> u64 {
    // Fast in unoptimised tests too: that crate is always optimised.
    crc32fast::hash(bytes).into()
}
