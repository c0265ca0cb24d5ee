//! seqlock: readers try again when the number changed, and give up their turn where they meet the writer.

use seqlock::SeqLock;

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;

pub struct Seqlock;

impl NotepadPeer for Seqlock {
    const NAME: &str = "seqlock";
    type Room<M: Message> = Box<SeqLock<M>>;
    type Writer<'r, M: Message> = &'r SeqLock<M>;
    type Reader<'r, M: Message> = &'r SeqLock<M>;

    fn room<M: Message>() -> Self::Room<M> {
        Box::new(SeqLock::new(M::numbered(0)))
    }

    fn split<M: Message>(
        room: &mut Self::Room<M>,
        readers: usize,
    ) -> (&SeqLock<M>, Vec<&SeqLock<M>>) {
        let room = &**room;
        (room, vec![room; readers])
    }
}

impl<M: Message> ValueWriter<M> for &SeqLock<M> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        *self.lock_write() = *value;
    }
}

impl<M: Message> ValueReader<M> for &SeqLock<M> {
    #[inline(always)]
    fn read(&mut self) -> M {
        SeqLock::read(self)
    }
}
