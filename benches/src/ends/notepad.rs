//! One value that a writer replaces while readers look at it.

use crate::message::Message;

/// The end that replaces the value.
pub trait ValueWriter<M> {
    fn write(&mut self, value: &M);
}

/// An end that takes a copy of the value. A try that met the writer is tried again until one succeeds.
pub trait ValueReader<M> {
    fn read(&mut self) -> M;
}

/// A value between threads, one of which writes it.
pub trait NotepadPeer {
    const NAME: &str;
    /// So many readers it can have.
    const MOST_READERS: usize = usize::MAX;
    /// Whether a reader gets whole values, none older than the one before. A floor may promise less.
    const WHOLE: bool = true;
    /// The memory that all ends borrow; the value in it is the message of number 0.
    type Room<M: Message>;
    type Writer<'r, M: Message>: ValueWriter<M> + Send;
    type Reader<'r, M: Message>: ValueReader<M> + Send;
    fn room<M: Message>() -> Self::Room<M>;
    fn split<M: Message>(
        room: &mut Self::Room<M>,
        readers: usize,
    ) -> (Self::Writer<'_, M>, Vec<Self::Reader<'_, M>>);
}
