//! The producing half: draws or reads frames and shares them at their pace.

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::{Duration, Instant};

use super::Failure;
use super::controls::Controls;
use super::lines::Hopeless;
use super::picture::Painter;
use super::progress::Progress;
use super::senders::Senders;
use super::stream::{Source, Stream};
use super::y4m::{Header, Reader};

/// Where pictures come from, opened and its header read.
pub struct Pictures {
    video: Header,
    from: From,
    /// What the input is called.
    name: String,
}

enum From {
    Painter(Box<Painter>),
    Reader(Box<Reader<Box<dyn Read>>>),
}

impl Pictures {
    /// Opens the source; a malformed header is an error before anything is shared.
    pub fn open(stream: &Stream) -> Result<Self, Failure> {
        let (name, input): (_, Box<dyn Read>) = match stream.source() {
            Source::Generated(video) => {
                return Ok(Self {
                    video,
                    from: From::Painter(Box::new(Painter::new(&video))),
                    name: String::new(),
                });
            }
            Source::Stdin => ("standard input".into(), Box::new(std::io::stdin().lock())),
            Source::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| of(&name, error))?;
                (name, Box::new(BufReader::new(file)))
            }
        };
        let reader = Reader::open(input).map_err(|error| of(&name, error))?;
        Ok(Self {
            video: *reader.header(),
            from: From::Reader(Box::new(reader)),
            name,
        })
    }

    /// What every picture is.
    pub fn video(&self) -> &Header {
        &self.video
    }

    /// The y4m header, word for word.
    pub fn line(&self) -> Vec<u8> {
        match &self.from {
            From::Painter(_) => self.video.to_string().into_bytes(),
            From::Reader(reader) => reader.line().to_vec(),
        }
    }

    /// Reads so many frames and lets them go.
    fn skip(&mut self, frames: u64) -> Result<(), Failure> {
        let mut picture = vec![0; self.video.frame_bytes()];
        if let From::Reader(reader) = &mut self.from {
            while reader.frames() < frames {
                let is_there = reader.read_frame(&mut picture);
                if !is_there.map_err(|error| of(&self.name, error))? {
                    let has = reader.frames();
                    let text = format!("{frames} frames were sent, the input has only {has}");
                    return Err(Failure::new(text));
                }
            }
        }
        Ok(())
    }

    /// Puts the next picture into memory; false if there is none. What is `recorded` is refused if a recording would lack something of it.
    fn next(&mut self, number: u64, into: &mut [u8], recorded: bool) -> Result<bool, Failure> {
        match &mut self.from {
            From::Painter(painter) => painter.draw(number, into),
            From::Reader(reader) => {
                let is_there = reader.read_frame(into);
                if !is_there.map_err(|error| of(&self.name, error))? {
                    return Ok(false);
                }
                if recorded && reader.with_parameters() > 0 {
                    let text = format!("frame {number} has parameters, which are not recorded");
                    return Err(Failure::new(text));
                }
            }
        }
        Ok(true)
    }
}

/// What went wrong with which input.
fn of(input: &str, error: impl std::error::Error) -> Failure {
    Failure::new(format!("{input}: {error}"))
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Frames of the film, those of killed predecessors too.
    pub frames: u64,
    /// From the first frame to the last.
    pub seconds: f64,
}

/// How to produce.
pub struct How<'a> {
    /// What.
    pub stream: &'a Stream,
    /// Somebody records it.
    pub recorded: bool,
    /// Without anybody to see it, wait for somebody; else give up.
    pub patient: bool,
    /// What to do wrong.
    pub controls: Controls,
}

/// Shares pictures until they end; viewers are told in every case.
pub fn produce(
    how: &How<'_>,
    mut pictures: Pictures,
    senders: &mut Senders,
    progress: &Progress,
    hopeless: Hopeless<'_>,
) -> Result<Sent, Failure> {
    let mut sent = Sent {
        frames: senders.first(),
        seconds: 0.0,
    };
    if senders.over().is_some() {
        senders.end(sent.frames, false, hopeless)?;
        return Ok(sent);
    }
    let result = share(how, &mut pictures, senders, progress, hopeless, &mut sent);
    let told = senders.end(sent.frames, result.is_err(), hopeless);
    result.and(told).map(|()| sent)
}

fn share(
    how: &How<'_>,
    pictures: &mut Pictures,
    senders: &mut Senders,
    progress: &Progress,
    hopeless: Hopeless<'_>,
    sent: &mut Sent,
) -> Result<(), Failure> {
    let stream = how.stream;
    let pace = stream.fps(pictures.video());
    let first = sent.frames;
    pictures.skip(first)?;
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    let mut asked = begin;
    while stream.frames().is_none_or(|frames| sent.frames < frames) {
        if let Some(due) = pace.due_ns(sent.frames - first) {
            let due = begin + late + Duration::from_nanos(due);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        if asked.elapsed() > Duration::from_millis(100) {
            asked = Instant::now();
            if hopeless() {
                let who = if how.recorded {
                    "the recorder"
                } else {
                    "every viewer"
                };
                return Err(Failure::new(format!("{who} is gone")));
            }
        }
        let mut ended = false;
        let number = sent.frames;
        let fill = |into: &mut [u8]| {
            let is_there = pictures.next(number, into, how.recorded)?;
            ended = !is_there;
            Ok(is_there)
        };
        let was_sent = senders.send(number, fill, &how.controls, hopeless)?;
        if ended {
            break;
        }
        if was_sent {
            sent.frames += 1;
            sent.seconds = begin.elapsed().as_secs_f64();
            progress.set(sent.frames);
            continue;
        }
        if !how.patient {
            return Err(Failure::new("every viewer is gone"));
        }
        let paused = Instant::now();
        wait_for_viewers(senders, 1, progress)?;
        late += paused.elapsed();
    }
    Ok(())
}

/// Waits, for as long as it takes, until so many living viewers are there, and the recorder.
pub fn wait_for_viewers(
    senders: &mut Senders,
    wanted: usize,
    progress: &Progress,
) -> Result<(), Failure> {
    let never: Hopeless<'_> = &mut || false;
    if !senders.gather(wanted, Duration::ZERO, never)? {
        progress.note("waiting for viewers");
        while !senders.gather(wanted, Duration::from_secs(60), never)? {}
    }
    Ok(())
}
