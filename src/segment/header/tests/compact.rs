//! The compact spacing: what it takes, who has it, and what is refused.

use super::*;
use crate::frames::{self, Frames};
use crate::lock::{self, Lock};
use crate::mailslot::reliable::{self, Reliable};
use crate::mailslot::{self, Mailslot};
use crate::memory::layout::Spacing;
use crate::memory::testing::Line64;
use crate::mpmc::{self, Mpmc};
use crate::notepad::{self, Notepad};
use crate::rpc::{self, Rpc};
use crate::{CompactBytes, Region};

const LINES: [(u64, Spacing); 2] = [(128, Spacing::Lines), (16, Spacing::Compact)];

fn compact() -> spsc::Config {
    spsc::Config::new(8).compact()
}

#[test]
fn it_takes_so_many_bytes_and_no_more() {
    fn takes<'m, C: Channel<'m>>(config: C::Config) -> usize {
        let layout = C::layout(&config).unwrap();
        assert_eq!(layout.align(), 16);
        layout.size()
    }
    assert_eq!(takes::<Spsc<u32>>(compact()), 128 + 32);
    assert_eq!(takes::<Spsc<u64>>(compact()), 128 + 64);
    let bytes = bytes::Config::records(64).compact();
    assert_eq!(takes::<Bytes>(bytes), 128 + 64);
    let pad = notepad::Config::new().compact();
    assert_eq!(takes::<Notepad<u32>>(pad), 112, "a word has no slots");
    assert_eq!(takes::<Notepad<u64>>(pad), 112 + 4 * 16);
    assert_eq!(takes::<Notepad<[u64; 3]>>(pad), 112 + 4 * 32);
    let mail = mailslot::Config::new(8).compact();
    assert_eq!(takes::<Mailslot<u32>>(mail), 112 + 8 * 16);
    assert_eq!(takes::<Mailslot<[u64; 2]>>(mail), 112 + 8 * 24);
}

#[test]
fn the_header_records_it_and_nothing_else_of_the_header_moves() {
    let room = Room::of::<Spsc<u32>>(&compact());
    let ring = Spsc::<u32>::init(room.region(Trust::Cooperative), &compact()).unwrap();
    assert_eq!((ring.spacing(), ring.capacity()), (Spacing::Compact, 8));
    let usual = Room::of::<Spsc<u32>>(&spsc::Config::new(8));
    Spsc::<u32>::init(usual.region(Trust::Cooperative), &spsc::Config::new(8)).unwrap();
    for at in (0..80).step_by(4) {
        let differs = room.word(at) != usual.word(at);
        assert_eq!(differs, [at::LINE_BYTES, at::SPAN_BYTES].contains(&at));
    }
    assert_eq!(room.word(at::LINE_BYTES), 16);
    assert_eq!(room.word(at::SPAN_BYTES), 160);
}

/// Who attaches needs not know: the header says it.
#[test]
fn each_kind_is_attached_to_as_it_was_made() {
    for (_, spacing) in LINES {
        let mut config = notepad::Config::new();
        config.spacing = spacing;
        let room = Room::of::<Notepad<u64>>(&config);
        let (mut tx, _) = Notepad::<u64>::init(room.region(Trust::Cooperative), &config)
            .and_then(Notepad::split)
            .unwrap();
        tx.write(&7);
        let pad = Notepad::<u64>::attach(room.read_only()).unwrap();
        assert_eq!(pad.spacing(), spacing);
        assert_eq!(pad.reader().try_read().unwrap().unwrap().value, 7);
        let mut config = mailslot::Config::new(2);
        config.spacing = spacing;
        let room = Room::of::<Mailslot<u64>>(&config);
        Mailslot::<u64>::init(room.region(Trust::Cooperative), &config).unwrap();
        let mail = Mailslot::<u64>::attach(room.region(Trust::Distrusted)).unwrap();
        assert_eq!(mail.spacing(), spacing);
        let mut config = bytes::Config::stream(64);
        config.spacing = spacing;
        let room = Room::of::<Bytes>(&config);
        Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
        let ring = Bytes::attach(room.region(Trust::Distrusted)).unwrap();
        assert_eq!(ring.spacing(), spacing);
    }
}

#[test]
fn a_line_that_is_neither_is_refused_with_both_values() {
    let room = Room::of::<Spsc<u32>>(&compact());
    Spsc::<u32>::init(room.region(Trust::Cooperative), &compact()).unwrap();
    for bad in [0, 1, 8, 15, 17, 32, 64, 256, u32::MAX] {
        let said = refusal::<Ring>(&room, at::LINE_BYTES, bad);
        assert_eq!(said, mismatch(Field::LineBytes, 128, bad.into()));
    }
}

/// The line of the other spacing beside a span of this one.
#[test]
fn a_header_that_lies_about_its_line_is_refused_with_both_values() {
    fn lies<'m, C: Channel<'m>>(room: &'m Room, config: C::Config, other: u64, line: u32) {
        C::init(room.region(Trust::Cooperative), &config).unwrap();
        let found = room.len() as u64;
        let said = refusal::<C>(room, at::LINE_BYTES, line);
        assert_eq!(said, mismatch(Field::SpanBytes, other, found));
    }
    let wide = spsc::Config::new(8);
    lies::<Spsc<u32>>(&Room::of::<Spsc<u32>>(&wide), wide, 160, 16);
    let wide = bytes::Config::records(64);
    lies::<Bytes>(&Room::of::<Bytes>(&wide), wide, 192, 16);
    let wide = notepad::Config::new();
    lies::<Notepad<u64>>(&Room::of::<Notepad<u64>>(&wide), wide, 176, 16);
    lies::<Notepad<u32>>(&Room::of::<Notepad<u32>>(&wide), wide, 112, 16);
    let wide = mailslot::Config::new(8);
    lies::<Mailslot<u32>>(&Room::of::<Mailslot<u32>>(&wide), wide, 240, 16);
    // And the other way round: on lines, so that it is not the place that is refused.
    fn aligned<'m, C: Channel<'m>>(config: &C::Config) -> Room {
        Room::new(C::layout(config).unwrap().size())
    }
    let tight = compact();
    lies::<Spsc<u32>>(&aligned::<Spsc<u32>>(&tight), tight, 640, 128);
    let tight = bytes::Config::records(64).compact();
    lies::<Bytes>(&aligned::<Bytes>(&tight), tight, 640, 128);
    let tight = notepad::Config::new().compact();
    lies::<Notepad<u64>>(&aligned::<Notepad<u64>>(&tight), tight, 896, 128);
    lies::<Notepad<u32>>(&aligned::<Notepad<u32>>(&tight), tight, 384, 128);
    let tight = mailslot::Config::new(8).compact();
    lies::<Mailslot<u32>>(&aligned::<Mailslot<u32>>(&tight), tight, 512, 128);
}

#[test]
fn kinds_that_do_not_offer_it_refuse_it() {
    fn refuses<'m, C: Channel<'m>>(room: &'m Room, config: &C::Config) {
        assert!(!C::KIND.may_be_compact());
        C::init(room.region(Trust::Cooperative), config).unwrap();
        let said = refusal::<C>(room, at::LINE_BYTES, 16);
        assert_eq!(said, mismatch(Field::LineBytes, 128, 16), "{:?}", C::KIND);
    }
    let config = lock::Config::new();
    refuses::<Lock>(&Room::of::<Lock>(&config), &config);
    let config = mpmc::Config::new(4);
    refuses::<Mpmc<u32>>(&Room::of::<Mpmc<u32>>(&config), &config);
    let config = reliable::Config::new(4, 1);
    refuses::<Reliable<u32>>(&Room::of::<Reliable<u32>>(&config), &config);
    let config = frames::Config::new(2, 64);
    refuses::<Frames>(&Room::of::<Frames>(&config), &config);
    let config = rpc::Config::new(1, 1);
    refuses::<Rpc<u32, u32>>(&Room::of::<Rpc<u32, u32>>(&config), &config);
    let room = crate::segment::testing::room(2);
    crate::segment::testing::segment(&room, Trust::Cooperative, 2);
    room.set(at::LINE_BYTES, 16);
    let said = Segment::attach(room.region(Trust::Cooperative)).err();
    assert_eq!(said, Some(mismatch(Field::LineBytes, 128, 16)));
}

fn plan(spacing: Spacing) -> Plan<2> {
    let (mut ring, mut pad) = (spsc::Config::new(8), notepad::Config::new());
    (ring.spacing, pad.spacing) = (spacing, spacing);
    Plan::new()
        .peers(2)
        .and_then(|plan| plan.channel::<Spsc<u32>>("ring", &ring))
        .and_then(|plan| plan.channel::<Notepad<u64>>("pad", &pad))
        .unwrap()
        .spare(2, 896)
}

#[test]
fn a_plan_of_the_other_spacing_is_refused_either_way_with_both_values() {
    for ((line, spacing), (other, wanted)) in [(LINES[0], LINES[1]), (LINES[1], LINES[0])] {
        let room = Room::new(plan(spacing).layout().unwrap().size());
        let segment = Segment::init(room.region(Trust::Cooperative), &plan(spacing)).unwrap();
        assert_eq!(segment.check(&plan(spacing)), Ok(()));
        let said = segment.check(&plan(wanted)).unwrap_err();
        assert_eq!(said, mismatch(Field::LineBytes, other, line));
        names_both(said, "line bytes", &line.to_string(), &other.to_string());
    }
}

#[test]
fn in_a_segment_each_lies_on_lines_of_its_own() {
    let plan = plan(Spacing::Compact);
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let me = crate::segment::testing::join(&segment);
    let ring: Spsc<u32> = segment.create(&me, "more", &compact()).unwrap();
    let (mut tx, mut rx) = (ring.producer(&me).unwrap(), ring.consumer(&me).unwrap());
    assert_eq!(tx.push_slice(&[1; 9]), 8);
    let pad: Notepad<u64> = segment.open("pad").unwrap();
    pad.writer(&me).unwrap().write(&7);
    // Of the usual spacing behind a compact one.
    let config = spsc::Config::new(4);
    segment.create::<Spsc<u32>>(&me, "last", &config).unwrap();
    let places: Vec<_> = segment.entries().map(|e| (e.offset % 128, e.len)).collect();
    assert_eq!(places, [(0, 256), (0, 256), (0, 256), (0, 640)]);
    assert_eq!(rx.pop_slice(&mut [0; 9]), 8);
    let full = segment.create::<Spsc<u32>>(&me, "fifth", &compact());
    assert!(matches!(full, Err(Error::DirectoryFull { .. })));
}

/// Sixteen past a line, where nothing else may begin.
#[test]
fn it_needs_no_better_place_and_the_others_do() {
    let room = Room::new(1024);
    let rest = || room.region(Trust::Cooperative).split_at(16).unwrap().1;
    let (want, found) = (128, 16);
    let misplaced = Error::Misaligned { want, found };
    let said = Ring::init(rest(), &spsc::Config::new(4)).unwrap_err();
    assert_eq!(said, misplaced);
    let said = Segment::init(rest(), &Plan::<0>::new().peers(1).unwrap());
    assert_eq!(said.err(), Some(misplaced));
    let (mut tx, mut rx) = Ring::init(rest(), &compact()).unwrap().split().unwrap();
    tx.push(7).unwrap();
    assert_eq!(rx.pop(), Some(7));
    assert_eq!(Ring::attach(rest()).unwrap().spacing(), Spacing::Compact);
    room.set(16 + at::LINE_BYTES, 128);
    let said = Ring::attach(rest()).unwrap_err();
    assert_eq!(said, misplaced, "whatever its header says");
}

#[test]
fn elements_are_aligned_as_far_as_its_line() {
    let config = spsc::Config::new(2).compact();
    for trust in EACH_TRUST {
        let room = Room::of::<Spsc<u128>>(&config);
        let ring = Spsc::<u128>::init(room.region(trust), &config).unwrap();
        let (mut tx, mut rx) = ring.split().unwrap();
        assert_eq!(tx.push_slice(&[1 << 100, 2]), 2);
        assert_eq!((rx.pop(), rx.pop()), (Some(1 << 100), Some(2)));
    }
    let field = Field::ElementAlign;
    let (found, want) = (64, "an alignment of at most 16, the ring being compact");
    let refused = Error::BadConfig { field, found, want };
    assert_eq!(Spsc::<Line64>::layout(&config).unwrap_err(), refused);
    // Nor does attaching lend what its creator could not have meant.
    let room = Room::of::<Spsc<[u8; 64]>>(&config);
    Spsc::<[u8; 64]>::init(room.region(Trust::Cooperative), &config).unwrap();
    room.set(at::ELEMENT_ALIGN, 64);
    let said = Spsc::<Line64>::attach(room.region(Trust::Cooperative));
    assert_eq!(said.unwrap_err(), refused);
}

/// The goal of a microcontroller: one of each kind, and an element or several in each, in 1 KiB.
#[test]
fn one_of_each_kind_fits_in_a_kibibyte() {
    let mut room = CompactBytes::<688>::new();
    let region = Region::from_mut(room.as_mut()).unwrap();
    let (first, rest) = region.split_at(160).unwrap();
    let (second, rest) = rest.split_at(192).unwrap();
    let (third, fourth) = rest.split_at(176).unwrap();
    assert_eq!(fourth.len(), 160);
    let ring = Spsc::<u32>::init(first, &compact()).unwrap();
    let bytes = Bytes::init(second, &bytes::Config::stream(64).compact()).unwrap();
    let pad = Notepad::<u64>::init(third, &notepad::Config::new().compact()).unwrap();
    let config = mailslot::Config::new(2).compact();
    let mail = Mailslot::<[u64; 2]>::init(fourth, &config).unwrap();
    let ((mut a, mut b), (mut c, mut d)) = (ring.split().unwrap(), bytes.split().unwrap());
    let ((mut e, f), (mut g, mut h)) = (pad.split().unwrap(), mail.split().unwrap());
    assert_eq!(a.push_slice(&[7; 9]), 8);
    c.send(&[8; 64]).unwrap();
    e.write(&9);
    g.publish(&[10; 2]);
    assert_eq!(b.pop_slice(&mut [0; 9]), 8);
    assert_eq!(d.recv(&mut [0; 64]), Ok(Some(&[8; 64][..])));
    assert_eq!(f.try_read().unwrap().unwrap().value, 9);
    let (sequence, value) = (1, [10; 2]);
    assert_eq!(h.poll(), mailslot::Next::Mail { sequence, value });
}
