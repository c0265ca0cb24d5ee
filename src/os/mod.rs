//! The thin layer over the operating system: shared memory, locks, doorbells, liveness.

pub(crate) mod linux;
