//! The operations of notepads and mailslots, lap by lap as those of the rings.

use std::hint::black_box;

use ringpad::mailslot::reliable::{self, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start, Subscriber};
use ringpad::notepad::{self, Notepad};
use ringpad::os::Options;
use ringpad::{Channel, NoProof, Pod};

use crate::counted;
use crate::homes::{SLOTS, join, room};
use crate::operations::laps;

fn notepad<T: Pod>() -> (notepad::Writer<'static, T>, notepad::Reader<'static, T>) {
    let pad = Notepad::<T>::init(room(), &notepad::Config::new()).expect("a notepad");
    pad.split().expect("both ends")
}

fn mailslot<T: Pod>() -> Mailslot<'static, T> {
    Mailslot::init(room(), &mailslot::Config::new(SLOTS)).expect("a mailslot")
}

pub fn write<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::write::<T, _> as fn(&mut _, &T));
    let (mut writer, _reader) = notepad::<T>();
    laps(count, || {
        (0..SLOTS).for_each(|_| call(&mut writer, &T::zeroed()));
        SLOTS.into()
    })
}

/// Of a value that stays as it is.
pub fn read<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::read::<T> as fn(&_) -> T);
    let (mut writer, reader) = notepad::<T>();
    writer.write(&T::zeroed());
    // Until the reader no longer expects new ones.
    (0..SLOTS).for_each(|_| _ = black_box(reader.try_read()));
    laps(count, || {
        (0..SLOTS).for_each(|_| _ = black_box(call(&reader)));
        SLOTS.into()
    })
}

/// Of a value that is always new.
pub fn read_new<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::read::<T> as fn(&_) -> T);
    let (mut writer, reader) = notepad::<T>();
    writer.write(&T::zeroed());
    black_box(reader.try_read()).expect("a value");
    laps(count, || {
        for _ in 0..SLOTS {
            writer.write(&T::zeroed());
            black_box(call(&reader));
        }
        SLOTS.into()
    })
}

fn drain<T: Pod>(subscriber: &mut Subscriber<'static, T>) {
    while !matches!(black_box(subscriber.poll()), Next::Empty) {}
}

/// Before as many subscribers, who hear everything.
pub fn publish<T: Pod, const SUBSCRIBERS: usize>(count: u32) -> u64 {
    let call = black_box(counted::publish::<T, _> as fn(&mut _, &T));
    let slot = mailslot::<T>();
    let mut publisher = slot.bare_publisher(&NoProof).expect("the end");
    let mut subscribers = vec![slot.subscriber(Start::Oldest); SUBSCRIBERS];
    laps(count, || {
        (0..SLOTS).for_each(|_| call(&mut publisher, &T::zeroed()));
        for subscriber in &mut subscribers {
            drain(subscriber);
        }
        SLOTS.into()
    })
}

pub fn poll<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::poll::<T> as fn(&mut _) -> Option<T>);
    let (mut publisher, mut subscriber) = mailslot::<T>().split().expect("both ends");
    laps(count, || {
        (0..SLOTS).for_each(|_| _ = publisher.publish(&T::zeroed()));
        (0..SLOTS).for_each(|_| assert!(call(&mut subscriber).is_some()));
        SLOTS.into()
    })
}

pub fn poll_empty<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::poll::<T> as fn(&mut _) -> Option<T>);
    let (mut publisher, mut subscriber) = mailslot::<T>().split().expect("both ends");
    publisher.publish(&T::zeroed());
    drain(&mut subscriber);
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut subscriber).is_none()));
        SLOTS.into()
    })
}

fn reliable<T: Pod>() -> (
    reliable::Publisher<'static, T>,
    reliable::Subscriber<'static, T>,
) {
    let config = reliable::Config::new(SLOTS, 1);
    let slot = Reliable::<T>::init(room(), &config).expect("a mailslot");
    slot.split().expect("both ends")
}

pub fn try_publish<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::try_publish::<T> as fn(&mut _, &T) -> bool);
    let (mut publisher, mut subscriber) = reliable::<T>();
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(call(&mut publisher, &T::zeroed())));
        (0..=SLOTS).for_each(|_| _ = black_box(subscriber.poll()));
        SLOTS.into()
    })
}

pub fn reliable_poll<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::reliable_poll::<T> as fn(&mut _) -> Option<T>);
    let (mut publisher, mut subscriber) = reliable::<T>();
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(publisher.try_publish(&T::zeroed()).is_ok()));
        (0..SLOTS).for_each(|_| assert!(call(&mut subscriber).is_some()));
        SLOTS.into()
    })
}

pub fn ringing_write<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::write::<T, _> as fn(&mut _, &T));
    let me = join::<Notepad<'static, T>>(&notepad::Config::new(), &Options::new());
    let mut writer = me.notepad_writer::<T>("ring").expect("the end");
    laps(count, || {
        (0..SLOTS).for_each(|_| call(&mut writer, &T::zeroed()));
        SLOTS.into()
    })
}

pub fn ringing_publish<T: Pod>(count: u32) -> u64 {
    let call = black_box(counted::publish::<T, _> as fn(&mut _, &T));
    let me = join::<Mailslot<'static, T>>(&mailslot::Config::new(SLOTS), &Options::new());
    let mut publisher = me.publisher::<T>("ring").expect("the end");
    laps(count, || {
        (0..SLOTS).for_each(|_| call(&mut publisher, &T::zeroed()));
        SLOTS.into()
    })
}
