//! A word that tells a process from its forked copy by one load.
//!
//! What: a private page with MADV_WIPEONFORK that holds 1; in a plain-fork child the same page reads 0.
//! Why: a child inherits copies of endpoints it must not use; asking `getpid` on every push would be a system call.
//! What a crash leaves: nothing. A forked child leaks one page for each generation that used the crate.

use std::io;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use super::page_size;

/// The page of this process, or an ancestor's, wiped. Published pages are never unmapped.
static CURRENT: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());

/// This process's fork word: 1 here, 0 in every child that a plain `fork` makes from now on.
///
/// Keep the reference beside what must not be used in a child and load it (Relaxed) before each use. A child that calls
/// this gets a page of its own, at another address; references from before the fork keep reading 0 there. A `vfork` child
/// shares its parent's memory and reads 1. Fails where the kernel (before 4.14) or memory refuses.
pub(crate) fn fork_guard() -> io::Result<&'static AtomicU32> {
    loop {
        let seen = CURRENT.load(Ordering::Acquire);
        if let Some(page) = NonNull::new(seen) {
            // SAFETY: only pages made below are published, each holds an `AtomicU32` at its start and stays mapped.
            let word: &'static AtomicU32 = unsafe { page.as_ref() };
            if word.load(Ordering::Relaxed) == 1 {
                return Ok(word);
            }
        }
        let fresh = new_page()?;
        let won =
            CURRENT.compare_exchange(seen, fresh.as_ptr(), Ordering::AcqRel, Ordering::Relaxed);
        if won.is_err() {
            // SAFETY: the page was never published, so no reference into it exists; address and length are its own.
            unsafe { munmap(fresh.as_ptr().cast(), page_size()) }?;
        }
    }
}

fn new_page() -> io::Result<NonNull<AtomicU32>> {
    let access = ProtFlags::READ | ProtFlags::WRITE;
    // SAFETY: no address is asked for, so no existing mapping is replaced.
    let page = unsafe { mmap_anonymous(ptr::null_mut(), page_size(), access, MapFlags::PRIVATE) }?;
    // SAFETY: the page is ours alone and private anonymous, as WIPEONFORK demands; no reference into it exists yet.
    let wiped = unsafe { madvise(page, page_size(), Advice::LinuxWipeOnFork) };
    if let Err(error) = wiped {
        // SAFETY: as above; it was never handed out.
        unsafe { munmap(page, page_size()) }?;
        return Err(super::context(
            error,
            format_args!("the fork word needs MADV_WIPEONFORK (Linux 4.14)"),
        ));
    }
    let word = page.cast::<AtomicU32>();
    // SAFETY: a whole fresh page, writable, aligned for u32, and no other thread knows it.
    unsafe { word.write(AtomicU32::new(1)) };
    NonNull::new(word).ok_or_else(|| io::Error::other("the kernel mapped a page at address 0"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::fork;
    use super::*;

    #[test]
    fn guard_reads_one_here_and_is_the_same_page_for_all_threads() {
        let word = fork_guard().unwrap();
        assert_eq!(word.load(Ordering::Relaxed), 1);
        let others: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(|| &raw const *fork_guard().unwrap() as usize))
            .collect();
        for other in others {
            assert_eq!(other.join().unwrap(), &raw const *word as usize);
        }
    }

    #[test]
    fn guard_reads_zero_in_a_forked_child_which_gets_its_own() {
        let word = fork_guard().unwrap();
        let child = fork(&[], |inside| {
            if word.load(Ordering::Relaxed) != 0 {
                return 1;
            }
            let Ok(own) = fork_guard() else { return 2 };
            if own.load(Ordering::Relaxed) != 1 || ptr::eq(own, word) {
                return 3;
            }
            // The old reference must not come back to life with the new page.
            if word.load(Ordering::Relaxed) != 0 {
                return 4;
            }
            // And a grandchild finds both wiped.
            let grandchild = inside.fork(|| {
                let wiped = word.load(Ordering::Relaxed) + own.load(Ordering::Relaxed) == 0;
                if wiped && fork_guard().is_ok_and(|g| g.load(Ordering::Relaxed) == 1) {
                    0
                } else {
                    1
                }
            });
            let ended = rustix::process::waitpid(grandchild, rustix::process::WaitOptions::empty());
            if matches!(ended, Ok(Some((_, status))) if status.exit_status() == Some(0)) {
                0
            } else {
                5
            }
        });
        assert_eq!(child.ended().exit_status(), Some(0));
        assert_eq!(
            word.load(Ordering::Relaxed),
            1,
            "the parent's word is not touched by its child"
        );
    }

    #[test]
    fn control_an_ordinary_word_is_copied_to_the_child() {
        let word = AtomicU32::new(1);
        let child = fork(&[], |_| word.load(Ordering::Relaxed) as i32);
        assert_eq!(child.ended().exit_status(), Some(1));
    }
}
