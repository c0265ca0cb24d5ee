//! What the kernel offers for records, asked without blocking.

pub mod ipc_channel;
pub mod pipe;
pub mod socketpair;
