//! What came of what many sent: every message once, none of another's making. Cheap enough to be done while the clock runs.

/// Senders that a message can name.
pub const SENDERS: usize = 16;

/// Above the number of the message is that of its sender.
const SHIFT: u32 = 48;

/// The `number`-th message of a sender.
#[inline(always)]
pub fn message(sender: usize, number: u64) -> u64 {
    ((sender as u64) << SHIFT) | number
}

/// How many, and two sums over them: what is missing, doubled or made up changes at least one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    pub count: u64,
    sum: u64,
    mixed: u64,
}

impl Tally {
    #[inline(always)]
    fn add(&mut self, message: u64) {
        // Equal sums of different messages are found by the second sum, which is not linear.
        let mixed = message.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.count += 1;
        self.sum = self.sum.wrapping_add(message);
        self.mixed = self.mixed.wrapping_add(mixed ^ (mixed >> 32));
    }

    /// Of the first `count` messages of a sender.
    pub fn of(sender: usize, count: u64) -> Self {
        let mut tally = Self::default();
        (0..count).for_each(|number| tally.add(message(sender, number)));
        tally
    }

    /// Of all these together.
    pub fn all(tallies: impl IntoIterator<Item = Self>) -> Self {
        let none = Self::default();
        tallies.into_iter().fold(none, |all, one| Self {
            count: all.count + one.count,
            sum: all.sum.wrapping_add(one.sum),
            mixed: all.mixed.wrapping_add(one.mixed),
        })
    }
}

/// A receiver's account.
#[derive(Debug)]
pub struct Account {
    in_order: bool,
    senders: usize,
    /// Of each sender the first number that may come.
    next: [u64; SENDERS],
    tally: Tally,
}

impl Account {
    pub fn new(senders: usize, in_order: bool) -> Self {
        assert!(senders <= SENDERS, "{senders} senders, wanted fewer");
        Self {
            in_order,
            senders,
            next: [0; SENDERS],
            tally: Tally::default(),
        }
    }

    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// A message came.
    #[inline(always)]
    pub fn take(&mut self, message: u64) {
        let (sender, number) = ((message >> SHIFT) as usize, message & ((1 << SHIFT) - 1));
        assert!(sender < self.senders, "a torn message");
        if self.in_order {
            let next = &mut self.next[sender % SENDERS];
            assert!(number >= *next, "a message came twice or too late");
            *next = number + 1;
        }
        self.tally.add(message);
    }
}

/// What came must be what was sent.
pub fn settle(sent: Tally, came: Tally) {
    assert_eq!(came.count, sent.count, "not as many came as were sent");
    assert_eq!(came, sent, "other messages came than were sent");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(messages: &[(usize, u64)], in_order: bool) -> Tally {
        let mut account = Account::new(2, in_order);
        messages
            .iter()
            .for_each(|(s, n)| account.take(message(*s, *n)));
        account.tally()
    }

    fn sent() -> Tally {
        Tally::all([Tally::of(0, 3), Tally::of(1, 2)])
    }

    #[test]
    fn every_message_once_settles() {
        settle(
            sent(),
            came(&[(0, 0), (1, 0), (0, 1), (0, 2), (1, 1)], true),
        );
        let halves = [
            came(&[(1, 0), (0, 1)], true),
            came(&[(0, 0), (0, 2), (1, 1)], true),
        ];
        settle(sent(), Tally::all(halves));
        settle(
            sent(),
            came(&[(0, 2), (1, 1), (0, 1), (0, 0), (1, 0)], false),
        );
    }

    #[test]
    #[should_panic = "not as many came"]
    fn a_loss_is_seen() {
        settle(sent(), came(&[(0, 0), (1, 0), (0, 2), (1, 1)], true));
    }

    #[test]
    #[should_panic = "other messages came"]
    fn a_loss_hidden_by_a_double_is_seen() {
        settle(
            sent(),
            came(&[(0, 0), (1, 0), (0, 2), (0, 2), (1, 1)], false),
        );
    }

    /// 1 and 1 for 0 and 2: as many, and of one sum.
    #[test]
    #[should_panic = "other messages came"]
    fn messages_of_an_equal_sum_are_seen() {
        settle(
            sent(),
            came(&[(0, 1), (0, 1), (0, 1), (1, 0), (1, 1)], false),
        );
    }

    #[test]
    #[should_panic = "twice or too late"]
    fn a_double_is_seen_at_once() {
        came(&[(0, 0), (1, 0), (0, 0)], true);
    }

    #[test]
    #[should_panic = "twice or too late"]
    fn an_order_that_turns_is_seen() {
        came(&[(0, 1), (0, 0)], true);
    }

    #[test]
    #[should_panic = "a torn message"]
    fn a_sender_that_is_not_there_is_seen() {
        came(&[(2, 0)], false);
    }
}
