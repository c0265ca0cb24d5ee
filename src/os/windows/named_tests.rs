use std::os::windows::io::AsHandle;

use super::*;
use crate::os::windows::testing::{Ready, Scratch, again, read, role, stay, unique, until, write};
use crate::os::windows::{file, memory, security};
use crate::os::{collect, list};
use crate::spsc;

const HERE: &str = module_path!();

fn plan() -> Plan<1> {
    let plan = Plan::<1>::new().peers(2).unwrap();
    plan.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(64))
        .unwrap()
}

/// Patience that a test can wait out.
fn short(options: &Options) -> Options {
    options.clone().patience(Duration::from_millis(50))
}

fn exchange(name: &str, options: &Options) {
    let one = SharedSegment::open_or_create(name, &plan(), options).unwrap();
    let other = SharedSegment::open(name, options).unwrap();
    assert_eq!((one.id(), one.len_bytes()), (other.id(), other.len_bytes()));
    let looks = SharedSegment::open_read_only(name, options).unwrap();
    assert!(looks.is_read_only() && looks.join().is_err());
    let (a, b) = (one.join().unwrap(), other.join().unwrap());
    assert_eq!(one.life(a.id()), crate::Life::Alive);
    assert!(matches!(
        one.join(),
        Err(Error::Region(crate::Error::PeersFull { peers: 2 }))
    ));
    let mut tx = a.producer::<u64>("ticks").unwrap();
    let mut rx = b.consumer::<u64>("ticks").unwrap();
    let bell = rx.bell();
    let mut waiter = b.waiter().unwrap();
    let thread = std::thread::spawn(move || (0..100).for_each(|n| tx.push(n).unwrap_or(())));
    let mut next = 0;
    while next < 64 {
        let got = waiter.wait(
            std::slice::from_ref(&bell),
            Some(Duration::from_secs(20)),
            || rx.pop(),
        );
        assert_eq!(got.unwrap(), Some(next));
        next += 1;
    }
    thread.join().unwrap();
}

#[test]
fn two_open_a_name_and_the_last_one_out_leaves_nothing() {
    let (name, page_file) = (unique("exchange"), Options::new());
    exchange(&name, &page_file);
    assert!(matches!(
        SharedSegment::open(&name, &page_file),
        Err(Error::NoSegment { stale: false, .. })
    ));
    let scratch = Scratch::new();
    let files = scratch.options();
    assert!(matches!(
        SharedSegment::open(&name, &files),
        Err(Error::NoSegment { stale: false, .. })
    ));
    assert_eq!(list(&files).unwrap(), [], "no directory yet");
    exchange(&name, &files);
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
    assert!(matches!(
        SharedSegment::open(&name, &files),
        Err(Error::NoSegment { stale: false, .. })
    ));
}

#[test]
fn a_living_segment_that_differs_is_refused_and_not_touched() {
    let scratch = Scratch::new();
    for options in [Options::new(), scratch.options()] {
        let name = unique("differs");
        let living = SharedSegment::open_or_create(&name, &plan(), &options).unwrap();
        let other = Plan::<1>::new().peers(2).unwrap();
        let other = other.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(128));
        let refused = SharedSegment::open_or_create(&name, &other.unwrap(), &options);
        assert!(
            matches!(refused, Err(Error::Incompatible { .. })),
            "{refused:?}"
        );
        assert_eq!(
            SharedSegment::open(&name, &options).unwrap().id(),
            living.id()
        );
    }
}

#[test]
fn of_one_killed_with_a_page_file_segment_nothing_is_left() {
    let name = role().unwrap_or_else(|| unique("paged"));
    let options = Options::new();
    if role().is_some() {
        let segment = SharedSegment::open_or_create(&name, &plan(), &options).unwrap();
        let _peer = segment.join().unwrap();
        stay();
    }
    let test = format!("{HERE}::of_one_killed_with_a_page_file_segment_nothing_is_left");
    let mut child = Ready::start(&test, &name);
    drop(SharedSegment::open(&name, &options).unwrap());
    child.kill();
    until("the segment is gone", || {
        let found = SharedSegment::open(&name, &options);
        matches!(found, Err(Error::NoSegment { stale: false, .. }))
    });
}

#[test]
fn the_file_of_one_killed_is_found_stale_replaced_and_collected() {
    let scratch = Scratch::new();
    if let Some(directory) = role() {
        let options = Options::new().directory(directory);
        let segment = SharedSegment::open_or_create("left", &plan(), &options).unwrap();
        let _peer = segment.join().unwrap();
        stay();
    }
    let test = format!("{HERE}::the_file_of_one_killed_is_found_stale_replaced_and_collected");
    let options = scratch.options();
    let directory = scratch.0.to_str().unwrap();
    let mut child = Ready::start(&test, directory);
    let first = SharedSegment::open("left", &options).unwrap().id();
    let bytes = Some(SharedSegment::open("left", &options).unwrap().len_bytes() as u64);
    let found = |listed: Vec<crate::os::Listed>| {
        assert_eq!(listed.len(), 1);
        (listed[0].name.clone(), listed[0].bytes, listed[0].alive)
    };
    assert_eq!(found(list(&options).unwrap()), ("left".into(), bytes, true));
    assert_eq!(collect(&options).unwrap(), [""; 0], "the control: it lives");
    child.kill();
    until("nobody has it open", || !list(&options).unwrap()[0].alive);
    assert_eq!(
        found(list(&options).unwrap()),
        ("left".into(), bytes, false)
    );
    assert!(matches!(
        SharedSegment::open("left", &options),
        Err(Error::NoSegment { stale: true, .. })
    ));
    let next = SharedSegment::open_or_create("left", &plan(), &options).unwrap();
    assert_ne!(next.id(), first, "another segment");
    drop(next);
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
    let mut child = Ready::start(&test, directory);
    child.kill();
    until("nobody has it open", || !list(&options).unwrap()[0].alive);
    assert_eq!(collect(&options).unwrap(), ["left"]);
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 0);
}

/// A program that scans files has what the dead left open: nobody known here.
#[test]
fn a_file_that_a_stranger_has_open_is_waited_for() {
    let scratch = Scratch::new();
    let options = scratch.options();
    let made = SharedSegment::open_or_create("scanned", &plan(), &options).unwrap();
    let path = scratch.0.join("scanned.seg");
    let whole = std::fs::read(&path).unwrap();
    drop(made);
    // Whole, and as one leaves it who is killed while making it.
    for bytes in [whole, vec![0; 65_536], Vec::new()] {
        std::fs::write(&path, bytes).unwrap();
        // Its owner is whoever wrote it: on some systems that is not this user but a group.
        let found = file::join(&path, true);
        if found.is_err() {
            eprintln!("skipped: {found:?}");
            return;
        }
        drop(found);
        let scanner = std::fs::File::open(&path).unwrap();
        let refused = SharedSegment::open("scanned", &short(&options)).unwrap_err();
        assert!(matches!(refused, Error::TimedOut { .. }), "{refused}");
        assert!(refused.to_string().contains("scanned.seg"), "{refused}");
        drop(scanner);
        assert!(matches!(
            SharedSegment::open("scanned", &options),
            Err(Error::NoSegment { stale: true, .. })
        ));
    }
}

/// Somebody's own file under the name of a lock file is read by nobody, let alone deleted.
#[test]
fn a_file_that_is_no_lock_file_stays_and_is_named() {
    let scratch = Scratch::new();
    let options = scratch.options();
    let made = SharedSegment::open_or_create("lived", &plan(), &options);
    drop(made.unwrap());
    let path = scratch.0.join("Cargo.lock");
    let bytes = b"version = 4";
    std::fs::write(&path, bytes).unwrap();
    let open = SharedSegment::open("Cargo", &options).unwrap_err();
    let create = SharedSegment::open_or_create("Cargo", &plan(), &options).unwrap_err();
    for refused in [open, create] {
        let text = refused.to_string();
        assert!(matches!(refused, Error::Io { .. }), "{refused:?}");
        assert!(
            text.contains("Cargo.lock") && text.contains("no lock file"),
            "{text}"
        );
    }
    // One who was killed before the system knew that it is to go.
    let left = scratch.0.join("left.lock");
    std::fs::write(&left, []).unwrap();
    let names: Vec<_> = list(&options).unwrap();
    assert!(names.len() == 1 && names[0].name == "left", "{names:?}");
    assert!(!names[0].alive);
    // Somebody works with it just now.
    let in_use = std::fs::File::open(&path).unwrap();
    assert_eq!(list(&options).unwrap().len(), 1);
    assert_eq!(collect(&options).unwrap(), [""; 0]);
    drop(in_use);
    assert_eq!(collect(&options).unwrap(), [""; 0]);
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "not touched");
    if file::join(&path, true).is_ok() {
        assert!(!left.exists(), "the control: a lock file that is left goes");
    }
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 1);
}

/// As long as it says, and not a byte longer.
#[test]
fn a_file_that_is_too_long_is_refused() {
    use std::io::Write as _;
    let scratch = Scratch::new();
    let options = scratch.options();
    let living = SharedSegment::open_or_create("long", &plan(), &options).unwrap();
    drop(SharedSegment::open("long", &options).expect("the control"));
    let path = scratch.0.join("long.seg");
    let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(&[0; 100]).unwrap();
    drop(file);
    let found = living.len_bytes() as u64;
    let open = SharedSegment::open("long", &options);
    let create = SharedSegment::open_or_create("long", &plan(), &options);
    for refused in [open, create] {
        let Err(Error::Incompatible { why, .. }) = refused else {
            panic!("{refused:?}");
        };
        let (field, want) = (crate::Field::SpanBytes, found + 100);
        assert_eq!(why, crate::Error::Mismatch { field, want, found });
    }
}

/// Leaving is done in the directory that was opened, wherever the process is by then.
#[test]
fn a_relative_directory_is_the_one_of_its_opening() {
    if let Some(scratch) = role() {
        let (here, there) = (format!("{scratch}/here"), format!("{scratch}/there"));
        let options = Options::new().directory("segments");
        std::env::set_current_dir(&there).unwrap();
        let _other = SharedSegment::open_or_create("other", &plan(), &options).unwrap();
        std::fs::write("segments/mine.seg", [0; 64]).unwrap();
        std::env::set_current_dir(&here).unwrap();
        let mine = SharedSegment::open_or_create("mine", &plan(), &options).unwrap();
        assert!(std::fs::exists("segments/mine.seg").unwrap());
        std::env::set_current_dir(&there).unwrap();
        drop(mine);
        std::env::set_current_dir(&here).unwrap();
        assert!(!std::fs::exists("segments/mine.seg").unwrap(), "it stayed");
        assert!(std::fs::exists(format!("{there}/segments/mine.seg")).unwrap());
        assert!(std::fs::exists(format!("{there}/segments/other.seg")).unwrap());
        stay();
    }
    let scratch = Scratch::new();
    for directory in ["here", "there"] {
        std::fs::create_dir_all(scratch.0.join(directory)).unwrap();
    }
    let test = format!("{HERE}::a_relative_directory_is_the_one_of_its_opening");
    drop(Ready::start(&test, scratch.0.to_str().unwrap()));
}

/// Whatever lies under a name, its size is measured and its bytes are checked.
#[test]
fn what_is_no_segment_is_refused() {
    let user = &security::security().unwrap().user;
    for (bytes, fill) in [(4096, 0), (4096, 0xff), (65_536, 0x5a)] {
        let name = unique("garbage");
        let squat = memory::paged(Some(&format!(r"Local\ringpad-{user}-{name}.seg")), bytes);
        let squat = squat.unwrap();
        let page = Mapping::map(squat.as_handle(), bytes as usize, true).unwrap();
        write(&page, &vec![fill; bytes as usize]);
        let refused = SharedSegment::open(&name, &Options::new()).unwrap_err();
        assert!(matches!(refused, Error::Incompatible { .. }), "{refused}");
        let refused = SharedSegment::open_or_create(&name, &plan(), &Options::new());
        assert!(matches!(refused, Err(Error::Incompatible { .. })));
    }
    // One that says that it is longer than what it lies in.
    let (name, options) = (unique("cut"), Options::new());
    let long = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(1024));
    let whole = SharedSegment::open_or_create(&name, &long.unwrap(), &options).unwrap();
    assert!(whole.len_bytes() > 4096, "longer than a page");
    let section = whole.inner.seats.section.as_ref().unwrap();
    let view = Mapping::map(section.as_handle(), 4096, false).unwrap();
    let head = read(&view);
    let cut_name = unique("cut");
    let squat =
        memory::paged(Some(&format!(r"Local\ringpad-{user}-{cut_name}.seg")), 4096).unwrap();
    let page = Mapping::map(squat.as_handle(), 4096, true).unwrap();
    write(&page, &head);
    let refused = SharedSegment::open(&cut_name, &options).unwrap_err();
    assert!(matches!(refused, Error::Incompatible { .. }), "{refused}");
}

/// A creator's lock that another has is waited for, and its owner's death frees it.
#[test]
fn a_creator_that_is_killed_holds_nobody_up() {
    let scratch = Scratch::new();
    let lock = |name: &str, options: &Options| {
        Place::lock(name, true, options, soon(Duration::from_millis(50)))
    };
    if let Some(role) = role() {
        let (name, directory) = role.split_once('|').unwrap();
        let options = match directory {
            "" => Options::new(),
            path => Options::new().directory(path),
        };
        let _held = lock(name, &options)
            .map_err(|error| error.to_string())
            .unwrap();
        stay();
    }
    let test = format!("{HERE}::a_creator_that_is_killed_holds_nobody_up");
    for (options, directory) in [
        (Options::new(), ""),
        (scratch.options(), scratch.0.to_str().unwrap()),
    ] {
        let name = unique("creator");
        let mut child = Ready::new(
            again(&test, &format!("{name}|{directory}"))
                .spawn()
                .unwrap(),
        );
        let refused = SharedSegment::open_or_create(&name, &plan(), &short(&options));
        assert!(
            matches!(refused, Err(Error::TimedOut { .. })),
            "{refused:?}"
        );
        let lock = scratch.0.join(format!("{name}.lock"));
        let is_there = || std::fs::symlink_metadata(&lock).is_ok();
        assert_eq!(is_there(), !directory.is_empty());
        child.kill();
        until("its lock file is gone", || !is_there());
        SharedSegment::open_or_create(&name, &plan(), &options).unwrap();
    }
}

#[test]
fn a_segment_for_all_sessions_is_another_or_explained() {
    let name = unique("global");
    let here = SharedSegment::open_or_create(&name, &plan(), &Options::new()).unwrap();
    let options = Options::new().global(true);
    match SharedSegment::open_or_create(&name, &plan(), &options) {
        Ok(global) => {
            assert_ne!(global.id(), here.id(), "two namespaces");
            let found = SharedSegment::open(&name, &options).unwrap();
            assert_eq!(found.id(), global.id());
        }
        Err(error) => assert!(
            error.to_string().contains("SeCreateGlobalPrivilege"),
            "{error}"
        ),
    }
}

#[test]
fn a_child_finds_what_its_parent_hands_down() {
    if role().is_some_and(|role| role == "grandchild") {
        let refused = SharedSegment::inherited().unwrap_err();
        assert!(matches!(refused, Error::BadHandoff(_)), "{refused}");
        stay();
    }
    let test = format!("{HERE}::a_child_finds_what_its_parent_hands_down");
    if role().is_some() {
        // Whoever finds the variable too is not meant, before it was read or after.
        let variable = std::env::var(crate::os::HANDOFF_VARIABLE).unwrap();
        let grandchild = || {
            let mut command = again(&test, "grandchild");
            command.env(crate::os::HANDOFF_VARIABLE, &variable);
            drop(Ready::new(command.spawn().unwrap()));
        };
        grandchild();
        let segment = SharedSegment::inherited().unwrap();
        grandchild();
        assert!(SharedSegment::inherited().is_err(), "taken once");
        let me = segment.join().unwrap();
        me.producer::<u64>("ticks").unwrap().push(7).unwrap();
        stay();
    }
    let segment = SharedSegment::anonymous(&plan(), &Options::new()).unwrap();
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    let bell = rx.bell();
    let child = segment.spawn(&mut again(&test, "child")).unwrap();
    let mut waiter = me.waiter().unwrap();
    let got = waiter.wait(&[bell], Some(Duration::from_secs(30)), || rx.pop());
    assert_eq!(got.unwrap(), Some(7));
    let mut child = Ready::new(child);
    let other = crate::PeerId::new(2).unwrap();
    assert_eq!(segment.life(other), crate::Life::Alive);
    child.kill();
    until("the death is proven", || {
        segment.life(other) == crate::Life::Dead
    });
    let named = SharedSegment::open_or_create(&unique("named"), &plan(), &Options::new());
    let refused = named.unwrap().spawn(&mut again(&test, "child"));
    assert!(matches!(refused, Err(Error::BadHandoff(_))));
}
