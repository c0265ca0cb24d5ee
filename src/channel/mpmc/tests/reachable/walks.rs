//! Walks that are under way.

use crate::channel::mpmc::walk::Walk;

/// Walks of one kind that are under way: for each slot to look at, how much further it is to where they are sure, a bit each.
#[derive(Clone, Debug, Default)]
pub(super) struct Walks(Vec<u32>);

impl Walks {
    /// Adds one; false if it is there.
    pub(super) fn add(&mut self, walk: Walk) -> bool {
        let (at, sure) = (walk.at as usize, walk.sure.saturating_sub(walk.at));
        if self.0.len() <= at {
            self.0.resize(at + 1, 0);
        }
        let before = self.0[at];
        self.0[at] |= 1 << sure;
        self.0[at] != before
    }

    /// Adds these; false if all are there.
    pub(super) fn add_all(&mut self, others: &Walks) -> bool {
        let mut news = false;
        self.0.resize(self.0.len().max(others.0.len()), 0);
        for (mine, others) in self.0.iter_mut().zip(&others.0) {
            news |= *mine | others != *mine;
            *mine |= others;
        }
        news
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Walk> {
        let some = (0..).zip(&self.0).filter(|(_, all)| **all > 0);
        some.flat_map(|(at, all)| {
            let each = (0..32).filter(move |sure| all >> sure & 1 == 1);
            each.map(move |sure| Walk {
                at,
                sure: at + sure,
            })
        })
    }
}
