//! Segment files that are not whole, and file systems without room.

use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use ringpad::os::{Error, Options, SharedSegment};

use crate::common::room::Room;
use crate::common::{child, is_root};
use crate::{create, plan, stale, works};

/// A change to a good segment's bytes, and what the refusal must say.
type Wreck = (&'static str, fn(&mut Vec<u8>), &'static [&'static str]);

fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

const WRECKS: [Wreck; 14] = [
    ("empty", |b| b.clear(), &["0 bytes"]),
    ("10 bytes", |b| b.truncate(10), &["10 bytes", "128"]),
    ("cut in half", |b| b.truncate(b.len() / 2), &["wanted"]),
    ("cut by a byte", |b| b.truncate(b.len() - 1), &["wanted"]),
    ("zeros", |b| b.fill(0), &["Empty", "Ready"]),
    ("garbage", |b| b.fill(0xa5), &["Garbage", "Ready"]),
    (
        "half built",
        |b| b[8..12].copy_from_slice(b"BLDG"),
        &["Building", "Ready"],
    ),
    ("magic", |b| b[0] = b'k', &["kingpad", "ringpad"]),
    (
        "byte order",
        |b| b[12..16].reverse(),
        &["0x0d0c0b0a", "0x0a0b0c0d"],
    ),
    ("ABI", |b| put(b, 16, 99), &["ABI is 99", "wanted 1"]),
    ("kind", |b| put(b, 20, 3), &["kind is 3", "wanted 1"]),
    (
        "features",
        |b| put(b, 24, 4),
        &["features is 4", "wanted 0"],
    ),
    (
        "line",
        |b| put(b, 32, 64),
        &["line bytes is 64", "wanted 128"],
    ),
    ("peers", |b| put(b, 128 + 16, 77), &["77", "1 to 32"]),
];

#[test]
fn wrecks_are_refused_beside_the_living_and_replaced_after_the_dead() {
    let room = Room::new("wreck");
    let options = room.options();
    let (file, mut tried) = (room.file("x.seg"), 0);
    for (what, wreck, said) in WRECKS {
        let holder = create("x", &options).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        wreck(&mut bytes);
        // In a new file, so that the holder's memory stays whole.
        std::fs::remove_file(&file).unwrap();
        std::fs::write(&file, &bytes).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        let ways = [create("x", &options), SharedSegment::open("x", &options)];
        for found in ways {
            let error = found.expect_err(what);
            let text = error.to_string();
            assert!(
                matches!(error, Error::Incompatible { .. }),
                "{what}: {text}"
            );
            assert!(
                said.iter().all(|value| text.contains(value)),
                "{what}: {text}"
            );
            tried += 1;
        }
        println!("{what}: {}", create("x", &options).unwrap_err());
        assert_eq!(std::fs::read(&file).unwrap(), bytes, "{what}: untouched");
        drop(holder);
        // The same wreck after its last user died.
        let files = leave_locked(&room, &bytes);
        assert!(stale(SharedSegment::open("x", &options)), "{what}");
        let again = create("x", &options).expect(what);
        works(&again);
        drop(again);
        assert_eq!(room.files(), [""; 0], "{what}, of {files:?}");
    }
    println!(
        "{tried} refusals beside the living, {} replacements",
        WRECKS.len()
    );
}

fn leave_locked(room: &Room, bytes: &[u8]) -> Vec<String> {
    let _ = std::fs::create_dir(room.segments());
    for (file, bytes) in [("x.lock", &[][..]), ("x.seg", bytes)] {
        std::fs::write(room.file(file), bytes).unwrap();
        let own = PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(room.file(file), own).unwrap();
    }
    room.files()
}

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
