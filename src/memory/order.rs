//! The named happens-before edges. The facade's atomics take an [`Edge`], never a bare ordering, so
//! that no ordering exists without a name here and a model that dies when it is weakened.
//!
//! | this side | pairs with | what it carries |
//! |---|---|---|
//! | [`READY`] | [`ATTACH`] | an initialised header and its control words, to whoever attaches |
//! | [`LISTED`] | [`LOOKUP`] | a directory entry and the channel behind it, to whoever opens it |
//! | [`PUBLISH`] | [`OBSERVE`] | written payload, from the producer to the consumer |
//! | [`RELEASE`] | [`RECLAIM`] | finished reads, from the consumer to the producer that overwrites them |
//! | [`OPEN`] | [`VALIDATE`] | "this slot is being overwritten", from the writer to a reader that copied any word of what it writes |
//! | [`CLOSE`] | [`ARRIVE`] | written words, from the writer to a reader that found the slot by its stamp |
//! | [`UNCLAIM`] | [`CLAIM`] | an endpoint's last positions and what a lock guards, to the next owner |
//! | [`CLAIM`], and [`PUBLISH`] of a publisher's name | [`FOUND`] | that who is named sits in its row, to whoever asks whether it lives |
//! | [`LEAVE`], [`LIVE`] | [`DEPARTED`], [`JOIN`] | everything a peer did, to whoever sees that its life in the row ended |
//! | [`JOIN`] | [`DEPARTED`] | what a peer did before it joined, to whoever asks whether it lives |
//! | [`REAP`] | [`DEPARTED`] | that a row's peer is proven dead, and everything it did, to whoever finds it being reaped |
//! | [`ENROL`] | [`GRANT`] | two sequentially consistent fences: either the publisher sees the new cursor, or the subscriber sees the new limit |
//! | [`ARM`] | [`RING`] | two sequentially consistent fences: either the sleeper sees the commit, or the producer sees the sleeper |
//!
//! In a model-checking build one edge can be weakened at run time: the models must then fail.

use core::sync::atomic::Ordering;

/// One side of a happens-before edge: its ordering, and the name by which a model weakens it.
#[derive(Clone, Copy)]
pub(crate) struct Edge {
    #[cfg_attr(not(ringpad_loom), allow(dead_code))]
    name: &'static str,
    order: Ordering,
}

impl Edge {
    const fn new(name: &'static str, order: Ordering) -> Self {
        Self { name, order }
    }

    /// The ordering of this side, or `Relaxed` while a model weakens it.
    #[inline(always)]
    pub(crate) fn order(self) -> Ordering {
        #[cfg(ringpad_loom)]
        if super::sync::hooks::is_weakened(self.name) {
            return Ordering::Relaxed;
        }
        self.order
    }
}

/// Carries nothing: the value alone decides, or another edge orders it.
pub(crate) const RELAXED: Edge = Edge::new("", Ordering::Relaxed);
/// Header state stored last by `init`.
pub(crate) const READY: Edge = Edge::new("ready", Ordering::Release);
/// Fence after the header state was loaded by `attach`.
pub(crate) const ATTACH: Edge = Edge::new("attach", Ordering::Acquire);
/// Directory entry stored last by `create`.
pub(crate) const LISTED: Edge = Edge::new("listed", Ordering::Release);
/// Directory entry loaded by `open`.
pub(crate) const LOOKUP: Edge = Edge::new("lookup", Ordering::Acquire);
/// The producer's position: the commit.
pub(crate) const PUBLISH: Edge = Edge::new("publish", Ordering::Release);
/// The producer's position, loaded by the consumer.
pub(crate) const OBSERVE: Edge = Edge::new("observe", Ordering::Acquire);
/// The consumer's position: the acknowledgement.
pub(crate) const RELEASE: Edge = Edge::new("release", Ordering::Release);
/// The consumer's position, loaded by the producer before it overwrites.
pub(crate) const RECLAIM: Edge = Edge::new("reclaim", Ordering::Acquire);
/// Fence of a writer between the stamp that says "being written" and the first word.
pub(crate) const OPEN: Edge = Edge::new("open", Ordering::Release);
/// Fence of a reader between its last word and its second look at the stamp.
pub(crate) const VALIDATE: Edge = Edge::new("validate", Ordering::Acquire);
/// The stamp that says "complete": the commit of a slot that readers find by its stamp.
pub(crate) const CLOSE: Edge = Edge::new("close", Ordering::Release);
/// Fence of a reader between its first look at a stamp and the first word.
pub(crate) const ARRIVE: Edge = Edge::new("arrive", Ordering::Acquire);
/// A claim given back.
pub(crate) const UNCLAIM: Edge = Edge::new("unclaim", Ordering::Release);
/// A claim taken, from the free or from the dead, by an owner who sits in its row.
pub(crate) const CLAIM: Edge = Edge::new("claim", Ordering::AcqRel);
/// Fence between a claim and the row of its owner, who may have joined just now.
pub(crate) const FOUND: Edge = Edge::new("found", Ordering::Acquire);
/// A row given back by its peer.
pub(crate) const LEAVE: Edge = Edge::new("leave", Ordering::Release);
/// A row taken by its next peer: passes on what it told the oracle before.
pub(crate) const JOIN: Edge = Edge::new("join", Ordering::AcqRel);
/// A row declared live by its next peer: passes on what [`JOIN`] received.
pub(crate) const LIVE: Edge = Edge::new("live", Ordering::Release);
/// A row loaded to learn whether the owner of a claim has moved on.
pub(crate) const DEPARTED: Edge = Edge::new("departed", Ordering::Acquire);
/// A dead one's row, taken by its reaper: passes on what the proof of death brought.
pub(crate) const REAP: Edge = Edge::new("reap", Ordering::AcqRel);
/// Fence of a subscriber between its cursor and its look at the publisher's limit.
pub(crate) const ENROL: Edge = Edge::new("enrol", Ordering::SeqCst);
/// Fence of the publisher between its new limit and its look at the cursors.
pub(crate) const GRANT: Edge = Edge::new("grant", Ordering::SeqCst);
/// Fence of the sleeper between arming and its recheck.
pub(crate) const ARM: Edge = Edge::new("arm", Ordering::SeqCst);
/// Fence of the producer between its commit and its look at the sleepers.
pub(crate) const RING: Edge = Edge::new("ring", Ordering::SeqCst);

/// Every edge that a model can weaken, in the order of the table above.
#[cfg(ringpad_loom)]
pub(crate) const ALL: &[&str] = &[
    "ready", "attach", "listed", "lookup", "publish", "observe", "release", "reclaim", "open",
    "validate", "close", "arrive", "unclaim", "claim", "found", "leave", "live", "departed",
    "join", "reap", "enrol", "grant", "arm", "ring",
];
