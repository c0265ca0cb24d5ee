//! Handing an anonymous segment down to a child: handles put into its table, and a letter that says which.
//!
//! # Protocol
//!
//! ```text
//! parent  make the letter: a small section whose random name is in the variable; start the child
//!         copy the segment's section and the letter into the child's table of handles; write their numbers, then READY
//!         close the letter
//! child   open the letter by its name, wait until READY; it is for this very process: take both handles; close the letter
//! ```
//! No handle is made inheritable, so nothing that another thread starts meanwhile gets one. The letter's name is gone once the child has
//! read it: it can be taken once, and a grandchild, which finds the variable too, finds no letter, or one for another process.
//!
//! # What a crash leaves
//!
//! Nothing: handles go with their process. A parent that dies before READY leaves a child that finds no letter, or gives up at its deadline.

use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, FromRawHandle, OwnedHandle};
use std::process::{Child, Command};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    DUPLICATE_SAME_ACCESS, DuplicateHandle, ERROR_ACCESS_DENIED, HANDLE,
};
use windows_sys::Win32::System::Threading::GetCurrentProcess;

use super::call::{done, is};
use super::memory::{self, Mapping};
use super::process::{Identity, created};
use super::{anonymous, random_id};
use crate::os::error::Doing;
use crate::os::patience::{Backoff, soon};
use crate::os::shared::{SharedSegment, Trust};
use crate::os::{Error, Result};

/// The environment variable by which a child finds the segment that its parent handed down.
pub const HANDOFF_VARIABLE: &str = "RINGPAD_HANDOFF";

/// How the variable begins: whether the other parties keep to the protocol.
const COOPERATIVE: &str = "cooperative:";
const DISTRUSTED: &str = "distrusted:";

/// Bytes of a letter's section: a page.
const LETTER: usize = 4096;
/// The letter's words: whether it is written, and ten more.
const READY: u32 = 0x5244_5952;
/// How long a child waits for its letter: its parent writes it right after starting it.
const WRITING: Duration = Duration::from_secs(5);

/// How long a child that takes no handle may need to end: one that is ending takes none any more.
const EXITING: Duration = Duration::from_secs(1);

fn letter_name(number: &str) -> String {
    format!(r"Local\ringpad-letter-{number}")
}

/// What a letter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Letter {
    /// Whom it is for: process number and time of creation.
    pid: u32,
    start: u64,
    /// The handles' numbers in that process.
    section: u64,
    letter: u64,
    /// The segment.
    id: u128,
}

impl Letter {
    fn words(self) -> [u32; 11] {
        let halves = |wide: u64| [wide as u32, (wide >> 32) as u32];
        let mut words = [0; 11];
        words[0] = self.pid;
        words[1..3].copy_from_slice(&halves(self.start));
        words[3..5].copy_from_slice(&halves(self.section));
        words[5..7].copy_from_slice(&halves(self.letter));
        words[7..9].copy_from_slice(&halves(self.id as u64));
        words[9..11].copy_from_slice(&halves((self.id >> 64) as u64));
        words
    }

    fn of(words: [u32; 11]) -> Self {
        let wide = |at: usize| u64::from(words[at + 1]) << 32 | u64::from(words[at]);
        Self {
            pid: words[0],
            start: wide(1),
            section: wide(3),
            letter: wide(5),
            id: u128::from(wide(9)) << 64 | u128::from(wide(7)),
        }
    }
}

/// Word `index` of a letter: 0 says whether it is written.
fn word(page: &Mapping, index: usize) -> &AtomicU32 {
    assert!(index < 12 && page.len() >= LETTER);
    // SAFETY: inside the mapping, by the line above.
    let at = unsafe { page.base().cast::<AtomicU32>().add(index) };
    // SAFETY: mapped as long as `page`, aligned, and touched by atomic operations only.
    unsafe { at.as_ref() }
}

/// A copy of a handle in another process's table; its number there.
fn copy_into(process: BorrowedHandle<'_>, handle: BorrowedHandle<'_>) -> std::io::Result<u64> {
    let mut copy: HANDLE = ptr::null_mut();
    let (from, to, into) = (
        handle.as_raw_handle(),
        process.as_raw_handle(),
        &raw mut copy,
    );
    // SAFETY: no arguments; a number that stands for this process.
    let here = unsafe { GetCurrentProcess() };
    // SAFETY: open handles; the answer goes into the variable.
    done(unsafe { DuplicateHandle(here, from, to, into, 0, 0, DUPLICATE_SAME_ACCESS) })?;
    Ok(copy.addr() as u64)
}

impl SharedSegment {
    /// Spawns a child that finds this segment with [`SharedSegment::inherited`]. The handle is put into the child's table, none is made
    /// inheritable: what others start meanwhile gets nothing. The command must be the child itself: what it starts in turn finds nothing.
    ///
    /// Use the command once.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, [`Error::Io`].
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        let section = self.section()?;
        let number = random_id().doing(|| "drawing a random number".into())?;
        let number = format!("{number:032x}");
        let letter = memory::paged(Some(&letter_name(&number)), LETTER as u64);
        let letter = letter.doing(|| "making the letter to the child".into())?;
        let page = Mapping::map(letter.as_handle(), LETTER, true);
        let page = page.doing(|| "mapping the letter to the child".into())?;
        let trust = match self.is_distrusted() {
            true => DISTRUSTED,
            false => COOPERATIVE,
        };
        command.env(HANDOFF_VARIABLE, format!("{trust}{number}"));
        let child = command.spawn();
        command.env_remove(HANDOFF_VARIABLE);
        let mut child = child.doing(|| format!("spawning {:?}", command.get_program()))?;
        match self.hand_over(&child, section, &letter, &page) {
            Ok(()) => Ok(child),
            // It ended at once: that is the child's affair.
            Err(_) if matches!(child.try_wait(), Ok(Some(_))) => Ok(child),
            // Or it is just ending, and takes no handle any more.
            Err(error) if is(&error, ERROR_ACCESS_DENIED) && ends(&mut child, EXITING) => Ok(child),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error).doing(|| "handing the segment to the child".into())
            }
        }
    }

    fn hand_over(
        &self,
        child: &Child,
        section: &OwnedHandle,
        letter: &OwnedHandle,
        page: &Mapping,
    ) -> std::io::Result<()> {
        let process = child.as_handle();
        let said = Letter {
            pid: child.id(),
            start: created(process)?,
            section: copy_into(process, section.as_handle())?,
            letter: copy_into(process, letter.as_handle())?,
            id: self.id(),
        };
        for (index, value) in said.words().into_iter().enumerate() {
            word(page, index + 1).store(value, Ordering::Relaxed);
        }
        word(page, 0).store(READY, Ordering::Release);
        Ok(())
    }

    /// The segment that the parent handed down. Can be taken once.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] if there is none, it was taken, or it is not what [`SharedSegment::spawn`] hands down.
    pub fn inherited() -> Result<Self> {
        let bad = |what: String| Error::BadHandoff(what);
        let text = std::env::var(HANDOFF_VARIABLE).map_err(|_| {
            bad(format!(
                "{HANDOFF_VARIABLE} is not set: no parent handed a segment down"
            ))
        })?;
        // A segment whose bytes a stranger may write is not lent to a child either.
        let (trust, number) = match (
            text.strip_prefix(COOPERATIVE),
            text.strip_prefix(DISTRUSTED),
        ) {
            (Some(number), _) => (Trust::Cooperative, number),
            (_, Some(number)) => (Trust::Distrusted, number),
            _ => (Trust::Distrusted, ""),
        };
        let is_number = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if number.len() != 32 || !number.bytes().all(is_number) {
            return Err(bad(format!(
                "{HANDOFF_VARIABLE} is {text:?}; wanted the number of a letter as the parent wrote it"
            )));
        }
        let (said, section) = receive(number)?;
        anonymous::open(section, said.id, trust)
    }
}

/// Whether a child has ended, or does so by then.
fn ends(child: &mut Child, most: Duration) -> bool {
    let (deadline, mut backoff) = (soon(most), Backoff::new(Duration::from_millis(5)));
    loop {
        match child.try_wait() {
            Ok(None) if backoff.pause(deadline, String::new).is_ok() => {}
            Ok(None) => return false,
            ended => return ended.is_ok(),
        }
    }
}

/// Reads the letter, and takes what it is about. The letter is gone after.
fn receive(number: &str) -> Result<(Letter, OwnedHandle)> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let bad = |what: String| Err(Error::BadHandoff(what));
    let found = memory::find(&letter_name(number), true);
    let Some(letter) = found.doing(|| "opening the parent's letter".into())? else {
        return bad(
            "the letter is gone: it was read, or the parent died before it was written".into(),
        );
    };
    let len = memory::len(letter.as_handle()).doing(|| "measuring the letter".into())?;
    if len < LETTER as u64 {
        return bad(format!("a letter of {len} bytes; wanted {LETTER}"));
    }
    let page = Mapping::map(letter.as_handle(), LETTER, true);
    let page = page.doing(|| "mapping the letter".into())?;
    let (deadline, mut backoff) = (soon(WRITING), Backoff::new(Duration::from_millis(2)));
    while word(&page, 0).load(Ordering::Acquire) != READY {
        let paused = backoff.pause(deadline, String::new);
        paused.map_err(|_| Error::BadHandoff("the letter was never written".into()))?;
    }
    let said = Letter::of(std::array::from_fn(|index| {
        word(&page, index + 1).load(Ordering::Relaxed)
    }));
    let mine = Identity::mine();
    if (said.pid, said.start) != (mine.pid, mine.start) {
        return bad(format!(
            "the letter is for process {}, and this is process {}",
            said.pid, mine.pid
        ));
    }
    if TAKEN.swap(true, Ordering::AcqRel) {
        return bad("it was already taken".into());
    }
    // SAFETY: the parent, of the same user, put it into this process's table and told nobody else; taken once.
    let letter = unsafe { take(said.letter) };
    // SAFETY: as above.
    let section = unsafe { take(said.section) };
    let (Some(_letter), Some(section)) = (letter, section) else {
        return bad("the letter names no handles".into());
    };
    Ok((said, section))
}

/// # Safety
///
/// The number is a handle's that nobody else owns, or 0.
unsafe fn take(number: u64) -> Option<OwnedHandle> {
    let number = usize::try_from(number).ok().filter(|number| *number != 0)?;
    // SAFETY: the caller's word.
    Some(unsafe { OwnedHandle::from_raw_handle(ptr::without_provenance_mut(number)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::windows::testing::{PATIENCE, Ready, role, stay};

    #[test]
    fn a_child_that_is_just_ending_is_waited_for() {
        if role().is_some() {
            stay();
        }
        let test = concat!(
            module_path!(),
            "::a_child_that_is_just_ending_is_waited_for"
        );
        let mut child = Ready::start(test, "stay");
        let child = child.child();
        let most = Duration::from_millis(30);
        assert!(!ends(child, most), "the control: it stays");
        let input = child.stdin.take();
        let ending = std::thread::spawn(move || {
            std::thread::sleep(most);
            drop(input);
        });
        assert!(ends(child, PATIENCE), "it ends a little later");
        ending.join().unwrap();
    }

    #[test]
    fn a_letter_says_what_was_written() {
        let said = Letter {
            pid: 7,
            start: 0x1_0000_0002,
            section: 0x3_0000_0004,
            letter: 0x5_0000_0006,
            id: 0x0123_4567_89ab_cdef_fedc_ba98_7654_3210,
        };
        assert_eq!(Letter::of(said.words()), said);
    }
}
