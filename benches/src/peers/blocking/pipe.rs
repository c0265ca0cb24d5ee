//! A bare pipe each way: the least that a wake with a payload costs without shared memory.

use std::os::fd::{AsFd, OwnedFd};

use crate::ends::{BlockingEnd, BlockingPeer};
use crate::message::Message;
use crate::peers::inherited::{claim, numbers};

pub struct Pipe;

/// Ends of two pipes.
pub struct End {
    to: OwnedFd,
    from: OwnedFd,
    /// The partner's, open here for it to inherit.
    partners: Option<[OwnedFd; 2]>,
}

impl BlockingPeer for Pipe {
    const NAME: &str = "floor: pipe";
    type End<M: Message> = End;

    fn host<M: Message>(_: &str) -> End {
        let (there_out, there_in) = rustix::pipe::pipe().expect("a pipe");
        let (back_out, back_in) = rustix::pipe::pipe().expect("a pipe");
        End {
            to: there_in,
            from: back_out,
            partners: Some([there_out, back_in]),
        }
    }

    fn guest<M: Message>(invitation: &str) -> End {
        let [from, to] = claim(invitation);
        End {
            to,
            from,
            partners: None,
        }
    }
}

impl<M: Message> BlockingEnd<M> for End {
    fn invitation(&self) -> String {
        numbers(self.partners.as_ref().expect("the host"))
    }

    fn send(&mut self, message: &M) {
        send_whole(&self.to, message);
    }

    fn recv(&mut self) -> M {
        recv_whole(&self.from)
    }
}

/// Writes a message that fits in: in one call.
pub fn send_whole<M: Message>(to: impl AsFd, message: &M) {
    let written = rustix::io::write(to, bytemuck::bytes_of(message));
    assert_eq!(written, Ok(size_of::<M>()), "a message cut in two");
}

/// Sleeps until a message is there, and reads it: in one call, or more if it comes in parts.
pub fn recv_whole<M: Message>(from: impl AsFd) -> M {
    let mut message = M::zeroed();
    let bytes = bytemuck::bytes_of_mut(&mut message);
    let mut got = 0;
    while got < bytes.len() {
        match rustix::io::read(&from, &mut bytes[got..]).expect("a reading end") {
            0 => panic!("the other side has ended"),
            n => got += n,
        }
    }
    message
}
