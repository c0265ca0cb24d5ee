//! What both images stand on: bytes and ends that lie in statics, the tick, the end of a run.

#![no_std]

mod copy;

use core::cell::UnsafeCell;
use core::fmt;
use core::mem::MaybeUninit;
use core::panic::PanicInfo;
use core::sync::atomic::{Ordering, compiler_fence};

use cortex_m::peripheral::SYST;
use cortex_m::peripheral::syst::SystClkSource;
use cortex_m_rt::{ExceptionFrame, exception};
use cortex_m_semihosting::debug;

/// A static that is given away once, before the interrupts that may use it begin.
pub struct Given<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> fmt::Debug for Given<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

// SAFETY: what is in it is moved into one context, whose alone it is from then on: the promises of `give` and `mine`.
unsafe impl<T: Send> Sync for Given<T> {}

impl<T> Given<T> {
    /// Nothing yet.
    pub const fn nothing() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// A value from the beginning: where it lies is where it is made.
    pub const fn holding(value: T) -> Self {
        Self(UnsafeCell::new(MaybeUninit::new(value)))
    }

    /// Puts a value in.
    ///
    /// # Safety
    ///
    /// Nobody has what is in it, and nobody asks for it meanwhile: the interrupt that will is not enabled yet.
    pub unsafe fn give(&'static self, value: T) {
        // SAFETY: nobody else looks at it now.
        let place = unsafe { &mut *self.0.get() };
        place.write(value);
    }

    /// What was given.
    ///
    /// # Safety
    ///
    /// There is a value, and nobody else has it, nor this context twice: one interrupt alone calls this, or main, once.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn mine(&'static self) -> &'static mut T {
        // SAFETY: this context alone looks at it.
        let place = unsafe { &mut *self.0.get() };
        // SAFETY: it was given.
        unsafe { place.assume_init_mut() }
    }
}

/// Has SysTick interrupt after `cycles` cycles, and so on.
pub fn tick_every(clock: &mut SYST, cycles: u32) {
    clock.set_clock_source(SystClkSource::Core);
    clock.set_reload(cycles);
    clock.clear_current();
    // What was given away is there before the first interrupt.
    compiler_fence(Ordering::SeqCst);
    clock.enable_interrupt();
    clock.enable_counter();
}

/// Ends the run: what the emulator answers its caller.
pub fn end(good: bool) -> ! {
    loop {
        debug::exit(if good {
            debug::EXIT_SUCCESS
        } else {
            debug::EXIT_FAILURE
        });
    }
}

#[panic_handler]
fn panicked(_: &PanicInfo<'_>) -> ! {
    end(false)
}

#[exception]
unsafe fn HardFault(_: &ExceptionFrame) -> ! {
    end(false)
}
