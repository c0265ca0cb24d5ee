//! A pair of Unix sockets that keep records apart, both ends polled.

use std::os::fd::OwnedFd;

use rustix::io::Errno;
use rustix::net::sockopt::set_socket_send_buffer_size;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair,
};

use crate::ends::{Lane, ProcessBytes, RecordReceiver, RecordSender};
use crate::peers::inherited;

/// What the kernel may count for a record beside its bytes.
const OVERHEAD: usize = 1024;

/// This side's socket and the partner's, in the host's eyes.
pub struct Socketpair {
    fds: [OwnedFd; 2],
    mine: usize,
}

/// One end, for one direction.
pub struct Socket(OwnedFd);

impl ProcessBytes for Socketpair {
    const NAME: &str = "socketpair";
    type Sender = Socket;
    type Receiver = Socket;

    fn host(_: &str, count: usize, bytes: usize) -> Self {
        // Without CLOEXEC: the partner inherits it.
        let kind = (
            AddressFamily::UNIX,
            SocketType::SEQPACKET,
            SocketFlags::NONBLOCK,
        );
        let (here, there) = socketpair(kind.0, kind.1, kind.2, None).expect("a pair of sockets");
        for socket in [&here, &there] {
            // The kernel gives as much of it as the system's limit allows.
            let wanted = count * (bytes + OVERHEAD);
            set_socket_send_buffer_size(socket, wanted).expect("a send buffer");
        }
        Self {
            fds: [here, there],
            mine: 0,
        }
    }

    fn guest(invitation: &str, _: usize, _: usize) -> Self {
        Self {
            fds: inherited::claim(invitation),
            mine: 1,
        }
    }

    fn invitation(&self) -> String {
        inherited::numbers(&self.fds)
    }

    fn sender(&mut self, _: Lane) -> Socket {
        Socket(inherited::another(&self.fds[self.mine]))
    }

    fn receiver(&mut self, _: Lane) -> Socket {
        Socket(inherited::another(&self.fds[self.mine]))
    }
}

impl RecordSender for Socket {
    fn send(&mut self, record: &[u8]) -> bool {
        match send(&self.0, record, SendFlags::empty()) {
            Ok(sent) => {
                assert_eq!(sent, record.len(), "a record was cut");
                true
            }
            Err(Errno::AGAIN) => false,
            Err(e) => panic!("sending to the socket: {e}"),
        }
    }
}

impl RecordReceiver for Socket {
    fn recv(&mut self, into: &mut [u8]) -> Option<usize> {
        match recv(&self.0, into, RecvFlags::empty()) {
            Ok((len, _)) => Some(len),
            Err(Errno::AGAIN) => None,
            Err(e) => panic!("receiving from the socket: {e}"),
        }
    }
}
