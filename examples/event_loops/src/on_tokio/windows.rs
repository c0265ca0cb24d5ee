//! A doorbell that is a named pipe: who rings connects to it, and is gone.
//!
//! tokio keeps its copy of the handle until its driver has run once more. Whoever makes the row's next waiter right after
//! this one's end awaits something in between (`yield_now`), or the copy keeps the pipe's name for as long as it lives.

use std::os::windows::io::{AsHandle, IntoRawHandle};

use ringpad::os::Waiter;
use tokio::net::windows::named_pipe::NamedPipeServer;
use tokio::task::yield_now;

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
        // A tick leaves a connect under way. If a ring ended that one before `arm` emptied the pipe, tokio has to hear of it
        // before it is asked again, or it takes the old one for the new and waits for nobody. What is left of that is
        // between threads alone (another one that runs tokio's driver), microseconds wide, and ended by the next tick.
        yield_now().await;
        Ok(self.0.connect().await?)
    }
}
