//! ringpad's notepad over plain memory.

use ringpad::Channel;
use ringpad::notepad::{Config, Notepad, Reader, Writer};

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;
use crate::peers::ringpad::Room;

pub struct Threads;

impl NotepadPeer for Threads {
    const NAME: &str = "ringpad";
    type Room<M: Message> = Room<Config>;
    type Writer<'r, M: Message> = Writer<'r, M>;
    type Reader<'r, M: Message> = Reader<'r, M>;

    fn room<M: Message>() -> Room<Config> {
        let config = Config::new();
        let layout = Notepad::<M>::layout(&config).expect("a layout");
        Room::new(layout.size(), config)
    }

    fn split<M: Message>(
        room: &mut Room<Config>,
        readers: usize,
    ) -> (Writer<'_, M>, Vec<Reader<'_, M>>) {
        let config = room.config;
        let pad = Notepad::<M>::init(room.region(), &config).expect("a notepad");
        let (mut writer, reader) = pad.split().expect("both ends");
        writer.write(&M::numbered(0));
        (writer, vec![reader; readers])
    }
}

impl<M: Message> ValueWriter<M> for Writer<'_, M> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        Writer::<'_, M>::write(self, value);
    }
}

impl<M: Message> ValueReader<M> for Reader<'_, M> {
    #[inline(always)]
    fn read(&mut self) -> M {
        loop {
            // Lapped: the writer came round during the copy.
            if let Ok(note) = self.try_read() {
                return note.expect("a value, which was written first").value;
            }
        }
    }
}
