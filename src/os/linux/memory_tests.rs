//! Memory: reserved or refused, sealed or not, and gone in forked children.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rustix::fs::{Mode, OFlags, openat};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::super::page_size;
use super::super::testing::{Scratch, fork, run_test, small_tmpfs, under_signals, until};
use super::*;
use crate::os::unix::directory::{Create, Permissions, open_file};
use crate::os::unix::mapping::{HUGE, alignment};

const PAGE: usize = 4096;

/// Enough to map and store in a child without allocating: SIGBUS and SIGSEGV are its answers.
fn store_through(fd: BorrowedFd<'_>, at: usize) -> i32 {
    match Mapping::map(fd, at + 1, true) {
        Ok(map) => store(map.base(), at),
        Err(_) => 70,
    }
}

fn store(base: NonNull<u8>, at: usize) -> i32 {
    // SAFETY: inside the range that is, or in a child's case was, mapped.
    let byte = unsafe { base.add(at) };
    // SAFETY: the tests want to see what the kernel does about it; a fault ends a forked child only.
    unsafe { byte.write_volatile(1) };
    0
}

#[test]
fn memfd_is_reserved_sealable_and_closed_on_exec() {
    let fd = memfd("ringpad-test", 10_000).unwrap();
    let stat = fstat(&fd).unwrap();
    assert_eq!(stat.st_size, 10_000);
    assert!(stat.st_blocks * 512 >= 10_000, "{} blocks", stat.st_blocks);
    assert!(
        rustix::io::fcntl_getfd(&fd)
            .unwrap()
            .contains(rustix::io::FdFlags::CLOEXEC)
    );
    assert_eq!(seals(fd.as_fd()).unwrap(), Seals::default());
    ftruncate(&fd, 5_000).unwrap(); // the control
    ftruncate(&fd, 10_000).unwrap();
    seal(fd.as_fd()).unwrap();
    assert_eq!(
        seals(fd.as_fd()).unwrap(),
        Seals {
            shrink: true,
            grow: true,
            write: false,
            seal: true
        }
    );
    assert_eq!(ftruncate(&fd, 5_000), Err(Errno::PERM));
    assert_eq!(ftruncate(&fd, 20_000), Err(Errno::PERM));
    assert_eq!(
        seal(fd.as_fd()).unwrap_err().kind(),
        io::ErrorKind::PermissionDenied,
        "sealed once"
    );
    assert!(
        Mapping::map(fd.as_fd(), 10_000, true).is_ok(),
        "writing stays allowed"
    );
    assert!(memfd("no\0name", 1).is_err() && memfd("empty", 0).is_err());
}

#[test]
fn files_without_seals_say_so() {
    let scratch = Scratch::new();
    let want = Permissions::default();
    let plain = open_file(scratch.dir(), "plain", true, Create::New, &want).unwrap();
    let found = seals(plain.as_fd()).unwrap();
    assert!(!found.shrink && !found.grow && !found.write, "{found:?}");
    let (pipe, _) = rustix::pipe::pipe().unwrap();
    assert_eq!(seals(pipe.as_fd()).unwrap(), Seals::default());
    // Trap: a plain tmpfs file answers SEAL. It means "none can be added", and it can still be truncated.
    let tmpfs = rustix::fs::open(
        "/dev/shm",
        OFlags::TMPFILE | OFlags::RDWR,
        Mode::RUSR | Mode::WUSR,
    )
    .unwrap();
    assert_eq!(
        seals(tmpfs.as_fd()).unwrap(),
        Seals {
            seal: true,
            ..Seals::default()
        }
    );
    ftruncate(&tmpfs, 1)
        .and_then(|()| ftruncate(&tmpfs, 0))
        .unwrap();
}

#[test]
fn reserve_grows_and_never_shrinks() {
    let scratch = Scratch::new();
    let fd = open_file(
        scratch.dir(),
        "file",
        true,
        Create::New,
        &Permissions::default(),
    )
    .unwrap();
    reserve(fd.as_fd(), 3 * STEP + 1).unwrap();
    let stat = fstat(&fd).unwrap();
    assert_eq!(stat.st_size as u64, 3 * STEP + 1);
    assert!(stat.st_blocks as u64 * 512 > 3 * STEP);
    reserve(fd.as_fd(), 3 * STEP + 1).unwrap();
    for wrong in [0, 1, 3 * STEP, u64::MAX] {
        assert_eq!(
            reserve(fd.as_fd(), wrong).unwrap_err().kind(),
            io::ErrorKind::InvalidInput,
            "{wrong}"
        );
    }
    assert_eq!(fstat(&fd).unwrap().st_size as u64, 3 * STEP + 1);
}

#[test]
fn a_full_tmpfs_is_an_error_now_and_not_sigbus_later() {
    let root = match small_tmpfs(c"1m") {
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => {
            let again = std::env::var("RINGPAD_TEST_ROOT").is_ok();
            assert!(!again, "not as the root of a new namespace either: {e}");
            let name = "a_full_tmpfs_is_an_error_now_and_not_sigbus_later";
            let test = format!("{}::{name}", module_path!());
            if let Some(output) = run_test(&["-m"], &test, ("RINGPAD_TEST_ROOT", "1")) {
                assert!(output.status.success(), "{output:?}");
            }
            return;
        }
        root => root.unwrap(),
    };
    let flags = OFlags::CREATE | OFlags::RDWR | OFlags::CLOEXEC;
    let make = |name| openat(&root, name, flags, Mode::RUSR | Mode::WUSR).unwrap();
    let length = |fd: &OwnedFd| fstat(fd).unwrap().st_size;
    let (fits, refused, sparse) = (make("fits"), make("refused"), make("sparse"));
    reserve(fits.as_fd(), 512 << 10).unwrap();
    // The control: a sparse file of the same length is made without complaint, and kills who touches it.
    ftruncate(&sparse, 2 << 20).unwrap();
    let toucher = fork(&[sparse.as_fd()], |_| {
        let mut ended = 0;
        for at in (0..2 << 20).step_by(PAGE) {
            ended |= store_through(sparse.as_fd(), at);
        }
        ended
    });
    assert_eq!(toucher.ended().terminating_signal(), Some(libc::SIGBUS));
    ftruncate(&sparse, 0).unwrap();
    // Refused by the count of free blocks, before anything is taken.
    let hopeless = reserve(refused.as_fd(), 2 << 20).unwrap_err();
    assert_eq!(hopeless.kind(), io::ErrorKind::StorageFull);
    assert!(
        hopeless.to_string().contains("free in the file system"),
        "{hopeless}"
    );
    assert_eq!(length(&refused), 0);
    // Refused by the kernel half-way: blocks far beyond the end spoil the count, as someone faster would.
    let spoilt = make("spoilt");
    fallocate(&spoilt, FallocateFlags::KEEP_SIZE, 4 << 20, 256 << 10).unwrap();
    let late = reserve(spoilt.as_fd(), 384 << 10).unwrap_err();
    assert_eq!(late.kind(), io::ErrorKind::StorageFull);
    assert!(late.to_string().contains("reserving"), "{late}");
    assert_eq!(length(&spoilt), 0, "what it took is given back");
    reserve(refused.as_fd(), 512 << 10).unwrap();
    let full = fork(&[refused.as_fd()], |_| {
        store_through(refused.as_fd(), (512 << 10) - 1)
    });
    assert_eq!(
        full.ended().exit_status(),
        Some(0),
        "what is reserved is there on a full tmpfs"
    );
}

#[test]
fn more_than_the_machine_s_memory_is_refused_before_it_is_taken() {
    let left = memory_left().unwrap();
    assert!((1 << 20..1 << 50).contains(&left), "{left}");
    // In a child that may not make large files, or a mistake here would have the kernel kill bystanders.
    let child = fork(&[], |_| {
        if setrlimit(
            Resource::Fsize,
            Rlimit {
                current: Some(1 << 26),
                maximum: Some(1 << 26),
            },
        )
        .is_err()
        {
            return 1;
        }
        match memfd("ringpad-huge", 1 << 50) {
            Err(e) if e.kind() == io::ErrorKind::OutOfMemory => 0,
            _ => 2,
        }
    });
    assert_eq!(child.ended().exit_status(), Some(0));
}

#[test]
fn mapping_is_shared_aligned_and_within_the_file() {
    let fd = memfd("ringpad-map", 2 * PAGE as u64).unwrap();
    let writer = Mapping::map(fd.as_fd(), 2 * PAGE, true).unwrap();
    let reader = Mapping::map(fd.as_fd(), 2 * PAGE, false).unwrap();
    assert_eq!(
        (writer.len(), writer.base().as_ptr() as usize % 128),
        (2 * PAGE, 0)
    );
    assert_eq!(store(writer.base(), PAGE), 0);
    // SAFETY: inside the mapping.
    let byte = unsafe { reader.base().add(PAGE) };
    // SAFETY: mapped readable, and nobody writes now.
    assert_eq!(unsafe { byte.read_volatile() }, 1);
    for wrong in [0, 2 * PAGE + 1, usize::MAX] {
        let refused = Mapping::map(fd.as_fd(), wrong, false).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{refused}");
    }
    for map in [&writer, &reader] {
        map.prefault().unwrap();
        map.lock_in_memory().unwrap();
    }
}

#[test]
fn a_read_only_mapping_cannot_be_written() {
    let fd = memfd("ringpad-read-only", PAGE as u64).unwrap();
    let child = fork(&[fd.as_fd()], |_| {
        match Mapping::map(fd.as_fd(), PAGE, false) {
            Ok(map) => store(map.base(), 0),
            Err(_) => 70,
        }
    });
    assert_eq!(child.ended().terminating_signal(), Some(libc::SIGSEGV));
    let child = fork(&[fd.as_fd()], |_| store_through(fd.as_fd(), 0));
    assert_eq!(child.ended().exit_status(), Some(0), "the control");
}

#[test]
fn a_forked_child_has_no_mapping() {
    let fd = memfd("ringpad-fork", PAGE as u64).unwrap();
    let map = Mapping::map(fd.as_fd(), PAGE, true).unwrap();
    map.prefault().unwrap();
    let child = fork(&[], |_| store(map.base(), 0));
    assert_eq!(child.ended().terminating_signal(), Some(libc::SIGSEGV));
    // The control: without DONTFORK the child writes into its parent's channel.
    map.advise(Advice::LinuxDoFork).unwrap();
    let child = fork(&[], |_| store(map.base(), 0));
    assert_eq!(child.ended().exit_status(), Some(0));
    // SAFETY: mapped readable; the only writer has ended.
    assert_eq!(unsafe { map.base().read_volatile() }, 1);
}

/// A thread counts in the first word of a page while `touch` runs on it: the counts that were lost.
fn counts_lost(touch: impl Fn(&Mapping, &AtomicU32), rounds: u32) -> u32 {
    let fd = memfd("ringpad-live", PAGE as u64).unwrap();
    let map = Mapping::map(fd.as_fd(), PAGE, true).unwrap();
    // SAFETY: a page start, mapped writable, used by atomic operations only.
    let word = unsafe { AtomicU32::from_ptr(map.base().cast().as_ptr()) };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let counter = scope.spawn(|| {
            let mut counted = 0_u32;
            while !stop.load(Ordering::Relaxed) {
                word.fetch_add(1, Ordering::Relaxed);
                counted = counted.wrapping_add(1);
            }
            counted
        });
        for _ in 0..rounds {
            touch(&map, word);
        }
        stop.store(true, Ordering::Relaxed);
        counter
            .join()
            .unwrap()
            .wrapping_sub(word.load(Ordering::Relaxed))
    })
}

#[test]
fn prefaulting_a_live_buffer_loses_nothing() {
    assert_eq!(counts_lost(|map, _| map.touch_each_page(), 300_000), 0);
    assert_eq!(counts_lost(|map, _| map.prefault().unwrap(), 30_000), 0);
    // The control: the same touch by load and plain store.
    let deadline = std::time::Instant::now() + super::super::testing::PATIENCE;
    let plain =
        |_: &Mapping, word: &AtomicU32| word.store(word.load(Ordering::Relaxed), Ordering::Relaxed);
    while counts_lost(plain, 300_000) == 0 {
        assert!(
            std::time::Instant::now() < deadline,
            "a plain store never lost a count"
        );
    }
}

#[test]
fn prefault_maps_every_page() {
    let len = 64 * page_size();
    let fd = memfd("ringpad-prefault", len as u64).unwrap();
    let resident = |map: &Mapping| {
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap();
        let start = format!("{:x}-", map.base().as_ptr() as usize);
        let of_ours = smaps.lines().skip_while(|line| !line.starts_with(&start));
        let rss = of_ours
            .filter_map(|line| line.strip_prefix("Rss:"))
            .next()
            .unwrap();
        rss.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    for writable in [true, false] {
        let map = Mapping::map(fd.as_fd(), len, writable).unwrap();
        assert_eq!(resident(&map), 0, "the control");
        map.prefault().unwrap();
        assert_eq!(resident(&map), len / 1024);
    }
    let map = Mapping::map(fd.as_fd(), len, true).unwrap();
    map.touch_each_page();
    assert_eq!(resident(&map), len / 1024, "the way of older kernels");
}

#[test]
fn reserving_gets_done_under_a_profiling_timer() {
    let len = 64 << 20;
    let mut signals = 0;
    until("a few signals have come", || {
        let (done, hits) = under_signals(|| memfd("ringpad-signals", len));
        assert!(fstat(done.unwrap()).unwrap().st_blocks as u64 * 512 >= len);
        signals += hits;
        signals > 3
    });
    // The control, on kernels where a signal throws a call's work away: retrying the whole may never end.
    let whole = memfd("ringpad-signals", 1).unwrap();
    let (cut, _) = under_signals(|| fallocate(&whole, FallocateFlags::empty(), 0, len));
    if cut.is_ok() {
        return eprintln!("control left out: this kernel finishes fallocate under signals");
    }
    assert_eq!(cut, Err(Errno::INTR));
    assert!((fstat(&whole).unwrap().st_blocks as u64) * 512 < len / 2);
}

/// Where a mapping begins, and that no length makes that more than a huge page or nothing.
#[test]
fn alignments_of_mappings_are_powers_of_two_up_to_a_huge_page() {
    for (whole, align) in [
        (PAGE, PAGE),
        (3 * PAGE, 4 * PAGE),
        (HUGE, HUGE),
        (HUGE + PAGE, HUGE),
        (1 << (usize::BITS - 1), HUGE),
        ((1 << (usize::BITS - 1)) + PAGE, HUGE),
        (usize::MAX - PAGE + 1, HUGE),
    ] {
        assert_eq!(alignment(whole), align, "{whole}");
    }
}

/// Threads that map at once get ranges of their own, each aligned, and one that cannot map leaves everything as it is.
#[test]
fn mappings_made_at_once_are_aligned_and_apart() {
    let len = 3 * PAGE;
    let files: Vec<_> = (0..4)
        .map(|_| memfd("ringpad-at-once", len as u64).unwrap())
        .collect();
    let refused = memfd("ringpad-refused", len as u64).unwrap();
    fcntl_add_seals(&refused, SealFlags::WRITE).unwrap();
    std::thread::scope(|scope| {
        for (number, file) in files.iter().enumerate() {
            let refused = &refused;
            scope.spawn(move || {
                let mark = number as u8 + 1;
                for _ in 0..200 {
                    let map = Mapping::map(file.as_fd(), len, true).unwrap();
                    assert_eq!(map.base().addr().get() % (4 * PAGE), 0);
                    // SAFETY: the first byte of a live mapping of this thread's own file.
                    unsafe { map.base().write(mark) };
                    assert!(Mapping::map(refused.as_fd(), len, true).is_err());
                    // SAFETY: as above.
                    assert_eq!(unsafe { map.base().read() }, mark);
                }
            });
        }
    });
}
