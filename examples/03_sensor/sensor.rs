//! The half that writes. It never waits for a reader, and never learns whether there is one.

use std::io::{IsTerminal, Read};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ringpad::Error as RegionError;
use ringpad::os::{Error, Options, OwnedPeer, SharedSegment};
use serde_json::json;

use super::notes::{self, Reading, State, monotonic_ns};
use super::{Failure, Sensor, stop};

/// How often the status is written.
const STATUS_EVERY: Duration = Duration::from_millis(500);
/// So far behind, the sensor leaves out what it missed instead of hurrying after it.
const LATE: Duration = Duration::from_millis(50);

/// Writes readings until it is told to stop.
pub fn sensor(half: &Sensor) -> Result<ExitCode, Failure> {
    // What a dead sensor left is taken over if a view keeps it open, and replaced if nobody does.
    let segment = SharedSegment::open_or_create(&half.name, &notes::plan()?, &Options::new())?;
    let me = segment.join()?;
    let claim = |error| taken(&half.name, &me, error);
    // Silent: views poll, so the ends need not look for sleepers after each write.
    let reading = me.notepad_writer::<Reading>(notes::READING);
    let mut reading = reading.map_err(claim)?.silent();
    let status = me.notepad_writer::<[u8]>(notes::STATUS);
    let mut status = status.map_err(claim)?.silent();
    let state = me.notepad_writer::<u32>(notes::STATE);
    let mut state = state.map_err(claim)?.silent();

    let pid = std::process::id();
    let title = format!("{} at {} a second", half.name, half.rate);
    // The value written last is there, whoever wrote it: count on from it.
    let mut number = reading.latest().map_or(0, |note| note.value.number);
    if half.with_parent {
        end_with_standard_input()?;
    } else if std::io::stdout().is_terminal() {
        println!(
            "sensor {title}, pid {pid}; Ctrl-C ends it. In another terminal: view {}",
            half.name
        );
    }

    let (start, before) = (Instant::now(), number);
    let (mut next, mut next_status) = (start, start);
    while !stop::asked() && !INPUT_ENDED.load(Ordering::Relaxed) {
        number += 1;
        let measured = measure(start.elapsed().as_secs_f32());
        let measured = Reading {
            number,
            pid,
            at_ns: monotonic_ns(),
            ..measured
        };
        reading.write(&measured.sealed());

        // A word costs next to nothing, but writing the same again would tell the views nothing.
        let doing = match measured.acceleration.iter().any(|axis| axis.abs() > 1.5) {
            true => State::Shaken,
            false => State::Steady,
        };
        if state.latest().map(|note| note.value) != Some(doing.word()) {
            state.write(&doing.word());
        }
        let now = Instant::now();
        if now >= next_status {
            let writes = number - before;
            let up = start.elapsed().as_secs();
            let text = json!({ "title": title, "writes": writes, "up_s": up }).to_string();
            // A name has at most 64 bytes, so this is never too long; if it were, the views would keep the one before.
            let _ = status.write(text.as_bytes());
            next_status = now + STATUS_EVERY;
        }
        next += half.rate.step();
        match next.checked_duration_since(now) {
            Some(left) => std::thread::sleep(left),
            None if now - next > LATE => next = now,
            None => {}
        }
    }
    state.write(&State::Stopped.word());
    if !half.with_parent {
        let (writes, seconds) = (number - before, start.elapsed().as_secs_f64());
        println!("sensor {}: {writes} readings in {seconds:.1} s", half.name);
    }
    // The ends are given back here, by their drop: the views see that nobody writes any more.
    Ok(ExitCode::SUCCESS)
}

/// A sensor that lives is not replaced: says which process it is.
fn taken(name: &str, me: &OwnedPeer, error: Error) -> Failure {
    match error.region() {
        Some(RegionError::EndpointTaken { by }) => {
            let pid = me.segment().occupant(*by).map_or(0, |holder| holder.pid);
            Failure(format!(
                "{name:?} has a living sensor already, pid {pid}; wanted a name without one"
            ))
        }
        _ => error.into(),
    }
}

/// What a sensor on a workbench would measure: warm, turned slowly, knocked at every three seconds.
fn measure(seconds: f32) -> Reading {
    let wave = |period: f32, shift: f32| (std::f32::consts::TAU * (seconds / period + shift)).sin();
    let since_knock = seconds % 3.0;
    let knock = 1.8 * (-6.0 * since_knock).exp() * (60.0 * since_knock).cos();
    Reading {
        temperature: 22.0 + 4.0 * wave(20.0, 0.0) + 0.2 * wave(0.7, 0.0),
        acceleration: [
            wave(5.0, 0.0),
            wave(7.0, 0.3),
            wave(11.0, 0.25) * 0.3 + knock,
        ],
        ..Reading::default()
    }
}

static INPUT_ENDED: AtomicBool = AtomicBool::new(false);

/// Whoever started this process holds the other end of its standard input, and lets go of it when it ends, even by `kill -9`.
fn end_with_standard_input() -> std::io::Result<()> {
    let watch = std::thread::Builder::new().spawn(|| {
        // A signal is no end of input.
        let own = stop::leave_to_other_threads();
        let mut sink = [0; 64];
        while own.is_ok() && matches!(std::io::stdin().read(&mut sink), Ok(1..)) {}
        INPUT_ENDED.store(true, Ordering::Relaxed);
    });
    watch.map(drop)
}
