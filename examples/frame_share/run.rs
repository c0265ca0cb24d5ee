//! The whole run and its halves: who starts whom, and what is printed at the end.

use std::io::Read;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use super::Failure;
use super::args::{Produce, Run, View};
use super::produce::{Pictures, Sent, produce, wait_for_viewers};
use super::progress::Progress;
use super::report::{Ending, ViewerReport, cpu_time_ns};
use super::rings::Senders;
use super::totals::Totals;
use super::view;

/// How long the viewers have to find their rings.
const GATHERING: Duration = Duration::from_secs(20);

/// Produces here, views in child processes.
pub fn whole(run: &Run) -> Result<ExitCode, Failure> {
    let stream = &run.stream;
    let pictures = Pictures::open(stream)?;
    let name = run.name();
    // Runs that were killed whole had names of their own: nobody else would ever find what they left.
    ringpad::os::collect(&ringpad::os::Options::new())?;
    let mut senders = Senders::open(&name, stream.viewers, pictures.video().frame_bytes())?;
    let progress = Progress::new(stream.frames(), stream.json);
    let mut viewers = Viewers::start(run, &name)?;
    let gathered = senders.gather(stream.viewers as usize, GATHERING, || viewers.lack_one())?;
    if !gathered {
        let text = format!(
            "only {} of {} viewers came",
            senders.watched(),
            stream.viewers
        );
        return Err(Failure::new(text));
    }
    let sent = produce(stream, pictures, &mut senders, &progress, true);
    let woken = senders.woken();
    // The rings go first: a viewer that missed the end sees that nobody produces any more.
    drop(senders);
    let (reports, well) = viewers.finish(&progress)?;
    drop(progress);
    let sent = sent?;
    let totals = totals(sent, woken, reports);
    print(&totals, stream.json);
    let whole = |viewer: &ViewerReport| viewer.lost == 0 && viewer.torn == 0;
    Ok(if well && totals.per_viewer.iter().all(whole) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Produces for viewers started elsewhere.
pub fn produce_half(half: &Produce) -> Result<ExitCode, Failure> {
    let stream = &half.stream;
    let pictures = Pictures::open(stream)?;
    let mut senders = Senders::open(&half.name, stream.viewers, pictures.video().frame_bytes())?;
    let progress = Progress::new(stream.frames(), stream.json);
    let wanted = half.start_with.min(stream.viewers) as usize;
    wait_for_viewers(&mut senders, wanted, &progress)?;
    let sent = produce(stream, pictures, &mut senders, &progress, false)?;
    drop(progress);
    print(&totals(sent, senders.woken(), Vec::new()), stream.json);
    Ok(ExitCode::SUCCESS)
}

/// Views what a producer started elsewhere shares.
pub fn view_half(half: &View) -> Result<ExitCode, Failure> {
    let progress = Progress::new(None, half.json || half.report_line);
    let (report, seconds) = view::view(half, &progress)?;
    drop(progress);
    let failed = matches!(report.ending, Ending::Failed | Ending::ProducerGone) || report.torn > 0;
    if half.report_line {
        println!("{}", report.to_line());
        return Ok(ExitCode::SUCCESS);
    }
    let totals = Totals {
        seconds,
        wakeups: report.woken,
        per_viewer: vec![report],
        ..Totals::default()
    };
    print(&totals, half.json);
    Ok(if failed {
        ExitCode::FAILURE
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
    }
}

fn print(totals: &Totals, json: bool) {
    if json {
        println!("{}", totals.to_json());
    } else {
        print!("{}", totals.to_text());
    }
}

/// The viewers of a whole run; none outlives it.
struct Viewers(Vec<Child>);

impl Viewers {
    fn start(run: &Run, name: &str) -> Result<Self, Failure> {
        let program = std::env::current_exe()?;
        let mut viewers = Self(Vec::new());
        for viewer in 0..run.stream.viewers {
            let mut command = Command::new(&program);
            command.args(["view", name, "--report-line"]);
            if let Some(png) = run.png.as_ref().filter(|_| viewer == 0) {
                command.arg("--png").arg(png);
            }
            command.stdin(Stdio::null()).stdout(Stdio::piped());
            viewers.0.push(command.spawn()?);
        }
        Ok(viewers)
    }

    /// Whether one has ended already.
    fn lack_one(&mut self) -> bool {
        let ended = |child: &mut Child| !matches!(child.try_wait(), Ok(None));
        self.0.iter_mut().any(ended)
    }

    /// Waits for every viewer's report, and whether none failed; one that was killed has none, and did not fail.
    fn finish(&mut self, progress: &Progress) -> Result<(Vec<ViewerReport>, bool), Failure> {
        let (mut reports, mut silent, mut well) = (Vec::new(), 0, true);
        for (number, child) in self.0.iter_mut().enumerate() {
            let mut text = String::new();
            if let Some(mut out) = child.stdout.take() {
                out.read_to_string(&mut text)?;
            }
            let status = child.wait()?;
            match text.lines().last().and_then(ViewerReport::from_line) {
                Some(report) if status.success() => reports.push(report),
                _ => {
                    progress.note(&format!("viewer process {number} left no report: {status}"));
                    well &= status.code().is_none();
                    silent += 1;
                }
            }
        }
        // Viewers are numbered by the rings they found: the silent ones had those that nobody reported.
        let missing = (0..).filter(|viewer| reports.iter().all(|report| report.viewer != *viewer));
        let missing: Vec<u32> = missing.take(silent).collect();
        reports.extend(missing.into_iter().map(|viewer| ViewerReport {
            viewer,
            ending: Ending::Stopped,
            ..ViewerReport::default()
        }));
        self.0.clear();
        Ok((reports, well))
    }
}

impl Drop for Viewers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
