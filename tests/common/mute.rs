//! A producer that commits and never rings: the core's silent endpoint over a second mapping of a named segment's file,
//! in the name of a row that says the same process as the one that the os layer joined.

use std::fs::OpenOptions;

use ringpad::os::{OwnedPeer, SharedSegment};
use ringpad::{NoProof, Peer, Region, Segment, spsc};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use super::room::Room;

/// A silent producer's end. Leaks what it stands on: it lives in a child that is killed.
pub struct Mute {
    pub peer: OwnedPeer,
    pub tx: spsc::Producer<'static, u64>,
}

impl Mute {
    pub fn claim(room: &Room, name: &str, ring: &str) -> Self {
        let shared = SharedSegment::open(name, &room.options()).expect("opening");
        let peer = shared.join().expect("joining");
        let identity = shared.occupant(peer.id()).expect("my own row");
        let path = room.file(&format!("{name}.seg"));
        let file = OpenOptions::new().read(true).write(true).open(path);
        let (file, len) = (file.expect("the memory"), shared.len_bytes());
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: no address is asked for, so no existing mapping is replaced.
        let base = unsafe {
            mmap(
                std::ptr::null_mut(),
                len,
                access,
                MapFlags::SHARED,
                &file,
                0,
            )
        };
        // SAFETY: mapped for the rest of the process; everyone touches it through the crate.
        let region = unsafe { Region::new(base.expect("mapping").cast(), len) };
        let core = Segment::attach(region.expect("aligned")).expect("attaching");
        let shadow: &'static Peer<'static> = Box::leak(Box::new(
            core.join(&identity, &NoProof).expect("a second row"),
        ));
        let ring: spsc::Spsc<'static, u64> = core.open(ring).expect("the ring");
        let tx = ring.producer(shadow).expect("the end");
        Self { peer, tx }
    }
}
