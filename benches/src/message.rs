//! What is sent: whole words, so that one size differs from another by its length alone.

use iceoryx2::prelude::ZeroCopySend;

/// A message of a fixed size.
pub trait Message:
    Copy + Send + Sync + std::fmt::Debug + ringpad::Pod + ZeroCopySend + 'static
{
    /// A message that carries this number in each of its words.
    fn numbered(number: u64) -> Self;
    /// The number of its first and last words, which are equal in a whole message.
    fn number(&self) -> u64;
    /// The number of all its words, each of which is looked at.
    fn whole_number(&self) -> u64;
}

impl<const N: usize> Message for [u64; N] {
    #[inline(always)]
    fn numbered(number: u64) -> Self {
        [number; N]
    }

    #[inline(always)]
    fn number(&self) -> u64 {
        assert_eq!(self[0], self[N - 1], "a torn message");
        self[0]
    }

    fn whole_number(&self) -> u64 {
        assert!(self.iter().all(|word| *word == self[0]), "a torn message");
        self[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_message_has_one_number() {
        let message = <[u64; 8]>::numbered(7);
        assert_eq!((message.number(), message.whole_number()), (7, 7));
    }

    #[test]
    #[should_panic = "a torn message"]
    fn ends_that_disagree_are_seen() {
        [1, 1, 1, 2].number();
    }

    #[test]
    #[should_panic = "a torn message"]
    fn a_tear_between_equal_ends_is_seen() {
        [1, 2, 2, 1].whole_number();
    }
}
