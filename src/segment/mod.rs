//! Who is here, what is where, who sleeps.

#![forbid(unsafe_code)]

#[cfg(target_has_atomic = "32")]
pub(crate) mod claim;
#[cfg(target_has_atomic = "32")]
pub(crate) mod directory;
#[cfg(target_has_atomic = "32")]
pub(crate) mod doorbell;
pub(crate) mod header;
#[cfg(target_has_atomic = "32")]
pub(crate) mod join;
pub(crate) mod kind;
#[cfg(target_has_atomic = "32")]
pub(crate) mod peers;
#[cfg(target_has_atomic = "32")]
pub(crate) mod plan;
#[cfg(target_has_atomic = "32")]
pub(crate) mod reaped;
#[cfg(target_has_atomic = "32")]
pub(crate) mod superblock;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) mod testing;
pub(crate) mod wake;
