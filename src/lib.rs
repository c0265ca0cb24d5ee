//! Shared-memory channels that survive `kill -9`.
#![cfg_attr(not(any(feature = "std", test, ringpad_loom)), no_std)]

mod channel;
mod error;
mod memory;
#[cfg(all(feature = "std", target_os = "linux", not(ringpad_loom)))]
pub mod os;
mod segment;

pub use channel::{bytes, spsc};
pub use error::{Error, Field, Full, Result, State};
pub use memory::Pod;
pub use memory::layout::{AlignedBytes, CACHE_LINE};
pub use memory::liveness::{Evicted, Life, Liveness, NoProof, PeerId};
pub use memory::region::Region;
pub use segment::directory::{Entry, Segment};
pub use segment::doorbell::{Armed, Bell, Ringer, Signal, Silent, Sleeper, Wake, poll_for};
pub use segment::header::{ABI, Channel, Kind};
pub use segment::peers::{Identity, Peer};
pub use segment::plan::{Name, Plan};

#[cfg(ringpad_loom)]
#[doc(hidden)]
pub use memory::sync::hooks;
