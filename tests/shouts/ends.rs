//! The ends of every phase, behind one face each.

use ringpad::mailslot::reliable::{Delivery, Refused};
use ringpad::mailslot::{Next, Start};
use ringpad::notepad::{Missed, Note};
use ringpad::os::{
    NotepadReader, NotepadWriter, OwnedPeer, Publisher, ReliablePublisher, ReliableSubscriber,
    Result as Opened, SharedSegment, Subscriber,
};
use ringpad::{Content, Pod};

use crate::common::sweep::message::length;
use crate::common::sweep::phases::Steps;

use super::ledger::Got;
use super::phases::{Kind, Phase};
use super::value::{self, Item, Large, MOST, Said};

/// Bytes that a dying writer fills at once.
const PIECE: usize = 24;

/// A writing end.
pub trait Pen {
    /// The number of the write that comes next, by what the channel says.
    fn next(&mut self) -> Result<u64, String>;
    /// Writes number `n`; what the channel says its number was. `None` if somebody is in the way.
    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String>;
}

/// A value of one type that says its number.
pub trait Value: Pod {
    fn of(life: u32, n: u64) -> Self;
    fn said(&self) -> Result<Said, String>;
}

impl Value for u32 {
    fn of(_: u32, n: u64) -> Self {
        value::word(n)
    }
    fn said(&self) -> Result<Said, String> {
        value::read_word(*self)
    }
}

impl Value for u64 {
    fn of(life: u32, n: u64) -> Self {
        value::pair(life, n)
    }
    fn said(&self) -> Result<Said, String> {
        value::read_pair(*self)
    }
}

impl<const N: usize> Value for [u32; N] {
    fn of(life: u32, n: u64) -> Self {
        let mut words = [0; N];
        value::fill(life, n, bytemuck::cast_slice_mut(&mut words));
        words
    }
    fn said(&self) -> Result<Said, String> {
        value::read(bytemuck::cast_slice(self))
    }
}

/// The text that is write `n`.
fn text(life: u32, n: u64) -> Vec<u8> {
    let mut text = vec![0; length(life, n as u32)];
    value::fill(life, n, &mut text);
    text
}

/// Fills a draft piece by piece, with places to die in between.
fn pieces(
    bytes: &[u8],
    steps: &Steps<'_>,
    mut put: impl FnMut(usize, &[u8]) -> Result<(), ringpad::notepad::TooLong>,
) -> Result<(), String> {
    for (at, piece) in bytes.chunks(PIECE).enumerate() {
        steps.here();
        put(at * PIECE, piece).map_err(|why| why.to_string())?;
    }
    steps.here();
    Ok(())
}

/// A value of one word has no number beside it that counts writes alone.
struct Word(NotepadWriter<u32>);

impl Pen for Word {
    fn next(&mut self) -> Result<u64, String> {
        let latest = self.0.latest().map(|note| note.value.said()).transpose()?;
        Ok(latest.map_or(0, |said| said.number) + 1)
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        steps.here();
        self.0.write(&u32::of(life, n));
        steps.here();
        Ok(Some(n))
    }
}

struct Notes<T: Value>(NotepadWriter<T>);

impl<T: Value> Pen for Notes<T> {
    fn next(&mut self) -> Result<u64, String> {
        let Some(note) = self.0.latest() else {
            return Ok(1);
        };
        let said = note.value.said()?;
        if u64::from(note.version.get()) != said.number {
            return Err(format!("version {:?} is {said:?}", note.version));
        }
        Ok(said.number + 1)
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        let value = T::of(life, n);
        steps.here();
        let version = if n.is_multiple_of(2) {
            self.0.write(&value)
        } else {
            let mut draft = self.0.draft();
            let bytes = bytemuck::bytes_of(&value);
            pieces(bytes, steps, |at, piece| draft.write_at(at, piece))?;
            draft.commit()
        };
        steps.here();
        Ok(Some(version.get().into()))
    }
}

struct Texts(NotepadWriter<[u8]>);

impl Pen for Texts {
    fn next(&mut self) -> Result<u64, String> {
        let Some(note) = self.0.latest() else {
            return Ok(1);
        };
        let mut bytes = vec![0; note.value.len()];
        let read = note.value.read_at(0, &mut bytes);
        read.map_err(|why| why.to_string())?;
        Ok(value::read(&bytes)?.number + 1)
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        let text = text(life, n);
        steps.here();
        let version = if n.is_multiple_of(2) {
            self.0.write(&text)
        } else {
            let mut draft = self.0.draft();
            pieces(&text, steps, |at, piece| draft.write_at(at, piece))?;
            draft.commit(text.len())
        };
        steps.here();
        let version = version.map_err(|why| why.to_string())?;
        Ok(Some(version.get().into()))
    }
}

struct Mail(Publisher<Item>);

impl Pen for Mail {
    fn next(&mut self) -> Result<u64, String> {
        Ok(self.0.next_sequence())
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        let item = Item::of(life, n);
        steps.here();
        let sequence = if n.is_multiple_of(2) {
            self.0.publish(&item)
        } else {
            let mut draft = self.0.draft();
            let bytes = bytemuck::bytes_of(&item);
            pieces(bytes, steps, |at, piece| draft.write_at(at, piece))?;
            draft.commit()
        };
        steps.here();
        Ok(Some(sequence))
    }
}

struct MailTexts(Publisher<[u8]>);

impl Pen for MailTexts {
    fn next(&mut self) -> Result<u64, String> {
        Ok(self.0.next_sequence())
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        let text = text(life, n);
        steps.here();
        let sequence = if n.is_multiple_of(2) {
            self.0.publish(&text)
        } else {
            let mut draft = self.0.draft();
            pieces(&text, steps, |at, piece| draft.write_at(at, piece))?;
            draft.commit(text.len())
        };
        steps.here();
        sequence.map(Some).map_err(|why| why.to_string())
    }
}

struct Sure(ReliablePublisher<Item>);

impl Pen for Sure {
    fn next(&mut self) -> Result<u64, String> {
        Ok(self.0.next_sequence())
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        let item = Item::of(life, n);
        steps.here();
        let sequence = if n.is_multiple_of(2) {
            self.0.try_publish(&item).ok()
        } else {
            let Ok(mut draft) = self.0.try_draft() else {
                return Ok(None);
            };
            let bytes = bytemuck::bytes_of(&item);
            pieces(bytes, steps, |at, piece| draft.write_at(at, piece))?;
            Some(draft.commit())
        };
        steps.here();
        Ok(sequence)
    }
}

struct SureTexts(ReliablePublisher<[u8]>);

impl Pen for SureTexts {
    fn next(&mut self) -> Result<u64, String> {
        Ok(self.0.next_sequence())
    }

    fn put(&mut self, life: u32, n: u64, steps: &Steps<'_>) -> Result<Option<u64>, String> {
        steps.here();
        let sent = self.0.try_publish(&text(life, n));
        steps.here();
        match sent {
            Ok(sequence) => Ok(Some(sequence)),
            Err(Refused::Held(_)) => Ok(None),
            Err(why) => Err(why.to_string()),
        }
    }
}

/// Claims the writing end of a phase.
pub fn pen(phase: Phase, peer: &OwnedPeer) -> Opened<Box<dyn Pen>> {
    let name = &phase.name();
    Ok(match phase {
        Phase::NoteWord => Box::new(Word(peer.notepad_writer(name)?)),
        Phase::NotePair => Box::new(Notes::<u64>(peer.notepad_writer(name)?)),
        Phase::NoteItem => Box::new(Notes::<Item>(peer.notepad_writer(name)?)),
        Phase::NoteLarge => Box::new(Notes::<Large>(peer.notepad_writer(name)?)),
        Phase::NoteBytes => Box::new(Texts(peer.notepad_writer(name)?)),
        Phase::MailItem => Box::new(Mail(peer.publisher(name)?)),
        Phase::MailBytes => Box::new(MailTexts(peer.publisher(name)?)),
        Phase::SureItem => Box::new(Sure(peer.reliable_publisher(name)?)),
        _ => Box::new(SureTexts(peer.reliable_publisher(name)?)),
    })
}

/// A reading end: each turn brings something or not.
pub type Ear = Box<dyn FnMut() -> Result<Got, String>>;

fn note<T: Value, K: ringpad::Upkeep + 'static>(reader: NotepadReader<T, K>) -> Ear {
    let counts = size_of::<T>() > 4;
    Box::new(move || match reader.try_read() {
        Ok(Some(Note { version, value })) => {
            Ok(Got::Note(value.said()?, counts.then_some(version.get())))
        }
        Ok(None) => Ok(Got::Nothing),
        Err(Missed::Lapped) => Ok(Got::Again),
        Err(why) => Err(why.to_string()),
    })
}

fn note_text<K: ringpad::Upkeep + 'static>(reader: NotepadReader<[u8], K>) -> Ear {
    let mut bytes = [0; MOST];
    Box::new(move || match reader.try_read_into(&mut bytes) {
        Ok(Some(Note { version, value })) => Ok(Got::Note(
            value::read(&bytes[..value])?,
            Some(version.get()),
        )),
        Ok(None) => Ok(Got::Nothing),
        Err(Missed::Lapped) => Ok(Got::Again),
        Err(why) => Err(why.to_string()),
    })
}

fn mail<T: Value, K: ringpad::Upkeep + 'static>(mut rx: Subscriber<T, K>) -> Ear {
    Box::new(move || match rx.poll() {
        Next::Mail { sequence, value } => Ok(Got::Mail(value.said()?, sequence)),
        Next::Lapped { lost } => Ok(Got::Lapped(lost)),
        Next::Empty => Ok(Got::Nothing),
    })
}

fn mail_text<K: ringpad::Upkeep + 'static>(mut rx: Subscriber<[u8], K>) -> Ear {
    let mut bytes = [0; MOST];
    Box::new(move || match rx.poll_into(&mut bytes) {
        Ok(Next::Mail { sequence, value }) => {
            Ok(Got::Mail(value::read(&bytes[..value])?, sequence))
        }
        Ok(Next::Lapped { lost }) => Ok(Got::Lapped(lost)),
        Ok(Next::Empty) => Ok(Got::Nothing),
        Err(why) => Err(why.to_string()),
    })
}

fn sure(mut rx: ReliableSubscriber<Item>) -> Ear {
    Box::new(move || match rx.poll() {
        Delivery::Mail { sequence, value } => Ok(Got::Mail(value.said()?, sequence)),
        Delivery::Empty => Ok(Got::Nothing),
        Delivery::Evicted { .. } => Ok(Got::Evicted),
    })
}

fn sure_text(mut rx: ReliableSubscriber<[u8]>) -> Ear {
    let mut bytes = [0; MOST];
    Box::new(move || match rx.poll_into(&mut bytes) {
        Ok(Delivery::Mail { sequence, value }) => {
            Ok(Got::Mail(value::read(&bytes[..value])?, sequence))
        }
        Ok(Delivery::Empty) => Ok(Got::Nothing),
        Ok(Delivery::Evicted { .. }) => Ok(Got::Evicted),
        Err(why) => Err(why.to_string()),
    })
}

/// A listening end and the number that it gets first.
fn listening<T: Content + ?Sized, K: ringpad::Upkeep + 'static>(
    rx: Subscriber<T, K>,
    ear: impl Fn(Subscriber<T, K>) -> Ear,
) -> (u64, Ear) {
    (rx.next_sequence(), ear(rx))
}

/// The end of one that only looks, in memory that it could not write to.
pub fn looking(phase: Phase, segment: &SharedSegment) -> Opened<(u64, Ear)> {
    let name = &phase.name();
    let oldest = Start::Oldest;
    Ok(match phase {
        Phase::NoteWord => (0, note(segment.notepad_reader::<u32>(name)?)),
        Phase::NotePair => (0, note(segment.notepad_reader::<u64>(name)?)),
        Phase::NoteItem => (0, note(segment.notepad_reader::<Item>(name)?)),
        Phase::NoteLarge => (0, note(segment.notepad_reader::<Large>(name)?)),
        Phase::NoteBytes => (0, note_text(segment.notepad_reader(name)?)),
        Phase::MailItem => listening(segment.subscriber::<Item>(name, oldest)?, mail),
        Phase::MailBytes => listening(segment.subscriber(name, oldest)?, mail_text),
        Phase::SureItem => listening(segment.observer::<Item>(name, oldest)?, mail),
        _ => listening(segment.observer(name, oldest)?, mail_text),
    })
}

/// The end of one that joined; a reliable subscriber's goes on behind `last`.
pub fn joined(phase: Phase, peer: &OwnedPeer, last: u64) -> Opened<(u64, Ear)> {
    let name = &phase.name();
    let start = match phase.kind() {
        Kind::Sure => Start::At(last + 1),
        _ => Start::Newest,
    };
    Ok(match phase {
        Phase::NoteWord => (0, note(peer.notepad_reader::<u32>(name)?)),
        Phase::NotePair => (0, note(peer.notepad_reader::<u64>(name)?)),
        Phase::NoteItem => (0, note(peer.notepad_reader::<Item>(name)?)),
        Phase::NoteLarge => (0, note(peer.notepad_reader::<Large>(name)?)),
        Phase::NoteBytes => (0, note_text(peer.notepad_reader(name)?)),
        Phase::MailItem => listening(peer.subscriber::<Item>(name, start)?, mail),
        Phase::MailBytes => listening(peer.subscriber(name, start)?, mail_text),
        Phase::SureItem => {
            let rx = peer.reliable_subscriber::<Item>(name, start)?;
            (rx.next_sequence(), sure(rx))
        }
        _ => {
            let rx = peer.reliable_subscriber::<[u8]>(name, start)?;
            (rx.next_sequence(), sure_text(rx))
        }
    })
}
