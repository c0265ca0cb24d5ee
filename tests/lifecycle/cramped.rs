//! File systems without room.

use std::time::{Duration, Instant};

use ringpad::os::{Options, SharedSegment};

use crate::common::room::Room;
use crate::common::{child, is_root};
use crate::{create, plan};

/// In a mount namespace of its own: a file system of 1 MiB and a few names.
pub fn cramped() {
    let room = Room::parents();
    // SAFETY: a flag; this process is alone in it.
    let alone = unsafe { libc::unshare(libc::CLONE_NEWNS) } == 0;
    let tmpfs = |path: &std::path::Path, how: &std::ffi::CStr| {
        std::fs::create_dir(path).unwrap();
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let (kind, none) = (c"tmpfs".as_ptr(), std::ptr::null());
        let private = libc::MS_REC | libc::MS_PRIVATE;
        // SAFETY: C strings that live through the call.
        let kept = unsafe { libc::mount(none, c"/".as_ptr(), none, private, none.cast()) };
        // SAFETY: as above.
        let made = unsafe { libc::mount(kind, path.as_ptr(), kind, 0, how.as_ptr().cast()) };
        kept == 0 && made == 0
    };
    let (small, few) = (room.path().join("small"), room.path().join("few"));
    if !alone || !tmpfs(&small, c"size=1m") || !tmpfs(&few, c"size=1m,nr_inodes=6") {
        eprintln!("skipped: no mount namespace or tmpfs here");
        return;
    }
    for prefault in [false, true] {
        let options = Options::new()
            .directory(small.join("seg"))
            .prefault(prefault);
        let files = || std::fs::read_dir(small.join("seg")).map_or(0, Iterator::count);
        let start = Instant::now();
        let big = SharedSegment::open_or_create("big", &plan(1 << 19), &options);
        let error = big.expect_err("4 MiB in 1 MiB");
        assert!(start.elapsed() < Duration::from_millis(500), "at once");
        eprintln!("4 MiB in 1 MiB: {error}");
        assert_eq!(files(), 0, "no file left");
        // As much as fits works, to its last byte; then there is no room for another.
        let most = SharedSegment::open_or_create("most", &plan(1 << 16), &options).unwrap();
        let me = most.join().unwrap();
        let mut tx = me.producer::<u64>("ticks").unwrap();
        (0..1 << 16).for_each(|n| tx.push(n).unwrap());
        let before = files();
        let more = SharedSegment::open_or_create("more", &plan(1 << 16), &options);
        eprintln!(
            "512 KiB beside 512 KiB in 1 MiB: {}",
            more.expect_err("no room")
        );
        assert_eq!(files(), before);
        drop((tx, me));
        works_still(&most);
        drop(most);
        assert_eq!(files(), 0);
    }
    // Out of names halfway through the bells.
    let options = Options::new().directory(few.join("seg"));
    let error = create("bells", &options).expect_err("no room for names");
    eprintln!("6 names: {error}");
    let left: Vec<_> = std::fs::read_dir(few.join("seg")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

fn works_still(segment: &SharedSegment) {
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    let all = std::iter::from_fn(|| rx.pop());
    assert!(all.eq(0..1 << 16));
}

#[test]
fn short_memory_is_an_error_now_and_leaves_nothing() {
    if is_root() {
        child::spawn(&Room::new("cramped"), "cramped", &[]).done();
    }
}
