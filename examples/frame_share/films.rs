//! What is said of a film as a whole: one notepad, read again whenever it changed.

use ringpad::notepad::{Missed, Version};
use ringpad::os::{NotepadReader, OwnedBell, OwnedPeer};

use super::Failure;
use super::wire::{FILM, FILM_BYTES, Mismatch, wrong};
use super::y4m::{Header, Reader};

/// Reads of one version before it is left to the next look.
const ATTEMPTS: u32 = 1000;

/// Whether a film goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does, as soon as there is a producer.
    Running,
    /// It came to its end.
    Ended,
    /// The producer could not go on (its input is broken, say).
    Failed,
}

/// What is said of a film as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Film {
    /// Counts the films of the segment from 1.
    pub film: u32,
    /// Counts their producers from 1: how often somebody began or went on.
    pub life: u32,
    /// Whether it goes on. Once it does not, every ticket of it was sent before.
    pub state: State,
    /// Its frames, once it ended; where this producer began, before.
    pub frames: u64,
    /// [`monotonic_ns`] when this was written.
    pub since_ns: u64,
    /// The y4m header, word for word, without the newline.
    pub line: Vec<u8>,
}

/// "fsh" and the layout's number.
const MAGIC: u32 = u32::from_le_bytes(*b"fsh2");
/// Magic, film, life and state (4 bytes each), frames and time (8 bytes each); the line follows.
const FIXED: usize = 32;

impl State {
    const ALL: [(u32, Self); 3] = [(0, Self::Running), (1, Self::Ended), (3, Self::Failed)];

    fn code(self) -> u32 {
        let known = Self::ALL.iter().find(|(_, state)| *state == self);
        known.map_or(0, |(code, _)| *code)
    }
}

impl Film {
    /// The bytes of the notepad.
    pub fn encode(&self) -> Vec<u8> {
        let words = [MAGIC, self.film, self.life, self.state.code()];
        let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.extend(self.frames.to_le_bytes());
        bytes.extend(self.since_ns.to_le_bytes());
        bytes.extend(&self.line);
        bytes
    }

    /// Reads and checks what [`Film::encode`] made.
    pub fn decode(bytes: &[u8]) -> Result<Self, Mismatch> {
        let (Some(fixed), Some(line)) = (bytes.first_chunk::<FIXED>(), bytes.get(FIXED..)) else {
            return Err(wrong("the film's length", bytes.len(), "32 or more"));
        };
        let word = |at: usize| {
            u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]])
        };
        let long = |at: usize| u64::from(word(at)) | u64::from(word(at + 4)) << 32;
        if word(0) != MAGIC {
            let (found, wanted) = (format!("{:#x}", word(0)), format!("{MAGIC:#x}"));
            return Err(wrong("the magic number", found, wanted));
        }
        let state = State::ALL.iter().find(|(code, _)| *code == word(12));
        let (_, state) = state.ok_or_else(|| wrong("the state", word(12), "0, 1 or 3"))?;
        let film = Self {
            film: word(4),
            life: word(8),
            state: *state,
            frames: long(16),
            since_ns: long(24),
            line: line.to_vec(),
        };
        film.video().map(|_| film)
    }

    /// What the header line says.
    pub fn video(&self) -> Result<Header, Mismatch> {
        let line = [&self.line[..], b"\n"].concat();
        let reader = Reader::open(&line[..]);
        let reader = reader.map_err(|e| wrong("the video", e, "a y4m header"))?;
        Ok(*reader.header())
    }
}

/// The notepad of the film, and what it said last.
#[derive(Debug)]
pub struct Films {
    reader: NotepadReader<[u8]>,
    seen: Option<Version>,
    latest: Option<Film>,
    /// Films that were over before belong to others.
    since_ns: u64,
}

impl Films {
    /// The segment's. A film that was over before `since_ns` does not count as over: another may begin.
    pub fn open(me: &OwnedPeer, since_ns: u64) -> Result<Self, Failure> {
        Ok(Self {
            reader: me.notepad_reader(FILM)?,
            seen: None,
            latest: None,
            since_ns,
        })
    }

    /// What is known now; `None` before the first film.
    pub fn look(&mut self) -> Result<Option<&Film>, Failure> {
        let mut bytes = [0; FILM_BYTES as usize];
        let mut attempts = 0;
        while self.reader.changed(self.seen) && attempts < ATTEMPTS {
            attempts += 1;
            match self.reader.try_read_into(&mut bytes) {
                Ok(Some(note)) => {
                    let said = bytes.get(..note.value).unwrap_or(&[]);
                    self.latest = Some(Film::decode(said)?);
                    self.seen = Some(note.version);
                }
                Ok(None) => break,
                Err(Missed::Lapped) => std::thread::yield_now(),
                Err(missed) => return Err(missed.into()),
            }
        }
        Ok(self.latest.as_ref())
    }

    /// How the film ended, if it did. Whoever finds no ticket after this has seen all.
    pub fn over(&mut self) -> Result<Option<State>, Failure> {
        let since_ns = self.since_ns;
        let film = self.look()?.filter(|film| film.since_ns >= since_ns);
        Ok(film
            .map(|film| film.state)
            .filter(|state| *state != State::Running))
    }

    /// Which producer it is now; 0 before the first.
    pub fn life(&mut self) -> Result<u32, Failure> {
        Ok(self.look()?.map_or(0, |film| film.life))
    }

    /// What to wait at until something else is said.
    pub fn bell(&self) -> OwnedBell {
        self.reader.bell()
    }
}

#[cfg(test)]
mod tests {
    use super::super::y4m::Chroma;
    use super::*;

    fn film(state: State) -> Film {
        Film {
            film: 2,
            life: 7,
            state,
            frames: u64::MAX - 1,
            since_ns: 1 << 33,
            line: b"YUV4MPEG2 W16 H8 F30000:1001 Ip A1:1 C422 XNOTE=kept".to_vec(),
        }
    }

    #[test]
    fn films_come_back_as_they_went() {
        for (_, state) in State::ALL {
            let film = film(state);
            let got = Film::decode(&film.encode()).unwrap();
            assert_eq!(got, film);
            let video = got.video().unwrap();
            assert_eq!(
                (video.width, video.fps, video.chroma),
                (16, (30000, 1001), Chroma::C422)
            );
        }
    }

    #[test]
    fn a_film_that_lies_is_refused() {
        let good = film(State::Ended).encode();
        let said = |at: usize, value: u8| {
            let mut bytes = good.clone();
            bytes[at] = value;
            Film::decode(&bytes).unwrap_err().to_string()
        };
        assert!(said(0, 1).contains("the magic number is 0x32687301,"));
        assert!(said(12, 2).contains("the state is 2, wanted 0, 1 or 3"));
        assert!(said(FIXED, b'?').contains("the video is y4m header"));
        assert!(Film::decode(&good[..31]).is_err() && Film::decode(&good[..32]).is_err());
    }
}
