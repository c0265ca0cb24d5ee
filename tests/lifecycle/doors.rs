//! Links, other owners and open doors are refused, at once and untouched.

use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ringpad::os::{Error, SharedSegment};

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
