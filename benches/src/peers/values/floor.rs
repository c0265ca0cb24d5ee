//! What a value costs that nobody guards.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::ends::notepad::{NotepadPeer, ValueReader, ValueWriter};
use crate::message::Message;

/// Words that one thread stores and others load, in no order: how fast the lines go from one to the other. Values may be torn.
pub struct Unguarded;

#[repr(align(128))]
struct Words([AtomicU64; 512]);

pub struct UnguardedRoom(Box<Words>);

pub struct Ends<'r>(&'r Words);

impl NotepadPeer for Unguarded {
    const NAME: &str = "floor: unguarded words";
    const WHOLE: bool = false;
    type Room<M: Message> = UnguardedRoom;
    type Writer<'r, M: Message> = Ends<'r>;
    type Reader<'r, M: Message> = Ends<'r>;

    fn room<M: Message>() -> UnguardedRoom {
        UnguardedRoom(Box::new(Words([const { AtomicU64::new(0) }; 512])))
    }

    fn split<M: Message>(room: &mut UnguardedRoom, readers: usize) -> (Ends<'_>, Vec<Ends<'_>>) {
        let all = (0..readers).map(|_| Ends(&room.0));
        (Ends(&room.0), all.collect())
    }
}

impl<M: Message> ValueWriter<M> for Ends<'_> {
    #[inline(always)]
    fn write(&mut self, value: &M) {
        let words: &[u64] = bytemuck::cast_slice(std::slice::from_ref(value));
        for (to, from) in self.0.0.iter().zip(words) {
            to.store(*from, Ordering::Relaxed);
        }
    }
}

impl<M: Message> ValueReader<M> for Ends<'_> {
    #[inline(always)]
    fn read(&mut self) -> M {
        let mut value = M::numbered(0);
        let words: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut value));
        for (to, from) in words.iter_mut().zip(&self.0.0) {
            *to = from.load(Ordering::Relaxed);
        }
        value
    }
}
