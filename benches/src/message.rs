//! What is sent: whole words, so that one size differs from another by its length alone.

use iceoryx2::prelude::ZeroCopySend;

/// A message of a fixed size.
pub trait Message: Copy + Send + std::fmt::Debug + ringpad::Pod + ZeroCopySend + 'static {
    /// A message that carries this number in each of its words.
    fn numbered(number: u64) -> Self;
    /// The number of its first and last words, which are equal in a whole message.
    fn number(&self) -> u64;
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
}
