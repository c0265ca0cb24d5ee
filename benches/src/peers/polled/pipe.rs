//! The kernel's pipe, both ends polled. Records have one size: a record is what one write puts and one read takes.

use std::os::fd::OwnedFd;

use rustix::io::{Errno, read, write};
use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};

use crate::ends::{Lane, ProcessBytes, RecordReceiver, RecordSender};
use crate::peers::inherited;

/// Writes of up to so many bytes go in whole or not at all.
const WHOLE: usize = 4096;

/// The reader and the writer there, the reader and the writer back.
pub struct Pipe([OwnedFd; 4]);

pub struct Writer(OwnedFd);

pub struct Reader(OwnedFd);

/// A pipe of `bytes` bytes, or as many as this user may have; the kernel gives whole pages.
pub(in crate::peers) fn pipe(bytes: usize) -> (OwnedFd, OwnedFd) {
    // Without CLOEXEC: the partner inherits it.
    let ends = pipe_with(PipeFlags::NONBLOCK).expect("a pipe");
    let mut size = bytes;
    while fcntl_setpipe_size(&ends.0, size).is_err() {
        size /= 2;
        assert!(size > 0, "a pipe of a page");
    }
    ends
}

impl ProcessBytes for Pipe {
    const NAME: &str = "pipe";
    type Sender = Writer;
    type Receiver = Reader;

    fn host(_: &str, count: usize, bytes: usize) -> Self {
        assert!(bytes <= WHOLE, "a record of {bytes} bytes could be cut");
        let [there, back] = Lane::BOTH.map(|_| pipe(count * bytes));
        Self([there.0, there.1, back.0, back.1])
    }

    fn guest(invitation: &str, _: usize, _: usize) -> Self {
        Self(inherited::claim(invitation))
    }

    fn invitation(&self) -> String {
        inherited::numbers(&self.0)
    }

    fn sender(&mut self, lane: Lane) -> Writer {
        Writer(inherited::another(&self.0[2 * lane as usize + 1]))
    }

    fn receiver(&mut self, lane: Lane) -> Reader {
        Reader(inherited::another(&self.0[2 * lane as usize]))
    }
}

impl RecordSender for Writer {
    fn send(&mut self, record: &[u8]) -> bool {
        match write(&self.0, record) {
            Ok(written) => {
                assert_eq!(written, record.len(), "a record was cut");
                true
            }
            Err(Errno::AGAIN) => false,
            Err(e) => panic!("writing to the pipe: {e}"),
        }
    }
}

impl RecordReceiver for Reader {
    fn recv(&mut self, into: &mut [u8]) -> Option<usize> {
        match read(&self.0, into) {
            Ok(len) => Some(len),
            Err(Errno::AGAIN) => None,
            Err(e) => panic!("reading from the pipe: {e}"),
        }
    }
}
