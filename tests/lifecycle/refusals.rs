//! What is not what it should be is refused, at once and untouched.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringpad::os::{Error, SharedSegment};
use ringpad::{Life, PeerId, Plan, bytes, spsc};

use crate::common::is_root;
use crate::common::room::Room;
use crate::{create, works};

/// Both ways of opening refuse, soon, and say why.
#[track_caller]
fn refused(room: &Room, what: &str) {
    let options = room.options();
    let (start, files) = (Instant::now(), room.files());
    let ways = [create("x", &options), SharedSegment::open("x", &options)];
    for found in ways {
        match found {
            Err(error @ Error::Io { .. }) => println!("{what}: {error}"),
            other => panic!("{what}: {other:?}"),
        }
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{what}: at once");
    assert_eq!(room.files(), files, "{what}: untouched");
}

/// What stands where a file of the segment should be.
type Plant = fn(&Path) -> std::io::Result<()>;

fn link(at: &Path) -> std::io::Result<()> {
    let aside = at.with_extension("aside");
    std::fs::rename(at, &aside)?;
    symlink(aside, at)
}

fn second_name(at: &Path) -> std::io::Result<()> {
    std::fs::hard_link(at, at.with_extension("second"))
}

fn fifo(at: &Path) -> std::io::Result<()> {
    std::fs::remove_file(at)?;
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    Ok(rustix::fs::mkfifoat(rustix::fs::CWD, at, mode)?)
}

fn directory(at: &Path) -> std::io::Result<()> {
    std::fs::remove_file(at)?;
    std::fs::create_dir(at)
}

fn foreign(at: &Path) -> std::io::Result<()> {
    chown(at, Some(65534), None)
}

fn group_writes(at: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(at, PermissionsExt::from_mode(0o620))
}

fn world_writes(at: &Path) -> std::io::Result<()> {
    std::fs::set_permissions(at, PermissionsExt::from_mode(0o602))
}

const PLANTS: [(&str, Plant); 7] = [
    ("a link", link),
    ("a second name", second_name),
    ("a FIFO", fifo),
    ("a directory", directory),
    ("a foreign owner", foreign),
    ("group write", group_writes),
    ("world write", world_writes),
];

#[test]
fn links_strangers_and_open_doors_are_refused() {
    let root = is_root();
    let mut tried = 0;
    for (what, plant) in PLANTS {
        if what == "a foreign owner" && !root {
            continue;
        }
        for file in ["x.seg", "x.lock"] {
            for alive in [false, true] {
                let room = Room::new("plant");
                let made = create("x", &room.options()).unwrap();
                let mut kept = None;
                if alive {
                    kept = Some(made);
                } else {
                    // What a killed one leaves, without a kill: the files and no locks.
                    let copies = copies(&room);
                    drop(made);
                    for (path, bytes) in copies {
                        std::fs::write(&path, bytes).unwrap();
                        group_reads(&path);
                    }
                }
                plant(&room.file(file)).unwrap();
                refused(&room, &format!("{what} as {file}, alive {alive}"));
                tried += 1;
                drop(kept);
            }
        }
    }
    println!("{tried} plants refused");
}

fn group_reads(path: &Path) {
    std::fs::set_permissions(path, PermissionsExt::from_mode(0o640)).unwrap();
}

fn copies(room: &Room) -> Vec<(PathBuf, Vec<u8>)> {
    let files = ["x.seg", "x.lock"].map(|file| room.file(file));
    files
        .map(|file| (file.clone(), std::fs::read(&file).unwrap()))
        .into()
}

#[test]
fn a_bad_directory_is_refused() {
    let bad: [(&str, Plant); 4] = [
        ("a link", |at| {
            std::fs::create_dir(at.with_extension("aside"))?;
            symlink(at.with_extension("aside"), at)
        }),
        ("a file", |at| std::fs::write(at, "")),
        ("world write", |at| {
            std::fs::create_dir(at)?;
            std::fs::set_permissions(at, PermissionsExt::from_mode(0o707))
        }),
        ("a foreign owner", |at| {
            std::fs::create_dir(at)?;
            chown(at, Some(65534), None)
        }),
    ];
    for (what, plant) in bad {
        if what == "a foreign owner" && !is_root() {
            continue;
        }
        let room = Room::new("directory");
        plant(&room.segments()).unwrap();
        refused(&room, &format!("{what} as the directory"));
    }
}

#[test]
fn wide_modes_are_taken_when_asked_for() {
    let room = Room::new("wide");
    let made = create("x", &room.options().mode(0o666)).unwrap();
    refused(&room, "mode 0666, not asked for");
    works(&create("x", &room.options().mode(0o666)).unwrap());
    drop(made);
    assert_eq!(room.files(), [""; 0]);
}

#[test]
fn a_living_segment_of_another_plan_is_refused_and_not_touched() {
    let room = Room::new("plans");
    let options = room.options();
    let mine = Plan::<2>::new().channel::<spsc::Spsc<u64>>("a", &spsc::Config::new(16));
    let log = bytes::Config::records(4096);
    let mine = mine.unwrap().channel::<bytes::Bytes>("log", &log).unwrap();
    let segment = SharedSegment::open_or_create("x", &mine, &options).unwrap();
    let before = std::fs::read(room.file("x.seg")).unwrap();
    let one =
        |capacity| Plan::<1>::new().channel::<spsc::Spsc<u64>>("a", &spsc::Config::new(capacity));
    let tagged = spsc::Config::new(16).tagged(77);
    let others: [(Plan<1>, [&str; 2]); 8] = [
        (one(16).unwrap().peers(32).unwrap(), ["peers", "32"]),
        (one(32).unwrap(), ["16", "32"]),
        (
            Plan::new()
                .channel::<spsc::Spsc<u32>>("a", &spsc::Config::new(16))
                .unwrap(),
            ["4", "8"],
        ),
        (
            Plan::new()
                .channel::<spsc::Spsc<[u16; 4]>>("a", &spsc::Config::new(16))
                .unwrap(),
            ["2", ["4", "8"][usize::from(align_of::<u64>() == 8)]],
        ),
        (
            Plan::new()
                .channel::<spsc::Spsc<u64>>("a", &tagged)
                .unwrap(),
            ["77", "0"],
        ),
        (
            Plan::new().channel::<bytes::Bytes>("a", &log).unwrap(),
            ["rp-spsc", "rp-byte"],
        ),
        (
            Plan::new()
                .channel::<bytes::Bytes>("log", &bytes::Config::stream(4096))
                .unwrap(),
            ["1", "2"],
        ),
        (
            Plan::new()
                .channel::<spsc::Spsc<u64>>("b", &spsc::Config::new(16))
                .unwrap(),
            ["\"b\"", "no channel"],
        ),
    ];
    for (other, said) in others {
        let found = SharedSegment::open_or_create("x", &other, &options);
        let error = found.expect_err("another plan");
        assert!(matches!(error, Error::Incompatible { .. }), "{error}");
        let text = error.to_string();
        assert!(said.iter().all(|value| text.contains(value)), "{text}");
        println!("{text}");
    }
    assert_eq!(std::fs::read(room.file("x.seg")).unwrap(), before);
    // The control: the same plan, and a part of it, are let in.
    assert!(SharedSegment::open_or_create("x", &mine, &options).is_ok());
    let part = SharedSegment::open_or_create("x", &one(16).unwrap(), &options).unwrap();
    assert!(part.check(&mine).is_ok() && part.check(&one(32).unwrap()).is_err());
    // Rows that are not there were never anyone's, so nobody is proven dead.
    let beyond = [PeerId::BARE, PeerId::new(segment.peers() + 1).unwrap()];
    assert!(beyond.iter().all(|row| segment.life(*row) == Life::Unknown));
    drop(part);
    drop(segment);
    assert_eq!(room.files(), [""; 0]);
}

#[test]
fn a_named_segment_is_never_distrusted() {
    let room = Room::new("distrusted");
    let options = room.options().distrusted(true);
    let soon = Instant::now() + Duration::from_secs(5);
    let ways = [
        create("x", &options),
        SharedSegment::open("x", &options),
        SharedSegment::open_wait("x", soon, &options),
    ];
    for found in ways {
        let error = found.expect_err("its file can shrink");
        assert!(
            matches!(
                error,
                Error::BadOption {
                    option: "distrusted",
                    ..
                }
            ),
            "{error}"
        );
    }
    assert_eq!(room.files(), [""; 0]);
}
