//! A living segment of another plan is refused and left as it is, and so is what no named segment can be.

use std::time::{Duration, Instant};

use ringpad::os::{Error, SharedSegment};
use ringpad::{Life, PeerId, Plan, bytes, spsc};

use crate::common::room::Room;
use crate::create;

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

/// Of a directory that has other things too, as one of a project.
#[test]
fn a_file_that_only_has_a_lock_s_name_stays() {
    let room = Room::new("foreign");
    let options = room.options();
    let living = create("mine", &options).unwrap();
    std::fs::write(room.file("Cargo.lock"), "version = 4").unwrap();
    // Whoever may write to it.
    #[cfg(unix)]
    std::fs::set_permissions(
        room.file("Cargo.lock"),
        std::os::unix::fs::PermissionsExt::from_mode(0o666),
    )
    .unwrap();
    for found in [
        SharedSegment::open("Cargo", &options),
        create("Cargo", &options),
    ] {
        let text = found.unwrap_err().to_string();
        assert!(
            text.contains("no lock file") && text.contains("Cargo.lock"),
            "{text}"
        );
    }
    let listed = ringpad::os::list(&options).unwrap();
    assert!(
        listed.iter().all(|found| found.name == "mine"),
        "{listed:?}"
    );
    assert_eq!(ringpad::os::collect(&options).unwrap(), [""; 0]);
    let text = std::fs::read_to_string(room.file("Cargo.lock")).unwrap();
    assert_eq!(text, "version = 4");
    drop(living);
    assert_eq!(room.files(), ["Cargo.lock"]);
}
