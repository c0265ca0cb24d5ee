//! Straight to an instruction that was seen before: a breakpoint in the traced process's own copy of the code.
//!
//! Steps to a kill point cost in the square of their number; a run that does the same each time is stepped through once, and
//! from then on stops where that one was.

use super::raw;
use super::tracee::{Stop, Tracee};

const BREAKPOINT: u64 = 0xcc;

impl Tracee {
    /// The address of the next instruction.
    pub fn at(&self) -> u64 {
        raw::next_instruction(self.thread()).expect("looking at a stopped process")
    }

    /// Runs until it is for so many times at this address, the one where it stands now not counted; false if it came to a mark or
    /// its end before.
    pub fn run_to(&mut self, at: u64, times: u64) -> bool {
        let tid = self.thread();
        let mut seen = 0;
        while seen < times {
            match self.step() {
                Stop::Stepped if self.at() == at => seen += 1,
                Stop::Stepped => {
                    let code = raw::code(tid, at).expect("reading code");
                    raw::set_code(tid, at, code & !0xff | BREAKPOINT)
                        .expect("setting a breakpoint");
                    let stop = self.run();
                    if !matches!(stop, Stop::Mark(_)) || self.at() != at + 1 {
                        return false;
                    }
                    raw::set_code(tid, at, code).expect("removing a breakpoint");
                    raw::set_next_instruction(tid, at).expect("going back before it");
                    seen += 1;
                }
                _ => return false,
            }
        }
        true
    }
}
