//! The recorder: writes every frame to a y4m file, byte for byte as the film came in, however often it is killed and started again.
//!
//! The file says how far its predecessor was: a frame that is not whole is cut off, one that is whole already is compared and skipped.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Instant;

use ringpad::frames::Picture;
use serde_json::{Value, json};

use super::Failure;
use super::args::Record;
use super::controls::{Step, pass};
use super::progress::Progress;
use super::receiver::{Done, Receiver, join};
use super::report::{Ending, ViewerReport, cpu_time_ns};
use super::view::{Checker, PATIENCE};
use super::watcher::Event;
use super::wire::{Film, monotonic_ns};

/// What stands before each picture.
const FRAME: &[u8] = b"FRAME\n";

/// A y4m file that grows by whole frames.
pub struct Tape {
    file: File,
    film: u32,
    header: u64,
    picture: usize,
    /// Whole frames in the file.
    pub frames: u64,
}

impl Tape {
    /// Opens the file and goes on where it ends, if it holds a part of this film.
    pub fn open(path: &Path, film: &Film) -> Result<Self, Failure> {
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(path)?;
        let header = [&film.line[..], b"\n"].concat();
        let len = file.metadata()?.len();
        let mut found = vec![0; header.len().min(len as usize)];
        file.read_exact(&mut found)?;
        if !header.starts_with(&found) {
            return Err(Failure::new("it holds another film; remove it first"));
        }
        let picture = film.video()?.frame_bytes();
        let each = (FRAME.len() + picture) as u64;
        let frames = len.saturating_sub(header.len() as u64) / each;
        // Killed in the middle of the header or of a frame: that is begun again.
        let whole = match found.len() == header.len() {
            true => header.len() as u64 + frames * each,
            false => 0,
        };
        file.set_len(whole)?;
        file.seek(SeekFrom::Start(whole))?;
        if whole == 0 {
            file.write_all(&header)?;
        }
        Ok(Self {
            file,
            film: film.film,
            header: header.len() as u64,
            picture,
            frames,
        })
    }

    fn place(&self, frame: u64) -> SeekFrom {
        SeekFrom::Start(self.header + frame * (FRAME.len() + self.picture) as u64)
    }

    /// Adds the next frame; `halfway` happens when half of it is written. False if the file had it already.
    pub fn add(
        &mut self,
        film: u32,
        sequence: u64,
        pixels: &[u8],
        halfway: impl FnOnce(),
    ) -> Result<bool, Failure> {
        if film != self.film {
            return Err(Failure::new("another film began: this one is not whole"));
        }
        if pixels.len() != self.picture {
            return Err(Failure::new("a frame of another size"));
        }
        if sequence > self.frames {
            let has = self.frames;
            return Err(Failure::new(format!(
                "frame {has} is missing: frame {sequence} follows"
            )));
        }
        if sequence < self.frames {
            let mut found = vec![0; FRAME.len() + self.picture];
            self.file.seek(self.place(sequence))?;
            self.file.read_exact(&mut found)?;
            self.file.seek(self.place(self.frames))?;
            return match found.strip_prefix(FRAME) == Some(pixels) {
                true => Ok(false),
                false => Err(Failure::new(format!(
                    "it holds another film (frame {sequence} differs); remove it first"
                ))),
            };
        }
        let (first, second) = pixels.split_at(pixels.len() / 2);
        self.file.write_all(FRAME)?;
        self.file.write_all(first)?;
        halfway();
        self.file.write_all(second)?;
        self.frames += 1;
        Ok(true)
    }
}

/// What the recorder did.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// Whole frames in the file.
    pub frames: u64,
    /// Frames that were there already when their tickets came.
    pub again: u64,
    /// What it checked, as a viewer.
    pub report: ViewerReport,
}

impl Recorded {
    /// The report for programs.
    pub fn to_json(&self) -> Value {
        let mut of = self.report.to_json();
        if let Some(of) = of.as_object_mut() {
            of.remove("viewer");
        }
        of["frames"] = json!(self.frames);
        of["again"] = json!(self.again);
        of
    }
}

/// Records until the film ends or its producer is gone for good.
pub fn record(half: &Record, progress: &Progress) -> Result<Recorded, Failure> {
    let doing = |failure| Failure::new(format!("{}: {failure}", half.file.display()));
    let since_ns = monotonic_ns();
    let mut receiver = Receiver::recorder(join(&half.name, PATIENCE)?)?;
    receiver.pop_first = half.pop_first;
    let mut tape = None;
    let mut checker = Checker::default();
    let mut done = Recorded::default();
    let mut gone_since = Some(Instant::now());
    loop {
        let left = gone_since.map_or(PATIENCE, |since| PATIENCE.saturating_sub(since.elapsed()));
        let event = receiver.wait(left, gone_since.is_none())?;
        if let (None, Some(film)) = (&tape, receiver.films.look()?) {
            // Also of a film without a frame the header is to be written.
            let opened = Tape::open(&half.file, film).map_err(doing)?;
            done.frames = opened.frames;
            tape = Some((opened, film.video()?));
        }
        let notice = match event {
            Event::Frame(notice) => notice,
            Event::Abandoned => {
                progress.note("the producer is gone; waiting for another");
                gone_since = Some(Instant::now());
                continue;
            }
            Event::Over(state) => {
                done.report.ending = state.into();
                break;
            }
            Event::Timeout if gone_since.is_some() => {
                done.report.ending = Ending::ProducerGone;
                break;
            }
            Event::Timeout | Event::Missed(_) => continue,
        };
        gone_since = None;
        let arrived_ns = monotonic_ns();
        let Some((tape, video)) = &mut tape else {
            return Err(Failure::new("a frame came before its film was announced"));
        };
        let halt = |step, sequence| pass(half.halt, step, sequence);
        let work = |picture: &Picture, pixels: &[u8]| {
            let sequence = picture.sequence;
            let report = &mut done.report;
            let fault = checker.frame(&notice, picture, pixels, Some(video), report);
            if let Some(fault) = fault {
                progress.note(&fault);
            }
            if picture.timestamp_ns >= since_ns {
                let ns = arrived_ns.saturating_sub(picture.timestamp_ns);
                report.latency.record(ns);
            }
            let added = tape.add(notice.film, picture.sequence, pixels, || {
                halt(Step::Half, sequence)
            });
            done.again += u64::from(!added.map_err(doing)?);
            done.frames = tape.frames;
            progress.set(tape.frames);
            Ok(())
        };
        receiver.take(&notice, work, |step, sequence| match step {
            Done::Worked => halt(Step::Written, sequence),
            Done::Popped => halt(Step::Popped, sequence),
        })?;
    }
    let film = receiver.films.look()?.cloned();
    let total = film.map_or(0, |film| film.frames);
    if done.report.ending == Ending::End && done.frames != total {
        let text = format!("{} frames of {total} were recorded", done.frames);
        return Err(doing(Failure::new(text)));
    }
    done.report.woken = receiver.woken();
    done.report.cpu_ns = cpu_time_ns();
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::super::wire::State;
    use super::*;

    const LINE: &[u8] = b"YUV4MPEG2 W4 H2 F25:1 Cmono XKEPT";

    fn film() -> Film {
        Film {
            film: 3,
            life: 1,
            state: State::Running,
            frames: 0,
            since_ns: 0,
            line: LINE.to_vec(),
        }
    }

    fn path(test: &str) -> std::path::PathBuf {
        let name = format!("frame-share-tape-{test}-{}", std::process::id());
        std::env::temp_dir().join(name)
    }

    /// The film of so many frames.
    fn whole(frames: u8) -> Vec<u8> {
        let mut bytes = [LINE, b"\n"].concat();
        for frame in 0..frames {
            bytes.extend([FRAME, &[frame; 8]].concat());
        }
        bytes
    }

    #[test]
    fn a_tape_cut_anywhere_goes_on_to_the_same_bytes() {
        let (path, want) = (path("cut"), whole(3));
        for cut in 0..=want.len() {
            std::fs::write(&path, &want[..cut]).unwrap();
            let mut tape = Tape::open(&path, &film()).unwrap();
            let has = tape.frames;
            assert_eq!(has, cut.saturating_sub(LINE.len() + 1) as u64 / 14, "{cut}");
            // The last whole one comes again.
            for frame in has.saturating_sub(1)..3 {
                let added = tape.add(3, frame, &[frame as u8; 8], || ()).unwrap();
                assert_eq!(added, frame >= has);
            }
            assert_eq!(std::fs::read(&path).unwrap(), want, "{cut}");
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_no_part_of_this_film_is_refused_and_left() {
        let path = path("other");
        let tape = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Tape::open(&path, &film())
        };
        let mut kept = tape(&whole(2)).unwrap();
        let said = |added: Result<bool, Failure>| added.unwrap_err().to_string();
        assert!(said(kept.add(3, 1, &[7; 8], || ())).contains("frame 1 differs"));
        assert!(said(kept.add(3, 3, &[3; 8], || ())).contains("frame 2 is missing"));
        assert!(said(kept.add(4, 2, &[2; 8], || ())).contains("another film began"));
        assert!(said(kept.add(3, 2, &[2; 7], || ())).contains("another size"));
        assert_eq!(std::fs::read(&path).unwrap(), whole(2));
        for other in [&b"YUV4MPEG2 W8 "[..], b"letters"] {
            assert!(
                tape(other)
                    .err()
                    .unwrap()
                    .to_string()
                    .contains("another film")
            );
            assert_eq!(std::fs::read(&path).unwrap(), other);
        }
        std::fs::remove_file(&path).unwrap();
    }
}
