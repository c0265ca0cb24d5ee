//! arc-swap: each write allocates a value of its own; readers borrow the one that is current.

use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;

pub struct Swap;

impl NotepadPeer for Swap {
    const NAME: &str = "arc-swap";
    type Room<M: Message> = Box<ArcSwap<M>>;
    type Writer<'r, M: Message> = &'r ArcSwap<M>;
    type Reader<'r, M: Message> = &'r ArcSwap<M>;

    fn room<M: Message>() -> Self::Room<M> {
        Box::new(ArcSwap::from_pointee(M::numbered(0)))
    }

    fn split<M: Message>(
        room: &mut Self::Room<M>,
        readers: usize,
    ) -> (&ArcSwap<M>, Vec<&ArcSwap<M>>) {
        let room = &**room;
        (room, vec![room; readers])
    }
}

impl<M: Message> ValueWriter<M> for &ArcSwap<M> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        self.store(Arc::new(*value));
    }
}

impl<M: Message> ValueReader<M> for &ArcSwap<M> {
    #[inline(always)]
    fn read(&mut self) -> M {
        **self.load()
    }
}
