//! shaq: a queue of its own in a file for each lane. The files have no names: the partner inherits them.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, open};
use shaq::spsc::{Consumer, Producer, minimum_file_size};

use super::inherited;
use crate::ends::{BatchReceiver, BatchSender, Lane, ProcessPeer, Receiver, Sender};
use crate::message::Message;

pub struct Shaq([OwnedFd; 2]);

/// A file of shared memory that holds an empty queue.
pub(super) fn lane<T>(capacity: usize) -> OwnedFd {
    // Without CLOEXEC: the partner inherits it.
    let fd = open(
        "/dev/shm",
        OFlags::TMPFILE | OFlags::RDWR,
        Mode::RUSR | Mode::WUSR,
    );
    let file = File::from(fd.expect("a file of shared memory"));
    // SAFETY: a new file, initialised here once; this producer is dropped before another joins.
    let made = unsafe { Producer::<T>::create(&file, minimum_file_size::<T>(capacity)) };
    assert_eq!(made.expect("a queue").capacity(), capacity);
    file.into()
}

impl Shaq {
    fn file(&self, lane: Lane) -> File {
        inherited::another(&self.0[lane as usize]).into()
    }
}

impl ProcessPeer for Shaq {
    const NAME: &str = "shaq";
    type Sender<M: Message> = Producer<M>;
    type Receiver<M: Message> = Consumer<M>;

    fn host<M: Message>(_: &str, capacity: usize) -> Self {
        Self(Lane::BOTH.map(|_| lane::<M>(capacity)))
    }

    fn guest<M: Message>(invitation: &str, _: usize) -> Self {
        Self(inherited::claim(invitation))
    }

    fn invitation(&self) -> String {
        inherited::numbers(&self.0)
    }

    fn sender<M: Message>(&mut self, lane: Lane) -> Self::Sender<M> {
        // SAFETY: the only producer of its lane, of the type that the host made the lane for.
        unsafe { Producer::join(&self.file(lane)) }.expect("the lane's queue")
    }

    fn receiver<M: Message>(&mut self, lane: Lane) -> Self::Receiver<M> {
        // SAFETY: the only consumer of its lane, of the type that the host made the lane for.
        unsafe { Consumer::join(&self.file(lane)) }.expect("the lane's queue")
    }
}

impl<M: Message> Sender<M> for Producer<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> bool {
        self.try_write(message).is_ok()
    }
}

impl<M: Message> Receiver<M> for Consumer<M> {
    #[inline(always)]
    fn recv(&mut self) -> Option<M> {
        self.try_read()
    }
}

impl<M: Message> BatchSender<M> for Producer<M> {
    #[inline(always)]
    fn send_batch(&mut self, messages: &[M]) -> usize {
        let mut batch = self.write_batch();
        let full = messages
            .iter()
            .position(|message| batch.try_write(*message).is_err());
        full.unwrap_or(messages.len())
    }
}

impl<M: Message> BatchReceiver<M> for Consumer<M> {
    #[inline(always)]
    fn recv_batch(&mut self, into: &mut [M]) -> usize {
        let most = NonZeroUsize::new(into.len()).expect("room for a batch");
        let Some(batch) = self.try_reserve_read_batch(most) else {
            return 0;
        };
        let (first, second) = batch.as_slices();
        into[..first.len()].copy_from_slice(first);
        into[first.len()..batch.len()].copy_from_slice(second);
        batch.len()
    }
}
