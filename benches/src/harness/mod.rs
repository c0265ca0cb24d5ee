//! How a bench runs: placed on processors, between threads or processes, for a number of items or a length of time, repeated in turn
//! with its rivals.

pub mod calls;
pub mod control;
pub mod crowd;
pub mod machine;
pub mod measure;
pub mod processes;
pub mod threads;

pub use control::Control;
pub use machine::Placement;
pub use measure::{Bench, Entry, Figure, Sample};
