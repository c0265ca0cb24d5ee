//! ringpad and its peers, each reduced to the ends that the groups drive.

mod futex;
mod iceoryx2_event;
mod ipc_channel;
mod pipe;
mod ringpad;
mod ringpad_blocking;
mod rtrb;
mod socketpair;

use crate::ends::BlockingPeer;
use crate::groups::{blocked, floors, records, round_trip, throughput};
use crate::harness::Entry;

/// Every bench there is, cells in order.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::new();
    floors::ping_pong(&mut all);

    round_trip::threads::<ringpad::Threads>(&mut all);
    throughput::threads::<ringpad::Threads>(&mut all);
    throughput::thread_batches::<ringpad::Threads>(&mut all);
    records::threads::<ringpad::Threads>(&mut all);
    round_trip::processes::<ringpad::Silent>(&mut all);
    throughput::processes::<ringpad::Silent>(&mut all);
    throughput::process_batches::<ringpad::Silent>(&mut all);
    records::processes::<ringpad::Silent>(&mut all);
    round_trip::processes::<ringpad::Ringing>(&mut all);
    throughput::processes::<ringpad::Ringing>(&mut all);

    round_trip::threads::<rtrb::Rtrb>(&mut all);
    throughput::threads::<rtrb::Rtrb>(&mut all);
    throughput::thread_batches::<rtrb::Rtrb>(&mut all);

    blocking::<pipe::Pipe>(&mut all);
    blocking::<futex::Futex>(&mut all);
    blocking::<socketpair::SocketPair>(&mut all);
    blocking::<ringpad_blocking::Blocking<0>>(&mut all);
    blocking::<ringpad_blocking::Blocking<1000>>(&mut all);
    blocking::<ipc_channel::IpcChannel>(&mut all);
    blocking::<iceoryx2_event::Iceoryx2Event>(&mut all);
    all
}

fn blocking<P: BlockingPeer + 'static>(all: &mut Vec<Entry>) {
    blocked::processes::<P>(all);
    blocked::wakes::<P>(all);
}
