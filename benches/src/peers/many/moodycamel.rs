//! moodycamel::ConcurrentQueue, in C++ behind plain functions: each call is one, not inlined. It has a queue for each sender, and
//! blocks for more messages than its capacity. A batch goes in whole or not at all.

use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::ends::many::ManyPeer;
use crate::ends::{BatchReceiver, BatchSender, Receiver, Sender};

/// What lies on the other side.
#[repr(C)]
struct Opaque([u8; 0]);
type Queue = NonNull<Opaque>;
type Token = NonNull<Opaque>;

unsafe extern "C" {
    fn many_queue_new(capacity: usize, producers: usize) -> Option<Queue>;
    fn many_queue_delete(queue: Queue);
    fn many_producer_new(queue: Queue) -> Option<Token>;
    fn many_producer_delete(token: Token);
    fn many_consumer_new(queue: Queue) -> Option<Token>;
    fn many_consumer_delete(token: Token);
    fn many_push(queue: Queue, token: Token, message: u64) -> bool;
    fn many_push_all(queue: Queue, token: Token, messages: *const u64, count: usize) -> bool;
    fn many_pop(queue: Queue, token: Token, message: *mut u64) -> bool;
    fn many_pop_some(queue: Queue, token: Token, into: *mut u64, most: usize) -> usize;
}

pub struct Moodycamel;

pub struct Room(Queue);

impl Drop for Room {
    fn drop(&mut self) {
        // SAFETY: made by room(); the tokens that borrow it are gone.
        unsafe { many_queue_delete(self.0) };
    }
}

/// A queue and a token of one thread for it.
pub struct Tx<'r>(Queue, Token, PhantomData<&'r Room>);
pub struct Rx<'r>(Queue, Token, PhantomData<&'r Room>);

// SAFETY: a token is for one thread at a time; the queue is for any.
unsafe impl Send for Tx<'_> {}
// SAFETY: as above.
unsafe impl Send for Rx<'_> {}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        // SAFETY: made by split(), and its queue is still there.
        unsafe { many_producer_delete(self.1) };
    }
}

impl Drop for Rx<'_> {
    fn drop(&mut self) {
        // SAFETY: made by split(), and its queue is still there.
        unsafe { many_consumer_delete(self.1) };
    }
}

impl ManyPeer for Moodycamel {
    const NAME: &str = "moodycamel";
    const BATCHES: bool = true;
    type Room = Room;
    type Sender<'r> = Tx<'r>;
    type Receiver<'r> = Rx<'r>;

    fn room(capacity: usize, ends: usize) -> Room {
        // SAFETY: any numbers are allowed.
        Room(unsafe { many_queue_new(capacity, ends) }.expect("a queue"))
    }

    fn split(room: &mut Room, senders: usize, receivers: usize) -> (Vec<Tx<'_>>, Vec<Rx<'_>>) {
        let sender = |_| {
            // SAFETY: the queue outlives the borrow that its token keeps.
            let token = unsafe { many_producer_new(room.0) };
            Tx(room.0, token.expect("a token"), PhantomData)
        };
        let receiver = |_| {
            // SAFETY: as above.
            let token = unsafe { many_consumer_new(room.0) };
            Rx(room.0, token.expect("a token"), PhantomData)
        };
        let senders = (0..senders).map(sender).collect();
        (senders, (0..receivers).map(receiver).collect())
    }
}

impl Sender<u64> for Tx<'_> {
    #[inline(always)]
    fn send(&mut self, message: u64) -> bool {
        // SAFETY: the queue's own token, used by this thread alone.
        unsafe { many_push(self.0, self.1, message) }
    }
}

impl Receiver<u64> for Rx<'_> {
    #[inline(always)]
    fn recv(&mut self) -> Option<u64> {
        let mut message = 0;
        // SAFETY: the queue's own token, used by this thread alone; there is room for one.
        let came = unsafe { many_pop(self.0, self.1, &raw mut message) };
        came.then_some(message)
    }
}

impl BatchSender<u64> for Tx<'_> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[u64]) -> usize {
        // SAFETY: the queue's own token, used by this thread alone; as many messages as are told.
        let all = unsafe { many_push_all(self.0, self.1, messages.as_ptr(), messages.len()) };
        if all { messages.len() } else { 0 }
    }
}

impl BatchReceiver<u64> for Rx<'_> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [u64]) -> usize {
        // SAFETY: the queue's own token, used by this thread alone; there is room for as many as are told.
        unsafe { many_pop_some(self.0, self.1, into.as_mut_ptr(), into.len()) }
    }
}
