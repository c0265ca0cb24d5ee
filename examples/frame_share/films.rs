//! What a viewer knows of the film: the notepad, read again whenever it changed.

use ringpad::notepad::{Missed, Version};
use ringpad::os::{NotepadReader, OwnedBell, OwnedPeer};

use super::Failure;
use super::wire::{FILM, FILM_BYTES, Film, State};

/// Reads of one version before it is left to the next look.
const ATTEMPTS: u32 = 1000;

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
