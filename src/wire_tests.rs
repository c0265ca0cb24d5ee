//! The tables of `docs/wire-format.md` against the code: neither changes alone.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use memoffset::{offset_of, span_of};

use crate::channel::cursor::{ControlShape, PairCompact, PairShape};
use crate::channel::frames::{FrameShape, FramesControl, FramesShape};
use crate::channel::lock::{LockControl, LockShape};
use crate::channel::mailslot::reliable::{CursorShape, ReliableControl, ReliableShape};
use crate::channel::mailslot::{MailslotCompact, MailslotControl, MailslotShape, TailShape};
use crate::channel::mpmc::{MpmcControl, MpmcShape};
use crate::channel::notepad::{LatestShape, NotepadCompact, NotepadControl, NotepadShape};
use crate::channel::rpc::{CallShape, ClientShape, RpcControl, RpcShape};
use crate::frames::{self, Frames, Picture, Receivers, Ticket};
use crate::memory::layout::Line;
use crate::memory::liveness::Owner;
use crate::memory::racing::SlotShape;
use crate::memory::testing::{Room, Trust};
use crate::segment::directory::EntryShape;
use crate::segment::header::{Header, HeaderShape};
use crate::segment::peers::RowShape;
use crate::segment::superblock::{BuilderShape, SegmentShape, SuperblockShape};
use crate::segment::testing as segments;
use crate::{
    Channel, Identity, Kind, NoProof, Plan, Segment, State, bytes, lock, mailslot, mpmc, notepad,
    rpc, spsc,
};

const DOC: &str = include_str!("../docs/wire-format.md");

/// A field's name, offset and bytes.
type Field = (String, usize, usize);

/// Rows of each table under `<!-- WHAT: NAME -->`, as cells without backticks.
fn tables(doc: &str, what: &str) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut found = BTreeMap::new();
    let mut lines = doc.lines();
    while let Some(line) = lines.next() {
        let name = line
            .strip_prefix("<!-- ")
            .and_then(|l| l.strip_suffix(" -->"));
        let Some((_, name)) = name
            .and_then(|name| name.split_once(": "))
            .filter(|(kind, _)| *kind == what)
        else {
            continue;
        };
        let rows = lines
            .by_ref()
            .take_while(|line| line.starts_with('|'))
            .skip(2);
        let cells = |row: &str| -> Vec<String> {
            let row = row.trim_matches('|').split('|');
            row.map(|cell| cell.trim().trim_matches('`').to_owned())
                .collect()
        };
        found.insert(name.to_owned(), rows.map(cells).collect());
    }
    found
}

/// A shape as the document has it; an error if its rows leave a byte out or cover one twice.
fn documented(name: &str, rows: &[Vec<String>]) -> Result<(usize, Vec<Field>), String> {
    let (mut end, mut fields) = (0, Vec::new());
    for row in rows {
        let number = |at: usize| row.get(at).and_then(|cell| cell.parse::<usize>().ok());
        let (Some(offset), Some(bytes), Some(field)) = (number(0), number(1), row.get(2)) else {
            return Err(format!("{name}: {row:?} is no row"));
        };
        if offset != end {
            return Err(format!(
                "{name}.{field} begins at {offset}, the row before ends at {end}"
            ));
        }
        end += bytes;
        if field != "(zero)" {
            fields.push((field.clone(), offset, bytes));
        }
    }
    Ok((end, fields))
}

/// What the code says of one shape: the bytes it takes, and its fields in order.
struct Shape {
    name: &'static str,
    bytes: usize,
    fields: Vec<Field>,
}

macro_rules! shape {
    ($shape:ident, $bytes:expr, $($field:ident)*) => {
        Shape {
            name: stringify!($shape),
            bytes: $bytes,
            fields: vec![$((
                stringify!($field).to_owned(),
                offset_of!($shape, $field),
                span_of!($shape, $field).len(),
            )),*],
        }
    };
}

fn coded() -> Vec<Shape> {
    let line = size_of::<Line<HeaderShape>>();
    vec![
        shape!(HeaderShape, line, magic state byte_order abi kind required optional line_bytes
            capacity element_bytes element_align type_tag span_bytes framing),
        shape!(SegmentShape, size_of::<SegmentShape>(), header superblock builder),
        shape!(BuilderShape, line, claim reaped),
        shape!(SuperblockShape, line, id peers entries rows_at directory_at data_at locks),
        shape!(RowShape, line, state arm reaper pid start space),
        shape!(Owner, size_of::<Owner>(), peer generation),
        shape!(EntryShape, line, name state kind at length),
        shape!(PairShape, size_of::<PairShape>(), header tail head control),
        shape!(ControlShape, line, producer consumer data_waiters space_waiters),
        shape!(SlotShape, size_of::<SlotShape>(), stamp length payload),
        shape!(NotepadShape, size_of::<NotepadShape>(), header latest control),
        shape!(PairCompact, size_of::<PairCompact>(), header tail head control),
        shape!(NotepadCompact, size_of::<NotepadCompact>(), header latest control),
        shape!(MailslotCompact, size_of::<MailslotCompact>(), header latest control),
        shape!(LatestShape, line, latest value),
        shape!(NotepadControl, line, writer waiters),
        shape!(MailslotShape, size_of::<MailslotShape>(), header latest control),
        shape!(TailShape, line, latest limit),
        shape!(MailslotControl, line, publisher waiters epoch),
        shape!(ReliableShape, size_of::<ReliableShape>(), header latest control),
        shape!(ReliableControl, line, publisher data_waiters space_waiters epoch),
        shape!(CursorShape, line, owner cursor),
        shape!(MpmcShape, size_of::<MpmcShape>(), header tail head control),
        shape!(MpmcControl, line, data_waiters space_waiters orphaned),
        shape!(LockShape, size_of::<LockShape>(), header control version),
        shape!(LockControl, line, owner waiters),
        shape!(FramesShape, size_of::<FramesShape>(), header control next seats),
        shape!(FramesControl, line, begin waiters),
        shape!(FrameShape, line, word reserved publisher picture),
        shape!(Ticket, size_of::<Ticket>(), index generation len),
        shape!(Picture, size_of::<Picture>(), width height stride format timestamp_ns sequence),
        shape!(RpcShape, size_of::<RpcShape>(), header control),
        shape!(RpcControl, line, call_waiters),
        shape!(ClientShape, line, reply_waiters),
        shape!(CallShape, size_of::<CallShape>(), word request_bytes reply_bytes part deadline_ns),
    ]
}

/// Compares every shape with the table of its name.
fn compare(doc: &str, shapes: &[Shape]) -> Result<(), String> {
    let tables = tables(doc, "shape");
    for shape in shapes {
        let name = shape.name;
        let rows = tables
            .get(name)
            .ok_or_else(|| format!("{name} has no table"))?;
        let (bytes, fields) = documented(name, rows)?;
        if fields != shape.fields {
            return Err(format!(
                "{name} is {fields:?} in the document, {:?} in the code",
                shape.fields
            ));
        }
        if bytes != shape.bytes {
            return Err(format!(
                "{name} has {bytes} bytes in the document, {} in the code",
                shape.bytes
            ));
        }
    }
    let known = |name: &String| name == "Record" || shapes.iter().any(|shape| shape.name == name);
    match tables.keys().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => Err(format!("{name} is a table that nothing in the code is")),
    }
}

#[test]
fn the_tables_are_the_code() {
    compare(DOC, &coded()).unwrap();
}

#[test]
fn negative_control_a_change_of_the_document_alone_is_noticed() {
    let changes = [
        ("| 16 | 4 | `abi` |", "| 12 | 4 | `abi` |", "begins at 12"),
        ("| 20 | 4 | `kind` |", "| 20 | 8 | `kind` |", "begins at 24"),
        ("| 36 | 4 | `capacity` |", "| 36 | 4 | `slots` |", "slots"),
        ("| 68 | 60 | (zero) |", "| 68 | 56 | (zero) |", "124 bytes"),
        ("| 4 | 4 | `arm` |", "| 4 | 4 | (zero) |", "RowShape is"),
        (
            "<!-- shape: ControlShape -->",
            "<!-- shape: Other -->",
            "ControlShape has no table",
        ),
        ("| 0 | 1 | `peer` |", "| nought | 1 | `peer` |", "is no row"),
    ];
    for (old, new, said) in changes {
        assert_eq!(DOC.matches(old).count(), 1, "{old}");
        let error = compare(&DOC.replace(old, new), &coded()).unwrap_err();
        assert!(error.contains(said), "{error:?} should say {said:?}");
    }
    let more = format!("{DOC}\n<!-- shape: Ghost -->\n| a |\n|---|\n| 0 |\n");
    assert!(compare(&more, &coded()).unwrap_err().contains("Ghost"));
}

#[test]
fn negative_control_a_change_of_the_code_alone_is_noticed() {
    for at in 0..coded().len() {
        let mut shapes = coded();
        shapes[at].fields[0].2 += 4;
        assert!(
            compare(DOC, &shapes).is_err(),
            "a longer field of {}",
            shapes[at].name
        );
        let mut shapes = coded();
        shapes[at].bytes += 128;
        assert!(
            compare(DOC, &shapes).is_err(),
            "a longer {}",
            shapes[at].name
        );
        let mut shapes = coded();
        shapes[at].fields.pop();
        assert!(
            compare(DOC, &shapes).is_err(),
            "a field less in {}",
            shapes[at].name
        );
    }
}

/// The first two cells of a table of values.
fn values(name: &str) -> Vec<(u32, String, String)> {
    let rows = &tables(DOC, "values")[name];
    let parse = |cell: &str| match cell.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).unwrap(),
        None => cell.parse().unwrap(),
    };
    rows.iter()
        .map(|row| (parse(&row[0]), row[1].clone(), row[2].clone()))
        .collect()
}

#[test]
fn the_states_are_those_of_the_code() {
    let room = Room::new(128);
    let header = Header::at(room.view()).unwrap();
    let states: Vec<_> = values("states");
    assert_eq!(states.len(), 4);
    for (value, name, _) in states {
        room.set(offset_of!(HeaderShape, state), value);
        assert_eq!(format!("{:?}", header.state()), name);
        assert_ne!(header.state(), State::Garbage(value));
    }
}

#[test]
fn the_kinds_are_those_of_the_code() {
    let kinds = values("kinds");
    assert_eq!(
        Kind::from_wire(kinds.len() as u32 + 1),
        None,
        "a kind without a row"
    );
    for (number, name, magic) in kinds {
        let kind = Kind::from_wire(number).unwrap();
        assert_eq!(format!("{kind:?}"), name);
        assert_eq!(
            kind.magic(),
            *format!("{}\0", magic.trim_end_matches("\\0")).as_bytes()
        );
    }
}

#[test]
fn the_row_states_are_those_of_the_code() {
    let room = segments::room(2);
    let segment = segments::segment(&room, Trust::Cooperative, 2);
    let row = size_of::<SegmentShape>();
    let named = |name: &str| {
        values("row states")
            .into_iter()
            .find(|row| row.1 == name)
            .unwrap()
            .0
    };
    assert_eq!(values("row states").len(), 4);
    assert_eq!(room.word(row), named("Free"));
    let me = segments::join(&segment);
    assert_eq!(room.word(row), 1 << 8 | named("Live"));
    drop(me);
    assert_eq!(room.word(row), 2 << 8 | named("Free"));
    for name in ["Joining", "Reaping"] {
        room.set(row, 2 << 8 | named(name));
        assert_eq!(
            segment.occupant(crate::PeerId::new(1).unwrap()),
            None,
            "{name}"
        );
    }
}

#[test]
fn a_listed_entry_and_the_places_are_as_documented() {
    assert!(DOC.contains("its state is `0x5453494c` (`LIST` as bytes)"));
    assert!(DOC.contains("in units of 64 bytes: 6"));
    let room = segments::room(2);
    let segment = segments::segment(&room, Trust::Cooperative, 2);
    let superblock = |field: usize| room.word(offset_of!(SegmentShape, superblock) + field);
    assert_eq!(superblock(offset_of!(SuperblockShape, rows_at)), 6);
    let directory = 64 * superblock(offset_of!(SuperblockShape, directory_at)) as usize;
    assert_eq!(
        room.word(directory + offset_of!(EntryShape, state)),
        0x5453_494c
    );
    let at = 64 * room.word(directory + offset_of!(EntryShape, at)) as usize;
    assert_eq!(
        at,
        64 * superblock(offset_of!(SuperblockShape, data_at)) as usize
    );
    assert_eq!(at, segments::place(&segment, "a"));
}

#[test]
fn records_lie_as_documented() {
    let rows = &tables(DOC, "shape")["Record"];
    let (bytes, fields) = documented("Record", rows).unwrap();
    let place = |name: &str| fields.iter().find(|field| field.0 == name).unwrap().1;
    let payload = size_of::<PairShape>();
    let config = bytes::Config::records(64);
    let room = Room::of::<bytes::Bytes>(&config);
    let ring = bytes::Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
    let (mut tx, mut rx) = ring.split().unwrap();
    for len in 9..=16 {
        room.set(payload + place("zero"), 7);
        let record = &b"sixteen bytes..."[..len];
        tx.send(record).unwrap();
        assert_eq!(tx.position() as usize, bytes, "{len} bytes of payload");
        assert_eq!(
            u32::from_le(room.word(payload + place("length"))) as usize,
            len
        );
        assert_eq!(room.word(payload + place("zero")), 0);
        assert_eq!(
            room.word(payload + place("payload")).to_ne_bytes(),
            *b"sixt"
        );
        rx.recv(&mut [0; 16]).unwrap();
        drop((tx, rx));
        room.wipe();
        let ring = bytes::Bytes::init(room.region(Trust::Cooperative), &config).unwrap();
        (tx, rx) = ring.split().unwrap();
    }
}

/// The slots of a region: where they begin, and what lies from one to the next.
#[test]
fn slots_lie_as_documented() {
    let stamp = |room: &Room, at: usize| room.word(at + offset_of!(SlotShape, stamp));
    let payload = offset_of!(SlotShape, payload);
    for (bytes, pad_stride, mail_stride) in [(5usize, 128, 16), (120, 128, 128), (121, 256, 136)] {
        let value = vec![0xAB; bytes];
        let config = notepad::Config::bytes(bytes as u32).slots(4);
        let room = Room::of::<notepad::Notepad<[u8]>>(&config);
        let pad = notepad::Notepad::<[u8]>::init(room.region(Trust::Cooperative), &config).unwrap();
        let (mut writer, _) = pad.split().unwrap();
        (1..=2).for_each(|_| _ = writer.write(&value).unwrap());
        for version in 1..=2 {
            let at = 384 + pad_stride * version;
            assert_eq!(stamp(&room, at), 2 * version as u32);
            assert_eq!(room.word(at + offset_of!(SlotShape, length)), bytes as u32);
            assert_eq!(room.word(at + payload), 0xABAB_ABAB);
        }
        assert_eq!(room.word(128), 1 << 31 | 2);
        let config = mailslot::Config::bytes(4, bytes as u32);
        let room = Room::of::<mailslot::Mailslot<[u8]>>(&config);
        let slot = mailslot::Mailslot::<[u8]>::init(room.region(Trust::Cooperative), &config);
        let (mut publisher, _) = slot.unwrap().split().unwrap();
        (1..=2).for_each(|_| _ = publisher.publish(&value).unwrap());
        for sequence in 1..=2 {
            let at = 384 + mail_stride * sequence;
            assert_eq!(stamp(&room, at), 2 * sequence as u32);
            assert_eq!(room.word(at + payload), 0xABAB_ABAB);
        }
    }
}

/// The same of compact ones, by their own offsets.
#[test]
fn compact_slots_lie_as_documented() {
    let said = "From one slot of a compact notepad to the next are 8 bytes and the padded payload, rounded up to 16";
    assert!(DOC.contains(said));
    let payload = offset_of!(SlotShape, payload);
    for (bytes, pad_stride, mail_stride) in [(5usize, 16, 16), (9, 32, 24), (120, 128, 128)] {
        let value = vec![0xAB; bytes];
        let slot = |room: &Room, at: usize, number: u32| {
            assert_eq!(room.word(at), 2 * number);
            assert_eq!(room.word(at + payload), 0xABAB_ABAB);
        };
        let config = notepad::Config::bytes(bytes as u32).slots(4).compact();
        let room = Room::new(512 + 4 * pad_stride);
        let pad = notepad::Notepad::<[u8]>::init(room.region(Trust::Cooperative), &config);
        let (mut writer, _) = pad.unwrap().split().unwrap();
        (1..=2).for_each(|_| _ = writer.write(&value).unwrap());
        (1..=2).for_each(|n| slot(&room, 112 + pad_stride * n, n as u32));
        assert_eq!(room.word(80), 1 << 31 | 2);
        let config = mailslot::Config::bytes(4, bytes as u32).compact();
        let room = Room::new(512 + 4 * mail_stride);
        let mail = mailslot::Mailslot::<[u8]>::init(room.region(Trust::Cooperative), &config);
        let (mut publisher, _) = mail.unwrap().split().unwrap();
        (1..=2).for_each(|_| _ = publisher.publish(&value).unwrap());
        (1..=2).for_each(|n| slot(&room, 112 + mail_stride * n, n as u32));
        assert_eq!(room.word(80), 2);
    }
    let config = spsc::Config::new(4).compact();
    let room = Room::new(512);
    let ring = spsc::Spsc::<u32>::init(room.region(Trust::Cooperative), &config).unwrap();
    let (mut tx, mut rx) = ring.split().unwrap();
    assert_eq!(tx.push_slice(&[7, 8, 9]), 3);
    assert_eq!(rx.pop(), Some(7));
    assert_eq!([80, 96, 112, 116].map(|at| room.word(at)), [3, 1, 255, 255]);
    assert_eq!([128, 132, 136].map(|at| room.word(at)), [7, 8, 9]);
}

/// The words of a ring of many's slots, through each state that one thread can bring about.
#[test]
fn words_of_a_ring_of_many_are_as_documented() {
    let states = values("slot states");
    let named = |name: &str| states.iter().find(|row| row.1 == name).unwrap().0;
    let plan = Plan::<1>::new().peers(2).unwrap();
    let plan = plan.channel::<mpmc::Mpmc<u32>>("ring", &mpmc::Config::new(4));
    let plan = plan.unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let begin = segments::place(&segment, "ring");
    let ring: mpmc::Mpmc<u32> = segment.open("ring").unwrap();
    assert_eq!(room.word(begin + offset_of!(HeaderShape, framing)), 3);
    // The second life of row 1: generation 3.
    drop(segments::join(&segment));
    let me = segment.join(&Identity::default(), &NoProof).unwrap();
    let (mut tx, mut rx) = (ring.sender(&me).unwrap(), ring.receiver(&me).unwrap());
    let slots = begin + size_of::<MpmcShape>();
    let word = |slot: usize| {
        (
            room.word(slots + 16 * slot),
            room.word(slots + 16 * slot + 4),
        )
    };
    let owned = |name: &str| named(name) | 1 << 3 | (3 >> 1) << 9;
    assert_eq!(word(0), (0, named("Free")));
    assert_eq!(tx.try_send_slice(&[10, 11, 12]), 3);
    // One word for three, and each other for what is left from there on.
    let run = |low: u32, slots: u32| low | (slots - 1);
    for slot in 0..3 {
        let left = 3 - slot as u32;
        assert_eq!(word(slot), (run(0, left), named("Ready")));
        assert_eq!(room.word(slots + 16 * slot + 8), 10 + slot as u32);
    }
    let taken = rx.try_take().unwrap();
    assert_eq!(word(0), (run(0, 1), owned("HeldRead")));
    drop(taken);
    assert_eq!(word(0), (run(0, 1), named("Orphan")));
    assert_eq!(
        room.word(begin + 384 + offset_of!(MpmcControl, orphaned)),
        1
    );
    assert_eq!(rx.try_recv(), Some(10));
    assert_eq!(word(0), (run(4, 1), named("Free")));
    let second = rx.try_take().unwrap();
    let sequences = slots + 128;
    assert_eq!(
        (room.word(sequences + 8), room.word(sequences + 12)),
        (1, 0)
    );
    second.acknowledge();
    assert_eq!((rx.try_recv(), rx.try_recv()), (Some(12), None));
    assert_eq!(room.word(begin + offset_of!(MpmcShape, tail)), 3);
    assert_eq!(room.word(begin + offset_of!(MpmcShape, head)), 3);
}

/// The word of a lock in each of its states, and the value where the version says.
#[test]
fn locks_lie_as_documented() {
    let named = |name: &str| {
        let rows = values("lock words");
        rows.into_iter().find(|row| row.1 == name).unwrap().0
    };
    let words = values("lock words");
    assert_eq!(words.len(), 3);
    let config = lock::Config::new();
    let room = Room::of::<lock::Locked<u64>>(&config);
    let (control, version) = (
        offset_of!(LockShape, control) + offset_of!(LockControl, owner),
        offset_of!(LockShape, version),
    );
    let lock = lock::Locked::<u64>::init(room.region(Trust::Cooperative), &config).unwrap();
    let mut key = lock.bare_key().unwrap();
    assert_eq!(room.word(control), named("Free"));
    room.set(control, named("Poisoned"));
    let mut had = key.try_lock().unwrap();
    assert!(had.is_inherited());
    assert_eq!(room.word(control), named("Held") | named("Poisoned"));
    if let lock::Acquired::Inherited { guard, .. } = &mut had {
        guard.mark_consistent();
    }
    assert_eq!(room.word(control), named("Held"));
    let mut guard = had.into_guard();
    for n in 1..=3 {
        guard.set(&n);
        assert_eq!(u64::from(room.word(version)), n);
        let slot = size_of::<LockShape>() + 8 * (n as usize % 2);
        assert_eq!(u64::from(room.word(slot)), n);
    }
}

/// The words of a frame through its life, and where frames begin.
#[test]
fn frames_lie_as_documented() {
    let config = frames::Config::new(3, 200).aligned(256).receivers(2);
    let room = Room::of::<Frames>(&config);
    let pool = Frames::init(room.region(Trust::Cooperative), &config).unwrap();
    assert_eq!(room.word(offset_of!(HeaderShape, capacity)), 3);
    assert_eq!(room.word(offset_of!(HeaderShape, element_bytes)), 200);
    assert_eq!(room.word(offset_of!(HeaderShape, element_align)), 256);
    assert_eq!(room.word(offset_of!(HeaderShape, framing)), 2);
    let lines = size_of::<FramesShape>();
    let begin = room.word(offset_of!(FramesShape, control) + offset_of!(FramesControl, begin));
    let begin = begin as usize;
    assert!((lines + 3 * 128..lines + 3 * 128 + 256).contains(&begin));
    let seat = |n: usize| room.word(offset_of!(FramesShape, seats) + 4 * n);
    let (tx, rx) = (pool.bare_user().unwrap(), pool.bare_receiver(1).unwrap());
    assert_eq!((seat(0), seat(1), seat(2)), (0, 0xff, 0xff));
    // Generation, who has it, for whom it is reserved in which generation.
    let line = |frame: usize| {
        let at = |field: usize| room.word(lines + 128 * frame + field);
        let (word, reserved) = (
            offset_of!(FrameShape, word),
            offset_of!(FrameShape, reserved),
        );
        (at(word + 4), at(word), at(reserved + 4), at(reserved))
    };
    assert_eq!(line(1), (2, 0, 0, 0));
    drop(tx.loan().unwrap());
    assert_eq!(line(0), (4, 0, 0, 0));
    let mut loan = tx.loan().unwrap();
    assert_eq!(line(1), (3, 1 << 2, 0, 0));
    let picture = Picture {
        height: 77,
        ..Picture::default()
    };
    loan.set_picture(&picture);
    loan.write_at(0, b"abcd").unwrap();
    let ticket = loan.publish_for(4, Receivers::first(2)).unwrap();
    assert_eq!(line(1), (4, 0b11, 4, 0b11));
    assert_eq!((ticket.index, ticket.generation, ticket.len), (1, 4, 4));
    let height = offset_of!(FrameShape, picture) + offset_of!(Picture, height);
    assert_eq!(room.word(lines + 128 + height), 77);
    let publisher = room.word(lines + 128 + offset_of!(FrameShape, publisher));
    assert_eq!(publisher, 0xff);
    assert_eq!(room.word(begin + 256).to_ne_bytes(), *b"abcd");
    core::mem::forget(rx.take(ticket).unwrap());
    assert_eq!(line(1), (4, 0b11, 4, 0b01));
    drop(rx);
    assert_eq!(
        line(1),
        (4, 0b11, 4, 0b11 | 0b10 << 16),
        "for its successor"
    );
}

/// The word of a call through its life, and where the parts of a table lie.
#[test]
fn calls_lie_as_documented() {
    let named = |name: &str| {
        let rows = values("call states");
        rows.into_iter().find(|row| row.1 == name).unwrap().0
    };
    assert_eq!(values("call states").len(), 6);
    let config = rpc::Config::new(2, 3).depth(4).reply_bytes(9);
    let plan = Plan::<1>::new().peers(2).unwrap();
    let plan = plan.channel::<rpc::Rpc<u64, [u8]>>("calls", &config);
    let plan = plan.unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let segment = Segment::init(room.region(Trust::Cooperative), &plan).unwrap();
    let begin = segments::place(&segment, "calls");
    let table: rpc::Rpc<u64, [u8]> = segment.open("calls").unwrap();
    let at = |at: usize| room.word(begin + at);
    assert_eq!(at(offset_of!(HeaderShape, capacity)), 8);
    assert_eq!(at(offset_of!(HeaderShape, element_bytes)), 8);
    let framing = 2 | 2 << 6 | 1 << 11 | 9 << 12;
    assert_eq!(at(offset_of!(HeaderShape, framing)), framing);
    let (seats, sent, slots) = (size_of::<RpcShape>(), 384, 768);
    let (me, you) = (segments::join(&segment), segments::join(&segment));
    let (_first, client) = (table.client(&me).unwrap(), table.client(&me).unwrap());
    let (_other, server) = (table.server(&me).unwrap(), table.server(&you).unwrap());
    let holders = [0, 4, 8, 12, 16].map(|seat| at(seats + seat));
    assert_eq!(holders, [0x101, 0x101, 0x101, 0x102, 0]);
    // The second client's first slot: its low and high half.
    let slot = slots + 4 * 128;
    let word_of = |n: usize| (at(slot + n * 128), at(slot + n * 128 + 4));
    let word = || word_of(0);
    let number = |number: u32| (number << 28, number >> 4);
    let mut call = client.call_by(&7, 99).unwrap();
    let (low, high) = number(1);
    let deadline = 1 << 4;
    assert_eq!(word(), (low | deadline | named("Sent"), high));
    assert_eq!((at(sent), at(sent + 4)), (0, 1));
    assert_eq!(at(slot + offset_of!(CallShape, deadline_ns)), 99);
    assert_eq!(at(slot + size_of::<CallShape>()), 7);
    let mut request = server.next().unwrap();
    let taken = low | 1 << 20 | 2 << 14 | 1 << 8 | deadline;
    assert_eq!(word(), (taken | named("Taken"), high));
    assert_eq!(at(sent + 4), 0);
    request.part(b"part").unwrap();
    assert_eq!(word(), (taken | named("Part"), high));
    assert_eq!(at(slot + offset_of!(CallShape, reply_bytes)), 4);
    let reply = slot + size_of::<CallShape>() + 8;
    assert_eq!(at(reply).to_ne_bytes(), *b"part");
    assert_eq!(at(slot + offset_of!(CallShape, part)), 0);
    let first = (0, 4);
    let rpc::Poll::Part { number: n, value } = call.poll_into(&mut [0; 9]) else {
        panic!("a part");
    };
    assert_eq!((n, value), first);
    assert_eq!(word(), (taken | named("Taken"), high));
    drop(request);
    let unanswered = 1 << 5;
    assert_eq!(word(), (taken | unanswered | named("Done"), high));
    assert_eq!(call.poll_into(&mut []), rpc::Poll::Unanswered);
    assert_eq!(word(), (low | named("Free"), high));
    let call = client.call(&8).unwrap();
    let request = server.next().unwrap();
    drop(call);
    let (low, high) = number(2);
    let taken = low | 1 << 20 | 2 << 14 | 1 << 8;
    assert_eq!(word(), (taken | named("Abandoned"), high));
    core::mem::forget(request);
    drop(server);
    assert_eq!(word(), (low | named("Free"), high));
    // One way, in the next slot, and lost with its server's seat, in the one behind it.
    client.notify(&9).unwrap();
    let (low, high) = number(3);
    assert_eq!(word_of(1), (low | 1 << 3 | named("Sent"), high));
    let server = table.server(&you).unwrap();
    drop(server.next());
    let mut call = client.call(&10).unwrap();
    let (low, high) = number(4);
    core::mem::forget(server.next());
    drop(server);
    let lost = low | 1 << 20 | 2 << 14 | 1 << 8 | 1 << 6;
    assert_eq!(word_of(2), (lost | named("Done"), high));
    let by = you.id();
    assert_eq!(call.poll_into(&mut []), rpc::Poll::PeerDied { by });
}
