//! A proof of death that its maker vouches for.

use core::sync::atomic::{AtomicBool, Ordering};

use super::{Life, Liveness, PeerId};

/// The word of whoever reset the other side: one named owner is dead. It says so once, for one take-over: the next
/// holder of the same name is another.
///
/// ```
/// use ringpad::{Evicted, Life, Liveness, PeerId};
/// // SAFETY: this example has no other side.
/// let proof = unsafe { Evicted::new(PeerId::BARE) };
/// assert_eq!(proof.state(PeerId::BARE), Life::Dead);
/// assert_eq!(proof.state(PeerId::BARE), Life::Unknown);
/// ```
#[derive(Debug)]
pub struct Evicted {
    owner: PeerId,
    spent: AtomicBool,
}

impl Evicted {
    /// Declares `owner` dead, for one take-over.
    ///
    /// # Safety
    ///
    /// From now until the proof is spent, whoever holds an end under this name can never again touch the region (its
    /// core is held in reset, its thread was joined), and the caller has synchronised with its end. So nobody else may take
    /// the same end over meanwhile.
    pub const unsafe fn new(owner: PeerId) -> Self {
        Self {
            owner,
            spent: AtomicBool::new(false),
        }
    }
}

// SAFETY: whoever made it promised that this owner is dead when it is first asked; of others, and later, it proves nothing.
unsafe impl Liveness for Evicted {
    fn state(&self, peer: PeerId) -> Life {
        if peer == self.owner && !self.spent.swap(true, Ordering::AcqRel) {
            Life::Dead
        } else {
            Life::Unknown
        }
    }
}
