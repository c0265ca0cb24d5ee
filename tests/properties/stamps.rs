//! Random calls on notepads and mailslots against what they are: the last value; a queue that forgets; a queue with cursors.

use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::Spacing;
use ringpad::mailslot::reliable::{self, Delivery, Held, Reliable, Slow};
use ringpad::mailslot::{self, Mailslot, Next, Start, TooLong};
use ringpad::notepad::{self, Missed, Notepad};
use ringpad::{NoProof, PeerId};

use super::Item;
use crate::regions::stamps::{self, CLAIM};
use crate::regions::{EACH_SPACING, EACH_TRUST, GONE, Room, TAIL, Trust};

const NUMBER: u32 = u32::MAX >> 1;

/// Any number, and often one shortly before something ends.
fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..40u64,
        (20..61u32, 0..30u64).prop_map(|(power, before)| (1 << power) - before),
        0..1u64 << 60,
    ]
}

impl Item for u64 {
    fn of(number: u64) -> Self {
        number.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}

impl Item for [u8; 5] {
    fn of(number: u64) -> Self {
        let [a, b, c, ..] = number.to_le_bytes();
        [a, b, c, !a, a ^ b]
    }
}

/// How a writer ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Drop,
    Crash,
    /// In the middle of the next write.
    Midway,
    /// Between the last write and saying so.
    Unsaid,
}

fn ends() -> impl Strategy<Value = End> {
    prop_oneof![
        Just(End::Drop),
        Just(End::Crash),
        Just(End::Midway),
        Just(End::Unsaid)
    ]
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Whole,
    Update,
    Draft,
    DraftDropped,
    /// A read during which so many writes begin; the last of them is a draft, perhaps.
    ReadDuring(u32, bool),
    Next(End),
}

fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => Just(Write::Whole),
        1 => Just(Write::Update),
        2 => Just(Write::Draft),
        1 => Just(Write::DraftDropped),
        2 => (0..12u32, any::<bool>()).prop_map(|(n, draft)| Write::ReadDuring(n, draft)),
        2 => ends().prop_map(Write::Next),
    ]
}

/// What a notepad holds, by number.
struct Latest {
    version: Option<u32>,
    number: Option<u64>,
    next: u64,
}

impl Latest {
    fn write(&mut self) -> u32 {
        let version = self.version.map_or(1, |version| (version + 1) & NUMBER);
        (self.version, self.number) = (Some(version), Some(self.next));
        self.next += 1;
        version
    }

    /// As the word says it.
    fn word(&self) -> u32 {
        self.version.map_or(0, |version| 1 << 31 | version)
    }
}

fn notepads_agree<T: Item>(
    trust: Trust,
    config: notepad::Config,
    start: Option<u32>,
    calls: &[Write],
) {
    let room = Room::of::<Notepad<'_, T>>(&config);
    let pad = match start {
        Some(start) => stamps::notepad::<T>(&room, trust, &config, start).0,
        None => ringpad::Channel::init(room.region(trust), &config).unwrap(),
    };
    let (reader, slots) = (pad.reader(), config.slots);
    let mut tx = pad.bare_writer(&GONE).unwrap();
    let mut model = Latest {
        version: start,
        number: None,
        next: 0,
    };
    if start.is_some() {
        // Zeros are no number of the model's.
        tx.write(&T::of(0));
        model.write();
    }
    for &call in calls {
        let before = model.word();
        match call {
            Write::Whole => {
                let version = tx.write(&T::of(model.next));
                assert_eq!(version.get(), model.write());
            }
            Write::Update => {
                let was = model.number.map(T::of);
                let version = tx.update(|value| {
                    assert!(was.is_none_or(|was| was == *value));
                    *value = T::of(model.next);
                });
                assert_eq!(version.get(), model.write());
            }
            Write::Draft | Write::DraftDropped => {
                let value = T::of(model.next);
                let bytes = bytemuck::bytes_of(&value);
                let mut draft = tx.draft();
                let half = bytes.len() / 2;
                draft.write_at(half, &bytes[half..]).unwrap();
                draft.write_at(0, &bytes[..half]).unwrap();
                let (found, most) = (bytes.len() + 1, bytes.len());
                let beyond = draft.write_at(1, bytes);
                assert_eq!(beyond, Err(TooLong { found, most }));
                let mut back = vec![0; bytes.len()];
                draft.read_at(0, &mut back).unwrap();
                assert_eq!(back, bytes);
                if matches!(call, Write::Draft) {
                    assert_eq!(draft.commit().get(), model.write());
                }
            }
            Write::ReadDuring(writes, draft) => {
                let (was, version) = (model.number, model.version);
                let seen = reader.read_with(|glance| {
                    let mut bytes = vec![0; size_of::<T>()];
                    glance.read_at(0, &mut bytes).unwrap();
                    assert!(glance.read_at(1, &mut bytes).is_err());
                    for n in 0..writes {
                        if draft && n + 1 == writes {
                            let _ = tx.draft();
                        } else {
                            tx.write(&T::of(model.next));
                            model.write();
                        }
                    }
                    bytes
                });
                match seen {
                    Ok(None) => assert_eq!(version, None),
                    Ok(Some(note)) => {
                        assert!(writes < slots);
                        assert_eq!(Some(note.version.get()), version);
                        let was = was.map(T::of).expect("it was written");
                        assert_eq!(note.value, bytemuck::bytes_of(&was));
                    }
                    Err(why) => assert!(why == Missed::Lapped && writes >= slots),
                }
            }
            Write::Next(end) => {
                match end {
                    End::Drop => drop(tx),
                    End::Crash => forget(tx),
                    End::Midway => {
                        let mut draft = tx.draft();
                        draft.write_at(0, &[0xee]).unwrap();
                        forget(tx);
                    }
                    End::Unsaid => {
                        tx.write(&T::of(model.next));
                        room.set(TAIL, before);
                        let seen = reader.try_read().unwrap();
                        assert_eq!(seen.map(|note| note.value), model.number.map(T::of));
                        model.write();
                        forget(tx);
                    }
                }
                tx = pad.bare_writer(&GONE).unwrap();
            }
        }
        assert_eq!(room.get(TAIL), model.word(), "after {call:?}");
        let note = reader.try_read().unwrap();
        assert_eq!(note.map(|note| note.value), model.number.map(T::of));
        assert_eq!(note.map(|note| note.version.get()), model.version);
        assert_eq!((tx.latest(), tx.version()), (note, reader.version()));
        assert!(!reader.changed(tx.version()));
    }
}

/// Values of one word: each successor counts one.
fn words_agree<T: Item>(trust: Trust, config: notepad::Config, start: u32, calls: &[Write]) {
    let room = Room::of::<Notepad<'_, T>>(&config);
    let (pad, _) = stamps::notepad::<T>(&room, trust, &config, start);
    let reader = pad.reader();
    let mut tx = pad.bare_writer(&GONE).unwrap();
    let mut version = start.wrapping_add(1) & NUMBER;
    let (mut value, mut next) = (None, 0);
    for &call in calls {
        match call {
            Write::Next(end) => {
                match end {
                    End::Drop => drop(tx),
                    _ => forget(tx),
                }
                tx = pad.bare_writer(&GONE).unwrap();
            }
            Write::Update => {
                let was = value.map(T::of);
                tx.update(|value| {
                    assert!(was.is_none_or(|was| was == *value));
                    *value = T::of(next);
                });
                (value, next) = (Some(next), next + 1);
            }
            _ => {
                tx.write(&T::of(next));
                (value, next) = (Some(next), next + 1);
            }
        }
        version = (version + 1) & NUMBER;
        assert_eq!(room.get(TAIL), 1 << 31 | version, "after {call:?}");
        let note = reader.try_read().unwrap().unwrap();
        assert_eq!(note.version.get(), version);
        if let Some(number) = value {
            assert_eq!((note.value, reader.load()), (T::of(number), T::of(number)));
        }
        assert_eq!(tx.latest(), Some(note));
    }
}

/// Texts of any length, as they were written.
fn texts_agree(trust: Trust, config: notepad::Config, start: u32, lens: &[(usize, bool)]) {
    let most = config.most_bytes as usize;
    let room = Room::of::<Notepad<'_, [u8]>>(&config);
    let (pad, _) = stamps::notepad::<[u8]>(&room, trust, &config, start);
    let reader = pad.reader();
    let mut tx = pad.bare_writer(&GONE).unwrap();
    let mut kept = Vec::new();
    for (n, &(len, draft)) in (0u8..).zip(lens) {
        let text: Vec<u8> = (0..len).map(|at| n.wrapping_mul(31) ^ at as u8).collect();
        let done = if draft {
            let mut draft = tx.draft();
            let fits = draft.write_at(0, &text);
            fits.and_then(|()| draft.commit(len))
        } else {
            tx.write(&text)
        };
        match done {
            Ok(_) => kept = text,
            Err(why) => assert_eq!((why.found, why.most, len > most), (len, most, true)),
        }
        let mut into = vec![0xaa; most + 3];
        let note = reader.try_read_into(&mut into).unwrap().unwrap();
        assert_eq!(into[..note.value], kept);
        assert!(into[note.value..].iter().all(|byte| *byte == 0xaa));
        if let Some(short) = kept.len().checked_sub(1) {
            let missed = reader.try_read_into(&mut into[..short]);
            let (found, most) = (kept.len(), short);
            assert_eq!(missed, Err(Missed::TooLong(TooLong { found, most })));
        }
        assert_eq!(tx.latest().map(|note| note.value.len()), Some(kept.len()));
    }
}

#[derive(Clone, Copy, Debug)]
enum Mail {
    Publish,
    Slice(usize),
    Draft,
    DraftDropped,
    Next(End),
    Poll(usize),
    /// Everything that is there.
    Drain(usize),
    Seek(usize, Begin),
    /// One more subscriber, in the place of another.
    Subscribe(usize, Begin),
}

#[derive(Clone, Copy, Debug)]
enum Begin {
    Oldest,
    Newest,
    /// So far from the newest.
    Near(i64),
}

impl Begin {
    fn start(self, newest: u64) -> Start {
        match self {
            Begin::Oldest => Start::Oldest,
            Begin::Newest => Start::Newest,
            Begin::Near(by) => Start::At(newest.saturating_add_signed(by)),
        }
    }
}

fn begins() -> impl Strategy<Value = Begin> {
    prop_oneof![
        Just(Begin::Oldest),
        Just(Begin::Newest),
        (-50..5i64).prop_map(Begin::Near)
    ]
}

fn mails() -> impl Strategy<Value = Mail> {
    prop_oneof![
        6 => Just(Mail::Publish),
        2 => (0..20usize).prop_map(Mail::Slice),
        2 => Just(Mail::Draft),
        1 => Just(Mail::DraftDropped),
        2 => ends().prop_map(Mail::Next),
        6 => (0..3usize).prop_map(Mail::Poll),
        2 => (0..3usize).prop_map(Mail::Drain),
        1 => (0..3usize, begins()).prop_map(|(who, begin)| Mail::Seek(who, begin)),
        1 => (0..3usize, begins()).prop_map(|(who, begin)| Mail::Subscribe(who, begin)),
    ]
}

/// A queue that forgets its oldest.
struct Queue {
    capacity: u64,
    newest: u64,
    /// Whether the message after the newest was begun.
    begun: bool,
    /// What each subscriber gets next.
    next: [u64; 3],
}

impl Queue {
    fn start(&self, start: Start) -> u64 {
        let next = match start {
            Start::Oldest => (self.newest + 1).saturating_sub(self.capacity - 1),
            Start::Newest => self.newest,
            Start::At(sequence) => sequence.min(self.newest + 1),
        };
        next.max(1)
    }

    fn publish(&mut self) -> u64 {
        self.newest += 1;
        self.begun = false;
        self.newest
    }

    fn poll(&mut self, who: usize) -> Next<()> {
        let (next, value) = (&mut self.next[who], ());
        if *next > self.newest {
            return Next::Empty;
        }
        let sequence = *next;
        if sequence + self.capacity > self.newest + u64::from(self.begun) {
            *next += 1;
            return Next::Mail { sequence, value };
        }
        let keep = (self.capacity - 1 - self.capacity / 4).max(1);
        *next = (self.newest + 1 - keep).max(sequence + 1);
        let lost = *next - sequence;
        Next::Lapped { lost }
    }
}

/// A value that a message's number decides; those before the first published one are zeros.
fn value_of<T: Item>(sequence: u64, first: u64) -> T {
    if sequence < first {
        bytemuck::Zeroable::zeroed()
    } else {
        T::of(sequence)
    }
}

fn mailslots_agree<T: Item>(trust: Trust, config: mailslot::Config, newest: u64, calls: &[Mail]) {
    let room = Room::of::<Mailslot<'_, T>>(&config);
    let (mail, _) = stamps::mailslot::<T>(&room, trust, &config, newest);
    let mut model = Queue {
        capacity: config.capacity.into(),
        newest,
        begun: false,
        next: [0; 3],
    };
    // Before the first message a slot says that it holds none of these.
    let first = newest + 1;
    model.next = [Start::Oldest, Start::Newest, Start::At(first)].map(|start| model.start(start));
    let mut rx =
        [Start::Oldest, Start::Newest, Start::At(first)].map(|start| mail.subscriber(start));
    let mut tx = mail.bare_publisher(&GONE).unwrap();
    let check = |rx: &mut mailslot::Subscriber<'_, T>, model: &mut Queue, who: usize| {
        let (found, want) = (rx.poll(), model.poll(who));
        match (found, want) {
            (Next::Mail { sequence, value }, Next::Mail { sequence: due, .. }) => {
                assert_eq!((sequence, value), (due, value_of(due, first)));
            }
            (Next::Lapped { lost }, Next::Lapped { lost: due }) => assert_eq!(lost, due),
            (Next::Empty, Next::Empty) => {}
            other => panic!("found {:?}, wanted {:?}", other.0, other.1),
        }
        want != Next::Empty
    };
    for &call in calls {
        match call {
            Mail::Publish => {
                let sequence = tx.publish(&T::of(model.newest + 1));
                assert_eq!(sequence, model.publish());
            }
            Mail::Slice(count) => {
                let from = model.newest + 1;
                let values: Vec<T> = (from..from + count as u64).map(T::of).collect();
                assert_eq!(tx.publish_slice(&values), from + count as u64);
                (0..count).for_each(|_| _ = model.publish());
            }
            Mail::Draft | Mail::DraftDropped => {
                let value = T::of(model.newest + 1);
                let mut draft = tx.draft();
                draft.write_at(0, bytemuck::bytes_of(&value)).unwrap();
                if matches!(call, Mail::Draft) {
                    assert_eq!(draft.commit(), model.publish());
                } else {
                    model.begun = true;
                }
            }
            Mail::Next(end) => {
                match end {
                    End::Drop => drop(tx),
                    End::Crash => forget(tx),
                    End::Midway => {
                        let _ = tx.draft();
                        forget(tx);
                        model.begun = true;
                    }
                    End::Unsaid => {
                        let said = room.get(TAIL);
                        tx.publish(&T::of(model.newest + 1));
                        room.set(TAIL, said);
                        model.publish();
                        forget(tx);
                    }
                }
                tx = mail.bare_publisher(&GONE).unwrap();
            }
            Mail::Poll(who) => _ = check(&mut rx[who], &mut model, who),
            Mail::Drain(who) => while check(&mut rx[who], &mut model, who) {},
            Mail::Seek(who, begin) => {
                let start = begin.start(model.newest);
                rx[who].seek(start);
                model.next[who] = model.start(start);
            }
            Mail::Subscribe(who, begin) => {
                let start = begin.start(model.newest);
                rx[who] = mail.subscriber(start);
                model.next[who] = model.start(start);
            }
        }
        assert_eq!(tx.next_sequence(), model.newest + 1, "after {call:?}");
        for (rx, next) in rx.iter().zip(model.next) {
            assert_eq!(rx.next_sequence(), next);
            assert_eq!(rx.behind(), model.newest + 1 - next);
        }
    }
}

/// One cursor's subscriber.
#[derive(Clone, Copy, Debug)]
struct Cursor {
    next: u64,
    /// What the publisher knows of it.
    told: u64,
    counts: bool,
    /// Whether it knows that it does not.
    knows: bool,
}

/// A queue with cursors, and the publisher's credit.
struct Cursors {
    capacity: u64,
    lag: u64,
    slow: Slow,
    newest: u64,
    begun: bool,
    /// The first message that is not published without looking: the publisher's own, and as others see it.
    limit: u64,
    said: u64,
    each: [Option<Cursor>; 3],
    evicted: u64,
}

impl Cursors {
    fn start(&self, start: Start) -> Cursor {
        let wanted = match start {
            Start::Oldest => (self.newest + 1).saturating_sub(self.capacity - 1),
            Start::Newest => self.newest,
            Start::At(sequence) => sequence.min(self.newest + 1),
        };
        let next = wanted.max(1).max(self.said.saturating_sub(self.lag));
        Cursor {
            next,
            told: next,
            counts: true,
            knows: false,
        }
    }

    fn grant(&mut self, limit: u64) {
        (self.limit, self.said) = (limit, limit);
    }

    fn slowest(&self) -> Option<u64> {
        let counting = self.each.iter().flatten().filter(|cursor| cursor.counts);
        counting.map(|cursor| self.newest + 1 - cursor.told).max()
    }

    /// Credit for one message, or how far behind the one in the way is.
    fn credit(&mut self) -> Result<(), u32> {
        let next = self.newest + 1;
        if next < self.limit {
            return Ok(());
        }
        if self.slow == Slow::Evict {
            for cursor in self.each.iter_mut().flatten() {
                if cursor.counts && next - cursor.told >= self.lag {
                    cursor.counts = false;
                    self.evicted += 1;
                }
            }
        }
        match self.slowest().unwrap_or(0) {
            behind if behind >= self.lag => {
                self.grant(next);
                Err(behind as u32)
            }
            behind => {
                self.grant(next + self.lag - behind);
                Ok(())
            }
        }
    }

    fn poll(&mut self, who: usize) -> Option<Delivery<()>> {
        let (newest, step) = (self.newest, (self.lag / 4).max(1));
        let cursor = self.each[who].as_mut()?;
        let gone = cursor.next + self.capacity <= newest + u64::from(self.begun);
        assert!(!gone || !cursor.counts, "nobody who counts is overtaken");
        let nothing = cursor.next > newest;
        if cursor.knows || gone || nothing && !cursor.counts {
            cursor.knows = true;
            let behind = newest + 1 - cursor.next;
            return Some(Delivery::Evicted { behind });
        }
        if nothing {
            cursor.told = cursor.next;
            return Some(Delivery::Empty);
        }
        let (sequence, value) = (cursor.next, ());
        cursor.next += 1;
        if cursor.next - cursor.told >= step {
            cursor.knows = !cursor.counts;
            cursor.told = cursor.next;
        }
        Some(Delivery::Mail { sequence, value })
    }
}

#[derive(Clone, Copy, Debug)]
enum Sure {
    Publish,
    Draft,
    DraftDropped,
    Next(End),
    Poll(usize),
    Drain(usize),
    Rejoin(usize, Begin),
    Leave(usize),
    Join(usize, Begin),
    Evict,
}

fn sures() -> impl Strategy<Value = Sure> {
    prop_oneof![
        12 => Just(Sure::Publish),
        2 => Just(Sure::Draft),
        1 => Just(Sure::DraftDropped),
        1 => ends().prop_map(Sure::Next),
        8 => (0..3usize).prop_map(Sure::Poll),
        3 => (0..3usize).prop_map(Sure::Drain),
        1 => (0..3usize, begins()).prop_map(|(who, begin)| Sure::Rejoin(who, begin)),
        1 => (0..3usize).prop_map(Sure::Leave),
        2 => (0..3usize, begins()).prop_map(|(who, begin)| Sure::Join(who, begin)),
        1 => Just(Sure::Evict),
    ]
}

fn reliables_agree<T: Item>(trust: Trust, config: reliable::Config, newest: u64, calls: &[Sure]) {
    let room = Room::of::<Reliable<'_, T>>(&config);
    let (sure, _) = stamps::reliable::<T>(&room, trust, &config, newest);
    let first = newest + 1;
    let mut model = Cursors {
        capacity: config.capacity.into(),
        lag: config.lag.into(),
        slow: config.slow,
        newest,
        begun: false,
        limit: 0,
        said: first,
        each: [None; 3],
        evicted: 0,
    };
    let mut rx: [Option<reliable::Subscriber<'_, T>>; 3] = [None, None, None];
    let mut tx = sure.bare_publisher(&NoProof).unwrap();
    let mut observer = sure.observer(Start::At(first));
    let (mut seen, by) = (newest, PeerId::BARE);
    for &call in calls {
        match call {
            Sure::Publish | Sure::Draft | Sure::DraftDropped => {
                let value = T::of(model.newest + 1);
                let may = model.credit().map_err(|lag| Held { by, lag });
                let done = match call {
                    Sure::Publish => tx.try_publish(&value).map(Some),
                    _ => tx.try_draft().map(|mut draft| {
                        draft.write_at(0, bytemuck::bytes_of(&value)).unwrap();
                        matches!(call, Sure::Draft).then(|| draft.commit())
                    }),
                };
                if may.is_ok() {
                    model.begun = matches!(call, Sure::DraftDropped);
                    model.newest += u64::from(!model.begun);
                }
                let sequence = (!model.begun).then_some(model.newest);
                assert_eq!(done, may.map(|()| sequence));
            }
            Sure::Next(end) => {
                match end {
                    End::Drop => drop(tx),
                    End::Crash => forget(tx),
                    End::Midway => {
                        let _ = tx.try_draft();
                        model.begun |= model.credit().is_ok();
                        forget(tx);
                    }
                    End::Unsaid => {
                        let said = room.get(TAIL);
                        if tx.try_publish(&T::of(model.newest + 1)).is_ok() {
                            room.set(TAIL, said);
                        }
                        if model.credit().is_ok() {
                            model.newest += 1;
                            model.begun = false;
                        }
                        forget(tx);
                    }
                }
                // Nobody else is dead: what was forgotten is given back by hand.
                room.set(CLAIM, 0);
                tx = sure.bare_publisher(&NoProof).unwrap();
                (model.limit, model.evicted) = (0, 0);
            }
            Sure::Poll(who) | Sure::Drain(who) => {
                let Some(rx) = &mut rx[who] else { continue };
                loop {
                    let (found, want) = (rx.poll(), model.poll(who).expect("as many"));
                    match (found, want) {
                        (
                            Delivery::Mail { sequence, value },
                            Delivery::Mail { sequence: due, .. },
                        ) => assert_eq!((sequence, value), (due, value_of(due, first))),
                        (Delivery::Evicted { behind }, Delivery::Evicted { behind: due }) => {
                            assert_eq!(behind, due);
                        }
                        (Delivery::Empty, Delivery::Empty) => {}
                        other => panic!("found {:?}, wanted {:?}", other.0, other.1),
                    }
                    let more = matches!(want, Delivery::Mail { .. });
                    if !more || matches!(call, Sure::Poll(_)) {
                        break;
                    }
                }
            }
            Sure::Rejoin(who, begin) => {
                let start = begin.start(model.newest);
                if let Some(rx) = &mut rx[who] {
                    rx.rejoin(start).unwrap();
                    model.each[who] = Some(model.start(start));
                }
            }
            Sure::Leave(who) => (rx[who], model.each[who]) = (None, None),
            Sure::Join(who, begin) => {
                let start = begin.start(model.newest);
                (rx[who], model.each[who]) = (None, None);
                let subscribers = config.subscribers;
                let full = rx.iter().flatten().count() as u32 == subscribers;
                match sure.bare_subscriber(start, &NoProof) {
                    Ok(joined) => {
                        assert!(!full);
                        rx[who] = Some(joined);
                        model.each[who] = Some(model.start(start));
                    }
                    Err(why) => {
                        assert_eq!(why, ringpad::Error::SubscribersFull { subscribers });
                        assert!(full);
                    }
                }
            }
            Sure::Evict => {
                let each = model.each.iter_mut().flatten();
                let counting = each.filter(|cursor| cursor.counts);
                let count = counting.map(|cursor| cursor.counts = false).count();
                assert_eq!(tx.evict(by), count > 0);
                model.evicted += count as u64;
            }
        }
        assert_eq!(tx.next_sequence(), model.newest + 1, "after {call:?}");
        assert_eq!(tx.evicted(), model.evicted, "after {call:?}");
        let slowest = tx.slowest().map(|held| held.lag.into());
        assert_eq!(slowest, model.slowest(), "after {call:?}");
        for (rx, cursor) in rx.iter().zip(model.each) {
            let next = rx.as_ref().map(reliable::Subscriber::next_sequence);
            assert_eq!(next, cursor.map(|cursor| cursor.next), "after {call:?}");
        }
        // Whoever only looks, and looks often enough, sees all.
        loop {
            match observer.poll() {
                Next::Mail { sequence, value } => {
                    seen += 1;
                    assert_eq!((sequence, value), (seen, T::of(seen)));
                }
                Next::Empty => break,
                lapped => panic!("{lapped:?}"),
            }
        }
        assert_eq!(seen, model.newest);
    }
}

/// Each trust with each spacing.
pub fn each() -> impl Iterator<Item = (Trust, Spacing)> {
    let with = |trust| EACH_SPACING.map(|spacing| (trust, spacing));
    EACH_TRUST.into_iter().flat_map(with)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn notepads_hold_the_last_value(
        power in 0..3u32,
        start in prop_oneof![Just(None), numbers().prop_map(|n| Some(n as u32 & NUMBER))],
        calls in vec(writes(), 1..80),
    ) {
        for (trust, spacing) in each() {
            let mut config = notepad::Config::new().slots(4 << power);
            config.spacing = spacing;
            notepads_agree::<u64>(trust, config, start, &calls);
            notepads_agree::<[u8; 5]>(trust, config, start, &calls);
            notepads_agree::<[u64; 3]>(trust, config, start, &calls);
            words_agree::<u8>(trust, config, start.unwrap_or(0), &calls);
            words_agree::<[u8; 3]>(trust, config, start.unwrap_or(0), &calls);
            words_agree::<u32>(trust, config, start.unwrap_or(0), &calls);
        }
    }

    #[test]
    fn notepads_hold_the_last_text(
        start in any::<u32>(),
        most in 1..70usize,
        lens in vec((0..80usize, any::<bool>()), 1..40),
    ) {
        for (trust, spacing) in each() {
            let mut config = notepad::Config::bytes(most as u32).slots(4);
            config.spacing = spacing;
            texts_agree(trust, config, start & NUMBER, &lens);
        }
    }

    #[test]
    fn mailslots_are_queues_that_forget(
        power in 0..5u32,
        newest in numbers(),
        calls in vec(mails(), 1..120),
    ) {
        for (trust, spacing) in each() {
            let mut config = mailslot::Config::new(2 << power);
            config.spacing = spacing;
            mailslots_agree::<u8>(trust, config, newest, &calls);
            mailslots_agree::<[u8; 3]>(trust, config, newest, &calls);
            mailslots_agree::<[u64; 3]>(trust, config, newest, &calls);
        }
    }

    #[test]
    fn reliable_mailslots_are_queues_with_cursors(
        power in 0..5u32,
        lag in 1..40u32,
        subscribers in 1..4u32,
        evicts in any::<bool>(),
        newest in numbers(),
        calls in vec(sures(), 1..160),
    ) {
        let config = reliable::Config::new(2 << power, subscribers).lag(lag.min(2 << power));
        let config = config.slow(if evicts { Slow::Evict } else { Slow::Wait });
        for trust in EACH_TRUST {
            reliables_agree::<u8>(trust, config, newest, &calls);
            reliables_agree::<[u64; 3]>(trust, config, newest, &calls);
        }
    }
}

/// The models must be able to disagree.
#[test]
fn negative_control_a_notepad_that_keeps_the_old_is_noticed() {
    let config = notepad::Config::new().slots(4);
    let room = Room::of::<Notepad<'_, u64>>(&config);
    let (pad, _) = stamps::notepad::<u64>(&room, Trust::Cooperative, &config, 5);
    let mut tx = pad.bare_writer(&GONE).unwrap();
    let mut model = Latest {
        version: Some(5),
        number: None,
        next: 0,
    };
    for _ in 0..2 {
        tx.write(&u64::of(model.next));
        model.write();
    }
    assert_eq!(room.get(TAIL), model.word());
    room.set(TAIL, 1 << 31 | 6);
    let note = pad.reader().try_read().unwrap();
    assert_ne!(note.map(|note| note.value), model.number.map(u64::of));
}

#[test]
fn negative_control_a_message_twice_or_never_is_noticed() {
    let config = mailslot::Config::new(4);
    for by in [-1, 1] {
        let room = Room::of::<Mailslot<'_, u64>>(&config);
        let (mail, _) = stamps::mailslot::<u64>(&room, Trust::Cooperative, &config, 9);
        let mut model = Queue {
            capacity: 4,
            newest: 9,
            begun: false,
            next: [10; 3],
        };
        let mut rx = mail.subscriber(Start::At(10));
        let mut tx = mail.bare_publisher(&GONE).unwrap();
        for _ in 0..3 {
            assert_eq!(tx.publish(&1), model.publish());
        }
        let same = |found: Next<u64>, want: Next<()>| match (found, want) {
            (Next::Mail { sequence, .. }, Next::Mail { sequence: due, .. }) => sequence == due,
            (Next::Empty, Next::Empty) => true,
            _ => false,
        };
        assert!(same(rx.poll(), model.poll(0)));
        rx.seek(Start::At(rx.next_sequence().saturating_add_signed(by)));
        assert!(!same(rx.poll(), model.poll(0)));
    }
}
