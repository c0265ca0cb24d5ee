//! A word and a slot of shared memory each way, and the kernel's wait on the word: the least that a wake beside shared
//! memory costs. It knows nothing of deaths, of more than one message or of more than one thing to wait for.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::thread::futex;

use crate::ends::{BlockingEnd, BlockingPeer, Lane};
use crate::message::Message;

pub struct Futex;

/// One lane: the sender writes the payload, then counts the word up; whoever waits for the next count owns the payload then.
#[repr(C, align(128))]
struct Slot {
    sent: AtomicU32,
    payload: Line<UnsafeCell<[u64; 512]>>,
}

#[repr(C, align(128))]
struct Line<T>(T);

type Slots = [Slot; 2];

/// A mapping of both lanes.
pub struct End<M> {
    at: NonNull<Slots>,
    fd: OwnedFd,
    to: Lane,
    from: Lane,
    received: u32,
    of: PhantomData<M>,
}

impl<M> End<M> {
    fn map(fd: OwnedFd, to: Lane, from: Lane) -> Self {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        let none = std::ptr::null_mut();
        // SAFETY: a new mapping at an address of the kernel's choice.
        let at = unsafe { mmap(none, size_of::<Slots>(), access, MapFlags::SHARED, &fd, 0) };
        Self {
            at: NonNull::new(at.expect("a mapping").cast()).expect("not at address 0"),
            fd,
            to,
            from,
            received: 0,
            of: PhantomData,
        }
    }

    fn slot(&self, lane: Lane) -> &Slot {
        // SAFETY: mapped for as long as `self` lives, page-aligned, zeroed by the kernel; atomics and cells only.
        let slots = unsafe { self.at.as_ref() };
        &slots[lane as usize]
    }

    /// Where the lane's message lies.
    fn payload(&self, lane: Lane) -> *mut M {
        const { assert!(size_of::<M>() <= 4096 && align_of::<M>() <= 128) }
        self.slot(lane).payload.0.get().cast()
    }
}

impl<M> Drop for End<M> {
    fn drop(&mut self) {
        // SAFETY: mapped by map(), and nothing borrowed from it outlives `self`.
        let _ = unsafe { munmap(self.at.as_ptr().cast(), size_of::<Slots>()) };
    }
}

impl BlockingPeer for Futex {
    const NAME: &str = "floor: futex";
    type End<M: Message> = End<M>;

    fn host<M: Message>(_: &str) -> End<M> {
        let fd = memfd_create("ringpad-bench", MemfdFlags::empty()).expect("a memfd");
        ftruncate(&fd, size_of::<Slots>() as u64).expect("memory");
        End::map(fd, Lane::There, Lane::Back)
    }

    fn guest<M: Message>(invitation: &str) -> End<M> {
        let fd = invitation.parse().expect("a descriptor");
        // SAFETY: the parent names a descriptor that it left open for this process alone to use.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        End::map(fd, Lane::Back, Lane::There)
    }
}

impl<M: Message> BlockingEnd<M> for End<M> {
    fn invitation(&self) -> String {
        self.fd.as_raw_fd().to_string()
    }

    fn send(&mut self, message: &M) {
        // SAFETY: round trips: the receiver has copied the lane's last message and waits for the next count.
        unsafe { self.payload(self.to).write(*message) };
        let sent = &self.slot(self.to).sent;
        sent.fetch_add(1, Ordering::Release);
        futex::wake(sent, futex::Flags::empty(), 1).expect("waking");
    }

    fn recv(&mut self) -> M {
        let sent = &self.slot(self.from).sent;
        while sent.load(Ordering::Acquire) == self.received {
            match futex::wait(sent, futex::Flags::empty(), self.received, None) {
                Ok(()) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => panic!("waiting on a word: {e}"),
            }
        }
        // SAFETY: the count says that the sender has written it, and it writes no more before the answer.
        let message = unsafe { self.payload(self.from).read() };
        self.received = self.received.wrapping_add(1);
        message
    }
}
