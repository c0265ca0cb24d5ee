//! Modes, groups and owners are what the options say, whatever the umask.

use std::os::unix::fs::MetadataExt;

use crate::common::room::Room;
use crate::common::{child, is_root};

/// Creates under a umask, and looks at every file.
pub fn masked() {
    let room = Room::parents();
    // SAFETY: an integer; this process makes files for this test only.
    unsafe { libc::umask(child::numeral(0) as libc::mode_t) };
    let mode = child::numeral(1) as u32;
    let (uid, gid) = (child::numeral(2) as u32, child::numeral(3) as u32);
    let mut options = room.options().mode(mode);
    let me = rustix::process::geteuid().as_raw();
    if uid != me {
        options = options.owner(uid).group(gid);
    }
    let segment = crate::create("masked", &options).unwrap();
    crate::works(&segment);
    let files = room.files();
    assert_eq!(files.len(), crate::FILES);
    for file in &files {
        let found = std::fs::metadata(room.file(file)).unwrap();
        assert_eq!(found.mode() & 0o7777, mode, "{file}");
        assert_eq!((found.uid(), found.gid()), (uid, gid), "{file}");
    }
    let found = std::fs::metadata(room.segments()).unwrap();
    let search = mode | (mode & 0o444) >> 2;
    assert_eq!(found.mode() & 0o7777, search, "the directory");
    assert_eq!((found.uid(), found.gid()), (uid, gid), "the directory");
}

#[test]
fn modes_owners_and_groups_are_exact_despite_the_umask() {
    let me = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    let mut owners = vec![(me, group)];
    if is_root() {
        owners.push((65534, 65533));
    }
    let mut tried = 0;
    for (uid, gid) in owners {
        for umask in [0, 0o022, 0o077] {
            for mode in [0o600, 0o640, 0o660, 0o664, 0o666] {
                let room = Room::new("mode");
                let words: [&dyn std::fmt::Display; 4] = [&umask, &mode, &uid, &gid];
                child::spawn(&room, "masked", &words).done();
                tried += 1;
            }
        }
    }
    println!("{tried} umasks, modes and owners: exact");
}
