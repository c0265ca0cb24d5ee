//! The kernel's pipe, both ends polled: the whole frame is written and the whole frame is read.

use std::os::fd::OwnedFd;

use rustix::io::{Errno, read, write};

use crate::ends::frames::{FrameGiver, FramePeer, FrameTaker};
use crate::groups::poll_until;
use crate::peers::inherited::{claim, numbers};
use crate::peers::polled::pipe::pipe;

/// What an unprivileged user may have in one pipe.
const MOST: usize = 1 << 20;

pub struct Pipe;

/// A side's ends of both pipes, and the frame that it fills or has read.
pub struct End {
    to: OwnedFd,
    from: OwnedFd,
    frame: Vec<u8>,
    /// The partner's ends, open in the host for it to inherit.
    partners: Vec<OwnedFd>,
}

impl FramePeer for Pipe {
    const NAME: &str = "pipe";
    const COPIES: bool = true;
    type Giver = End;
    type Taker = End;

    fn giver(_: &str, bytes: usize) -> End {
        let (there, back) = (pipe(bytes.min(MOST)), pipe(8));
        End {
            to: there.1,
            from: back.0,
            frame: vec![7; bytes],
            partners: vec![there.0, back.1],
        }
    }

    fn taker(invitation: &str, bytes: usize) -> End {
        let [from, to] = claim(invitation);
        End {
            to,
            from,
            frame: vec![7; bytes],
            partners: Vec::new(),
        }
    }
}

/// Of a call that would wait: nothing now.
fn now(moved: Result<usize, Errno>) -> usize {
    match moved {
        Ok(moved) => moved,
        Err(Errno::AGAIN) => 0,
        Err(e) => panic!("a pipe: {e}"),
    }
}

/// All of it, as it comes; false if nothing is there yet.
fn read_all(from: &OwnedFd, into: &mut [u8]) -> bool {
    let mut came = now(read(from, &mut *into));
    if came == 0 {
        return false;
    }
    poll_until(|| {
        if came < into.len() {
            came += now(read(from, &mut into[came..]));
        }
        came == into.len()
    });
    true
}

impl FrameGiver for End {
    fn invitation(&self) -> String {
        numbers(&self.partners)
    }

    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        fill(&mut self.frame);
        let mut went = 0;
        poll_until(|| {
            went += now(write(&self.to, &self.frame[went..]));
            went == self.frame.len()
        });
        true
    }

    fn reply(&mut self) -> Option<u64> {
        let mut number = [0; 8];
        read_all(&self.from, &mut number).then(|| u64::from_le_bytes(number))
    }
}

impl FrameTaker for End {
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        read_all(&self.from, &mut self.frame).then(|| look(&self.frame))
    }

    fn answer(&mut self, number: u64) -> bool {
        now(write(&self.to, &number.to_le_bytes())) == 8
    }
}
