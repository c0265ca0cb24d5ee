//! SysTick, PendSV and the main loop talk through SPSC, bytes, notepad and mailslot in one static region.
//!
//! ```text
//! SysTick -> main     ring, records, note, mail     while main reads, at whatever instruction it is
//! main -> PendSV      ring, records                 raised by a hook after each commit
//! main -> SysTick     note, mail                    while main writes, at whatever instruction it is
//! ```
//! Every value carries its number and is checked whole: a torn, lost or doubled one ends the run with 1, and so does a run that met no
//! interruption worth the name. The emulator's argument spoils one thing (see `Spoil`): that run must fail.

#![no_std]
#![no_main]

mod channels;
mod main_loop;
mod place;
mod spoil;
mod tick;
mod values;

use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use cortex_m::Peripherals;
use cortex_m::peripheral::scb::SystemHandler;
use cortex_m_rt::{entry, exception};
use cortex_m_semihosting::hprintln;
use ringpad::{AlignedBytes, Region};
use ringpad_cortex_m::{Given, end, tick_every};

use crate::channels::ROOM;
use crate::main_loop::{MainLoop, Seen};
use crate::spoil::Spoil;
use crate::tick::Tick;
use crate::values::{Taker, Wrong};

/// Rounds of each kind.
const ROUNDS: u32 = 4_000;
/// Cycles between two ticks, at least, and at most so many more.
const CYCLES: u32 = 6_000;
const JITTER: u32 = 4_096;

static BYTES: Given<AlignedBytes<ROOM>> = Given::holding(AlignedBytes::new());
static TICK: Given<Tick> = Given::nothing();
static DEFERRED: Given<Taker> = Given::nothing();
static MAIN: Given<MainLoop> = Given::nothing();
/// What PendSV took out: it alone stores, main loads.
static TAKEN: AtomicU32 = AtomicU32::new(0);

/// Lays everything out, and gives each context its own.
#[inline(never)]
fn prepare() -> Result<(), Wrong> {
    // SAFETY: main alone runs now, once.
    let bytes = unsafe { BYTES.mine() }.as_mut();
    channels::check_static(bytes)?;
    let spoil = Spoil::asked();
    let mut room = Some(Region::from_mut(bytes)?);
    let (tick, taker, heard) = channels::to_main(&mut room)?;
    let (sends, deferred, tick_heard) = channels::from_main(&mut room)?;
    // SAFETY: the clock does not run yet.
    unsafe { TICK.give(Tick::new(tick, tick_heard, spoil)) };
    // SAFETY: what raised PendSV meanwhile finds it masked.
    unsafe { DEFERRED.give(deferred) };
    // SAFETY: main alone runs now, once.
    unsafe { MAIN.give(MainLoop::new(sends, taker, heard, spoil)) };
    Ok(())
}

#[inline(never)]
fn run(mut machine: Peripherals) -> Result<Seen, Wrong> {
    cortex_m::interrupt::disable();
    prepare()?;
    // The tick interrupts PendSV too.
    // SAFETY: no critical section relies on priorities here.
    unsafe { machine.SCB.set_priority(SystemHandler::PendSV, 0xff) };
    // SAFETY: as above.
    unsafe { machine.SCB.set_priority(SystemHandler::SysTick, 0) };
    // SAFETY: every handler has what it uses.
    unsafe { cortex_m::interrupt::enable() };
    // SAFETY: given in prepare, and main's alone.
    let main_loop = unsafe { MAIN.mine() };
    tick_every(&mut machine.SYST, CYCLES);
    while !main_loop.round()? {}
    machine.SYST.disable_interrupt();
    main_loop.settle(TAKEN.load(Relaxed))
}

#[entry]
fn main() -> ! {
    let Some(machine) = Peripherals::take() else {
        end(false)
    };
    match run(machine) {
        Ok(seen) => {
            hprintln!("{}: {}", env!("RINGPAD_MACHINE"), seen);
            end(true)
        }
        Err(wrong) => fail(wrong),
    }
}

fn fail(wrong: Wrong) -> ! {
    hprintln!("{}: {}", env!("RINGPAD_MACHINE"), wrong);
    end(false)
}

#[exception]
fn SysTick() {
    // SAFETY: main gave it before it started the clock, and this handler alone uses it.
    let tick = unsafe { TICK.mine() };
    // SAFETY: nobody else touches the clock once it runs, but to stop its interrupt.
    let clock = unsafe { &*cortex_m::peripheral::SYST::PTR };
    match tick.work() {
        // SAFETY: any reload value is good; the next tick comes elsewhere in what it interrupts.
        Ok(dice) => unsafe { clock.rvr.write(CYCLES + dice % JITTER) },
        Err(wrong) => fail(wrong),
    }
}

#[exception]
fn PendSV() {
    // SAFETY: main gave it before it let interrupts through, and this handler alone uses it.
    let deferred = unsafe { DEFERRED.mine() };
    match deferred.take_all() {
        Ok(taken) => TAKEN.store(taken, Relaxed),
        Err(wrong) => fail(wrong),
    }
}
