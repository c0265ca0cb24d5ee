//! shaq: slots of a queue as long as a frame, reserved and read where they lie; numbers go through a queue of their own.

use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;

use shaq::spsc::{Consumer, Producer};

use crate::ends::frames::{FRAMES, FrameGiver, FramePeer, FrameTaker};
use crate::ends::{Receiver, Sender};
use crate::peers::inherited::{another, claim, numbers};
use crate::peers::shaq::lane;

/// Slots of so many bytes.
pub struct Slots<const BYTES: usize>;

type Number = [u64; 1];

pub struct Giver<const BYTES: usize> {
    frames: Producer<[u8; BYTES]>,
    numbers: Consumer<Number>,
    files: [OwnedFd; 2],
}

pub struct Taker<const BYTES: usize> {
    frames: Consumer<[u8; BYTES]>,
    numbers: Producer<Number>,
}

fn file(of: &OwnedFd) -> File {
    another(of).into()
}

impl<const BYTES: usize> FramePeer for Slots<BYTES> {
    const NAME: &str = "shaq";
    type Giver = Giver<BYTES>;
    type Taker = Taker<BYTES>;

    fn giver(_: &str, bytes: usize) -> Giver<BYTES> {
        assert_eq!(bytes, BYTES, "slots have one size");
        let files = [lane::<[u8; BYTES]>(FRAMES), lane::<Number>(FRAMES)];
        // SAFETY: the only producer of frames, of the type that they were made for.
        let frames = unsafe { Producer::join(&file(&files[0])) };
        // SAFETY: the only consumer of numbers, of the type that they were made for.
        let numbers = unsafe { Consumer::join(&file(&files[1])) };
        Giver {
            frames: frames.expect("the frames' queue"),
            numbers: numbers.expect("the numbers' queue"),
            files,
        }
    }

    fn taker(invitation: &str, _: usize) -> Taker<BYTES> {
        let [frames, numbers] = claim(invitation);
        // SAFETY: the only consumer of frames, of the type that they were made for.
        let frames = unsafe { Consumer::join(&file(&frames)) };
        // SAFETY: the only producer of numbers, of the type that they were made for.
        let numbers = unsafe { Producer::join(&file(&numbers)) };
        Taker {
            frames: frames.expect("the frames' queue"),
            numbers: numbers.expect("the numbers' queue"),
        }
    }
}

impl<const BYTES: usize> FrameGiver for Giver<BYTES> {
    fn invitation(&self) -> String {
        numbers(&self.files)
    }

    #[inline(always)]
    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        // Dropping it publishes what was reserved.
        let mut batch = self.frames.write_batch();
        // SAFETY: the file was zeroed by the kernel, so that the slot holds bytes whatever is written of them.
        let Some(slot) = (unsafe { batch.try_as_mut() }) else {
            return false;
        };
        // SAFETY: as above.
        let slot = unsafe { slot.assume_init_mut() };
        fill(slot);
        true
    }

    #[inline(always)]
    fn reply(&mut self) -> Option<u64> {
        self.numbers.recv().map(|[number]| number)
    }
}

impl<const BYTES: usize> FrameTaker for Taker<BYTES> {
    #[inline(always)]
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let batch = self.frames.try_reserve_read_batch(NonZeroUsize::MIN)?;
        batch.get(0).map(|slot| look(slot))
    }

    #[inline(always)]
    fn answer(&mut self, number: u64) -> bool {
        self.numbers.send([number])
    }
}
