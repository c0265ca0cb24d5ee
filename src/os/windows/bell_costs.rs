//! What a wake-up costs: connecting to a pipe, beside a byte through a kept pipe and an event. Run by name, with `--ignored --nocapture`:
//! the figures stand in docs/adr/022-windows-wake-ups.md.

use std::io::{Read, Write};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;
use std::time::{Duration, Instant};

use windows_sys::Win32::System::Threading::{CreateEventW, SetEvent};

use super::bell::Bells;
use super::call::{done, owned, wide};
use super::testing::{PATIENCE, again, role};
use crate::{PeerId, Signal};

const ROUNDS: u32 = 2000;
/// The number in the names of both processes.
const NUMBER: u128 = 0x7269_6e67;

/// One side of a round trip: wakes the other, sleeps until woken.
trait Side {
    fn wake(&mut self);
    fn sleep(&mut self);
}

struct Connecting {
    bells: Bells,
    ear: super::bell::Ear,
    other: PeerId,
}

impl Side for Connecting {
    fn wake(&mut self) {
        self.bells.signal(self.other);
    }
    fn sleep(&mut self) {
        let deadline = Some(Instant::now() + PATIENCE);
        let ready = self.ear.wait([].into_iter(), deadline).unwrap();
        assert_eq!(ready.iter().count(), 1, "woken in time");
        self.ear.drain().unwrap();
    }
}

struct Events {
    mine: OwnedHandle,
    other: OwnedHandle,
}

impl Side for Events {
    fn wake(&mut self) {
        // SAFETY: an open event.
        done(unsafe { SetEvent(self.other.as_raw_handle()) }).unwrap();
    }
    fn sleep(&mut self) {
        use windows_sys::Win32::System::Threading::WaitForMultipleObjects;
        let handles = [self.mine.as_raw_handle()];
        // SAFETY: one open handle.
        let woken = unsafe { WaitForMultipleObjects(1, handles.as_ptr(), 0, 30_000) };
        assert_eq!(woken, 0);
    }
}

fn event(name: &str) -> OwnedHandle {
    let text = wide(name);
    // SAFETY: the name lives through the call.
    let event = unsafe { CreateEventW(ptr::null(), 0, 0, text.as_ptr()) };
    // SAFETY: just opened.
    unsafe { owned(event) }.unwrap()
}

/// Bytes through the standard pipes that the child has anyway: what a kept end would cost.
struct Bytes<R, W> {
    from: R,
    to: W,
}

impl<R: Read, W: Write> Side for Bytes<R, W> {
    fn wake(&mut self) {
        self.to.write_all(&[1]).unwrap();
        self.to.flush().unwrap();
    }
    fn sleep(&mut self) {
        self.from.read_exact(&mut [0]).unwrap();
    }
}

fn connecting(row: u32) -> Connecting {
    let number = u128::from(
        std::env::var("RINGPAD_COSTS")
            .map_or_else(|_| std::process::id(), |parent| parent.parse().unwrap()),
    );
    let bells = Bells::new(NUMBER << 64 | number, 2);
    Connecting {
        ear: bells.ear(PeerId::new(row).unwrap()).unwrap(),
        other: PeerId::new(3 - row).unwrap(),
        bells,
    }
}

fn events(mine: &str, other: &str) -> Events {
    let parent = std::env::var("RINGPAD_COSTS").unwrap_or_else(|_| std::process::id().to_string());
    let name = |side: &str| event(&format!(r"Local\ringpad-costs-{parent}-{side}"));
    Events {
        mine: name(mine),
        other: name(other),
    }
}

/// The other side: answers each wake-up.
fn answer(mut side: impl Side) {
    println!("\nready");
    for _ in 0..ROUNDS {
        side.sleep();
        side.wake();
    }
}

fn ask(mut side: impl Side) -> Duration {
    let mut times: Vec<_> = (0..ROUNDS)
        .map(|_| {
            let began = Instant::now();
            side.wake();
            side.sleep();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

#[test]
#[ignore = "a measurement"]
fn round_trips() {
    match role().as_deref() {
        Some("connecting") => return answer(connecting(2)),
        Some("event") => return answer(events("b", "a")),
        Some("bytes") => {
            return answer(Bytes {
                from: std::io::stdin().lock(),
                to: std::io::stdout().lock(),
            });
        }
        _ => {}
    }
    let test = concat!(module_path!(), "::round_trips");
    for _ in 0..3 {
        for what in ["connecting", "event", "bytes"] {
            let mut connected = (what == "connecting").then(|| connecting(1));
            let mut command = again(test, what);
            command
                .arg("--ignored")
                .env("RINGPAD_COSTS", std::process::id().to_string());
            let mut child = command.spawn().unwrap();
            let (mut from, to) = (child.stdout.take().unwrap(), child.stdin.take().unwrap());
            let mut said = Vec::new();
            while !said.ends_with(b"ready\n") {
                let mut byte = [0];
                from.read_exact(&mut byte).unwrap();
                said.push(byte[0]);
            }
            let median = match what {
                "connecting" => ask(connected.take().unwrap()),
                "event" => ask(events("a", "b")),
                _ => ask(Bytes { from, to }),
            };
            println!("{what:12} {median:>10.1?} a round trip of two wake-ups, median of {ROUNDS}");
            child.wait().unwrap();
        }
    }
}
