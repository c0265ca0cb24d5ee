//! The pictures of a running `frame_share produce NAME`, in a window.
//!
//! | file | what |
//! |---|---|
//! | `feed` | how pictures come in: the only file that knows ringpad |
//! | `pixels` | what the screen wants instead of luma and colour, as large as the window |
//! | `screen` | the window: the X protocol over its socket |
//! | `show` | the loop over both: sleeps on the doorbell and the socket at once |
//! | `screenshot` | what the window shows, as a PNG, compared with what was drawn |
//!
//! What is written in the shared memory is known to `frame_share`: its files are included here, not copied.

#![forbid(unsafe_code)]

pub mod feed;
pub mod pixels;
pub mod screen;
pub mod screenshot;
pub mod show;

#[path = "../../frame_share/films.rs"]
pub mod films;
#[doc(hidden)] // for the tests
#[path = "../../frame_share/picture.rs"]
pub mod picture;
#[path = "../../frame_share/picture_png.rs"]
pub mod picture_png;
#[path = "../../frame_share/watcher.rs"]
pub mod watcher;
#[path = "../../frame_share/wire.rs"]
pub mod wire;
#[path = "../../frame_share/y4m/mod.rs"]
pub mod y4m;

use std::fmt;

/// Why something could not be done, in words for people.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// A failure in one's own words.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}
