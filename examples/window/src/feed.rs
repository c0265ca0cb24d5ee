//! How pictures come in: the newest one, looked at where it lies.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use ringpad::Error as RegionError;
use ringpad::os::{ByteConsumer, Options, OwnedPeer, SharedSegment, Waiter};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Failure;
use super::wire::{FrameHeader, HEADER_BYTES, Kind, monotonic_ns};
use super::y4m::Header;

/// What a look brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Nothing new.
    Nothing,
    /// A picture, which was looked at.
    Picture,
    /// The producer ended as it should.
    End,
    /// The producer could not go on.
    Failed,
}

/// One viewer's place.
#[derive(Debug)]
pub struct Feed {
    ring: ByteConsumer,
    waiter: Waiter,
    pipe: OwnedFd,
    picture: Option<(Header, Vec<u8>)>,
    since_ns: u64,
    /// Pictures that were gone before they were looked at.
    pub stale: u64,
    _me: OwnedPeer,
}

impl Feed {
    /// Waits for the segment.
    pub fn open(name: &str, patience: Duration) -> Result<Self, Failure> {
        let deadline = Instant::now() + patience;
        let me = SharedSegment::open_wait(name, deadline, &Options::new())?.join()?;
        let since_ns = monotonic_ns();
        for viewer in 0.. {
            match me.byte_consumer(&format!("view-{viewer}")) {
                Ok(ring) => {
                    let waiter = me.waiter()?;
                    return Ok(Self {
                        ring,
                        pipe: waiter.as_fd().try_clone_to_owned()?,
                        picture: None,
                        waiter,
                        since_ns,
                        stale: 0,
                        _me: me,
                    });
                }
                Err(ringpad::os::Error::Channel {
                    why: RegionError::EndpointTaken { .. },
                    ..
                }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Failure::new("no ring"))
    }

    /// The picture that [`Feed::newest`] found last.
    pub fn picture(&self) -> Option<(&Header, &[u8])> {
        let (video, picture) = self.picture.as_ref()?;
        Some((video, picture))
    }

    /// Goes on to the newest picture.
    pub fn newest(&mut self) -> Result<News, Failure> {
        let Some(record) = self.ring.read()? else {
            return Ok(News::Nothing);
        };
        let header = FrameHeader::decode(&record)?;
        let news = match header.kind {
            _ if header.committed_at_ns < self.since_ns => News::Nothing,
            Kind::Picture => {
                self.picture = Some((header.video, record[HEADER_BYTES..].to_vec()));
                News::Picture
            }
            Kind::End => News::End,
            Kind::Failed => News::Failed,
        };
        record.release();
        Ok(news)
    }

    /// Whether a living process produces.
    pub fn is_alive(&self) -> bool {
        !self.ring.is_abandoned()
    }

    /// Sleeps until there is something new, `other` is readable, or time is up.
    pub fn sleep(&mut self, other: Option<BorrowedFd>, limit: Duration) -> Result<(), Failure> {
        let bells = [self.ring.bell()];
        let armed = self.waiter.arm(&bells)?;
        // What came before arming rang nobody.
        if self.ring.next_len()?.is_none() {
            let mut fds = vec![PollFd::new(&self.pipe, PollFlags::IN)];
            fds.extend(other.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
            match poll(&mut fds, Some(&Timespec::try_from(limit)?)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        drop(armed);
        Ok(())
    }
}
