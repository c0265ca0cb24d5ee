//! Segment files that are not whole.

use std::path::Path;

#[cfg(unix)]
use ringpad::os::Error;
use ringpad::os::{Options, SharedSegment};

use crate::common::room::Room;
use crate::{create, stale, works};

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
    let (file, mut tried, mut replaced) = (room.file("x.seg"), 0_u32, 0_usize);
    for (what, wreck, said) in WRECKS {
        let holder = create("x", &options).unwrap();
        let mut bytes = std::fs::read(&file).unwrap();
        wreck(&mut bytes);
        tried += beside_the_living(&file, &bytes, (what, said), &options);
        drop(holder);
        // The same wreck after its last user died.
        let files = leave_locked(&room, &bytes);
        if is_a_stranger_s(&bytes) {
            stays(&file, &bytes, what, &options);
            continue;
        }
        replaced += 1;
        assert!(stale(SharedSegment::open("x", &options)), "{what}");
        let again = create("x", &options).expect(what);
        works(&again);
        drop(again);
        assert_eq!(room.files(), [""; 0], "{what}, of {files:?}");
    }
    println!("{tried} refusals beside the living, {replaced} replacements");
    // Of these, two begin as no segment does.
    assert_eq!(replaced, WRECKS.len() - if cfg!(windows) { 2 } else { 0 });
}

/// Where no lock file tells whose a file is, the beginning does: by it alone it could be anybody's.
fn is_a_stranger_s(bytes: &[u8]) -> bool {
    let begins = &bytes[..bytes.len().min(8)];
    cfg!(windows) && begins != b"ringpad\0" && begins.iter().any(|byte| *byte != 0)
}

fn stays(file: &Path, bytes: &[u8], what: &str, options: &Options) {
    for found in [create("x", options), SharedSegment::open("x", options)] {
        let text = found.expect_err(what).to_string();
        assert!(text.contains("it is no segment"), "{what}: {text}");
    }
    assert_eq!(std::fs::read(file).unwrap(), bytes, "{what}: untouched");
    std::fs::remove_file(file).unwrap();
}

/// Answers how often it was refused.
#[cfg(unix)]
fn beside_the_living(file: &Path, bytes: &[u8], wreck: (&str, &[&str]), options: &Options) -> u32 {
    let (what, said) = wreck;
    let mut tried = 0;
    // In a new file, so that the holder's memory stays whole.
    std::fs::remove_file(file).unwrap();
    std::fs::write(file, bytes).unwrap();
    make_own(file);
    let ways = [create("x", options), SharedSegment::open("x", options)];
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
    println!("{what}: {}", create("x", options).unwrap_err());
    assert_eq!(std::fs::read(file).unwrap(), bytes, "{what}: untouched");
    tried
}

/// Windows lets nobody take a file away that somebody has mapped: a wreck beside the living cannot be made.
#[cfg(windows)]
fn beside_the_living(_: &Path, _: &[u8], _: (&str, &[&str]), _: &Options) -> u32 {
    0
}

/// So that nobody else may open it.
fn make_own(file: &Path) {
    #[cfg(unix)]
    std::fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    // In a directory that is the user's own everything is.
    #[cfg(windows)]
    assert!(file.exists());
}

fn leave_locked(room: &Room, bytes: &[u8]) -> Vec<String> {
    let _ = std::fs::create_dir(room.segments());
    // On Windows a lock is gone with whoever had it.
    let lock = cfg!(unix).then_some(("x.lock", &[][..]));
    for (file, bytes) in lock.into_iter().chain([("x.seg", bytes)]) {
        std::fs::write(room.file(file), bytes).unwrap();
        make_own(&room.file(file));
    }
    room.files()
}
