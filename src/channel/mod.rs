//! One file a kind. Kinds never import each other.

pub mod bytes;
pub(crate) mod cursor;
pub mod mailslot;
pub mod notepad;
pub(crate) mod seat;
pub mod spsc;
pub(crate) mod stamp;
