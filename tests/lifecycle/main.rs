//! Requirements 21 to 23 and 33 to 38: how segments come, are found, and go.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod collected;
mod crowds;
// Links, owners and permission bits.
#[cfg(unix)]
mod doors;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod killed;
// Permission bits, umasks and groups.
#[cfg(target_os = "linux")] // a file system of its own
mod cramped;
#[cfg(unix)]
mod modes;
mod refusals;
mod wrecks;

use std::time::{Duration, Instant};

use common::child;
use common::page::Page;
use common::room::Room;
use common::system::FileExt;
use common::until;
use ringpad::os::{self, Error, Options, SharedSegment};
use ringpad::{Plan, spsc};

/// A segment's files: lock, memory, three bells; where files are locked also one for each row and one for all who have it open. On
/// Windows its memory: a lock lies there only while somebody creates, and bells are pipes elsewhere.
const FILES: usize = match (cfg!(windows), cfg!(ringpad_flock)) {
    (true, _) => 1,
    (_, true) => 9,
    _ => 5,
};

#[test]
fn child() {
    child::play(&[
        ("keeper", keeper),
        #[cfg(target_os = "linux")]
        ("tidy", tidy),
        ("directed", directed),
        ("guest", crowds::guest),
        #[cfg(unix)]
        ("founder", crowds::founder),
        #[cfg(unix)]
        ("masked", modes::masked),
        #[cfg(target_os = "linux")]
        ("cramped", cramped::cramped),
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        ("maker", killed::maker),
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        ("collector", collected::collector),
    ]);
}

/// A plan of one ring of `capacity` numbers.
fn plan(capacity: u32) -> Plan<1> {
    let ring = spsc::Config::new(capacity);
    let plan = Plan::new().peers(3).unwrap();
    plan.channel::<spsc::Spsc<u64>>("ticks", &ring).unwrap()
}

fn create(name: &str, options: &Options) -> os::Result<SharedSegment> {
    SharedSegment::open_or_create(name, &plan(16), options)
}

/// The segment works.
#[track_caller]
fn works(segment: &SharedSegment) {
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    tx.push(5).unwrap();
    assert_eq!(rx.pop(), Some(5));
}

/// Has segments open until killed.
fn keeper() {
    let room = Room::parents();
    let names = child::word(0);
    let open = |name| create(name, &room.options()).unwrap();
    let kept: Vec<_> = names.split(',').map(open).collect();
    let _joined: Vec<_> = kept.iter().map(|kept| kept.join().unwrap()).collect();
    Page::open(&room, "page").add(0, 1);
    loop {
        std::thread::park();
    }
}

/// Leaves what a killed process leaves of these segments.
fn leave(room: &Room, names: &str) {
    let page = Page::create(room, "page");
    let keeper = child::spawn(room, "keeper", &[&names]);
    until("they are open", || page.get(0) == 1);
    keeper.kill_and_reap();
    std::fs::remove_file(room.path().join("page")).unwrap();
}

fn stale(found: os::Result<SharedSegment>) -> bool {
    match found {
        Err(Error::NoSegment { stale, .. }) => stale,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_stale_segment_is_replaced() {
    let room = Room::new("stale");
    let options = room.options();
    assert!(!stale(SharedSegment::open("a", &options)), "no directory");
    leave(&room, "a");
    let old = std::fs::read(room.file("a.seg")).unwrap();
    // On Windows whoever has the file open, for whatever, keeps it from being replaced.
    let held = std::fs::File::open(room.file("a.seg")).unwrap();
    let held = cfg!(unix).then_some(held);
    assert!(stale(SharedSegment::open("a", &options)));
    assert_eq!(
        std::fs::read(room.file("a.seg")).unwrap(),
        old,
        "only looked at"
    );
    // Another plan too: the dead want nothing.
    let new = SharedSegment::open_or_create("a", &plan(64), &options).unwrap();
    works(&new);
    assert_ne!(new.id().to_le_bytes(), old[128..144], "a new segment");
    if let Some(held) = held {
        let mut state = [0; 4];
        FileExt::read_exact_at(&held, &mut state, 8).unwrap();
        assert_eq!(&state, b"RETD", "whoever still maps the old one can see");
    }
    drop(new);
    assert!(!stale(SharedSegment::open("a", &options)));
    assert_eq!(room.files(), [""; 0]);
}

#[test]
fn waiting_for_a_segment_ends_with_it_or_at_the_deadline() {
    let room = Room::new("wait");
    let options = room.options();
    let wait = |most: u64| {
        let deadline = Instant::now() + Duration::from_millis(most);
        SharedSegment::open_wait("w", deadline, &options)
    };
    let start = Instant::now();
    let error = wait(100).unwrap_err();
    let took = start.elapsed();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(took >= Duration::from_millis(100) && took < Duration::from_millis(400));
    assert_eq!(room.files(), [""; 0], "waiting makes nothing");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| wait(10_000));
        // Not before the other one is waiting, as far as one can see.
        std::thread::sleep(Duration::from_millis(20));
        assert!(!waiting.is_finished());
        let made = create("w", &options).unwrap();
        let found = waiting.join().unwrap().unwrap();
        assert_eq!(found.id(), made.id());
        assert_eq!(wait(0).unwrap().id(), made.id(), "already there");
    });
    println!("open_wait of 100 ms without a segment took {took:?}");
}

#[cfg(target_os = "linux")] // by /proc
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// Opens, uses and drops, again and again: nothing stays.
#[cfg(target_os = "linux")]
fn tidy() {
    let room = Room::parents();
    let options = room.options();
    let use_all = |segment: SharedSegment| {
        let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
        let mut tx = me.producer::<u64>("ticks").unwrap();
        let mut rx = you.consumer::<u64>("ticks").unwrap();
        let mut waiter = you.waiter().unwrap();
        tx.push(1).unwrap();
        let got = waiter.wait(&[rx.bell()], None, || rx.pop()).unwrap();
        assert_eq!(got, Some(1));
        let short = Some(Duration::from_millis(1));
        assert_eq!(waiter.wait(&[rx.bell()], short, || rx.pop()).unwrap(), None);
    };
    use_all(create("tidy", &options).unwrap());
    let before = descriptors();
    for _ in 0..10 {
        use_all(create("tidy", &options).unwrap());
        let twice = create("tidy", &options).unwrap();
        use_all(create("tidy", &options).unwrap());
        drop(twice);
        use_all(SharedSegment::anonymous(&plan(16), &Options::new()).unwrap());
        assert_eq!(descriptors(), before);
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let me = format!(" {} ", std::process::id());
        assert!(!locks.lines().any(|line| line.contains(&me)), "{locks}");
        assert_eq!(room.files(), [""; 0]);
    }
    // The control: what is open shows.
    let open = create("tidy", &options).unwrap();
    assert!(descriptors() > before && !room.files().is_empty());
    drop(open);
}

#[cfg(target_os = "linux")]
#[test]
fn a_clean_exit_leaves_no_file_descriptor_or_lock() {
    child::spawn(&Room::new("tidy"), "tidy", &[]).done();
}

/// Creates in the directory that the environment names.
fn directed() {
    let _open = create("here", &Options::new()).unwrap();
    let page = Page::open(&Room::parents(), "page");
    page.set(0, 1);
    until("seen", || page.get(0) == 2);
}

#[test]
fn the_environment_names_the_directory() {
    let room = Room::new("directed");
    let page = Page::create(&room, "page");
    let mut command = child::command(&room, "directed", &[]);
    let child = command.env("RINGPAD_DIR", room.segments()).spawn();
    let child = child::Child::of(child.unwrap());
    until("it is open", || page.get(0) == 1);
    assert!(
        room.files().contains(&"here.seg".to_owned()),
        "{:?}",
        room.files()
    );
    page.set(0, 2);
    child.done();
    assert_eq!(room.files(), [""; 0]);
}

#[test]
fn collecting_removes_the_dead_s_files_and_only_those() {
    let room = Room::new("collect");
    let options = room.options();
    assert_eq!(os::collect(&options).unwrap(), [""; 0], "no directory yet");
    let living = create("a", &options).unwrap();
    leave(&room, "a.b,dead,c");
    // None of ours, or not whole enough to say whose.
    let others = ["notes.txt", "a.b.txt", "x.seg", "dead.other.seg"];
    for other in others {
        std::fs::write(room.file(other), "mine").unwrap();
    }
    std::fs::create_dir(room.file("sub.lock")).unwrap();
    let before = std::fs::read(room.file("a.seg")).unwrap();
    let mut gone = os::collect(&options).unwrap();
    gone.sort();
    assert_eq!(gone, ["a.b", "c", "dead"]);
    let files = room.files();
    let kept: Vec<_> = files
        .iter()
        .filter(|file| !file.starts_with("a."))
        .collect();
    let want = ["dead.other.seg", "notes.txt", "sub.lock", "x.seg"];
    assert_eq!(kept, want);
    // Its own, and the other file that begins with its name.
    assert_eq!(files.len() - kept.len(), FILES + 1, "{files:?}");
    assert_eq!(std::fs::read(room.file("a.seg")).unwrap(), before);
    works(&living);
    assert_eq!(os::collect(&options).unwrap(), [""; 0]);
    println!("collected {gone:?}, kept {files:?}");
}
