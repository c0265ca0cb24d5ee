//! crossbeam's AtomicCell: one word by itself, more of them under one of its shared sequence locks.

use crossbeam_utils::atomic::AtomicCell;

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;

pub struct Cell;

impl NotepadPeer for Cell {
    const NAME: &str = "AtomicCell";
    type Room<M: Message> = Box<AtomicCell<M>>;
    type Writer<'r, M: Message> = &'r AtomicCell<M>;
    type Reader<'r, M: Message> = &'r AtomicCell<M>;

    fn room<M: Message>() -> Self::Room<M> {
        Box::new(AtomicCell::new(M::numbered(0)))
    }

    fn split<M: Message>(
        room: &mut Self::Room<M>,
        readers: usize,
    ) -> (&AtomicCell<M>, Vec<&AtomicCell<M>>) {
        let room = &**room;
        (room, vec![room; readers])
    }
}

impl<M: Message> ValueWriter<M> for &AtomicCell<M> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        self.store(*value);
    }
}

impl<M: Message> ValueReader<M> for &AtomicCell<M> {
    #[inline(always)]
    fn read(&mut self) -> M {
        self.load()
    }
}
