//! The whole run and its halves: who starts whom, and what is printed at the end.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::Failure;
use super::args::{Produce, Record, Run, View};
use super::controls::Controls;
use super::plan::Expected;
use super::produce::{How, Pictures, Sent, produce, wait_for_viewers};
use super::progress::Progress;
use super::record::record;
use super::report::{Ending, ViewerReport, cpu_time_ns};
use super::senders::{Manners, Senders};
use super::stream::{Source, Stream};
use super::system;
use super::totals::Totals;
use super::view;
use super::y4m::Header;

/// How long the viewers have to find their rings.
const GATHERING: Duration = Duration::from_secs(20);

/// Who is expected at this stream.
pub fn expected(stream: &Stream, recorded: bool, video: &Header) -> Result<Expected, Failure> {
    let picture_bytes = u32::try_from(video.frame_bytes());
    Ok(Expected {
        viewers: stream.viewers,
        lossy: stream.lossy,
        recorded,
        pool: stream.pool,
        picture_bytes: picture_bytes.map_err(|_| Failure::new("picture too large"))?,
    })
}

/// Produces here, views in child processes.
pub fn whole(run: &Run) -> Result<ExitCode, Failure> {
    let stream = &run.stream;
    let recorded = run.recorder.is_some();
    let pictures = Pictures::open(stream)?;
    let name = run.name();
    begin(run)?;
    let expected = expected(stream, recorded, pictures.video())?;
    let (video, manners) = (*pictures.video(), Manners::default());
    let mut senders = Senders::open(&name, &expected, &video, &pictures.line(), manners)?;
    let progress = Progress::new(stream.frames(), stream.json);
    let mut children = Children::start(run, &name)?;
    let wanted = stream.viewers as usize;
    let gathered = senders.gather(wanted, GATHERING, &mut || children.lack_one())?;
    if !gathered {
        let text = format!(
            "only {} of {} viewers came",
            senders.watched(),
            stream.viewers
        );
        return Err(Failure::new(text));
    }
    let how = How {
        stream,
        recorded,
        patient: false,
        controls: Controls::default(),
    };
    let gone = &mut || children.are_gone();
    let sent = produce(&how, pictures, &mut senders, &progress, gone);
    let (woken, waits, memory) = (senders.woken(), senders.waits, senders.memory());
    // The rings go first: a viewer that missed the end sees that nobody produces any more.
    drop(senders);
    let mut found = children.finish(&progress, sent.is_ok())?;
    drop(progress);
    let sent = sent?;
    let totals = Totals {
        waits,
        memory,
        recorder: found.recorder.take(),
        ..totals(sent, woken, found.viewers)
    };
    print(&totals, stream.json)?;
    Ok(verdict(&totals, found.well, stream.lossy))
}

/// What precedes a whole run.
pub fn begin(run: &Run) -> Result<(), Failure> {
    // Runs that were killed whole had names of their own: nobody else would ever find what they left.
    ringpad::os::collect(&ringpad::os::Options::new())?;
    if let Some(path) = &run.recorder {
        if run.stream.reads(path) {
            let text = format!("{}: the input cannot be the recording, too", path.display());
            return Err(Failure::new(text));
        }
        // A recorder goes on with what it finds; this is a new recording.
        let made = std::fs::File::create(path);
        made.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
    }
    Ok(())
}

/// Whether a run went as it should.
pub fn verdict(totals: &Totals, well: bool, lossy: bool) -> ExitCode {
    let whole = |viewer: &ViewerReport| viewer.is_sound() && (lossy || viewer.lost == 0);
    match well && totals.per_viewer.iter().all(whole) {
        true => ExitCode::SUCCESS,
        false => system::failed(),
    }
}

/// Produces for viewers started elsewhere.
pub fn produce_half(half: &Produce) -> Result<ExitCode, Failure> {
    let stream = &half.stream;
    if half.resume && stream.source() == Source::Stdin {
        return Err(Failure::new(
            "what came through a pipe cannot be read again to resume",
        ));
    }
    let pictures = Pictures::open(stream)?;
    let expected = expected(stream, half.recorded, pictures.video())?;
    let manners = Manners {
        resume: half.resume,
        keep: half.keep,
    };
    let (video, line) = (*pictures.video(), pictures.line());
    let mut senders = Senders::open(&half.name, &expected, &video, &line, manners)?;
    let progress = Progress::new(stream.frames(), stream.json);
    let wanted = half.start_with.min(stream.viewers) as usize;
    if senders.over().is_none() && senders.first() == 0 {
        wait_for_viewers(&mut senders, wanted, &progress)?;
    }
    let how = How {
        stream,
        recorded: half.recorded,
        patient: true,
        controls: Controls {
            spoil: half.spoil,
            halt: half.halt,
        },
    };
    let before = senders.first();
    let sent = produce(&how, pictures, &mut senders, &progress, &mut || false)?;
    drop(progress);
    let totals = Totals {
        before,
        waits: senders.waits,
        memory: senders.memory(),
        ..totals(sent, senders.woken(), Vec::new())
    };
    print(&totals, stream.json)?;
    Ok(ExitCode::SUCCESS)
}

/// Records what a producer started elsewhere shares.
pub fn record_half(half: &Record) -> Result<ExitCode, Failure> {
    let progress = Progress::new(None, half.json);
    let done = record(half, &progress)?;
    drop(progress);
    let failed = done.report.ending != Ending::End || !done.report.is_sound();
    say(match half.json {
        true => format!("{}\n", done.to_json()),
        false => format!("{} frames recorded\n", done.frames),
    })?;
    Ok(if failed {
        system::failed()
    } else {
        ExitCode::SUCCESS
    })
}

/// Views what a producer started elsewhere shares.
pub fn view_half(half: &View) -> Result<ExitCode, Failure> {
    let progress = Progress::new(None, half.json || half.report_line);
    let (report, seconds) = view::view(half, &progress)?;
    drop(progress);
    let failed = matches!(report.ending, Ending::Failed | Ending::ProducerGone);
    let failed = failed || !report.is_sound();
    if half.report_line {
        say(format!("{}\n", report.to_line()))?;
        return Ok(ExitCode::SUCCESS);
    }
    let totals = Totals {
        seconds,
        wakeups: report.woken,
        per_viewer: vec![report],
        ..Totals::default()
    };
    print(&totals, half.json)?;
    Ok(if failed {
        system::failed()
    } else {
        ExitCode::SUCCESS
    })
}

fn totals(sent: Sent, woken: u64, per_viewer: Vec<ViewerReport>) -> Totals {
    Totals {
        sent: sent.frames,
        seconds: sent.seconds,
        producer_cpu_ns: cpu_time_ns(),
        wakeups: woken + per_viewer.iter().map(|viewer| viewer.woken).sum::<u64>(),
        per_viewer,
        ..Totals::default()
    }
}

/// Prints a report.
pub fn print(totals: &Totals, json: bool) -> Result<(), Failure> {
    say(match json {
        true => format!("{}\n", totals.to_json()),
        false => totals.to_text(),
    })
}

/// Standard output may be full, or closed.
fn say(text: String) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let said = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    said.map_err(|error| Failure::new(format!("standard output: {error}")))
}

/// How a viewer of a whole run is started.
pub fn viewer_command(run: &Run, name: &str, viewer: u32) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["view", name, "--report-line"]);
    if let Some(png) = run.png.as_ref().filter(|_| viewer == 0) {
        command.arg("--png").arg(png);
    }
    if let Some(log) = &run.log {
        command.arg("--log").arg(log);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// How the recorder of a whole run is started.
pub fn recorder_command(name: &str, file: &Path) -> Result<Command, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["record", name, "--json"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    Ok(command)
}

/// The viewers and the recorder of a whole run; none outlives it.
struct Children {
    viewers: Vec<Child>,
    recorder: Option<Child>,
}

/// What they said at the end.
pub struct Found {
    /// Viewers' reports.
    pub viewers: Vec<ViewerReport>,
    /// The recorder's.
    pub recorder: Option<Value>,
    /// None failed.
    pub well: bool,
}

impl Children {
    fn start(run: &Run, name: &str) -> Result<Self, Failure> {
        let mut children = Self {
            viewers: Vec::new(),
            recorder: None,
        };
        if let Some(file) = &run.recorder {
            children.recorder = Some(recorder_command(name, file)?.spawn()?);
        }
        for viewer in 0..run.stream.viewers {
            let child = viewer_command(run, name, viewer)?.spawn()?;
            children.viewers.push(child);
        }
        Ok(children)
    }

    /// Whether one has ended already.
    fn lack_one(&mut self) -> bool {
        let mut all = self.viewers.iter_mut().chain(&mut self.recorder);
        all.any(has_ended)
    }

    /// Whether the recorder has ended, or else all viewers.
    fn are_gone(&mut self) -> bool {
        match &mut self.recorder {
            Some(recorder) => has_ended(recorder),
            None => self.viewers.iter_mut().all(has_ended),
        }
    }

    /// Waits for every viewer's report, and whether none failed; one that was killed has none, and did not fail.
    fn finish(&mut self, progress: &Progress, was_sent: bool) -> Result<Found, Failure> {
        let (mut viewers, mut silent, mut well) = (Vec::new(), 0, true);
        for (number, child) in self.viewers.iter_mut().enumerate() {
            let (text, status) = heard(child)?;
            match text.lines().last().and_then(ViewerReport::from_line) {
                Some(report) if status.success() => viewers.push(report),
                _ => {
                    progress.note(&format!("viewer process {number} left no report: {status}"));
                    well &= status.code().is_none();
                    silent += 1;
                }
            }
        }
        // Viewers are numbered by the rings they found: the silent ones had those that nobody reported.
        let missing = (0..).filter(|viewer| viewers.iter().all(|report| report.viewer != *viewer));
        let missing: Vec<u32> = missing.take(silent).collect();
        viewers.extend(missing.into_iter().map(|viewer| ViewerReport {
            viewer,
            ending: Ending::Stopped,
            ..ViewerReport::default()
        }));
        viewers.sort_by_key(|report| report.viewer);
        let mut recorder = None;
        if let Some(child) = &mut self.recorder {
            let (text, status) = heard(child)?;
            recorder = serde_json::from_str(&text).ok();
            if !status.success() {
                // Of a film that broke off it is no news that there is no whole recording.
                if was_sent || status.code().is_none() {
                    progress.note(&format!("the recorder failed: {status}"));
                }
                well = false;
            }
        }
        (self.viewers, self.recorder) = (Vec::new(), None);
        Ok(Found {
            viewers,
            recorder,
            well,
        })
    }
}

fn has_ended(child: &mut Child) -> bool {
    !matches!(child.try_wait(), Ok(None))
}

/// What a child prints, and how it ends.
fn heard(child: &mut Child) -> Result<(String, ExitStatus), Failure> {
    let mut text = String::new();
    if let Some(mut out) = child.stdout.take() {
        out.read_to_string(&mut text)?;
    }
    Ok((text, child.wait()?))
}

impl Drop for Children {
    fn drop(&mut self) {
        for child in self.viewers.iter_mut().chain(&mut self.recorder) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
