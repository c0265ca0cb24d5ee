//! The children of the kill sweep.

use ringpad::os::{Error, OwnedPeer, Result as Opened, SharedSegment};

use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::sweep::phases::Steps;
use crate::common::{child, until};

use super::broken::Slots;
use super::ends::{self, Ear, Pen};
use super::ledger::{Got, Ledger, Rule, at};
use super::phases::{CONTROLS, Kind, Phase};

/// The segment's name.
pub const SEGMENT: &str = "shouts";

/// The phase, the page of words, and for a control the page of slots.
fn begin() -> (Room, Phase, Page, Option<Page>) {
    let room = Room::parents();
    let phase = Phase::named(&child::word(0));
    let page = Page::open(&room, &phase.name());
    let slots = CONTROLS.contains(&phase);
    let slots = slots.then(|| Page::open(&room, "broken"));
    (room, phase, page, slots)
}

/// Claims as soon as the dead one's end is free.
fn claim<T>(room: &Room, claim: impl Fn(&OwnedPeer) -> Opened<T>) -> T {
    let segment = SharedSegment::open(SEGMENT, &room.options()).expect("opening");
    let peer = segment.join().expect("joining");
    let mut end = None;
    until("the dead one's end is free", || {
        match claim(&peer) {
            Ok(claimed) => end = Some(claimed),
            Err(Error::Channel {
                why: ringpad::Error::EndpointTaken { .. } | ringpad::Error::SubscribersFull { .. },
                ..
            }) => {}
            Err(error) => panic!("claiming: {error}"),
        }
        end.is_some()
    });
    end.expect("until it was")
}

/// Says what was wrong, unless somebody has.
fn verdict(phase: Phase, verdict: Result<(), String>) {
    if let Err(violation) = verdict {
        let file = Room::parents().path().join("violation");
        if !file.exists() {
            std::fs::write(file, format!("{phase:?}: {violation}")).expect("saying so");
        }
        std::process::exit(3);
    }
}

/// Writes until killed or told to stop.
pub fn writer() {
    let (room, phase, page, slots) = begin();
    let mut pen: Box<dyn Pen> = match slots {
        Some(slots) => Box::new(Slots::new(slots, phase, 0)),
        None => claim(&room, |peer| ends::pen(phase, peer)),
    };
    verdict(phase, write(&page, phase, &mut *pen));
}

fn write(page: &Page, phase: Phase, pen: &mut dyn Pen) -> Result<(), String> {
    let life = child::numeral(1) as u32;
    let (committed, begun) = (page.get(at::COMMITTED), page.get(at::BEGUN));
    let mut next = pen.next()?;
    if phase == Phase::NoteWord {
        // 24 bits of it.
        next = committed + (next.wrapping_sub(committed) & 0xff_ffff);
    }
    if next <= committed || next > begun + 1 {
        return Err(format!(
            "life {life} goes on with {next}; {committed} are committed, {begun} begun"
        ));
    }
    // What the dead one completed counts.
    page.set(at::COMMITTED, next - 1);
    page.set(at::FIRST + life as usize, next);
    let steps = Steps::of(page, 0);
    while page.get(at::STOP) == 0 {
        page.set(at::BEGUN, next);
        match pen.put(life, next, &steps)? {
            None => std::thread::yield_now(),
            Some(number) if number == next => {
                page.set(at::COMMITTED, next);
                page.add(at::PROGRESS, 1);
                next += 1;
            }
            Some(other) => return Err(format!("wrote {next}, and it was {other}")),
        }
    }
    Ok(())
}

/// Reads until killed, or told to see the last and stop.
pub fn reader() {
    let (room, phase, page, slots) = begin();
    let index = child::numeral(2) as usize;
    let last = page.get(at::LAST + index);
    let (next, mut ear): (u64, Ear) = match slots {
        Some(slots) => {
            let mut slots = Slots::new(slots, phase, index);
            let (sure, note) = (phase.kind() == Kind::Sure, phase.kind() == Kind::Note);
            let next = match sure && index > 0 {
                true => slots.subscribe(),
                false => 0,
            };
            match note {
                true => (0, Box::new(move || slots.read())),
                // One that only looks has no part in this control.
                false if sure && index == 0 => std::process::exit(0),
                false => {
                    let next = if next > 0 { next } else { slots.start() };
                    (next, Box::new(move || slots.take()))
                }
            }
        }
        None if index == 0 => {
            let segment = SharedSegment::open_read_only(SEGMENT, &room.options());
            let segment = segment.expect("opening");
            assert!(segment.join().is_err(), "nobody joins who only looks");
            ends::looking(phase, &segment).expect("an end")
        }
        None => claim(&room, |peer| ends::joined(phase, peer, last)),
    };
    let rule = phase.rule(index);
    let mut ledger = Ledger::new(&page, rule, next);
    verdict(phase, read(&page, rule, index, last, &mut ledger, &mut ear));
}

fn read(
    page: &Page,
    rule: Rule,
    index: usize,
    last: u64,
    ledger: &mut Ledger<'_>,
    ear: &mut Ear,
) -> Result<(), String> {
    if rule == Rule::All && ledger.next <= last {
        return Err(format!("begins with {}, after {last}", ledger.next));
    }
    loop {
        // Asked before: what was committed until then must come.
        let stop = page.get(at::STOP);
        let low = ledger.before();
        let got = ear()?;
        let any = ledger.after(low, got)?;
        if any {
            page.set(at::LAST + index, ledger.next.saturating_sub(1));
            page.add(at::PROGRESS + 1 + index, 1);
        }
        let newest = matches!(rule, Rule::Latest(_)) && ledger.next == low;
        if stop >= 2 && (newest || got == Got::Nothing) {
            return ledger.finish();
        }
        if !any {
            std::thread::yield_now();
        }
    }
}
