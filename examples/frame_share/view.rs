//! The viewing half: checks every frame where it lies, and writes what was asked for.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ringpad::frames::Picture;

use super::Failure;
use super::args::View;
use super::picture_png::write_png;
use super::progress::Progress;
use super::receiver::{Receiver, is_lossy, join};
use super::report::{Ending, ViewerReport, cpu_time_ns};
use super::watcher::{Event, Watcher};
use super::wire::{Film, Notice, check_picture, checksum, monotonic_ns};
use super::y4m::{Header, write_frame};

/// How long a viewer waits for a producer, the first or the next.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What a viewer writes besides its report.
struct Outputs<'a> {
    log: Option<File>,
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
            log: None,
            video,
            png: view.png.as_deref(),
            last: None,
        })
    }

    /// Numbers of frames are written down behind those of this viewer's predecessors.
    fn log(&mut self, prefix: &Path, viewer: u32) -> Result<(), Failure> {
        let name = format!("{}-{viewer}", prefix.display());
        self.log = Some(File::options().append(true).create(true).open(name)?);
        Ok(())
    }

    fn number(&mut self, sequence: u64) -> Result<(), Failure> {
        match &mut self.log {
            Some(file) => Ok(file.write_all(&sequence.to_le_bytes())?),
            None => Ok(()),
        }
    }

    fn picture(&mut self, video: &Header, line: &[u8], picture: &[u8]) -> Result<(), Failure> {
        if let Some((path, file, begun)) = &mut self.video {
            let written = match std::mem::replace(begun, true) {
                true => Ok(()),
                false => file.write_all(&[line, b"\n"].concat()),
            };
            let written = written.map_err(Failure::from).and_then(|()| {
                write_frame(&mut *file, video, picture)?;
                Ok(())
            });
            written.map_err(|why| Failure::new(format!("{}: {why}", path.display())))?;
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
                let written = write_png(BufWriter::new(create(path)?), &video, &picture);
                written.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
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

/// Where frames come from.
enum Side {
    Lossless(Box<Receiver>),
    Lossy(Box<Watcher>),
}

impl Side {
    fn join(view: &View, since_ns: u64) -> Result<Self, Failure> {
        let me = join(&view.name, PATIENCE)?;
        // A predecessor may have seen the film's last frame.
        let since_ns = if view.resume { 0 } else { since_ns };
        Ok(match view.lossy || is_lossy(&me) {
            true => Self::Lossy(Box::new(Watcher::of(me, since_ns)?)),
            false => Self::Lossless(Box::new(Receiver::viewer(me, since_ns)?)),
        })
    }

    fn is_lossy(&self) -> bool {
        matches!(self, Self::Lossy(_))
    }

    fn number(&self) -> u32 {
        match self {
            Self::Lossless(receiver) => receiver.viewer,
            Self::Lossy(watcher) => watcher.peer().id().get(),
        }
    }

    fn wait(&mut self, timeout: Duration, mind_abandoned: bool) -> Result<Event, Failure> {
        match self {
            Self::Lossless(receiver) => receiver.wait(timeout, mind_abandoned),
            Self::Lossy(watcher) => watcher.wait(timeout, mind_abandoned),
        }
    }

    fn film(&mut self) -> Result<Option<&Film>, Failure> {
        match self {
            Self::Lossless(receiver) => receiver.films.look(),
            Self::Lossy(watcher) => watcher.films.look(),
        }
    }

    /// Looks at a frame where it lies; `None` if it is no longer there.
    fn look(
        &mut self,
        notice: &Notice,
        look: impl FnOnce(&Picture, &[u8]) -> Result<(), Failure>,
    ) -> Result<Option<()>, Failure> {
        match self {
            Self::Lossless(receiver) => receiver.take(notice, look, |_, _| ()),
            Self::Lossy(watcher) => watcher.look(notice, look)?.transpose(),
        }
    }

    fn woken(&self) -> u64 {
        match self {
            Self::Lossless(receiver) => receiver.woken(),
            Self::Lossy(watcher) => watcher.woken(),
        }
    }
}

/// Whether frames are whole and in their places.
#[derive(Debug, Default)]
pub struct Checker {
    film: u32,
    life: u32,
    expected: Option<u64>,
    /// The producer is another than the last frame's: it may send that one once more.
    successor: bool,
}

impl Checker {
    /// Looks at one frame and counts it; answers what is wrong with it.
    pub fn frame(
        &mut self,
        notice: &Notice,
        picture: &Picture,
        pixels: &[u8],
        video: Option<&Header>,
        report: &mut ViewerReport,
    ) -> Option<String> {
        let sequence = picture.sequence;
        let mut fault = None;
        if checksum(pixels, picture) != notice.checksum {
            fault = Some(format!("torn: the checksum of frame {sequence} is wrong"));
        } else if let Some(video) = video {
            let found = check_picture(picture, notice.ticket.len, video);
            fault = found.err().map(|e| format!("torn: frame {sequence}: {e}"));
        }
        report.torn += u64::from(fault.is_some());
        if self.film != notice.film {
            // A film counts from the beginning.
            self.expected = None;
            self.successor = false;
        } else if self.life != notice.life {
            self.successor = true;
        }
        (self.film, self.life) = (notice.film, notice.life);
        if report.received == 0 {
            report.first = sequence;
        }
        match self.expected {
            Some(next) if sequence + 1 == next && self.successor => {
                self.successor = false;
                report.again += 1;
                return fault;
            }
            Some(next) if sequence < next => {
                report.disordered += 1;
                fault = Some(format!("out of order: frame {sequence}, wanted {next}"));
            }
            Some(next) => report.lost += sequence - next,
            None => {}
        }
        self.successor = false;
        self.expected = Some(sequence.saturating_add(1));
        report.received += 1;
        report.bytes += pixels.len() as u64;
        fault
    }
}

/// Views until the producer ends or is gone for good; answers also the seconds from the first frame to the last.
pub fn view(view: &View, progress: &Progress) -> Result<(ViewerReport, f64), Failure> {
    let mut outputs = Outputs::open(view)?;
    let since_ns = monotonic_ns();
    let mut side = Side::join(view, since_ns)?;
    if let Some(prefix) = &view.log {
        outputs.log(prefix, side.number())?;
    }
    let mut report = ViewerReport {
        viewer: side.number(),
        ..ViewerReport::default()
    };
    let mut checker = Checker::default();
    let mut film: Option<(u32, Header, Vec<u8>)> = None;
    let (mut first_ns, mut seconds) = (None, 0.0);
    // Since when nobody produces; at first nobody has to.
    let mut gone_since = Some(Instant::now());
    loop {
        let left = gone_since.map_or(PATIENCE, |since| PATIENCE.saturating_sub(since.elapsed()));
        let notice = match side.wait(left, gone_since.is_none())? {
            Event::Abandoned => {
                progress.note("the producer is gone; waiting for another");
                gone_since = Some(Instant::now());
                continue;
            }
            Event::Over(state) => {
                report.ending = state.into();
                break;
            }
            Event::Timeout if gone_since.is_some() => {
                report.ending = Ending::ProducerGone;
                break;
            }
            Event::Timeout => continue,
            Event::Missed(count) => {
                report.missed += count;
                continue;
            }
            Event::Frame(notice) => notice,
        };
        gone_since = None;
        let arrived_ns = monotonic_ns();
        let begin = *first_ns.get_or_insert(arrived_ns);
        seconds = (arrived_ns - begin) as f64 / 1e9;
        if film
            .as_ref()
            .is_none_or(|(number, ..)| *number != notice.film)
        {
            // A notice may be of the film before.
            let said = side.film()?.filter(|film| film.film == notice.film);
            let said =
                said.map(|said| Ok::<_, Failure>((said.film, said.video()?, said.line.clone())));
            film = said.transpose()?;
        }
        let seen = side.look(&notice, |picture, pixels| {
            let (before, video) = (report.received, film.as_ref().map(|(_, video, _)| video));
            if let Some(fault) = checker.frame(&notice, picture, pixels, video, &mut report) {
                progress.note(&fault);
            }
            if picture.timestamp_ns >= since_ns {
                let ns = arrived_ns.saturating_sub(picture.timestamp_ns);
                report.latency.record(ns);
            }
            if let (Some((_, video, line)), true) = (&film, report.received > before) {
                outputs.picture(video, line, pixels)?;
            }
            outputs.number(picture.sequence)?;
            if view.slow_ms > 0 {
                std::thread::sleep(Duration::from_millis(view.slow_ms));
            }
            Ok(())
        })?;
        // What a predecessor left may have been given back.
        if seen.is_none() && (side.is_lossy() || report.received > 0) {
            report.stale += 1;
        }
        progress.set(report.received);
    }
    outputs.finish()?;
    report.woken = side.woken();
    report.cpu_ns = cpu_time_ns();
    Ok((report, seconds))
}

#[cfg(test)]
mod tests {
    use ringpad::frames::Ticket;

    use super::super::wire::picture_of;
    use super::super::y4m::Chroma;
    use super::*;

    #[test]
    fn what_is_torn_lost_repeated_or_disordered_is_told_apart() {
        let video = Header::new(16, 16, (60, 1), Chroma::C420).unwrap();
        let pixels = vec![7; video.frame_bytes()];
        let mut report = ViewerReport::default();
        let mut checker = Checker::default();
        let mut see = |film, life, sequence, torn: bool| {
            let picture = picture_of(&video, sequence);
            let notice = Notice {
                ticket: Ticket {
                    index: 0,
                    generation: 2,
                    len: pixels.len() as u32,
                },
                checksum: checksum(&pixels, &picture) ^ u32::from(torn),
                film,
                life,
            };
            let fault = checker.frame(&notice, &picture, &pixels, Some(&video), &mut report);
            let counts = (report.received, report.lost, report.again);
            (counts, report.disordered, report.torn, fault.is_some())
        };
        assert_eq!(see(1, 1, 5, false), ((1, 0, 0), 0, 0, false));
        assert_eq!(see(1, 1, 6, false), ((2, 0, 0), 0, 0, false));
        assert_eq!(see(1, 2, 6, false), ((2, 0, 1), 0, 0, false), "a successor");
        assert_eq!(
            see(1, 2, 6, false),
            ((3, 0, 1), 1, 0, true),
            "once is enough"
        );
        assert_eq!(see(1, 2, 9, false), ((4, 2, 1), 1, 0, false));
        assert_eq!(see(1, 3, 8, false), ((5, 2, 1), 2, 0, true), "too far back");
        assert_eq!(
            see(2, 4, 0, false),
            ((6, 2, 1), 2, 0, false),
            "another film"
        );
        assert_eq!(see(2, 4, 1, true), ((7, 2, 1), 2, 1, true));
    }
}
