//! The kill sweep: a producer and a consumer stream over one channel, either is killed, a successor takes over, and
//! the ledger says whether anything was lost, torn, doubled or out of order.

pub mod broken;
pub mod ledger;
pub mod message;
pub mod phases;
pub mod run;

use ringpad::os::{Error, OwnedPeer, SharedSegment};

use super::page::Page;
use super::room::Room;
use super::{child, until};
use ledger::{Ledger, at};
use phases::{Phase, Sink, Source, Steps};

/// The segment's name.
pub const SEGMENT: &str = "sweep";

/// What both roles begin with: the phase, their page, and a claim on their end.
fn take_over<T>(
    broken: impl Fn(broken::Ring) -> T,
    claim: impl Fn(Phase, &OwnedPeer) -> ringpad::os::Result<T>,
) -> (Page, Phase, T) {
    let room = Room::parents();
    let phase = Phase::named(&child::word(0));
    let page = Page::open(&room, &child::word(1));
    if phases::CONTROLS.contains(&phase) {
        let ring = broken::Ring::new(Page::open(&room, "broken"), phase);
        return (page, phase, broken(ring));
    }
    let segment = SharedSegment::open(SEGMENT, &room.options()).expect("opening");
    let peer = segment.join().expect("joining");
    let mut end = None;
    until("the dead one's end is free", || {
        match claim(phase, &peer) {
            Ok(claimed) => end = Some(claimed),
            Err(Error::Channel {
                why: ringpad::Error::EndpointTaken { .. },
                ..
            }) => {}
            Err(error) => panic!("claiming: {error}"),
        }
        end.is_some()
    });
    (page, phase, end.expect("until it was"))
}

/// A producer of the sweep: streams until it is killed or told to stop.
pub fn producer() {
    let (page, _, mut source) = take_over(|ring| Source::Broken(ring.take_over(0)), Source::claim);
    let life = child::numeral(2) as u32;
    let steps = Steps::of(&page, 0);
    let mut n = 0;
    while page.get(at::STOP) == 0 {
        match source.unit(life, n, &steps) {
            0 => std::thread::yield_now(),
            done => {
                n += done;
                page.set(at::COMMITTED + life as usize, n.into());
                page.add(at::PROGRESS[0], 1);
            }
        }
    }
}

/// A consumer of the sweep: checks until it is killed, or told to stop and the channel is empty.
pub fn consumer() {
    let (page, phase, mut sink) = take_over(|ring| Sink::Broken(ring.take_over(1)), Sink::claim);
    let verdict = consume(&page, phase, &mut sink);
    if let Err(violation) = verdict {
        let file = Room::parents().path().join("violation");
        std::fs::write(file, format!("{phase:?}: {violation}")).expect("saying so");
        std::process::exit(3);
    }
}

fn consume(page: &Page, phase: Phase, sink: &mut Sink) -> Result<(), String> {
    let steps = Steps::of(page, 1);
    let mut ledger = Ledger::resume(page, phase.rule(), sink.position())?;
    loop {
        // Asked before the channel is found empty, or what was committed between would be missed.
        let stop = page.get(at::STOP);
        if !sink.unit(&mut ledger, &steps)? {
            if stop >= 2 {
                return ledger.finish(stop as u32 - 2);
            }
            std::thread::yield_now();
        }
    }
}
