//! A doorbell that is a descriptor.

use std::os::fd::{AsFd, OwnedFd};

use ringpad::os::Waiter;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::Result;

pub struct Doorbell(AsyncFd<OwnedFd>);

impl Doorbell {
    pub fn of(waiter: &Waiter) -> Result<Self> {
        // An AsyncFd keeps what it watches, and `arm` borrows the waiter: it gets a descriptor of its own of the same pipe.
        let pipe = waiter.as_fd().try_clone_to_owned()?;
        // SAFETY: the AsyncFd owns the descriptor, which stays open and the same as long as it.
        let pipe = unsafe { AsyncFd::register_with_interest(pipe, Interest::READABLE) }?;
        Ok(Self(pipe))
    }

    /// Sleeps until somebody rings.
    pub async fn rung(&self) -> Result<()> {
        // tokio remembers readiness until told otherwise. Told here, before the next `arm` empties the pipe:
        // a ring in between makes one needless turn; the other way round it could be forgotten.
        self.0.readable().await?.clear_ready();
        Ok(())
    }
}
