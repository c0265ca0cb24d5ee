//! The smallest use: SysTick puts numbers into a ring, the main loop takes them out. For its size: see docs/platforms.md.

#![no_std]
#![no_main]

use cortex_m::Peripherals;
use cortex_m_rt::{entry, exception};
use ringpad::spsc::{Config, Producer, Spsc};
use ringpad::{Channel, CompactBytes, Region};
use ringpad_cortex_m::{Given, end, tick_every};

const NUMBERS: u32 = 5_000;
/// A header of 80 bytes, three short lines of words, and 16 numbers.
const BYTES: usize = 80 + 3 * 16 + 16 * 4;

static ROOM: Given<CompactBytes<BYTES>> = Given::holding(CompactBytes::new());
static SENDER: Given<Producer<'static, u32>> = Given::nothing();

/// What comes at a position: no two neighbours share many bits.
const fn number(position: u32) -> u32 {
    position.wrapping_mul(0x9e37_79b9) ^ position
}

fn run(machine: &mut Peripherals) -> Option<()> {
    // SAFETY: main runs once, and nobody else uses the room.
    let room = unsafe { ROOM.mine() };
    let region = Region::from_mut(room.as_mut()).ok()?;
    let ring = Spsc::<u32>::init(region, &Config::new(16).compact()).ok()?;
    let (tx, mut rx) = ring.split().ok()?;
    // SAFETY: SysTick, whose it is, does not run yet.
    unsafe { SENDER.give(tx) };
    tick_every(&mut machine.SYST, 1_000);
    for position in 0..NUMBERS {
        let found = loop {
            if let Some(found) = rx.pop() {
                break found;
            }
            rx.check().ok()?;
        };
        if found != number(position) {
            return None;
        }
    }
    Some(())
}

#[entry]
fn main() -> ! {
    let machine = Peripherals::take();
    end(machine.is_some_and(|mut machine| run(&mut machine).is_some()))
}

#[exception]
fn SysTick() {
    // SAFETY: main gave it before it started the clock, and this handler alone uses it.
    let tx = unsafe { SENDER.mine() };
    let next = number(tx.position());
    // Full: the same number comes at the next tick.
    let _ = tx.push(next);
}
