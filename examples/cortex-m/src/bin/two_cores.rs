//! The image's half of `examples/08_two_cores.rs`: answers the messages of a process that has this machine's memory mapped, until that says it is enough.
//! It may be killed at any instruction: its next life takes the ends over and goes on.
#![no_std]
#![no_main]

#[path = "../../../common/two_cores.rs"]
mod agreed;

use agreed::{BASE, Channels, EARLY, END, SIZE, answer, is_whole, message, note};
use cortex_m_semihosting::hprintln;
use ringpad::{Evicted, PeerId, Region, Result};
use ringpad_cortex_m::end;

/// Says what is wrong, and ends.
macro_rules! refuse {
    ($($word:tt)*) => {{
        hprintln!("image: {}", format_args!($($word)*));
        end(false)
    }};
}

// One for each end: an earlier life of this image may have held it.
// SAFETY: this processor was reset, so that life is over; whoever starts a machine over this memory has seen the last one end.
static MESSAGES: Evicted = unsafe { Evicted::new(PeerId::BARE) };
// SAFETY: as above.
static ANSWERS: Evicted = unsafe { Evicted::new(PeerId::BARE) };
// SAFETY: as above.
static REPORT: Evicted = unsafe { Evicted::new(PeerId::BARE) };

#[cortex_m_rt::entry]
fn main() -> ! {
    match run() {
        Ok(()) => end(true),
        Err(error) => refuse!("{error}"),
    }
}

fn run() -> Result<()> {
    // SAFETY: the machine has this memory for as long as it runs, no linker script mentions it, and the process at its other side uses it through ringpad.
    let memory = unsafe { Region::new(core::ptr::with_exposed_provenance_mut(BASE), SIZE) }?;
    let channels = Channels::find(memory)?;
    let mut messages = channels.messages.bare_consumer(&MESSAGES)?;
    let mut answers = channels.answers.bare_producer(&ANSWERS)?;
    let mut report = channels.report.bare_writer(&REPORT)?;
    let wish = channels.wish.reader();
    // What the last life wrote, this one goes on with.
    let mut written = report.latest().map_or(0, |last| last.value[0]);
    let mut seen = 0;
    loop {
        // A writer that laps this read is asked again soon.
        let Ok(Some(now)) = wish.try_read() else {
            continue;
        };
        let [number, .., word] = now.value;
        if !is_whole(&now.value) || number < seen {
            refuse!("note {:x?} after {seen}", now.value);
        }
        seen = number;
        if word == END {
            return Ok(());
        }
        let n = messages.position();
        if let Some(value) = messages.take() {
            if value != message(n) {
                refuse!("message {n} is {value:#x}");
            }
            if word == EARLY {
                // The control: whoever is killed here has lost a message.
                messages.acknowledge();
                cortex_m::asm::delay(10_000);
            }
            while answers.push([n, answer(value)]).is_err() {}
            messages.acknowledge();
        }
        written += 1;
        report.write(&note(written, word));
    }
}
