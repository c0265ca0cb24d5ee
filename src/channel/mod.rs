//! One file a kind. Kinds never import each other.

pub mod bytes;
pub(crate) mod cursor;
#[cfg(target_has_atomic = "64")]
pub mod frames;
pub(crate) mod incoherent;
#[cfg(target_has_atomic = "32")]
pub mod lock;
pub mod mailslot;
#[cfg(target_has_atomic = "64")]
pub mod mpmc;
pub mod notepad;
#[cfg(target_has_atomic = "32")]
pub(crate) mod party;
#[cfg(target_has_atomic = "64")]
pub mod rpc;
pub(crate) mod seat;
#[cfg(target_has_atomic = "64")]
pub(crate) mod seats;
pub mod spsc;
pub(crate) mod stamp;
