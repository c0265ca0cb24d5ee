//! How pictures come in: the newest one, lent in place from the producer's pool.
//!
//! The window is one more lossy viewer. Nobody keeps a frame for it, so it may come late to one (stale), and what
//! came while it drew is skipped (missed).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use ringpad::frames::Picture;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::Failure;
use super::watcher::{Event, Watcher};
use super::wire::{Notice, State, check_picture, format};
use super::y4m::{Chroma, Header};

/// Tickets that are tried before the window is looked after again.
const TRIES: u32 = 16;

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

/// One lossy viewer's place.
#[derive(Debug)]
pub struct Feed {
    watcher: Watcher,
    /// Where `watcher` sleeps.
    pipe: OwnedFd,
    last: Option<Notice>,
    /// Pictures whose frames were used again before they were looked at.
    pub stale: u64,
    /// Pictures that were skipped for newer ones.
    pub missed: u64,
}

impl Feed {
    /// Joins the segment as soon as it exists.
    pub fn open(name: &str, patience: Duration) -> Result<Self, Failure> {
        let watcher = Watcher::open(name, patience)?;
        Ok(Self {
            pipe: watcher.waiter.as_fd().try_clone_to_owned()?,
            watcher,
            last: None,
            stale: 0,
            missed: 0,
        })
    }

    /// Goes on to the newest picture, and looks at it in place.
    pub fn newest(
        &mut self,
        mut look: impl FnMut(&Header, &[u8]) -> Result<(), Failure>,
    ) -> Result<News, Failure> {
        for _ in 0..TRIES {
            self.missed += self.watcher.skip();
            let notice = match self.watcher.poll()? {
                None => return Ok(News::Nothing),
                Some(Event::Frame(notice)) => notice,
                Some(Event::Over(State::Failed)) => return Ok(News::Failed),
                Some(Event::Over(_)) => return Ok(News::End),
                Some(Event::Missed(lost)) => {
                    self.missed += lost;
                    continue;
                }
                Some(Event::Abandoned | Event::Timeout) => continue, // of waits alone
            };
            self.last = Some(notice);
            if self.again(&mut look)? {
                return Ok(News::Picture);
            }
            self.stale += 1;
        }
        Ok(News::Nothing)
    }

    /// Looks once more at the picture that came last; false if its frame holds something newer.
    pub fn again(
        &self,
        look: impl FnOnce(&Header, &[u8]) -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        let Some(notice) = &self.last else {
            return Ok(false);
        };
        let looked = self.watcher.look(notice, |picture, pixels| {
            look(&video_of(picture, notice.ticket.len)?, pixels)
        })?;
        looked.transpose().map(|looked| looked.is_some())
    }

    /// Whether a living process produces. Asks the system.
    pub fn is_alive(&self) -> bool {
        !self.watcher.is_abandoned()
    }

    /// Sleeps until there is something new, `other` is readable, or time is up.
    pub fn sleep(&mut self, other: Option<BorrowedFd>, limit: Duration) -> Result<(), Failure> {
        let Watcher {
            tickets,
            films,
            waiter,
            ..
        } = &mut self.watcher;
        let bells = [tickets.bell(), films.bell()];
        let armed = waiter.arm(&bells)?;
        // What came before arming rang nobody.
        if tickets.behind() == 0 && films.over()?.is_none() {
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

/// What a frame of so many bytes holds, by what is said of it.
fn video_of(picture: &Picture, len: u32) -> Result<Header, Failure> {
    let known = [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Mono];
    let chroma = known
        .into_iter()
        .find(|chroma| format(*chroma) == picture.format);
    let Some(chroma) = chroma else {
        let text = format!("pictures in {:?} are not known here", picture.format);
        return Err(Failure::new(text));
    };
    let video = Header::new(picture.width, picture.height, (1, 1), chroma)?;
    check_picture(picture, len, &video)?;
    Ok(video)
}
