//! Both halves: the sensor in a process of its own, the view here, and another sensor for one that was killed.

use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use ringpad::os::{Options, collect};

use super::view::watch;
use super::{Failure, Pace, Run, system};

/// How long the place of a killed sensor stays empty, so that one sees its last value age.
const EMPTY: Duration = Duration::from_secs(1);
/// How long a sensor may take to end after it was told to.
const ENDING: Duration = Duration::from_secs(2);

/// Starts a sensor and views it.
pub fn whole(run: &Run) -> Result<ExitCode, Failure> {
    let own = || format!("sensor-{}", std::process::id());
    let name = run.name.clone().unwrap_or_else(own);
    // Runs that were killed whole had names of their own: nobody else would ever find what they left.
    collect(&Options::new())?;
    let mut sensor = Sensor::start(&name, run.rate)?;
    // The sensor ends with `sensor`, here: after the view, so that the view does not see it leave.
    watch(&name, &run.looks, false, || sensor.tend(&name, run.rate))
}

/// A sensor process that does not outlive its starter: when our end of its standard input closes, by whatever cause, it ends.
struct Sensor {
    child: Child,
    gone: Option<Instant>,
}

impl Sensor {
    fn start(name: &str, rate: Pace) -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["sensor", name, "--with-parent", "--rate", &rate.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let child = command.spawn()?;
        Ok(Self { child, gone: None })
    }

    /// Starts another in place of one that was killed.
    fn tend(&mut self, name: &str, rate: Pace) -> Result<(), Failure> {
        match (self.gone, self.child.try_wait()?) {
            (Some(since), _) if since.elapsed() >= EMPTY => *self = Self::start(name, rate)?,
            (None, Some(status)) if system::gave_up(status) => {
                return Err(Failure(format!("the sensor process ended with {status}")));
            }
            (None, Some(status)) if !status.success() => self.gone = Some(Instant::now()),
            _ => {} // it lives, its place is empty, or it was asked to leave and did
        }
        Ok(())
    }
}

impl Drop for Sensor {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let start = Instant::now();
        while start.elapsed() < ENDING && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(2));
        }
        // It is stopped (Ctrl-Z) or worse.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
