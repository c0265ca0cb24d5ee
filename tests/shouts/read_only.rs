//! Requirement 13: who only reads needs no memory that it could write to, and no row.

use ringpad::mailslot::reliable::{self, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{self, SharedSegment};
use ringpad::{Channel, Error, Identity, NoProof, Plan, Segment};

use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{system, until};
use crate::regions::GONE;
use crate::regions::faults::faults;
use crate::regions::guarded::{Mapping, Memory};
use crate::regions::{EACH_TRUST, Trust};

use super::small::{COUNT, GO, NAME, READY, open, whole};

/// Reads and hears everything, then writes where it may not.
pub fn looker() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = SharedSegment::open_read_only(NAME, &room.options()).expect("opening");
    let mapped = system::read_only_mappings(&format!("{NAME}.seg"), segment.len_bytes());
    assert_eq!(mapped.len(), 1);
    let denied = segment.join();
    assert!(
        matches!(denied, Err(os::Error::Region(Error::ReadOnly))),
        "{denied:?}"
    );
    let pad = segment.notepad_reader::<[u64; 8]>("pad").unwrap();
    let mut mail = segment.subscriber::<u64>("mail", Start::Oldest).unwrap();
    let mut sure = segment.observer::<u64>("sure", Start::Oldest).unwrap();
    assert_eq!(pad.try_read(), Ok(None));
    assert_eq!((mail.poll(), sure.poll()), (Next::Empty, Next::Empty));
    page.set(READY, 1);
    for n in 1..=1000 {
        let note = || pad.try_read().ok().flatten();
        until("the next version", || {
            note().is_some_and(|note| note.value == whole(n))
        });
        let letter = Next::Mail {
            sequence: n,
            value: n,
        };
        assert_eq!((mail.poll(), sure.poll()), (letter, letter));
        assert_eq!((mail.behind(), mail.next_sequence()), (0, n + 1));
        page.set(COUNT, n);
    }
    until("told to", || page.get(GO) == 1);
    let words: *mut u32 = std::ptr::with_exposed_provenance_mut(mapped[0]);
    // SAFETY: none: this control exists to write where nobody may, and to be killed for it.
    unsafe { words.write_volatile(0) };
    page.set(GO, 2);
}

#[test]
fn who_only_looks_cannot_write() {
    let room = Room::new("looker");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let mut looker = child::spawn(&room, "looker", &[]);
    until("it looks", || page.get(READY) == 1);
    let mut pad = me.notepad_writer::<[u64; 8]>("pad").unwrap();
    let mut mail = me.publisher::<u64>("mail").unwrap();
    let mut sure = me.reliable_publisher::<u64>("sure").unwrap();
    for n in 1..=1000 {
        mail.publish(&n);
        sure.try_publish(&n).expect("nobody who counts");
        pad.write(&whole(n));
        until("it has seen that", || {
            assert_eq!(looker.ended(), None);
            page.get(COUNT) == n
        });
    }
    page.set(GO, 1);
    let status = looker.wait();
    assert!(child::has_faulted(status), "{status}");
    assert_eq!(page.get(GO), 1);
    let magic = std::fs::read(room.file(&format!("{NAME}.seg"))).unwrap();
    assert_eq!(&magic[..8], b"ringpad\0", "nothing was written");
}

/// Every call of one who only reads, over memory where a write is the end.
fn calls(trust: Trust, mapping: &Mapping, sealed: &Mapping) {
    let plan = Plan::<5>::new()
        .peers(2)
        .and_then(|plan| plan.channel::<Notepad<u32>>("word", &notepad::Config::new()))
        .and_then(|plan| plan.channel::<Notepad<[u64; 8]>>("pad", &notepad::Config::new()))
        .and_then(|plan| plan.channel::<Notepad<[u8]>>("text", &notepad::Config::bytes(40)))
        .and_then(|plan| plan.channel::<Mailslot<[u8]>>("mail", &mailslot::Config::bytes(4, 40)))
        .and_then(|plan| plan.channel::<Reliable<u64>>("sure", &reliable::Config::new(4, 1)))
        .unwrap();
    let segment = Segment::init(mapping.region(trust), &plan).unwrap();
    let me = segment.join(&Identity::default(), &NoProof).unwrap();
    let word: Notepad<'_, u32> = segment.open("word").unwrap();
    let pad: Notepad<'_, [u64; 8]> = segment.open("pad").unwrap();
    let text: Notepad<'_, [u8]> = segment.open("text").unwrap();
    let mail: Mailslot<'_, [u8]> = segment.open("mail").unwrap();
    let sure: Reliable<'_, u64> = segment.open("sure").unwrap();
    let mut writers = (
        word.writer(&me).unwrap(),
        pad.writer(&me).unwrap(),
        text.writer(&me).unwrap(),
    );
    let mut publishers = (mail.publisher(&me).unwrap(), sure.publisher(&me).unwrap());

    let theirs = Segment::attach(sealed.read_only(trust)).unwrap();
    assert_eq!(
        theirs.join(&Identity::default(), &NoProof).err(),
        Some(Error::ReadOnly)
    );
    let word: Notepad<'_, u32> = theirs.open("word").unwrap();
    let pad: Notepad<'_, [u64; 8]> = theirs.open("pad").unwrap();
    let text: Notepad<'_, [u8]> = theirs.open("text").unwrap();
    let mail: Mailslot<'_, [u8]> = theirs.open("mail").unwrap();
    let sure: Reliable<'_, u64> = theirs.open("sure").unwrap();
    // Not even the owner of a row of the same segment: it lies in another mapping.
    assert!(pad.writer(&me).is_err() && mail.publisher(&me).is_err());
    assert!(sure.subscriber(&me, Start::Oldest).is_err());
    let (word, pad, text) = (word.reader(), pad.reader(), text.reader());
    let mut mail = mail.subscriber(Start::Oldest);
    let mut sure = sure.observer(Start::Oldest);
    assert_eq!((word.load(), word.try_read()), (0, Ok(None)));
    assert_eq!((pad.try_read(), pad.version()), (Ok(None), None));
    let mut bytes = [0; 40];
    assert_eq!(text.try_read_into(&mut bytes), Ok(None));
    for n in 1..100u8 {
        writers.0.write(&u32::from(n));
        let version = writers.1.write(&whole(n.into()));
        let said = &[n; 40][..usize::from(n) % 41];
        writers.2.write(said).unwrap();
        publishers.0.publish(said).unwrap();
        publishers.1.try_publish(&n.into()).unwrap();
        assert_eq!(word.load(), u32::from(n));
        let relaxed = word.read::<spin::relax::Spin>(3).unwrap().unwrap();
        assert_eq!(relaxed.value, u32::from(n));
        assert!(pad.changed(None) && !pad.changed(Some(version)));
        let note = pad.clone().try_read().unwrap().unwrap();
        assert_eq!((note.version, note.value), (version, whole(n.into())));
        let part = pad.read_with(|glance| {
            let mut part = [0; 8];
            glance.read_at(8, &mut part).map(|()| part)
        });
        let part = part.unwrap().unwrap().value.unwrap();
        assert_eq!(u64::from_le_bytes(part), whole(n.into())[1]);
        let len = text.try_read_into(&mut bytes).unwrap().unwrap().value;
        assert_eq!(bytes[..len], *said);
        assert_eq!(
            (pad.writer(), mail.publisher()),
            (Some(me.id()), Some(me.id()))
        );
        match mail.clone().poll_into(&mut bytes).unwrap() {
            Next::Mail { value, .. } => assert_eq!(bytes[..value], *said),
            other => panic!("{other:?}"),
        }
        let len = mail.poll_with(|glance| glance.len());
        let sequence = n.into();
        assert_eq!(
            len,
            Next::Mail {
                sequence,
                value: said.len()
            }
        );
        let value = n.into();
        assert_eq!(sure.poll(), Next::Mail { sequence, value });
        assert_eq!(
            (mail.poll_into(&mut bytes), sure.poll()),
            (Ok(Next::Empty), Next::Empty)
        );
    }
    sure.seek(Start::At(1));
    assert!(matches!(sure.poll(), Next::Lapped { lost: 94.. }));
    assert_eq!((mail.behind(), mail.next_sequence()), (0, 100));
}

#[test]
fn no_call_of_one_who_reads_stores_anything() {
    for trust in EACH_TRUST {
        let memory = Memory::new(1 << 14);
        let (mapping, sealed) = (memory.map(), memory.map());
        sealed.seal();
        calls(trust, &mapping, &sealed);
    }
}

#[test]
fn bare_channels_are_claimed_by_nobody_who_only_reads() {
    for trust in EACH_TRUST {
        let config = notepad::Config::new();
        let memory = Memory::new(Notepad::<u64>::layout(&config).unwrap().size());
        let (mapping, sealed) = (memory.map(), memory.map());
        sealed.seal();
        let none = Notepad::<u64>::init(sealed.read_only(trust), &config);
        assert_eq!(none.err(), Some(Error::ReadOnly));
        let pad = Notepad::<u64>::init(mapping.region(trust), &config).unwrap();
        let mut tx = pad.bare_writer(&GONE).unwrap();
        let theirs = Notepad::<u64>::attach(sealed.read_only(trust)).unwrap();
        assert_eq!(theirs.bare_writer(&GONE).err(), Some(Error::ReadOnly));
        tx.write(&7);
        assert_eq!(theirs.reader().try_read().unwrap().unwrap().value, 7);
    }
}

#[test]
fn control_a_store_into_sealed_memory_is_the_end() {
    let memory = Memory::new(4096);
    let sealed = memory.map();
    let store = || {
        sealed
            .word(0)
            .store(1, std::sync::atomic::Ordering::Relaxed)
    };
    store();
    sealed.seal();
    let test = "read_only::control_a_store_into_sealed_memory_is_the_end";
    assert_eq!(faults(test, store), Some(true));
}
