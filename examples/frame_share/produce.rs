//! The producing half: draws or reads frames and shares them at their pace.

use std::fs::File;
use std::io::{BufReader, Read};
use std::time::{Duration, Instant};

use super::Failure;
use super::args::{Source, Stream};
use super::picture::Painter;
use super::progress::Progress;
use super::rings::Senders;
use super::wire::FrameHeader;
use super::y4m::{Header, Reader};

/// Where pictures come from, opened and its header read.
pub struct Pictures {
    video: Header,
    from: From,
}

enum From {
    Painter(Box<Painter>),
    Reader(Box<Reader<Box<dyn Read>>>),
}

impl Pictures {
    /// Opens the source; a malformed header is an error before anything is shared.
    pub fn open(stream: &Stream) -> Result<Self, Failure> {
        let input: Box<dyn Read> = match stream.source() {
            Source::Generated(video) => {
                let from = From::Painter(Box::new(Painter::new(&video)));
                return Ok(Self { video, from });
            }
            Source::Stdin => Box::new(std::io::stdin().lock()),
            Source::File(path) => {
                let doing = |error| Failure::new(format!("{}: {error}", path.display()));
                Box::new(BufReader::new(File::open(path).map_err(doing)?))
            }
        };
        let reader = Reader::open(input)?;
        Ok(Self {
            video: *reader.header(),
            from: From::Reader(Box::new(reader)),
        })
    }

    /// What every picture is.
    pub fn video(&self) -> &Header {
        &self.video
    }

    fn next(&mut self, number: u64, into: &mut [u8]) -> Result<Option<FrameHeader>, Failure> {
        match &mut self.from {
            From::Painter(painter) => painter.draw(number, into),
            From::Reader(reader) => {
                if !reader.read_frame(into)? {
                    return Ok(None);
                }
            }
        }
        Ok(Some(FrameHeader::of_picture(number, &self.video, into)))
    }
}

/// What was sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sent {
    /// Frames.
    pub frames: u64,
    /// From the first frame to the last.
    pub seconds: f64,
}

/// Shares pictures until they end; viewers are told in every case. With `all_gone_is_the_end` a producer without a
/// living viewer gives up, else it waits for one.
pub fn produce(
    stream: &Stream,
    mut pictures: Pictures,
    senders: &mut Senders,
    progress: &Progress,
    all_gone_is_the_end: bool,
) -> Result<Sent, Failure> {
    let mut sent = Sent::default();
    let result = share(
        stream,
        &mut pictures,
        senders,
        progress,
        all_gone_is_the_end,
        &mut sent,
    );
    let end = FrameHeader::of_end(sent.frames, pictures.video(), result.is_err());
    let told = senders.end(end);
    result.and(told).map(|()| sent)
}

fn share(
    stream: &Stream,
    pictures: &mut Pictures,
    senders: &mut Senders,
    progress: &Progress,
    all_gone_is_the_end: bool,
    sent: &mut Sent,
) -> Result<(), Failure> {
    let pace = stream.fps(pictures.video());
    let begin = Instant::now();
    let mut late = Duration::ZERO;
    while stream.frames().is_none_or(|frames| sent.frames < frames) {
        if let Some(due) = pace.due_ns(sent.frames) {
            let due = begin + late + Duration::from_nanos(due);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        let mut ended = false;
        let number = sent.frames;
        let was_sent = senders.send(|into| {
            let header = pictures.next(number, into)?;
            ended = header.is_none();
            Ok::<_, Failure>(header)
        })?;
        if ended {
            break;
        }
        if was_sent {
            sent.frames += 1;
            sent.seconds = begin.elapsed().as_secs_f64();
            progress.set(sent.frames);
            continue;
        }
        if all_gone_is_the_end {
            return Err(Failure::new("every viewer is gone"));
        }
        let paused = Instant::now();
        wait_for_viewers(senders, 1, progress)?;
        late += paused.elapsed();
    }
    Ok(())
}

/// Waits, for as long as it takes, until so many living viewers are there.
pub fn wait_for_viewers(
    senders: &mut Senders,
    wanted: usize,
    progress: &Progress,
) -> Result<(), Failure> {
    if senders.watched() < wanted {
        progress.note("waiting for viewers");
        while !senders.gather(wanted, Duration::from_secs(60), || false)? {}
    }
    Ok(())
}
