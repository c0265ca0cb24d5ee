//! A whole run in which everybody is a child, and whoever is killed is started again.
//!
//! The parent only holds the segment open, so that what was committed stays also if everybody is killed at once.

use std::io::Read;
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use ringpad::os::{Options, SharedSegment};
use serde_json::Value;

use super::Failure;
use super::args::Run;
use super::plan::Memory;
use super::produce::Pictures;
use super::progress::say;
use super::report::ViewerReport;
use super::run::{begin, expected, print, recorder_command, verdict, viewer_command};
use super::stream::Source;
use super::system::{self, Watched};
use super::totals::Totals;

/// What is known of all children.
#[derive(Default)]
struct House {
    respawned: AtomicU64,
    /// One failed: nobody is started again.
    closing: AtomicBool,
    /// Who failed first: the others were ended for that.
    first: Mutex<Option<String>>,
    running: Mutex<Vec<(u32, Watched)>>,
}

/// Everybody a child.
pub fn whole(run: &Run) -> Result<ExitCode, Failure> {
    let stream = &run.stream;
    if stream.source() == Source::Stdin {
        return Err(Failure::new(
            "what comes through a pipe cannot be read again: give a file",
        ));
    }
    let pictures = Pictures::open(stream)?;
    let name = run.name();
    begin(run)?;
    let recorded = run.recorder.is_some();
    let plan = expected(stream, recorded, pictures.video())?.plan()?;
    let segment = SharedSegment::open_or_create(&name, &plan, &Options::new())?;
    drop(pictures);

    let producer = |again: bool| -> Result<Command, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["produce", &name, "--keep", "--json"]);
        command.args(again.then_some("--resume"));
        command.args(["--start-with", &stream.viewers.to_string()]);
        command.args(stream.to_arguments());
        command.args(recorded.then_some("--recorded"));
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        Ok(command)
    };
    let house = House::default();
    let begun = Instant::now();
    let (made, recorder, viewers) = std::thread::scope(|scope| {
        let house = &house;
        let made = scope.spawn(move || tend(house, "producer", producer));
        let recorder = run.recorder.as_ref().map(|file| {
            let name = &name;
            scope.spawn(move || tend(house, "recorder", |_| recorder_command(name, file)))
        });
        let viewers: Vec<_> = (0..stream.viewers)
            .map(|viewer| {
                let name = &name;
                let command = move |again: bool| {
                    let mut command = viewer_command(run, name, viewer)?;
                    command.args(again.then_some("--resume"));
                    Ok(command)
                };
                scope.spawn(move || tend(house, &format!("viewer {viewer}"), command))
            })
            .collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, _>| match thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        let made = ended(made);
        let viewers: Vec<_> = viewers.into_iter().map(ended).collect();
        (made, recorder.map(ended), viewers)
    });
    let seconds = begun.elapsed().as_secs_f64();

    let made = made?;
    let recorder = recorder.transpose()?;
    let mut reports = Vec::new();
    for text in viewers {
        reports.extend(text?.lines().last().and_then(ViewerReport::from_line));
    }
    let well = reports.len() == stream.viewers as usize;
    let said: Value = serde_json::from_str(&made)?;
    let count = |name: &str| said[name].as_u64().unwrap_or(0);
    let frames = count("pool_frames") as u32;
    let totals = Totals {
        sent: count("sent"),
        before: 0,
        seconds,
        producer_cpu_ns: count("cpu_ns_per_frame").saturating_mul(count("sent")),
        wakeups: count("wakeups") + reports.iter().map(|viewer| viewer.woken).sum::<u64>(),
        waits: count("waits"),
        memory: Memory::of(&segment, frames),
        recorder: recorder.and_then(|text| serde_json::from_str(&text).ok()),
        respawned: house.respawned.load(Relaxed),
        per_viewer: reports,
    };
    print(&totals, stream.json)?;
    Ok(verdict(&totals, well, stream.lossy))
}

/// Runs a child, again whenever it was killed, until it ends by itself; what the last one printed. It is an error if that failed.
fn tend(
    house: &House,
    who: &str,
    command: impl Fn(bool) -> Result<Command, Failure>,
) -> Result<String, Failure> {
    let mut again = false;
    loop {
        let life = command(again).and_then(|mut command| one(house, who, &mut command));
        let (text, status) = life.map_err(|why| house.close(format!("{who}: {why}")))?;
        let was_killed = system::was_killed(status);
        if was_killed && !house.closing.load(Relaxed) {
            house.respawned.fetch_add(1, Relaxed);
            again = true;
            continue;
        }
        if status.success() {
            return Ok(text);
        }
        return Err(house.close(format!("{who}: {status}")));
    }
}

/// One life.
fn one(house: &House, who: &str, command: &mut Command) -> Result<(String, ExitStatus), Failure> {
    let mut child = command.spawn()?;
    // Nobody else waits for it: the number is its own.
    let handle = Watched::of(&child)?;
    house.lock().push((child.id(), handle));
    // Whoever closes either finds it there, or did so before.
    if house.closing.load(Relaxed) {
        child.kill()?;
    }
    say(&format!("{who} is process {}", child.id()));
    let mut text = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut text)?;
    }
    // It ends, so nobody needs to kill it; once it was waited for the number may be another's.
    house.lock().retain(|(pid, _)| *pid != child.id());
    let status = child.wait()?;
    Ok((text, status))
}

impl House {
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(u32, Watched)>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends everybody: one failed. Answers why the first did.
    fn close(&self, why: String) -> Failure {
        self.closing.store(true, Relaxed);
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        let why = first.get_or_insert(why).clone();
        for (_, process) in self.lock().iter() {
            process.kill();
        }
        Failure::new(why)
    }
}
