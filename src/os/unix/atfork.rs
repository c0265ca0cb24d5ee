//! A word that tells a process from its forked copy by one load, where the kernel cannot wipe a page for the child.
//!
//! What: a word that holds 1; `fork` of the C library has the child put 0 into it before anything else of the child runs.
//! Why: a child inherits copies of endpoints it must not use; asking `getpid` on every push would be a system call.
//! What it does not see: a fork that goes around the C library.
//! What a crash leaves: nothing. A forked child leaks one word for each generation that used the crate.

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering};

/// The word of this process. Published words are never freed.
static CURRENT: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());

/// Runs in a forked child, which has one thread, between system calls that a signal handler may make too: no lock, no memory.
extern "C" fn in_the_child() {
    let parent_s = CURRENT.swap(ptr::null_mut(), Ordering::Relaxed);
    // SAFETY: only words leaked below are published.
    if let Some(word) = unsafe { parent_s.as_ref() } {
        word.store(0, Ordering::Relaxed);
    }
}

/// This process's fork word: 1 here, 0 in every child that `fork` makes from now on.
///
/// Keep the reference beside what must not be used in a child and load it (Relaxed) before each use. A child that calls
/// this gets a word of its own; references from before the fork keep reading 0 there. A `vfork` child shares its parent's
/// memory and reads 1.
pub(crate) fn fork_guard() -> io::Result<&'static AtomicU32> {
    static REGISTERED: AtomicBool = AtomicBool::new(false);
    // Twice does no harm. A lock here, held by another thread when this one forks, would stay so in the child for ever.
    if !REGISTERED.load(Ordering::Acquire) {
        // SAFETY: the handler touches nothing but the word that is published.
        match unsafe { libc::pthread_atfork(None, None, Some(in_the_child)) } {
            0 => REGISTERED.store(true, Ordering::Release),
            failed => return Err(io::Error::from_raw_os_error(failed)),
        }
    }
    // SAFETY: only words leaked below are published.
    if let Some(word) = unsafe { CURRENT.load(Ordering::Acquire).as_ref() } {
        return Ok(word);
    }
    let fresh = Box::into_raw(Box::new(AtomicU32::new(1)));
    let won = CURRENT.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire);
    let word = match won {
        Ok(_) => fresh,
        Err(published) => {
            // SAFETY: made above, and nobody else has seen it.
            drop(unsafe { Box::from_raw(fresh) });
            published
        }
    };
    // SAFETY: published, so never freed.
    Ok(unsafe { &*word })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::os::linux::testing::fork;

    #[test]
    fn the_word_is_one_for_all_threads_and_zero_in_a_forked_child_which_gets_its_own() {
        let word = fork_guard().unwrap();
        assert_eq!(word.load(Ordering::Relaxed), 1);
        let other = std::thread::spawn(|| &raw const *fork_guard().unwrap() as usize);
        assert_eq!(other.join().unwrap(), &raw const *word as usize);
        let copied = AtomicU32::new(1);
        let child = fork(&[], |inside| {
            if word.load(Ordering::Relaxed) != 0 {
                return 1;
            }
            let Ok(own) = fork_guard() else { return 2 };
            if own.load(Ordering::Relaxed) != 1 || word.load(Ordering::Relaxed) != 0 {
                return 3;
            }
            let grandchild = inside.fork(|| {
                let zero = word.load(Ordering::Relaxed) + own.load(Ordering::Relaxed) == 0;
                i32::from(!zero)
            });
            let ended = rustix::process::waitpid(grandchild, rustix::process::WaitOptions::empty());
            if !matches!(ended, Ok(Some((_, status))) if status.exit_status() == Some(0)) {
                return 4;
            }
            // The control: an ordinary word is copied.
            100 + copied.load(Ordering::Relaxed) as i32
        });
        assert_eq!(child.ended().exit_status(), Some(101));
        assert_eq!(word.load(Ordering::Relaxed), 1, "the parent's stays");
    }
}
