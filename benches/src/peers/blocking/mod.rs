//! Peers whose receiver sleeps until there is something.

pub mod futex;
pub mod iceoryx2;
pub mod ipc_channel;
pub mod pipe;
pub mod ringpad;
pub mod socketpair;
