//! ringpad and its peers, each reduced to the ends that the groups drive.

mod bbqueue;
mod blocking;
mod calls;
mod crossbeam;
mod frames;
mod heapless;
mod iceoryx2;
mod inherited;
pub mod mail;
pub mod many;
mod polled;
mod ringbuf;
mod ringpad;
mod rtrb;
mod shaq;
pub mod values;
pub mod vyukov;

use crate::ends::BlockingPeer;
use crate::groups::{blocked, by_group, floors, records, round_trip, throughput};
use crate::harness::Entry;

/// Every bench there is, cells in order.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::new();
    floors::ping_pong(&mut all);
    floors::ping_pong_each(&mut all);
    floors::copies(&mut all, throughput::cells());
    floors::copies(&mut all, records::cells());

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
    throughput::process_batches::<ringpad::Ringing>(&mut all);
    records::processes::<ringpad::Ringing>(&mut all);

    round_trip::threads::<rtrb::Rtrb>(&mut all);
    throughput::threads::<rtrb::Rtrb>(&mut all);
    throughput::thread_batches::<rtrb::Rtrb>(&mut all);
    throughput::thread_batches::<rtrb::Chunks>(&mut all);
    round_trip::threads::<ringbuf::Ringbuf>(&mut all);
    throughput::threads::<ringbuf::Ringbuf>(&mut all);
    throughput::thread_batches::<ringbuf::Ringbuf>(&mut all);
    round_trip::threads::<heapless::Heapless>(&mut all);
    throughput::threads::<heapless::Heapless>(&mut all);
    round_trip::threads::<crossbeam::Crossbeam>(&mut all);
    throughput::threads::<crossbeam::Crossbeam>(&mut all);
    round_trip::threads::<bbqueue::Bbqueue>(&mut all);
    records::threads::<bbqueue::Bbqueue>(&mut all);

    round_trip::processes::<iceoryx2::Iceoryx2>(&mut all);
    throughput::processes::<iceoryx2::Iceoryx2>(&mut all);
    round_trip::processes::<shaq::Shaq>(&mut all);
    throughput::processes::<shaq::Shaq>(&mut all);
    throughput::process_batches::<shaq::Shaq>(&mut all);
    records::processes::<polled::pipe::Pipe>(&mut all);
    records::processes::<polled::socketpair::Socketpair>(&mut all);
    // It has no capacity to set, and takes microseconds a record.
    records::processes_up_to::<polled::ipc_channel::IpcChannel>(&mut all, 1024);

    sleeping::<blocking::pipe::Pipe>(&mut all);
    sleeping::<blocking::futex::Futex>(&mut all);
    sleeping::<blocking::socketpair::SocketPair>(&mut all);
    sleeping::<blocking::ringpad::Blocking<0>>(&mut all);
    sleeping::<blocking::ringpad::Blocking<1000>>(&mut all);
    sleeping::<blocking::ipc_channel::IpcChannel>(&mut all);
    sleeping::<blocking::iceoryx2::Iceoryx2Event>(&mut all);

    values::all(&mut all);
    mail::all(&mut all);
    many::all(&mut all);
    frames::all(&mut all);
    calls::all(&mut all);
    by_group(all)
}

fn sleeping<P: BlockingPeer + 'static>(all: &mut Vec<Entry>) {
    blocked::processes::<P>(all);
    blocked::wakes::<P>(all);
}
