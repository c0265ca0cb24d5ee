//! triple_buffer: three places, of which writer and reader exchange theirs. It has one reader.

use triple_buffer::{Input, Output, triple_buffer};

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;

pub struct TripleBuffer;

/// It is made with its one reader: without readers nobody holds that end.
pub type Room<M> = Option<(Input<M>, Output<M>)>;

impl NotepadPeer for TripleBuffer {
    const NAME: &str = "triple_buffer";
    const MOST_READERS: usize = 1;
    type Room<M: Message> = Room<M>;
    type Writer<'r, M: Message> = Input<M>;
    type Reader<'r, M: Message> = Output<M>;

    fn room<M: Message>() -> Room<M> {
        Some(triple_buffer(&M::numbered(0)))
    }

    fn split<M: Message>(room: &mut Room<M>, readers: usize) -> (Input<M>, Vec<Output<M>>) {
        let (input, output) = room.take().expect("split once");
        let outputs = Some(output).filter(|_| readers > 0);
        (input, outputs.into_iter().collect())
    }
}

impl<M: Message> ValueWriter<M> for Input<M> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        Input::write(self, *value);
    }
}

impl<M: Message> ValueReader<M> for Output<M> {
    #[inline(always)]
    fn read(&mut self) -> M {
        *Output::read(self)
    }
}
