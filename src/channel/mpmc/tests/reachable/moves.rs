//! What anybody may do to a ring next: one store or exchange each.

use super::*;
use crate::memory::order::RELAXED;

impl Search<'_, '_> {
    /// Everything that anybody may do next.
    pub(super) fn next(&mut self, stand: &Stand) -> Vec<usize> {
        let mut next = self.send(stand);
        next.extend(self.receive(stand));
        for i in 0..stand.parties.len() {
            next.extend(self.dies(stand, i));
            next.push(self.go_on(stand, i));
        }
        next
    }

    fn send(&mut self, stand: &Stand) -> Vec<usize> {
        let (at, lap) = (stand.tail, u64::from(self.bounds.capacity));
        let mut next = Vec::new();
        if at + lap > self.bounds.tail {
            return next;
        }
        self.set(stand);
        match self.free(stand) {
            Some(Found::Here(_, free)) if stand.parties.len() < self.bounds.parties => {
                for most in 1..=self.bounds.capacity {
                    self.set(stand);
                    if self.ring.claim(at, free, most, stranger()) == most {
                        next.push(self.claimed(stand, most.into()));
                    }
                }
            }
            Some(Found::Blocked(obstacle)) if obstacle.word.state() != Is::Writing => {
                self.ring.skip(obstacle);
                let tail = at + u64::from(self.ring.laps.run(obstacle.word));
                next.push(self.reach(tail, stand.pending.clone(), stand.parties.clone()));
            }
            _ => {}
        }
        next
    }

    fn claimed(&mut self, stand: &Stand, run: u64) -> usize {
        let (at, ready, doing) = (stand.tail, false, Doing::Writes(0));
        let (mut pending, mut parties) = (stand.pending.clone(), stand.parties.clone());
        parties.push(Party { at, run, doing });
        pending.push(Pending { at, run, ready });
        self.reach(at + run, pending, parties)
    }

    fn receive(&mut self, stand: &Stand) -> Vec<usize> {
        let Some(&Pending { at, run, ready }) = stand.pending.first() else {
            return Vec::new();
        };
        self.set(stand);
        let (position, word) = (at, word(&self.ring, at));
        if !ready {
            self.ring.revoke(Obstacle { position, word });
            let (pending, parties) = (stand.pending[1..].to_vec(), stand.parties.clone());
            return vec![self.reach(stand.tail, pending, parties)];
        }
        let rest = |taken| {
            let mut pending = stand.pending.clone();
            (pending[0].at, pending[0].run) = (at + taken, run - taken);
            pending.retain(|left| left.run > 0);
            pending
        };
        assert!(self.ring.consume(at, word));
        let mut next = vec![self.reach(stand.tail, rest(1), stand.parties.clone())];
        if stand.parties.len() < self.bounds.parties {
            for run in 1..=run {
                self.set(stand);
                assert!(self.ring.hold(at, word, run as u32, stranger()));
                let (mut parties, doing) = (stand.parties.clone(), Doing::Holds);
                parties.push(Party { at, run, doing });
                next.push(self.reach(stand.tail, rest(run), parties));
            }
        }
        next
    }

    /// One more store of one party.
    fn go_on(&mut self, stand: &Stand, i: usize) -> usize {
        let Party { at, run, .. } = stand.parties[i];
        let (laps, mut pending, mut parties) =
            (self.ring.laps, stand.pending.clone(), stand.parties.clone());
        self.set(stand);
        let found = word(&self.ring, at);
        let now = laps.position(found, at as u32, stand.tail);
        match stand.parties[i].doing {
            Doing::Writes(stored) => {
                if stored == 0 {
                    self.as_shipped(stand, at, run, found);
                    self.set(stand);
                }
                if stored + 1 < run {
                    let next = laps.ready(at, run as u32).shorter(stored + 1);
                    self.ring.word(at + stored + 1).store(next.0, RELAXED);
                    parties[i].doing = Doing::Writes(stored + 1);
                } else if found.state() == Is::Writing {
                    let ready = laps.ready(at, run as u32);
                    self.ring.word(at).store(ready.0, RELAXED);
                    parties.remove(i);
                    let mine = pending.iter_mut().find(|mine| mine.at == at);
                    mine.expect("it is pending").ready = true;
                } else {
                    parties[i].doing = Doing::Holds;
                }
            }
            Doing::Holds => {
                self.ring.give_back(at, stranger());
                let next = now + u64::from(laps.capacity());
                let freed = |i| word(&self.ring, next + i) == laps.free(next + i);
                assert!((0..run).all(freed), "as shipped: {stand:?}");
                self.set(stand);
                parties[i].doing = Doing::Frees(now, 0);
            }
            Doing::Frees(lap, stored) => {
                let next = lap + u64::from(laps.capacity());
                let order = (self.bounds.order)(run as u32);
                parties[i].doing = Doing::Frees(lap, stored + 1);
                if order[stored] == 0 && now != lap {
                    // Passed over meanwhile: from the beginning.
                    parties[i].doing = Doing::Frees(now, 0);
                } else {
                    let free = laps.free(next + order[stored]);
                    self.ring.word(next + order[stored]).store(free.0, RELAXED);
                    if stored + 1 == order.len() {
                        parties.remove(i);
                    }
                }
            }
        }
        self.reach(stand.tail, pending, parties)
    }

    /// What the shipped commit does at once is what follows here store by store.
    fn as_shipped(&self, stand: &Stand, at: u64, run: u64, found: Word) {
        let done = self.ring.commit(at, run as u32, stranger());
        assert_eq!(done, found.state() == Is::Writing, "{stand:?}");
        let all = self.ring.laps.ready(at, run as u32);
        let inner = (1..run).all(|i| word(&self.ring, at + i) == all.shorter(i));
        let first = word(&self.ring, at);
        assert!(
            inner && first == if done { all } else { found },
            "{stand:?}"
        );
    }

    /// One that writes dies, and another goes on to give back what it claimed; or one that gives back, and another begins again.
    fn dies(&mut self, stand: &Stand, i: usize) -> Option<usize> {
        self.set(stand);
        let (at, mut parties) = (stand.parties[i].at, stand.parties.clone());
        let found = word(&self.ring, at);
        let order = (self.bounds.order)(stand.parties[i].run as u32);
        let names_it = |stored| stored > 0 && !order[..stored].contains(&0);
        parties[i].doing = match stand.parties[i].doing {
            Doing::Writes(_) => {
                let mine = self.ring.laps.as_held_write(found, stranger());
                self.ring.word(at).store(mine.0, RELAXED);
                Doing::Holds
            }
            Doing::Frees(_, stored) if names_it(stored) => Doing::Holds,
            _ => return None,
        };
        let left = stand.pending.iter().filter(|one| one.at != at).cloned();
        Some(self.reach(stand.tail, left.collect(), parties))
    }
}
