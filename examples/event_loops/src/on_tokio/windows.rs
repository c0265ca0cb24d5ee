//! A doorbell that is a named pipe: who rings connects to it, and is gone.

use std::os::windows::io::{AsHandle, IntoRawHandle};

use ringpad::os::Waiter;
use tokio::net::windows::named_pipe::NamedPipeServer;

use crate::Result;

pub struct Doorbell(NamedPipeServer);

impl Doorbell {
    pub fn of(waiter: &Waiter) -> Result<Self> {
        // tokio keeps what it watches, and `arm` borrows the waiter: it gets a handle of its own of the same pipe.
        let pipe = waiter.as_handle().try_clone_to_owned()?;
        // SAFETY: a named pipe's server end, opened for overlapped calls; the handle is tokio's from here on.
        let pipe = unsafe { NamedPipeServer::from_raw_handle(pipe.into_raw_handle()) }?;
        Ok(Self(pipe))
    }

    /// Sleeps until somebody rings.
    pub async fn rung(&self) -> Result<()> {
        // An error is a ring too: somebody has connected and gone.
        _ = self.0.connect().await;
        Ok(())
    }
}
