//! Waiting for two rings at once in an event loop of one's own: `on_epoll`, `on_mio`, [`on_tokio`]; on Windows the last alone.
//!
//! A peer has one doorbell, a pipe, whatever the number of its rings; a loop watches that one descriptor or handle. Each of the
//! three loops does the same:
//!
//! ```text
//! loop    take everything out of every ring              no system call while there is something
//!         arm the waiter with the bells of every ring    empties the pipe; from now on commits ring
//!         look into every ring again                     what was committed before arming rang nobody
//!         something there: drop the guard, go round
//!         sleep on the pipe, at most for TICK
//!         drop the guard                                 from now on commits make no system call
//! ```
//! The tick is for what nobody can ring: a producer killed between its commit and its ring, and its death.

mod inbox;
#[cfg(unix)]
pub mod on_epoll;
#[cfg(unix)]
pub mod on_mio;
pub mod on_tokio;

use std::time::Duration;

pub use inbox::{Inbox, LAST_LINE, LAST_NUMBER, LINES, NUMBERS, Seen, plan};

/// The longest sleep. Correctness does not hang on it while producers live (on Windows, where tokio runs on one thread).
pub const TICK: Duration = Duration::from_secs(1);

/// An error that may cross threads.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// The result of everything here.
pub type Result<T> = std::result::Result<T, Error>;
