//! Directories and files: what is refused, and what the refusal says.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;

use rustix::fs::{linkat, mkfifoat};

use super::*;
use crate::os::linux::testing::Scratch;

const OWN: Permissions = Permissions {
    mode: 0o600,
    owner: None,
    group: None,
};

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode_of(fd: &OwnedFd) -> u32 {
    fstat(fd).unwrap().st_mode & 0o7777
}

fn open(scratch: &Scratch, name: &str, create: Create, want: &Permissions) -> io::Result<OwnedFd> {
    open_file(scratch.dir(), name, true, create, want)
}

/// The refusal's words; its kind must be PermissionDenied.
#[track_caller]
fn refusal<T>(refused: io::Result<T>) -> String {
    let refused = refused.err().expect("not refused");
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied, "{refused}");
    refused.to_string()
}

#[test]
fn a_directory_is_made_with_the_asked_mode_and_opened_again() {
    let scratch = Scratch::new();
    assert_eq!(mode_of(&scratch.dir), 0o700);
    let path = scratch.path.join("shared");
    assert_eq!(
        private(&path, false, &OWN).unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    let group = Permissions { mode: 0o660, ..OWN };
    assert_eq!(
        mode_of(&private(&path, true, &group).unwrap()),
        0o770,
        "0o020 is what a usual umask takes away"
    );
    assert_eq!(mode_of(&private(&path, true, &group).unwrap()), 0o770);
    let text = refusal(private(&path, true, &OWN));
    let uid = geteuid().as_raw();
    for word in [
        path.to_str().unwrap(),
        &format!("found owner {uid}"),
        "mode 770",
        "wanted owner",
        "no write for group",
    ] {
        assert!(text.contains(word), "{word} in {text}");
    }
    assert_eq!(
        mode_of(&private(&path, false, &group).unwrap()),
        0o770,
        "refusing changes nothing"
    );
    set_mode(&path, 0o777);
    assert!(refusal(private(&path, false, &group)).contains("beyond 020"));
    assert_eq!(Permissions { mode: 0o640, ..OWN }.directory_mode(), 0o750);
    assert_eq!(Permissions { mode: 0o666, ..OWN }.directory_mode(), 0o777);
}

#[test]
fn a_directory_must_be_one_of_the_owner_and_no_link() {
    let scratch = Scratch::new();
    let (real, link, file) = (
        scratch.path.join("real"),
        scratch.path.join("link"),
        scratch.path.join("file"),
    );
    private(&real, true, &OWN).unwrap();
    symlink(&real, &link).unwrap();
    std::fs::write(&file, "").unwrap();
    assert!(refusal(private(&link, true, &OWN)).contains("is a symbolic link"));
    assert_eq!(
        private(&file, true, &OWN).unwrap_err().kind(),
        io::ErrorKind::NotADirectory
    );
    assert!(
        private(&scratch.path.join("a/b"), true, &OWN).is_err(),
        "the parent must exist"
    );
    assert!(refusal(private(Path::new("/dev/shm"), false, &OWN)).contains("mode 1777"));
    let uid = geteuid().as_raw();
    let stranger = Permissions {
        owner: Some(uid + 4321),
        ..OWN
    };
    let text = refusal(private(&real, false, &stranger));
    assert!(
        text.contains(&format!("found owner {uid}"))
            && text.contains(&format!("wanted owner {}", uid + 4321)),
        "{text}"
    );
    if uid == 0 {
        chown(&real, Some(4321), None).unwrap();
        refusal(private(&real, false, &OWN));
        private(
            &real,
            false,
            &Permissions {
                owner: Some(4321),
                ..OWN
            },
        )
        .unwrap();
    } else {
        refusal(private(Path::new("/usr"), false, &OWN));
    }
}

#[test]
fn files_are_created_with_exactly_the_asked_permissions() {
    let scratch = Scratch::new();
    let shared = Permissions { mode: 0o666, ..OWN };
    assert_eq!(
        mode_of(&open(&scratch, "mine", Create::New, &OWN).unwrap()),
        0o600
    );
    assert_eq!(
        mode_of(&open(&scratch, "all", Create::IfMissing, &shared).unwrap()),
        0o666,
        "the umask does not count"
    );
    assert_eq!(
        open(&scratch, "mine", Create::New, &OWN)
            .unwrap_err()
            .kind(),
        io::ErrorKind::AlreadyExists
    );
    assert_eq!(
        open(&scratch, "none", Create::Never, &OWN)
            .unwrap_err()
            .kind(),
        io::ErrorKind::NotFound
    );
    open(&scratch, "mine", Create::IfMissing, &OWN).unwrap();
    let text = refusal(open(&scratch, "all", Create::IfMissing, &OWN));
    assert!(
        text.contains("all: found owner") && text.contains("mode 666"),
        "{text}"
    );
    let gid = rustix::process::getegid().as_raw();
    open(
        &scratch,
        "group",
        Create::New,
        &Permissions {
            group: Some(gid),
            ..OWN
        },
    )
    .unwrap();
    refusal(open(
        &scratch,
        "group",
        Create::Never,
        &Permissions {
            group: Some(gid + 1),
            ..OWN
        },
    ));
    if geteuid().is_root() {
        let other = Permissions {
            mode: 0o640,
            owner: Some(1234),
            group: Some(5678),
        };
        let stat = fstat(open(&scratch, "other", Create::New, &other).unwrap()).unwrap();
        assert_eq!(
            (stat.st_uid, stat.st_gid, stat.st_mode & 0o7777),
            (1234, 5678, 0o640)
        );
        refusal(open(&scratch, "other", Create::Never, &OWN));
    }
    let read_only = open_file(scratch.dir(), "mine", false, Create::Never, &OWN).unwrap();
    assert_eq!(rustix::io::write(&read_only, b"x"), Err(Errno::BADF));
}

#[test]
fn what_is_planted_under_a_name_is_refused_without_hanging() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    mkfifoat(dir, "fifo", Mode::RUSR | Mode::WUSR).unwrap();
    let _listener = UnixListener::bind(scratch.path.join("socket")).unwrap();
    symlink("/etc/passwd", scratch.path.join("link")).unwrap();
    symlink("nowhere", scratch.path.join("dangling")).unwrap();
    std::fs::create_dir(scratch.path.join("directory")).unwrap();
    open(&scratch, "one", Create::New, &OWN).unwrap();
    linkat(dir, "one", dir, "two", AtFlags::empty()).unwrap();
    for name in [
        "fifo",
        "socket",
        "link",
        "dangling",
        "directory",
        "one",
        "two",
    ] {
        for (write, create) in [
            (true, Create::IfMissing),
            (true, Create::Never),
            (false, Create::Never),
        ] {
            open_file(dir, name, write, create, &OWN).expect_err(name);
        }
    }
    let fifo = open_file(dir, "fifo", false, Create::Never, &OWN);
    assert!(refusal(fifo).contains("found a Fifo, wanted a RegularFile"));
    assert!(refusal(open(&scratch, "dangling", Create::IfMissing, &OWN)).contains("symbolic link"));
    assert!(
        !std::fs::exists(scratch.path.join("nowhere")).unwrap(),
        "nothing is made through a link"
    );
    assert!(refusal(open(&scratch, "two", Create::Never, &OWN)).contains("found 2 names"));
    assert!(unlink(dir, "two").unwrap());
    open(&scratch, "one", Create::Never, &OWN).unwrap();
}

#[test]
fn names_lead_nowhere_else() {
    let scratch = Scratch::new();
    let fd = open(&scratch, "file", Create::New, &OWN).unwrap();
    for name in ["", ".", "..", "/etc/passwd", "../file", "a/b", "a\0b"] {
        let refused = [
            open(&scratch, name, Create::IfMissing, &OWN).map(|_| ()),
            same_file(scratch.dir(), name, fd.as_fd()).map(|_| ()),
            unlink(scratch.dir(), name).map(|_| ()),
            rename(scratch.dir(), "file", name),
            rename(scratch.dir(), name, "file"),
        ];
        for result in refused {
            assert_eq!(
                result.unwrap_err().kind(),
                io::ErrorKind::InvalidInput,
                "{name:?}"
            );
        }
    }
}

#[test]
fn same_file_tells_a_replaced_and_a_missing_name() {
    let scratch = Scratch::new();
    let dir = scratch.dir();
    let first = open(&scratch, "lock", Create::New, &OWN).unwrap();
    let same = |fd: &OwnedFd| same_file(dir, "lock", fd.as_fd()).unwrap();
    assert!(same(&first));
    let facts = check_file(first.as_fd(), "lock", &OWN).unwrap();
    assert_eq!((facts.len, facts.links), (0, 1));
    assert!(unlink(dir, "lock").unwrap() && !unlink(dir, "lock").unwrap());
    assert!(!same(&first));
    let gone = check_file(first.as_fd(), "lock", &OWN).unwrap();
    assert_eq!(
        (gone.links, gone.ino, gone.dev),
        (0, facts.ino, facts.dev),
        "unlinked, it is still checked"
    );
    let second = open(&scratch, "new", Create::New, &OWN).unwrap();
    rename(dir, "new", "lock").unwrap();
    assert!(same(&second) && !same(&first));
    assert_eq!(
        rename(dir, "new", "lock").unwrap_err().kind(),
        io::ErrorKind::NotFound
    );
    unlink(dir, "lock").unwrap();
    symlink(
        format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&second)),
        scratch.path.join("lock"),
    )
    .unwrap();
    assert!(!same(&second), "a link to the file is not the file");
}

#[test]
fn list_gives_every_name_once() {
    let scratch = Scratch::new();
    let names = || {
        let mut names: Vec<String> = list(scratch.dir()).unwrap().map(Result::unwrap).collect();
        names.sort();
        names
    };
    assert!(names().is_empty());
    let wanted: Vec<String> = (100..400).map(|i| format!("name-{i}")).collect();
    for name in &wanted {
        open(&scratch, name, Create::New, &OWN).unwrap();
    }
    let other = std::ffi::OsStr::from_bytes(b"no text \xff");
    std::fs::write(scratch.path.join(other), "").unwrap();
    assert_eq!(names(), wanted);
    assert_eq!(names(), wanted, "from the start each time");
}

#[test]
fn simultaneous_creators_and_unlinkers_meet_no_error() {
    let scratch = Scratch::new();
    std::thread::scope(|scope| {
        for turn in 0..8 {
            let scratch = &scratch;
            scope.spawn(move || {
                for _ in 0..1000 {
                    open(scratch, "contended", Create::IfMissing, &OWN).unwrap();
                    if turn % 2 == 0 {
                        unlink(scratch.dir(), "contended").unwrap();
                    }
                }
            });
        }
    });
}
