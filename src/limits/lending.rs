//! What is lent is given back: grants, records, bells.

#![forbid(unsafe_code)]

/// # A grant is gone before the next call
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// let mut one = tx.grant(8).unwrap();
/// one[0] = 1;
/// one.commit(8).unwrap();
/// let mut two = tx.grant(8).unwrap();
/// two[0] = 2;
/// tx.send(b"next").unwrap();
/// let record = rx.read().unwrap().unwrap();
/// let first = record[0];
/// record.release();
/// assert_eq!(first, 1);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// let mut one = tx.grant(8).unwrap();
/// tx.send(b"next").unwrap(); // lent to the grant
/// one[0] = 1;
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// let mut one = tx.grant(8).unwrap();
/// let mut two = tx.grant(8).unwrap(); // lent to the first
/// one[0] = 1;
/// two[0] = 2;
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// let one = tx.grant(8).unwrap();
/// one.commit(8).unwrap();
/// one.commit(8).unwrap(); // moved
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// tx.send(b"record").unwrap();
/// let record = rx.read().unwrap().unwrap();
/// rx.recv(&mut []).ok(); // lent to the record
/// assert_eq!(record[0], b'r');
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = bytes::Bytes::init(Region::from_mut(room.as_mut())?, &bytes::Config::records(256))?;
/// # let (mut tx, mut rx) = ring.split()?;
/// tx.send(b"record").unwrap();
/// let record = rx.read().unwrap().unwrap();
/// let bytes: &[u8] = &record;
/// record.release(); // borrowed
/// assert_eq!(bytes[0], b'r');
/// # Ok::<(), Error>(())
/// ```
pub mod grants {}

/// # A sleeper borrows what it sleeps at
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let rx = segment.open::<spsc::Spsc<u64>>("ring")?.consumer(&me)?;
/// let ends = vec![rx.bell()];
/// let mut sleeper = Sleeper::of(&me)?;
/// let armed = sleeper.arm(&ends)?;
/// drop(armed);
/// let again = sleeper.arm(&ends)?;
/// drop(again);
/// drop(ends);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let rx = segment.open::<spsc::Spsc<u64>>("ring")?.consumer(&me)?;
/// let ends = vec![rx.bell()];
/// let mut sleeper = Sleeper::of(&me)?;
/// let armed = sleeper.arm(&ends)?;
/// drop(ends); // borrowed
/// drop(armed);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let rx = segment.open::<spsc::Spsc<u64>>("ring")?.consumer(&me)?;
/// let ends = vec![rx.bell()];
/// let mut sleeper = Sleeper::of(&me)?;
/// let armed = sleeper.arm(&ends)?;
/// let again = sleeper.arm(&ends)?; // one sleep at a time
/// drop(armed);
/// # Ok::<(), Error>(())
/// ```
/// A bell outlives its end, but not the peer that claimed it, nor the bytes:
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let bell = segment.open::<spsc::Spsc<u64>>("ring")?.consumer(&me)?.bell();
/// drop(me); // borrowed by the bell
/// let ends = [bell];
/// # Ok::<(), Error>(())
/// ```
pub mod bells {}

/// # What is lent of a racing slot does not leave the call
///
/// A draft holds its writer; a glance ends with the closure that it was lent to.
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// let pad = notepad::Notepad::<[u8]>::init(Region::from_mut(room.as_mut())?, &notepad::Config::bytes(16))?;
/// let (mut writer, reader) = pad.split()?;
/// let mut draft = writer.draft();
/// draft.write_at(0, b"a").unwrap();
/// draft.commit(1).unwrap();
/// writer.write(b"b").unwrap();
/// let len = reader.read_with(|glance| glance.len());
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// let pad = notepad::Notepad::<[u8]>::init(Region::from_mut(room.as_mut())?, &notepad::Config::bytes(16))?;
/// let (mut writer, reader) = pad.split()?;
/// let mut draft = writer.draft();
/// writer.write(b"b").unwrap(); // the slot is lent
/// draft.commit(1).unwrap();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// let pad = notepad::Notepad::<[u8]>::init(Region::from_mut(room.as_mut())?, &notepad::Config::bytes(16))?;
/// let (mut writer, reader) = pad.split()?;
/// let glance = reader.read_with(|glance| glance); // it may be overwritten by now
/// # Ok::<(), Error>(())
/// ```
/// A value of at most four bytes has no slots to be lent:
/// ```compile_fail,E0080
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// let pad = notepad::Notepad::<u32>::init(Region::from_mut(room.as_mut())?, &notepad::Config::new())?;
/// let (mut writer, reader) = pad.split()?;
/// let draft = writer.draft();
/// # Ok::<(), Error>(())
/// ```
/// The ends of a reliable mailslot live in the name of their peer:
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # use ringpad::mailslot::{Start, reliable::{Config, Reliable}};
/// # let mut room = AlignedBytes::<8192>::new();
/// # let plan = Plan::<1>::new().channel::<Reliable<u64>>("news", &Config::new(4, 1))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let mut rx = segment.open::<Reliable<u64>>("news")?.subscriber(&me, Start::Oldest)?;
/// drop(me); // borrowed
/// rx.poll();
/// # Ok::<(), Error>(())
/// ```
pub mod racing {}
