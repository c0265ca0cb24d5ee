//! Shared-memory channels that survive `kill -9`.
//!
//! `ringpad` lays channels over ANY mapped bytes: between two threads, two processes, two processor cores. The core is
//! `no_std`, allocates nothing and knows no operating system. With the `std` feature (the default) the [`os`] layer maps
//! the bytes through shared memory, proves who is dead, and wakes sleepers through pipes.
//!
//! # The words
//!
//! | word | meaning |
//! |---|---|
//! | [`Region`] | a mapped range of bytes: the one unsafe promise of the crate |
//! | [`Segment`] | a region with a peer table and a directory of named channels |
//! | [`Peer`] | one participant of a segment: a row, [`PeerId`] 1 to 32 |
//! | [`Channel`] | one object in a region: a typed ring ([`spsc`]), one of many senders and receivers ([`mpmc`]), a byte ring ([`bytes`]), the last value ([`notepad`]), a shout to everybody ([`mailslot`]), a lock that outlives its owner ([`lock`]), frames that are lent and never copied ([`frames`]), calls that always end ([`rpc`]) |
//! | endpoint | a peer's claimed end of a channel; two never have the same one, except where many may send and receive |
//! | claim | the word that names an endpoint's owner; taken over from the proven dead |
//! | position | a free-running counter of items or bytes, masked only to find a place |
//! | stamp | the word of a slot that says which version or message it holds, and whether it is whole |
//! | lapped | overtaken by a writer that never waits: a value, not an error |
//! | run | slots that one word speaks for: a batch among many |
//! | orphan | a message whose receiver died before it acknowledged: it comes again |
//! | revoked | passed over without proof of death, and told so: nobody waits for a stopped peer |
//! | poison | what a lock says when somebody died with it, until a holder calls what it guards consistent |
//! | grant | bytes of a ring, lent to be filled or read in place |
//! | frame pool | frames of one size in a region, lent in place ([`frames`]) |
//! | loan, view | a frame lent to one to be written; a published one lent to be looked at, which stays as it is meanwhile |
//! | ticket | 12 bytes that say which frame in which publication: they travel, the frame does not |
//! | seat | a claim word of a pool or a call table, for whoever uses it: frames and calls name seats, seats name peers |
//! | call | a request in a slot of its client's, taken by one server, which answers there |
//! | part | a piece of a reply, one after another |
//! | given up | of a call: cancelled, dropped, or its client died; its server is told, and frees the slot |
//! | receiver | a seat with a number, for which frames are reserved: its next holder finds them |
//! | [`Bell`] | where a peer that sleeps at one end says so |
//!
//! # Two processes
//!
#![cfg_attr(all(feature = "std", any(unix, windows)), doc = "```")]
#![cfg_attr(not(all(feature = "std", any(unix, windows))), doc = "```ignore")]
//! use ringpad::{Plan, bytes, os::{Options, SharedSegment}};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let name = &format!("story-{}", std::process::id());
//! // Whoever comes first makes it; whoever died before left nothing that has to be cleaned up.
//! let plan = Plan::<1>::new().channel::<bytes::Bytes>("frames", &bytes::Config::records(1 << 16))?;
//! let camera = SharedSegment::open_or_create(name, &plan, &Options::new())?.join()?;
//! let mut tx = camera.byte_producer("frames")?;
//! let mut grant = tx.grant(1000)?; // room in the ring itself
//! grant.fill(7);
//! grant.commit(1000)?; // from here on it is not lost
//!
//! // The other process:
//! let engine = SharedSegment::open(name, &Options::new())?.join()?;
//! let mut rx = engine.byte_consumer("frames")?;
//! let bell = rx.bell();
//! engine.waiter()?.wait(&[bell], None, || rx.next_len().transpose())?; // sleeps if there is nothing
//! let frame = rx.read()?.expect("waited for it"); // lent, not copied
//! assert_eq!(frame[..3], [7, 7, 7]);
//! frame.release();
//! # Ok(()) }
//! ```
//!
//! # What is promised
//!
//! - A peer may be killed at any instruction. What it committed arrives; what it did not commit never does; its
//!   endpoints are taken over by name, as soon as the system proves it dead. No timer ever declares death.
//! - Every hot call is wait-free and makes no system call while nobody sleeps.
//! - Bytes of a region are never trusted: geometry is private after attach, indices are masked, lengths are checked,
//!   loops have budgets. A [distrusted](Region::distrusted) region may hold anything at all.
//! - Every ordering has a name, and a model that fails without it (`loom-tests`, which compiles these very files).
//!
//! What is not: see `docs/memory-model.md` and `docs/crash-model.md` in the repository.
//!
//! # Features
//!
//! `std` (default): the [`os`] layer, on Linux, Android, macOS, FreeBSD and Windows. `cli`: the `ringpad` tool. Without features: the core alone.
//!
#![cfg_attr(all(feature = "std", any(unix, windows)), doc = "[`os`]: crate::os")]
#![cfg_attr(
    not(all(feature = "std", any(unix, windows))),
    doc = "[`os`]: #features"
)]
#![cfg_attr(not(any(feature = "std", test, ringpad_loom)), no_std)]
// Where kinds are left out, what they alone use lies idle.
#![cfg_attr(not(target_has_atomic = "64"), allow(dead_code))]

mod channel;
mod error;
#[cfg(doctest)]
#[doc(hidden)]
pub mod limits;
mod memory;
#[cfg(all(feature = "std", any(unix, windows), not(ringpad_loom)))]
pub mod os;
#[cfg(target_has_atomic = "32")]
mod reap;
mod segment;
#[cfg(all(test, not(ringpad_loom)))]
mod wire_tests;

pub use channel::incoherent::Incoherent;
#[cfg(target_has_atomic = "32")]
pub use channel::lock;
pub use channel::stamp::Content;
pub use channel::{bytes, mailslot, notepad, spsc};
#[cfg(target_has_atomic = "64")]
pub use channel::{frames, mpmc, rpc};
pub use error::{Error, Field, Full, Result, State};
pub use memory::Pod;
pub use memory::layout::{AlignedBytes, CACHE_LINE, CompactBytes, Spacing};
#[cfg(target_has_atomic = "32")]
pub use memory::liveness::{Evicted, Life, Liveness, NoProof};
pub use memory::liveness::{PeerId, Sole};
pub use memory::maintenance::{CacheMaintenance, Maintained, Upkeep};
pub use memory::region::Region;
#[cfg(target_has_atomic = "32")]
pub use segment::directory::Entry;
#[cfg(target_has_atomic = "32")]
pub use segment::doorbell::{Armed, Bell, Ringer, Signal, Sleeper};
pub use segment::header::ABI;
#[cfg(target_has_atomic = "32")]
pub use segment::join::Peer;
pub use segment::kind::{Channel, Kind};
#[cfg(target_has_atomic = "32")]
pub use segment::peers::Identity;
#[cfg(target_has_atomic = "32")]
pub use segment::plan::{Name, Plan};
#[cfg(target_has_atomic = "32")]
pub use segment::reaped::Reaped;
#[cfg(target_has_atomic = "32")]
pub use segment::superblock::Segment;
pub use segment::wake::{Hook, Silent, Wake, poll_for};

#[cfg(ringpad_loom)]
#[doc(hidden)]
pub use memory::sync::hooks;
