//! The viewing half: checks every frame where it lies, and writes what was asked for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::Failure;
use super::args::View;
use super::picture_png::write_png;
use super::progress::Progress;
use super::report::{Ending, ViewerReport, cpu_time_ns};
use super::rings::{Event, Receiver};
use super::wire::{FrameHeader, Kind, monotonic_ns};
use super::y4m::{Header, write_frame, write_header};

/// How long a viewer waits for a producer, the first or the next.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a viewer writes besides its report.
struct Outputs<'a> {
    video: Option<(&'a Path, BufWriter<File>, bool)>,
    png: Option<&'a Path>,
    last: Option<(Header, Vec<u8>)>,
}

impl<'a> Outputs<'a> {
    fn open(view: &'a View) -> Result<Self, Failure> {
        let video = match &view.output {
            None => None,
            Some(path) => Some((path.as_path(), BufWriter::new(create(path)?), false)),
        };
        if let Some(path) = &view.png {
            // Written at the end, but a bad path is an error before the film.
            writable(path)?;
        }
        Ok(Self {
            video,
            png: view.png.as_deref(),
            last: None,
        })
    }

    fn picture(&mut self, video: &Header, picture: &[u8]) -> Result<(), Failure> {
        if let Some((_, file, begun)) = &mut self.video {
            if !*begun {
                write_header(&mut *file, video)?;
                *begun = true;
            }
            write_frame(&mut *file, video, picture)?;
        }
        if self.png.is_some() {
            let (header, last) = self.last.get_or_insert_with(|| (*video, Vec::new()));
            *header = *video;
            last.clear();
            last.extend_from_slice(picture);
        }
        Ok(())
    }

    fn finish(self) -> Result<(), Failure> {
        if let Some((path, mut file, _)) = self.video {
            let doing = |error| Failure::new(format!("{}: {error}", path.display()));
            file.flush().map_err(doing)?;
        }
        match (self.png, self.last) {
            (Some(path), Some((video, picture))) => {
                Ok(write_png(BufWriter::new(create(path)?), &video, &picture)?)
            }
            (Some(path), None) => {
                let text = format!("{}: no picture arrived to write", path.display());
                Err(Failure::new(text))
            }
            (None, _) => Ok(()),
        }
    }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Says now what [`create`] would say later, and leaves what the file holds.
fn writable(path: &Path) -> Result<(), Failure> {
    let mut options = File::options();
    let file = options.write(true).create(true).truncate(false).open(path);
    file.map(drop)
        .map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// Views until the producer ends or is gone for good; answers also the seconds from the first frame to the last.
pub fn view(view: &View, progress: &Progress) -> Result<(ViewerReport, f64), Failure> {
    let mut outputs = Outputs::open(view)?;
    let mut receiver = Receiver::open(&view.name, PATIENCE)?;
    let mut report = ViewerReport {
        viewer: receiver.viewer,
        ..ViewerReport::default()
    };
    let mut expected = None;
    let (mut first_ns, mut seconds) = (None, 0.0);
    // Since when nobody produces; at first nobody has to.
    let mut gone_since = Some(Instant::now());
    loop {
        let left = gone_since.map_or(PATIENCE, |since| PATIENCE.saturating_sub(since.elapsed()));
        match receiver.wait(left, gone_since.is_none())? {
            Event::Abandoned => {
                progress.note("the producer is gone; waiting for another");
                gone_since = Some(Instant::now());
                // The next one counts from the beginning again.
                expected = None;
                continue;
            }
            Event::Timeout if gone_since.is_some() => {
                report.ending = Ending::ProducerGone;
                break;
            }
            Event::Timeout => continue,
            Event::Record => gone_since = None,
        }
        let arrived_ns = monotonic_ns();
        let begin = *first_ns.get_or_insert(arrived_ns);
        seconds = (arrived_ns - begin) as f64 / 1e9;
        let kind = receiver.take(|header, picture| {
            if header.kind == Kind::Picture {
                count(&mut report, &mut expected, &header, picture, arrived_ns);
                progress.set(report.received);
                outputs.picture(&header.video, picture)?;
            }
            Ok(header.kind)
        })?;
        match kind {
            Some(Kind::End) => break,
            Some(Kind::Failed) => {
                report.ending = Ending::Failed;
                break;
            }
            Some(Kind::Picture) | None => {}
        }
    }
    outputs.finish()?;
    report.woken = receiver.woken();
    report.cpu_ns = cpu_time_ns();
    Ok((report, seconds))
}

fn count(
    report: &mut ViewerReport,
    expected: &mut Option<u64>,
    header: &FrameHeader,
    picture: &[u8],
    arrived_ns: u64,
) {
    report.received += 1;
    report.bytes += picture.len() as u64;
    report
        .latency
        .record(arrived_ns.saturating_sub(header.committed_at_ns));
    if !header.matches(picture) {
        report.torn += 1;
    }
    // Numbers that go back are a new producer's.
    report.lost += expected.map_or(0, |next| header.sequence.saturating_sub(next));
    *expected = Some(header.sequence + 1);
}
