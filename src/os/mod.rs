//! The thin layer over the operating system: named and anonymous segments, joining with proof of life, owning
//! endpoints, and a waiter that sleeps on a pipe.
//!
//! # What lies where
//!
//! On Windows: sections, events and named pipes, see docs/platforms.md, as for macOS, FreeBSD and Android. On Linux:
//!
//! A named segment `NAME` in its directory (by default `/dev/shm/ringpad-UID`, mode 0700):
//!
//! ```text
//! NAME.lock            byte locks: 0 the creator, 1..=32 a row each, 40 everyone who has it open (shared)
//! NAME.seg             the memory
//! NAME.ID.ROW.bell     one FIFO a row; ID is the segment's random number
//! NAME.ID.tmp          a segment or a lock file being made
//! ```
//! An anonymous segment is a sealed memfd, whose own bytes carry the row locks, and one pipe a row.
//!
//! # What a crash leaves
//!
//! Locks go with the process. Files stay until the next opener finds nobody holding byte 40, or [`collect`]
//! does. See docs/crash-model.md.
//!
//! # Example
//!
//! ```
//! use ringpad::{Plan, os::{Options, SharedSegment}, spsc};
//! # fn main() -> Result<(), ringpad::os::Error> {
//! let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(64))?;
//! let name = format!("doc-{}", std::process::id());
//! let segment = SharedSegment::open_or_create(&name, &plan, &Options::new())?;
//! let me = segment.join()?;
//! let mut tx = me.producer::<u64>("ticks")?;
//! tx.push(7).unwrap();
//! // Usually another process:
//! let you = SharedSegment::open(&name, &Options::new())?.join()?;
//! let mut rx = you.consumer::<u64>("ticks")?;
//! assert_eq!(rx.pop(), Some(7));
//! # Ok(()) }
//! ```

#[cfg(all(
    unix,
    not(any(
        target_os = "linux",
        target_os = "android",
        target_os = "macos",
        target_os = "freebsd"
    ))
))]
compile_error!(
    "ringpad's `std` feature knows Linux, Android, macOS, FreeBSD and Windows; this system has the core alone: `default-features = false`"
);

#[cfg(any(target_os = "macos", target_os = "freebsd"))]
mod bsd;
mod calling;
mod error;
mod framing;
// Where locks can be asked about without taking one.
#[cfg(all(test, any(windows, all(target_os = "linux", not(ringpad_flock)))))]
mod hasty;
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) mod linux;
mod listening;
mod liveness;
mod name;
mod options;
mod owned;
mod patience;
mod reaping;
mod shared;
mod sharing;
mod silent;
#[cfg(unix)]
mod unix;
mod waiter;
#[cfg(windows)]
mod windows;

// What the rooms above stand on, the same names on every system.
#[cfg(unix)]
use self::unix as system;
#[cfg(windows)]
use self::windows as system;

pub use self::calling::{CallError, OwnedCall, OwnedRequest, now_ns};
pub use self::error::Error;
pub use self::framing::{OwnedLoan, OwnedView};
pub use self::options::Options;
pub use self::owned::{OwnedBell, OwnedPeer, OwnedRinger};
pub use self::shared::SharedSegment;
pub use self::sharing::LockGuard;
pub use self::silent::OwnedSilence;
pub use self::system::{HANDOFF_VARIABLE, Listed, collect, list};
pub use self::waiter::Waiter;

/// The result of this layer.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// A typed ring's producing end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type Producer<T> = crate::spsc::Producer<'static, T, OwnedRinger>;
/// A typed ring's consuming end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type Consumer<T> = crate::spsc::Consumer<'static, T, OwnedRinger>;
/// A byte ring's producing end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type ByteProducer = crate::bytes::Producer<'static, OwnedRinger>;
/// A byte ring's consuming end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type ByteConsumer = crate::bytes::Consumer<'static, OwnedRinger>;
/// An end of a ring of many senders and receivers that puts messages in, and owns what it needs: `Send + 'static`. It rings sleepers.
pub type Sender<T> = crate::mpmc::Sender<'static, T, OwnedRinger>;
/// An end of such a ring that takes messages out, and owns what it needs: `Send + 'static`. It rings sleepers.
pub type Receiver<T> = crate::mpmc::Receiver<'static, T, OwnedRinger>;
/// A call table's end that asks, and owns what it needs: `Send + 'static`. It rings sleepers.
pub type Client<Q, A> = crate::rpc::Client<'static, Q, A, OwnedRinger>;
/// A call table's end that answers, and owns what it needs: `Send + 'static`. It rings sleepers.
pub type Server<Q, A> = crate::rpc::Server<'static, Q, A, OwnedRinger>;
/// A key to a lock, alone or with a value, that owns what it needs: `Send + 'static`. It rings sleepers.
pub type LockKey<T = ()> = crate::lock::Key<'static, T, OwnedRinger>;
/// A user of a frame pool that owns what it needs: `Send + Sync + 'static`. It rings sleepers.
pub type FrameUser = crate::frames::User<'static, OwnedRinger>;
/// A notepad's writing end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type NotepadWriter<T> = crate::notepad::Writer<'static, T, OwnedRinger>;
/// A notepad's reader that owns what it needs: of a peer, which can sleep until the next version, or of a segment that it only looks at.
pub type NotepadReader<T, K = OwnedPeer> = crate::notepad::Reader<'static, T, K>;
/// A mailslot's publishing end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type Publisher<T> = crate::mailslot::Publisher<'static, T, OwnedRinger>;
/// A mailslot's subscriber that owns what it needs: of a peer, which can sleep until the next message, or of a segment that it only looks at.
pub type Subscriber<T, K = OwnedPeer> = crate::mailslot::Subscriber<'static, T, K>;
/// A reliable mailslot's publishing end that owns what it needs: `Send + 'static`. It rings sleepers.
pub type ReliablePublisher<T> = crate::mailslot::reliable::Publisher<'static, T, OwnedRinger>;
/// A reliable mailslot's subscriber that owns what it needs: `Send + 'static`. It rings a publisher that waits.
pub type ReliableSubscriber<T> = crate::mailslot::reliable::Subscriber<'static, T, OwnedRinger>;

static_assertions::assert_impl_all!(SharedSegment: Send, Sync, Clone);
static_assertions::assert_impl_all!(OwnedPeer: Send, Sync, Clone);
static_assertions::assert_impl_all!(Producer<u64>: Send);
static_assertions::assert_impl_all!(ByteConsumer: Send);
static_assertions::assert_impl_all!(Sender<u64>: Send, Clone);
static_assertions::assert_impl_all!(Receiver<u64>: Send, Clone);
static_assertions::assert_impl_all!(Client<u64, [u8]>: Send);
static_assertions::assert_impl_all!(Server<[u8], u64>: Send);
static_assertions::assert_impl_all!(LockKey: Send, Clone);
static_assertions::assert_impl_all!(NotepadWriter<u64>: Send);
static_assertions::assert_impl_all!(NotepadReader<[u8]>: Send, Sync, Clone);
static_assertions::assert_impl_all!(Subscriber<[u8], SharedSegment>: Send, Clone);
static_assertions::assert_impl_all!(ReliableSubscriber<[u8]>: Send);
static_assertions::assert_impl_all!(Waiter: Send);
static_assertions::assert_not_impl_any!(Producer<u64>: Sync, Clone);
