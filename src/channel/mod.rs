//! One file a kind. Kinds never import each other.

pub mod bytes;
pub(crate) mod cursor;
pub mod spsc;
