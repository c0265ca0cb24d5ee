//! The same memory at two addresses of one process, as two processes have it: each end works through its own mapping,
//! and no address is ever written into the region.
#![cfg(any(target_os = "linux", windows))]

mod regions;

use std::sync::atomic::Ordering::Relaxed;

use regions::guarded::{Mapping, Memory};
use regions::{EACH_TRUST, GONE, Trust};
use ringpad::bytes::{self, Bytes};
use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Notepad};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Error, Identity, NoProof, Peer, PeerId, Plan, Segment, Signal, Sleeper};

/// Where eight bytes, at any offset, are an address inside one of the mappings.
fn addresses_in(mapping: &Mapping, mapped: &[&Mapping]) -> Vec<usize> {
    let bytes: Vec<u8> = mapping
        .words()
        .into_iter()
        .flat_map(u32::to_ne_bytes)
        .collect();
    let inside = |at: u64| {
        mapped.iter().any(|mapping| {
            let base = mapping.base().addr() as u64;
            (base..base + mapping.len() as u64).contains(&at)
        })
    };
    let words = bytes.windows(8).enumerate();
    words
        .filter(|(_, word)| inside(u64::from_ne_bytes(word[..].try_into().unwrap())))
        .map(|(at, _)| at)
        .collect()
}

fn plan() -> Plan<2> {
    Plan::new()
        .peers(3)
        .and_then(|plan| plan.channel::<Spsc<'_, u64>>("ticks", &spsc::Config::new(8)))
        .and_then(|plan| plan.channel::<Bytes<'_>>("log", &bytes::Config::records(256)))
        .unwrap()
        .spare(1, 1024)
}

fn join<'m>(segment: &Segment<'m>) -> Peer<'m> {
    segment.join(&Identity::default(), &NoProof).unwrap()
}

/// Rings nobody's pipe; there is none here.
#[derive(Default)]
struct Heard(std::cell::Cell<u32>);

impl Signal for Heard {
    fn signal(&self, peer: PeerId) {
        self.0.set(peer.get());
    }
}

#[test]
fn both_ends_talk_and_store_no_address() {
    for trust in EACH_TRUST {
        let memory = Memory::new(plan().layout().unwrap().size());
        let (here, there) = (memory.map(), memory.map());
        assert_ne!(here.base(), there.base());
        let near = Segment::init(here.region(trust), &plan()).unwrap();
        let far = Segment::attach(there.region(trust)).unwrap();
        assert_eq!(far.check(&plan()), Ok(()));
        let (me, you) = (join(&near), join(&far));
        assert_eq!((me.id().get(), you.id().get()), (1, 2));
        let heard = Heard::default();

        let ticks: Spsc<'_, u64> = near.open("ticks").unwrap();
        let mut tx = ticks.producer(&me).unwrap().ringing(&me, &heard).unwrap();
        let ticks: Spsc<'_, u64> = far.open("ticks").unwrap();
        assert_eq!(
            ticks.producer(&you).err(),
            Some(Error::EndpointTaken { by: me.id() })
        );
        let mut rx = ticks.consumer(&you).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&you).unwrap();
        let armed = sleeper.arm(&ends).unwrap();
        for n in 0..100 {
            tx.push(n).unwrap();
            assert_eq!(rx.pop(), Some(n));
        }
        assert_eq!(
            heard.0.get(),
            2,
            "the sleeper of the other mapping was rung"
        );
        drop(armed);
        drop(sleeper);

        let log: Bytes<'_> = far.open("log").unwrap();
        let mut out = log.producer(&you).unwrap();
        let log: Bytes<'_> = near.open("log").unwrap();
        let mut inn = log.consumer(&me).unwrap();
        for n in 0..100u8 {
            let text = vec![n; usize::from(n)];
            out.send(&text).unwrap();
            assert_eq!(inn.recv(&mut [0; 100]), Ok(Some(&text[..])));
        }

        // What is created through one mapping is opened through the other.
        near.create::<Bytes<'_>>(&me, "late", &bytes::Config::stream(128))
            .unwrap();
        assert_eq!(far.open::<Bytes<'_>>("late").unwrap().capacity(), 128);
        assert_eq!(addresses_in(&here, &[&here, &there]), [0; 0]);
        drop((tx, rx, out, inn));
        drop((me, you));
        assert_eq!(addresses_in(&there, &[&here, &there]), [0; 0]);
        here.check_canaries();
    }
}

#[test]
fn notes_and_letters_pass_and_store_no_address() {
    let plan = Plan::<3>::new()
        .peers(2)
        .and_then(|plan| plan.channel::<Notepad<'_, [u64; 3]>>("pad", &notepad::Config::new()))
        .and_then(|plan| plan.channel::<Mailslot<'_, u64>>("mail", &mailslot::Config::new(8)))
        .and_then(|plan| plan.channel::<Reliable<'_, u64>>("sure", &reliable::Config::new(8, 2)))
        .unwrap();
    for trust in EACH_TRUST {
        let memory = Memory::new(plan.layout().unwrap().size());
        let (here, there) = (memory.map(), memory.map());
        let near = Segment::init(here.region(trust), &plan).unwrap();
        let far = Segment::attach(there.region(trust)).unwrap();
        let (me, you) = (join(&near), join(&far));
        let (pad, theirs): (Notepad<'_, [u64; 3]>, Notepad<'_, [u64; 3]>) =
            (near.open("pad").unwrap(), far.open("pad").unwrap());
        let (mut tx, reader) = (pad.writer(&me).unwrap(), theirs.reader());
        assert_eq!(
            theirs.writer(&you).err(),
            Some(Error::EndpointTaken { by: me.id() })
        );
        let (mail, theirs): (Mailslot<'_, u64>, Mailslot<'_, u64>) =
            (near.open("mail").unwrap(), far.open("mail").unwrap());
        let mut post = mail.publisher(&me).unwrap();
        let mut heard = theirs.subscriber(Start::Oldest);
        let (sure, theirs): (Reliable<'_, u64>, Reliable<'_, u64>) =
            (near.open("sure").unwrap(), far.open("sure").unwrap());
        let mut office = sure.publisher(&me).unwrap();
        let mut got = theirs.subscriber(&you, Start::Oldest).unwrap();
        for n in 1..=100 {
            let version = tx.write(&[n; 3]);
            let note = reader.try_read().unwrap().unwrap();
            assert_eq!((note.version, note.value), (version, [n; 3]));
            post.publish(&n);
            let (sequence, value) = (n, n);
            assert_eq!(heard.poll(), Next::Mail { sequence, value });
            office.try_publish(&n).unwrap();
            assert_eq!(got.poll(), Delivery::Mail { sequence, value });
            assert_eq!(got.poll(), Delivery::Empty);
        }
        assert!(reader.bell(&me).is_err() && heard.bell(&me).is_err());
        assert!(reader.bell(&you).is_ok() && heard.bell(&you).is_ok());
        assert_eq!(addresses_in(&here, &[&here, &there]), [0; 0]);
        drop((tx, post, office, got));
        drop((me, you));
        assert_eq!(addresses_in(&there, &[&here, &there]), [0; 0]);
        here.check_canaries();
    }
}

#[test]
fn a_peer_of_one_mapping_claims_nothing_through_the_other() {
    let memory = Memory::new(plan().layout().unwrap().size());
    let (here, there) = (memory.map(), memory.map());
    let near = Segment::init(here.region(Trust::Cooperative), &plan()).unwrap();
    let far = Segment::attach(there.region(Trust::Cooperative)).unwrap();
    let me = join(&near);
    let ring: Spsc<'_, u64> = far.open("ticks").unwrap();
    assert_eq!(ring.producer(&me).err(), Some(Error::ForeignPeer));
    let refused = far
        .create::<Spsc<'_, u64>>(&me, "late", &spsc::Config::new(8))
        .err();
    assert_eq!(refused, Some(Error::ForeignPeer));
    let you = join(&far);
    let rx = ring.consumer(&you).unwrap();
    let ends = [rx.bell()];
    assert_eq!(
        Sleeper::of(&me).unwrap().arm(&ends).err(),
        Some(Error::ForeignPeer)
    );
}

#[test]
fn a_successor_goes_on_through_another_mapping() {
    for trust in EACH_TRUST {
        let config = spsc::Config::new(4);
        let memory = Memory::new(Spsc::<u32>::layout(&config).unwrap().size());
        let (here, there) = (memory.map(), memory.map());
        let ring = Spsc::<u32>::init(here.region(trust), &config).unwrap();
        let (mut tx, mut rx) = ring.split().unwrap();
        tx.push_slice(&[1, 2, 3]);
        assert_eq!((rx.pop(), rx.take()), (Some(1), Some(2)));
        std::mem::forget((tx, rx));
        // The process of the first mapping is gone, and its mapping with it.
        drop(here);
        let ring = Spsc::<u32>::attach(there.region(trust)).unwrap();
        let mut rx = ring.bare_consumer(&GONE).unwrap();
        assert_eq!((rx.pop(), rx.pop(), rx.pop()), (Some(2), Some(3), None));
        ring.bare_producer(&GONE).unwrap().push(4).unwrap();
        assert_eq!(rx.pop(), Some(4));
    }
}

#[test]
fn negative_control_an_address_is_found() {
    let memory = Memory::new(640);
    let (here, there) = (memory.map(), memory.map());
    assert_eq!(addresses_in(&here, &[&here, &there]), [0; 0]);
    let inside = there.base().addr() as u64 + 17;
    // At an offset that is no multiple of anything: three bytes into the word at 64.
    let mut bytes = [0; 12];
    bytes[3..11].copy_from_slice(&inside.to_ne_bytes());
    for (at, word) in bytes.chunks_exact(4).enumerate() {
        here.word(64 + 4 * at)
            .store(u32::from_ne_bytes(word.try_into().unwrap()), Relaxed);
    }
    assert_eq!(addresses_in(&there, &[&here, &there]), [67]);
}
