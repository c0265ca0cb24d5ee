//! A subscriber's account: what came, what was lost, and that both together are what was published.

use crate::ends::mailslot::Loss;

#[derive(Debug)]
pub struct Ledger {
    loss: Loss,
    /// The number of the message that is due.
    next: u64,
    came: u64,
    lost: u64,
}

impl Ledger {
    pub fn new(loss: Loss) -> Self {
        Self {
            loss,
            next: 0,
            came: 0,
            lost: 0,
        }
    }

    /// How many were lost in all.
    pub fn sum_lost(&self) -> u64 {
        self.lost
    }

    /// A message came.
    #[inline(always)]
    pub fn mail(&mut self, number: u64) {
        if self.loss == Loss::Silent {
            assert!(number >= self.next, "a message came twice or too late");
            self.lost += number - self.next;
        } else {
            assert_eq!(number, self.next, "another message came");
        }
        self.next = number + 1;
        self.came += 1;
    }

    /// So many are told to be lost.
    pub fn lost(&mut self, lost: u64) {
        assert_eq!(self.loss, Loss::Told, "{lost} lost, which cannot be");
        self.next += lost;
        self.lost += lost;
    }

    /// No more comes: so many were published.
    pub fn close(&self, published: u64) {
        assert_eq!(self.next, published, "the last message is missing");
        assert_eq!(self.came + self.lost, published, "some came unaccounted");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(loss: Loss, came: &[u64]) -> Ledger {
        let mut ledger = Ledger::new(loss);
        came.iter().for_each(|number| ledger.mail(*number));
        ledger
    }

    #[test]
    fn what_came_and_what_was_lost_are_all() {
        account(Loss::Never, &[0, 1, 2]).close(3);
        let mut told = account(Loss::Told, &[0, 1]);
        told.lost(3);
        told.mail(5);
        told.close(6);
        assert_eq!(told.sum_lost(), 3);
        let silent = account(Loss::Silent, &[1, 2, 5]);
        silent.close(6);
        assert_eq!(silent.sum_lost(), 3);
        account(Loss::Never, &[]).close(0);
    }

    #[test]
    #[should_panic = "another message came"]
    fn a_gap_nobody_told_of_is_seen() {
        account(Loss::Told, &[0, 2]);
    }

    #[test]
    #[should_panic = "another message came"]
    fn a_message_that_comes_twice_is_seen() {
        account(Loss::Never, &[0, 0]);
    }

    #[test]
    #[should_panic = "twice or too late"]
    fn an_order_that_turns_is_seen() {
        account(Loss::Silent, &[0, 2, 1]);
    }

    #[test]
    #[should_panic = "which cannot be"]
    fn a_loss_behind_backpressure_is_seen() {
        account(Loss::Never, &[0]).lost(1);
    }

    #[test]
    #[should_panic = "the last message is missing"]
    fn an_early_end_is_seen() {
        account(Loss::Silent, &[0, 1]).close(3);
    }

    #[test]
    #[should_panic = "another message came"]
    fn a_loss_told_too_large_is_seen() {
        let mut told = account(Loss::Told, &[0]);
        told.lost(2);
        told.mail(2);
    }
}
