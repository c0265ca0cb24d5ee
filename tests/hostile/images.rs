//! Good images of each kind, to be spoiled.

use ringpad::bytes::{self, Bytes};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Identity, NoProof, Plan, Pod, Segment};

use crate::bodies::room::Script;
use crate::bodies::{attach_bytes, attach_segment, attach_spsc};
use crate::regions::guarded::{Mapping, Memory};
use crate::regions::{PAYLOAD, Trust};

/// A region's words as its honest users left them, and what to do with it.
pub struct Image {
    pub name: &'static str,
    pub words: Vec<u32>,
    pub body: fn(&Mapping, &mut Script<'_>) -> u32,
    /// Where each channel begins, in words.
    channels: Vec<usize>,
}

impl Image {
    /// One of the words that decide something: headers, positions, claims, lengths; for a segment its tables too.
    pub fn word_that_matters(&self, dice: u64) -> usize {
        let (pick, which) = ((dice >> 8) as usize, (dice >> 32) as usize);
        let channel = self.channels[which % self.channels.len()];
        let at = match dice % 8 {
            0 => pick % 17,
            1 | 2 => 32,
            3 => 64,
            4 => 96 + pick % 4,
            5 | 6 => PAYLOAD / 4 + pick % 32,
            _ => return pick % self.words.len(),
        };
        (channel + at) % self.words.len()
    }
}

fn image(
    name: &'static str,
    bytes: usize,
    body: fn(&Mapping, &mut Script<'_>) -> u32,
    make: impl FnOnce(&Mapping) -> Vec<usize>,
) -> Image {
    let memory = Memory::new(bytes);
    let mapping = memory.map();
    let channels = make(&mapping);
    let words = mapping.words();
    Image {
        name,
        words,
        body,
        channels,
    }
}

fn typed<T: Pod>(name: &'static str, value: T) -> Image {
    let config = spsc::Config::new(8).tagged(3);
    let bytes = Spsc::<T>::layout(&config).unwrap().size();
    image(name, bytes, attach_spsc::on, |mapping| {
        let ring = Spsc::<T>::init(mapping.region(Trust::Cooperative), &config).unwrap();
        let (mut tx, mut rx) = ring.split().unwrap();
        tx.push_slice(&[value; 6]);
        assert!(rx.pop().is_some());
        vec![0]
    })
}

fn byte_ring(name: &'static str, config: bytes::Config) -> Image {
    let bytes = Bytes::layout(&config).unwrap().size();
    image(name, bytes, attach_bytes::on, |mapping| {
        let ring = Bytes::init(mapping.region(Trust::Cooperative), &config).unwrap();
        let (mut tx, mut rx) = ring.split().unwrap();
        for len in [8, 24, 3, 0, 20] {
            tx.send(&[7; 24][..len]).unwrap();
            rx.recv(&mut [0; 99]).unwrap();
        }
        tx.send(b"the last ones").unwrap();
        tx.send(b"stay").unwrap();
        vec![0]
    })
}

fn segment() -> Image {
    let plan = Plan::<2>::new()
        .peers(3)
        .and_then(|plan| plan.channel::<Spsc<'_, u32>>("a", &spsc::Config::new(4)))
        .and_then(|plan| plan.channel::<Bytes<'_>>("b", &bytes::Config::records(64)))
        .unwrap()
        .spare(2, 1280);
    let bytes = plan.layout().unwrap().size();
    image("segment", bytes, attach_segment::on, |mapping| {
        let segment = Segment::init(mapping.region(Trust::Cooperative), &plan).unwrap();
        let me = segment.join(&Identity::default(), &NoProof).unwrap();
        let ring: Spsc<'_, u32> = segment.open("a").unwrap();
        ring.producer(&me).unwrap().push(1).unwrap();
        let log: Bytes<'_> = segment.open("b").unwrap();
        log.producer(&me).unwrap().send(b"kept").unwrap();
        let mut channels: Vec<_> = segment
            .entries()
            .map(|entry| entry.offset as usize / 4)
            .collect();
        // The header, the superblock, the rows and the entries are met by the words anywhere.
        channels.push(0);
        channels
    })
}

pub fn every_image() -> Vec<Image> {
    vec![
        typed("u8", 1u8),
        typed("three bytes", [2u8; 3]),
        typed("u32", 3u32),
        typed("three words", [4u64; 3]),
        byte_ring("records", bytes::Config::records(128)),
        byte_ring("stream", bytes::Config::stream(64)),
        segment(),
    ]
}
