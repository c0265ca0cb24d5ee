//! Who can answer another process.

mod iceoryx2;
mod lanes;
mod ringpad;

use crate::groups::calls;
use crate::harness::Entry;
use crate::peers::{blocking, polled};

/// Every bench of calls.
pub fn all(all: &mut Vec<Entry>) {
    calls::floors(all);
    calls::polled::<ringpad::Polled<ringpad::Ringing>>(all);
    calls::polled::<ringpad::Polled<ringpad::Silent>>(all);
    calls::polled::<lanes::Rings>(all);
    calls::polled::<iceoryx2::Polled>(all);
    calls::polled::<lanes::Records<polled::socketpair::Socketpair>>(all);
    calls::polled::<lanes::Records<polled::ipc_channel::IpcChannel>>(all);

    calls::blocked::<lanes::Asleep<blocking::pipe::Pipe>>(all);
    calls::blocked::<lanes::Asleep<blocking::socketpair::SocketPair>>(all);
    calls::blocked::<lanes::Asleep<blocking::ipc_channel::IpcChannel>>(all);
    calls::blocked::<ringpad::Asleep>(all);
    calls::blocked::<iceoryx2::Asleep>(all);
}
