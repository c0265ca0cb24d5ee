//! Frames in huge pages, where the system has them; the same frames everywhere else.
#![cfg(all(feature = "std", target_os = "linux"))]

mod common;

use common::room::Room;
use ringpad::Plan;
use ringpad::frames::{Config, Frames};
use ringpad::os::SharedSegment;

#[test]
fn a_pool_aligned_to_huge_pages_is_so_in_every_mapping() {
    let room = Room::new("huge");
    let config = Config::new(3, 3 << 20).aligned(2 << 20);
    let plan = Plan::<1>::new().channel::<Frames>("pool", &config).unwrap();
    let options = room.options().huge_pages(true);
    let made = SharedSegment::open_or_create("film", &plan, &options).unwrap();
    // Without huge pages, and mapped beside it.
    let opened = SharedSegment::open("film", &room.options()).unwrap();
    let (camera, screen) = (made.join().unwrap(), opened.join().unwrap());
    let (camera, screen) = (
        camera.frame_user("pool").unwrap(),
        screen.frame_user("pool").unwrap(),
    );
    for turn in 0..10u8 {
        let mut loan = camera.loan().unwrap();
        let bytes = loan.bytes_mut().unwrap();
        assert_eq!(bytes.as_ptr().addr() % (2 << 20), 0);
        bytes.fill(turn);
        let ticket = loan.publish(3 << 20).unwrap();
        let view = screen.view(ticket).unwrap();
        let seen = view.bytes().unwrap();
        assert_eq!(seen.as_ptr().addr() % (2 << 20), 0);
        assert!(seen.iter().all(|byte| *byte == turn));
    }
    let all = made.len_bytes() as u64;
    let huge = made.huge_bytes();
    println!("{huge} of {all} bytes in huge pages");
    assert!(huge <= all);
    // A system that has them gives all that a whole one covers.
    assert!(huge == 0 || huge >= all - (all % (2 << 20)) - (2 << 20));
}
