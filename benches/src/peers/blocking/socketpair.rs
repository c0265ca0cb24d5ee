//! A pair of connected sockets that keep messages apart, both lanes on one pair.

use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::pipe::{recv_whole, send_whole};
use crate::ends::{BlockingEnd, BlockingPeer};
use crate::message::Message;
use crate::peers::inherited::{claim, numbers};

pub struct SocketPair;

/// Here the socket to speak through; in the host also the partner's, for it to inherit.
pub struct End([OwnedFd; 2]);

impl BlockingPeer for SocketPair {
    const NAME: &str = "socketpair";
    type End<M: Message> = End;

    fn host<M: Message>(_: &str) -> End {
        let none = SocketFlags::empty();
        let pair = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, none, None);
        let (mine, partners) = pair.expect("a pair of sockets");
        End([mine, partners])
    }

    fn guest<M: Message>(invitation: &str) -> End {
        let [hosts, mine] = claim(invitation);
        End([mine, hosts])
    }
}

impl<M: Message> BlockingEnd<M> for End {
    fn invitation(&self) -> String {
        numbers(&self.0)
    }

    fn send(&mut self, message: &M) {
        send_whole(&self.0[0], message);
    }

    fn recv(&mut self) -> M {
        recv_whole(&self.0[0])
    }
}
