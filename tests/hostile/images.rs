//! Good images of each kind, to be spoiled.

use ringpad::bytes::{self, Bytes};
use ringpad::frames::{self, Frames, Receivers};
use ringpad::lock::{self, Lock, Locked};
use ringpad::mailslot::reliable::{self, Reliable};
use ringpad::mailslot::{self, Mailslot};
use ringpad::mpmc::{self, Mpmc};
use ringpad::notepad::{self, Notepad};
use ringpad::rpc::{self, Rpc};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Content, Identity, NoProof, Plan, Pod, Segment};

use crate::bodies::room::Script;
use crate::bodies::{attach_bytes, attach_lock, attach_mailslot, attach_notepad, attach_reliable};
use crate::bodies::{attach_frames, attach_mpmc, attach_rpc, attach_segment, attach_spsc};
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
        // Where the lines begin: a compact channel's are short, and its first is where it says so.
        let (lines, payload) = match self.words.get(channel + 8) {
            Some(16) => ([20, 24, 28], 28),
            _ => ([32, 64, 96], PAYLOAD / 4),
        };
        let at = match dice % 8 {
            0 => pick % 17,
            1 | 2 => lines[0] + [0, 0, 0, 1, 2][pick % 5],
            3 => lines[1],
            4 => lines[2] + pick % 4,
            5 | 6 => payload + pick % 32,
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
    ring(name, value, spsc::Config::new(8).tagged(3))
}

fn ring<T: Pod>(name: &'static str, value: T, config: spsc::Config) -> Image {
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

fn notepad<T: Content + ?Sized>(
    name: &'static str,
    config: notepad::Config,
    write: impl FnOnce(Notepad<'_, T>),
) -> Image {
    let bytes = Notepad::<T>::layout(&config).unwrap().size();
    image(name, bytes, attach_notepad::on, |mapping| {
        write(Notepad::<T>::init(mapping.region(Trust::Cooperative), &config).unwrap());
        vec![0]
    })
}

fn value<T: Pod>(name: &'static str, value: T) -> Image {
    written(name, value, notepad::Config::new().slots(4).tagged(3))
}

fn written<T: Pod>(name: &'static str, value: T, config: notepad::Config) -> Image {
    notepad::<T>(name, config, |pad| {
        let mut tx = pad.split().unwrap().0;
        (0..6).for_each(|_| _ = tx.write(&value));
    })
}

fn mailslot<T: Content + ?Sized>(
    name: &'static str,
    config: mailslot::Config,
    write: impl FnOnce(Mailslot<'_, T>),
) -> Image {
    let bytes = Mailslot::<T>::layout(&config).unwrap().size();
    image(name, bytes, attach_mailslot::on, |mapping| {
        write(Mailslot::<T>::init(mapping.region(Trust::Cooperative), &config).unwrap());
        vec![0]
    })
}

fn letters<T: Pod>(name: &'static str, value: T) -> Image {
    published(name, value, mailslot::Config::new(8).tagged(3))
}

fn published<T: Pod>(name: &'static str, value: T, config: mailslot::Config) -> Image {
    mailslot::<T>(name, config, |mail| {
        mail.split().unwrap().0.publish_slice(&[value; 11]);
    })
}

fn reliable<T: Content + ?Sized>(
    name: &'static str,
    config: reliable::Config,
    write: impl FnOnce(Reliable<'_, T>),
) -> Image {
    let bytes = Reliable::<T>::layout(&config).unwrap().size();
    image(name, bytes, attach_reliable::on, |mapping| {
        write(Reliable::<T>::init(mapping.region(Trust::Cooperative), &config).unwrap());
        vec![0]
    })
}

/// Left with one subscriber that is behind.
fn registered<T: Pod>(name: &'static str, value: T) -> Image {
    let config = reliable::Config::new(8, 2).lag(6).tagged(3);
    reliable::<T>(name, config, |mail| {
        let (mut tx, mut rx) = mail.split().unwrap();
        for _ in 0..5 {
            tx.try_publish(&value).unwrap();
        }
        rx.poll();
        core::mem::forget(rx);
    })
}

/// Left with a message that comes again, and one that is held for good.
fn many<T: Pod>(name: &'static str, value: T, config: mpmc::Config) -> Image {
    let bytes = Mpmc::<T>::layout(&config).unwrap().size();
    image(name, bytes, attach_mpmc::on, |mapping| {
        let ring = Mpmc::<T>::init(mapping.region(Trust::Cooperative), &config).unwrap();
        let (mut tx, mut rx) = (ring.bare_sender().unwrap(), ring.bare_receiver().unwrap());
        assert_eq!(tx.try_send_slice(&[value; 6]), 6);
        drop(rx.try_take());
        core::mem::forget(rx.clone().try_take());
        tx.try_send(value).unwrap();
        assert!(rx.try_recv().is_some());
        vec![0]
    })
}

fn texts() -> [Image; 3] {
    const TEXT: &[u8; 24] = b"letters and what is left";
    let pad = notepad::<[u8]>("note text", notepad::Config::bytes(24).slots(4), |pad| {
        let mut tx = pad.split().unwrap().0;
        (0..9).for_each(|len| _ = tx.write(&TEXT[..len]).unwrap());
    });
    let mail = mailslot::<[u8]>("mail text", mailslot::Config::bytes(4, 24), |mail| {
        let mut tx = mail.split().unwrap().0;
        (0..9).for_each(|len| _ = tx.publish(&TEXT[..len]).unwrap());
    });
    let config = reliable::Config::bytes(4, 24, 1).slow(reliable::Slow::Evict);
    let sure = reliable::<[u8]>("reliable text", config, |mail| {
        let mut tx = mail.split().unwrap().0;
        (0..9).for_each(|len| _ = tx.try_publish(&TEXT[..len]).unwrap());
    });
    [pad, mail, sure]
}

fn locks() -> [Image; 2] {
    let config = lock::Config::new().tagged(3);
    let bytes = Lock::layout(&config).unwrap().size();
    let alone = image("lock alone", bytes, attach_lock::on, |mapping| {
        Lock::init(mapping.region(Trust::Cooperative), &config).unwrap();
        vec![0]
    });
    let bytes = Locked::<[u64; 3]>::layout(&config).unwrap().size();
    let value = image("locked value", bytes, attach_lock::on, |mapping| {
        let lock = Locked::<[u64; 3]>::init(mapping.region(Trust::Cooperative), &config);
        let mut key = lock.unwrap().bare_key().unwrap();
        (1..4).for_each(|n| key.try_lock().unwrap().into_guard().set(&[n; 3]));
        vec![0]
    });
    [alone, value]
}

/// Left with a frame for whoever comes, two for receivers, one loaned for good, and one free.
fn pool() -> Image {
    let config = frames::Config::new(5, 200).receivers(2);
    let bytes = Frames::layout(&config).unwrap().size();
    image("frames", bytes, attach_frames::on, |mapping| {
        let pool = Frames::init(mapping.region(Trust::Cooperative), &config).unwrap();
        let user = pool.bare_user().unwrap();
        for n in 0..3 {
            let loan = user.loan().unwrap();
            loan.publish_for(9, Receivers::first(n)).unwrap();
        }
        core::mem::forget(user.loan().unwrap());
        core::mem::forget(user);
        vec![0]
    })
}

/// Left with a part of a reply, a call that is sent, one that was given up while it was served, and a message.
fn calls() -> Image {
    let config = rpc::Config::new(2, 2).request_bytes(13).reply_bytes(5);
    let bytes = Rpc::<[u8], [u8]>::layout(&config).unwrap().size();
    image("calls", bytes, attach_rpc::on, |mapping| {
        let table = Rpc::<[u8], [u8]>::init(mapping.region(Trust::Cooperative), &config).unwrap();
        let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
        let (call, left) = (client.call(b"one").unwrap(), client.call(b"two").unwrap());
        let (mut one, two) = (server.next().unwrap(), server.next().unwrap());
        one.part(b"part").unwrap();
        drop(left);
        client.notify(b"three").unwrap();
        core::mem::forget((call, client.call(b"four").unwrap(), one, two));
        core::mem::forget((client, server));
        // Its slots lie further behind than those of the others: 192 words and more.
        vec![0, 64, 96]
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
    let [pad, mail, sure] = texts();
    let [alone, locked] = locks();
    vec![
        typed("u8", 1u8),
        typed("three bytes", [2u8; 3]),
        typed("u32", 3u32),
        typed("three words", [4u64; 3]),
        byte_ring("records", bytes::Config::records(128)),
        byte_ring("stream", bytes::Config::stream(64)),
        value("note of a word", 2u32),
        value("note of nine bytes", [4u8; 9]),
        pad,
        letters("letters of a word", 2u32),
        letters("letters", [3u64; 3]),
        mail,
        registered("registered letters", [3u64; 3]),
        many("words of many", 2u32, mpmc::Config::new(8)),
        many(
            "letters of many",
            [4u64; 3],
            mpmc::Config::new(8)
                .delivery(mpmc::Delivery::AtMostOnce)
                .recovery(mpmc::Recovery::ProofOnly),
        ),
        ring("compact ring", 3u32, spsc::Config::new(8).compact()),
        byte_ring("compact records", bytes::Config::records(128).compact()),
        written("compact word", 2u32, notepad::Config::new().compact()),
        written("compact note", [4u8; 9], notepad::Config::new().compact()),
        published(
            "compact letters",
            [3u64; 3],
            mailslot::Config::new(8).compact(),
        ),
        sure,
        alone,
        locked,
        pool(),
        calls(),
        segment(),
    ]
}
