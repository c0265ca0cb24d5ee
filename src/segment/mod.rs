//! Who is here, what is where, who sleeps.

#![forbid(unsafe_code)]

pub(crate) mod claim;
pub(crate) mod directory;
pub(crate) mod doorbell;
pub(crate) mod header;
pub(crate) mod join;
pub(crate) mod kind;
pub(crate) mod peers;
pub(crate) mod plan;
pub(crate) mod reaped;
pub(crate) mod superblock;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) mod testing;
