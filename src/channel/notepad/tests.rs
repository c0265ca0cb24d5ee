use spin::relax::Spin;

use super::*;
use crate::memory::liveness::NoProof;
use crate::memory::testing::{EACH, EACH_TRUST, Gone, Room, TooAligned, evicted};
use crate::{Error, PeerId};

type Value = [u64; 3];

/// A notepad of four slots in a room of its own.
fn with(test: impl Fn(&Room, Notepad<'_, Value>)) {
    for (trust, spacing) in EACH {
        let config = Config::spaced(spacing).slots(4);
        let room = Room::of::<Notepad<Value>>(&config);
        let pad = Notepad::init(room.region(trust), &config).unwrap();
        test(&room, pad);
    }
}

/// Where slot `index` of such a notepad begins.
fn slot(room: &Room, index: usize) -> usize {
    let stride = match room.spacing() {
        Spacing::Lines => 128,
        Spacing::Compact => 32,
    };
    384 + stride * index
}

#[test]
fn a_reader_gets_the_latest_value_and_its_version() {
    with(|_, pad| {
        let (mut writer, reader) = pad.split().unwrap();
        assert_eq!((reader.try_read(), reader.version()), (Ok(None), None));
        assert!(!reader.changed(None));
        let mut before = None;
        for n in 1..20 {
            let version = writer.write(&[n; 3]);
            assert!(reader.changed(before) && !reader.changed(Some(version)));
            let note = reader.read::<Spin>(1).unwrap().unwrap();
            assert_eq!((note.version, note.value), (version, [n; 3]));
            assert_eq!(
                (writer.latest(), writer.version()),
                (Some(note), Some(version))
            );
            assert_eq!(u64::from(version.get()), n);
            before = Some(version);
        }
        assert_eq!(reader.clone().try_read(), reader.try_read());
    });
}

#[test]
fn an_update_starts_from_the_latest_value() {
    with(|_, pad| {
        let (mut writer, reader) = pad.split().unwrap();
        writer.update(|value| value[1] += 5);
        writer.update(|value| value[1] += 5);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [0, 10, 0]);
    });
}

#[test]
fn a_draft_counts_once_it_is_committed() {
    with(|_, pad| {
        let (mut writer, reader) = pad.split().unwrap();
        writer.write(&[1; 3]);
        let mut draft = writer.draft();
        assert_eq!(draft.most(), 24);
        draft.write_at(3, &[0xEE; 18]).unwrap();
        assert_eq!(reader.try_read().unwrap().unwrap().value, [1; 3]);
        drop(draft);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [1; 3]);
        let mut draft = writer.draft();
        let mut left = [0; 18];
        draft.read_at(3, &mut left).unwrap();
        assert_eq!(left, [0xEE; 18], "the dropped draft's");
        let beyond = Err(TooLong {
            found: 25,
            most: 24,
        });
        assert_eq!(draft.write_at(20, &[0; 5]), beyond);
        assert_eq!(draft.read_at(20, &mut [0; 5]), beyond);
        assert_eq!(
            draft.read_at(usize::MAX, &mut [0; 5]).unwrap_err().found,
            usize::MAX
        );
        draft
            .write_at(0, bytemuck::bytes_of(&[7u64, 8, 9]))
            .unwrap();
        let version = draft.commit();
        let note = reader.try_read().unwrap().unwrap();
        assert_eq!((note.version, note.value), (version, [7, 8, 9]));
        assert_eq!(version.get(), 2);
    });
}

/// What a reader sees that finds a version and comes back after so many writes.
#[test]
fn a_reader_is_lapped_by_as_many_writes_as_there_are_slots() {
    with(|room, pad| {
        let (mut writer, reader) = pad.split().unwrap();
        writer.write(&[1; 3]);
        // The slot of version 1 says: being written by version 5.
        room.set(slot(room, 1), 2 * 5 + 1);
        assert_eq!(reader.try_read(), Err(Missed::Lapped));
        assert_eq!(reader.read::<Spin>(3), Err(Missed::Lapped));
        assert_eq!(reader.read_with(|glance| glance.len()), Err(Missed::Lapped));
        writer.write(&[2; 3]);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [2; 3]);
    });
}

#[test]
fn a_glance_shows_parts() {
    with(|_, pad| {
        let (mut writer, reader) = pad.split().unwrap();
        assert_eq!(reader.read_with(|glance| glance.len()), Ok(None));
        writer.write(&[1, 2, 3]);
        let note = reader.read_with(|glance| {
            let mut part = [0; 8];
            assert_eq!((glance.len(), glance.is_empty()), (24, false));
            let beyond = Err(TooLong {
                found: 25,
                most: 24,
            });
            assert_eq!(glance.read_at(17, &mut part), beyond);
            glance.read_at(16, &mut part).map(|()| part)
        });
        assert_eq!(note.unwrap().unwrap().value, Ok(3u64.to_le_bytes()));
    });
}

#[test]
fn a_successor_counts_what_the_dead_one_completed() {
    with(|room, pad| {
        let mut writer = pad.bare_writer(&NoProof).unwrap();
        writer.write(&[1; 3]);
        writer.write(&[2; 3]);
        core::mem::forget(writer);
        let reader = pad.reader();
        // As if it died between CLOSE and PUBLISH.
        room.set(128, WRITTEN | 1);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [1; 3]);
        let taken = pad.bare_writer(&NoProof).unwrap_err();
        assert_eq!(taken, Error::EndpointTaken { by: PeerId::BARE });
        let proof = evicted(PeerId::BARE);
        let mut writer = pad.bare_writer(&proof).unwrap();
        assert_eq!(writer.latest().unwrap().value, [2; 3]);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [2; 3]);
        assert_eq!(writer.write(&[3; 3]).get(), 3);
        core::mem::forget(writer);
        // As if it died between OPEN and CLOSE: nothing to count.
        room.set(slot(room, 0), 2 * 4 + 1);
        let proof = evicted(PeerId::BARE);
        let mut writer = pad.bare_writer(&proof).unwrap();
        assert_eq!(reader.try_read().unwrap().unwrap().value, [3; 3]);
        assert_eq!(writer.write(&[4; 3]).get(), 4);
        assert_eq!(reader.try_read().unwrap().unwrap().value, [4; 3]);
    });
}

#[test]
fn versions_wrap() {
    with(|room, pad| {
        let mut writer = pad.bare_writer(&NoProof).unwrap();
        writer.write(&[9; 3]);
        drop(writer);
        let last = NUMBER;
        room.set(128, WRITTEN | (last - 1));
        for back in 1..=4u32 {
            let version = last - back;
            room.set(slot(room, (version & 3) as usize), version << 1);
        }
        let mut writer = pad.bare_writer(&NoProof).unwrap();
        let reader = pad.reader();
        for (n, want) in [last, 0, 1, 2, 3, 4].into_iter().enumerate() {
            let version = writer.write(&[n as u64; 3]);
            assert_eq!(version.get(), want);
            let note = reader.try_read().unwrap().unwrap();
            assert_eq!((note.version, note.value), (version, [n as u64; 3]));
            drop(writer);
            writer = pad.bare_writer(&NoProof).unwrap();
            assert_eq!(writer.version(), Some(version), "nothing to roll forward");
        }
    });
}

#[test]
fn bytes_come_with_their_length() {
    for (trust, spacing) in EACH {
        let mut config = Config::bytes(21).slots(4);
        config.spacing = spacing;
        let room = Room::of::<Notepad<[u8]>>(&config);
        let pad = Notepad::<[u8]>::init(room.region(trust), &config).unwrap();
        assert_eq!((pad.most_bytes(), pad.slots()), (21, 4));
        let (mut writer, reader) = pad.split().unwrap();
        let mut into = [0; 30];
        assert_eq!(reader.try_read_into(&mut into), Ok(None));
        let source: Vec<u8> = (1..=22).collect();
        for len in 0..=21 {
            let version = writer.write(&source[..len]).unwrap();
            let note = reader.read_into::<Spin>(&mut into, 2).unwrap().unwrap();
            assert_eq!((note.version, note.value), (version, len));
            assert_eq!(into[..len], source[..len]);
            assert_eq!(writer.latest().unwrap().value.len(), len);
        }
        let too_long = TooLong {
            found: 22,
            most: 21,
        };
        assert_eq!(writer.write(&source), Err(too_long));
        let small = TooLong {
            found: 21,
            most: 20,
        };
        assert_eq!(
            reader.try_read_into(&mut into[..20]),
            Err(Missed::TooLong(small))
        );
        let mut draft = writer.draft();
        draft.write_at(0, b"drafted").unwrap();
        draft.commit(7).unwrap();
        assert_eq!(reader.try_read_into(&mut into).unwrap().unwrap().value, 7);
        assert_eq!(&into[..7], b"drafted");
        assert_eq!(writer.draft().commit(22), Err(too_long));
        // A length that no writer writes.
        let version = writer.version().unwrap().get();
        room.set(slot(&room, (version & 3) as usize) + 4, 22);
        assert_eq!(reader.try_read_into(&mut into), Err(Missed::Corrupt));
        assert_eq!(reader.most_bytes(), 21);
    }
}

#[test]
fn a_word_is_one_load_and_never_lapped() {
    for (trust, spacing) in EACH {
        let config = Config::spaced(spacing).tagged(5);
        let room = Room::of::<Notepad<[u8; 3]>>(&config);
        let fixed = [384, 112][usize::from(spacing == Spacing::Compact)];
        assert_eq!(room.len(), fixed, "no slots");
        let pad = Notepad::<[u8; 3]>::init(room.region(trust), &config).unwrap();
        assert_eq!((pad.slots(), pad.most_bytes(), pad.type_tag()), (1, 3, 5));
        let mut writer = pad.bare_writer(&NoProof).unwrap();
        let reader = pad.reader();
        assert_eq!((reader.try_read(), reader.load()), (Ok(None), [0; 3]));
        for n in 1..100 {
            let version = writer.write(&[n, 0, n]);
            let note = reader.try_read().unwrap().unwrap();
            assert_eq!((note.version, note.value), (version, [n, 0, n]));
            assert_eq!(reader.load(), [n, 0, n]);
            assert_eq!(writer.latest(), Some(note));
        }
        writer.update(|value| value[1] = 7);
        assert_eq!(reader.load(), [99, 7, 99]);
        let before = writer.version();
        core::mem::forget(writer);
        // Whoever takes over cannot know whether a value was stored: it counts as one.
        let proof = Gone(PeerId::BARE);
        let writer = Notepad::<[u8; 3]>::attach(room.region(trust)).unwrap();
        let writer = writer.bare_writer(&proof).unwrap();
        assert!(reader.changed(before));
        assert_eq!(writer.latest().unwrap().value, [99, 7, 99]);
    }
}

#[test]
fn a_word_notepad_never_written_stays_so_when_it_is_taken_over() {
    let room = Room::of::<Notepad<u32>>(&Config::new());
    let pad = Notepad::<u32>::init(room.region(EACH_TRUST[0]), &Config::new()).unwrap();
    drop(pad.bare_writer(&NoProof).unwrap());
    let writer = pad.bare_writer(&NoProof).unwrap();
    assert_eq!(
        (writer.version(), pad.reader().try_read()),
        (None, Ok(None))
    );
}

#[test]
fn readers_need_no_write_access_and_writers_do() {
    with(|room, pad| {
        pad.bare_writer(&NoProof).unwrap().write(&[4; 3]);
        let pad = Notepad::<Value>::attach(room.read_only()).unwrap();
        assert_eq!(pad.reader().try_read().unwrap().unwrap().value, [4; 3]);
        assert_eq!(pad.bare_writer(&NoProof).unwrap_err(), Error::ReadOnly);
        assert_eq!(pad.reader().writer(), None);
    });
}

#[test]
fn what_cannot_be_is_refused() {
    let bad = |field, found, want| Error::BadConfig { field, found, want };
    let slots = |slots| Notepad::<Value>::layout(&Config::new().slots(slots)).unwrap_err();
    let want = "a power of two from 4 to 2^24";
    for count in [1, 2, 5, 1 << 25] {
        assert_eq!(slots(count), bad(Field::Capacity, count.into(), want));
    }
    let want = "a value of 1 byte to 16 MiB";
    let bytes = |bytes| Notepad::<[u8]>::layout(&Config::bytes(bytes)).unwrap_err();
    for count in [0, (1 << 24) + 1] {
        assert_eq!(bytes(count), bad(Field::ElementBytes, count.into(), want));
    }
    assert_eq!(
        Notepad::<()>::layout(&Config::new()).unwrap_err(),
        bad(Field::ElementBytes, 0, want)
    );
    assert_eq!(
        Notepad::<TooAligned>::layout(&Config::new()).unwrap_err(),
        bad(Field::ElementAlign, 256, "an alignment of at most 128")
    );
}

#[test]
fn another_shape_is_refused_with_both_values() {
    with(|room, pad| {
        let region = || room.region(EACH_TRUST[0]);
        let mismatch = |field, want, found| Error::Mismatch { field, want, found };
        assert_eq!(
            Notepad::<[u64; 4]>::attach(region()).unwrap_err(),
            mismatch(Field::ElementBytes, 32, 24)
        );
        assert_eq!(
            Notepad::<[u8]>::attach(region()).unwrap_err(),
            mismatch(Field::Framing, 1, 0)
        );
        assert!(matches!(
            Notepad::<u32>::attach(region()),
            Err(Error::Mismatch { .. })
        ));
        let header = Header::at(region().into_ref()).unwrap();
        let other = header.attach(Kind::Spsc).unwrap_err();
        assert!(matches!(
            other,
            Error::Mismatch {
                field: Field::Magic,
                ..
            }
        ));
        assert_eq!(
            pad.expect_tag(3).unwrap_err(),
            mismatch(Field::TypeTag, 3, 0)
        );
        let line = room.spacing().line_bytes();
        let short = Room::new(room.len() - line);
        let config = Config::spaced(room.spacing()).slots(4);
        let made = Notepad::<Value>::init(short.region(EACH_TRUST[0]), &config);
        assert!(matches!(made, Err(Error::TooSmall { .. })));
    });
}
