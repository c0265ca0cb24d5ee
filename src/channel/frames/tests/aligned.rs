//! Each frame's address is a multiple of the alignment, wherever the pool lies.

use super::*;

fn address(user: &User<'_>) -> (u32, usize) {
    let mut loan = user.loan().unwrap();
    let at = loan.bytes_mut().unwrap().as_ptr().addr();
    let ticket = loan.publish(0).unwrap();
    (ticket.index, at)
}

#[test]
fn frames_of_a_bare_pool_are_aligned() {
    for align in [128, 256, 4096, 1 << 16, 1 << 21] {
        for bytes in [1, 128, 129, 5000] {
            let config = Config::new(3, bytes).aligned(align);
            let size = Frames::layout(&config).unwrap().size();
            // Wherever its region begins, of all lines.
            for at in [0, 128, 256, 4096 - 128] {
                let room = Room::new(at + size);
                let (_, region) = room.region(Trust::Cooperative).split_at(at).unwrap();
                let pool = Frames::init(region, &config).unwrap();
                let user = pool.bare_user().unwrap();
                let places: Vec<_> = (0..3).map(|_| address(&user)).collect();
                for (index, (frame, place)) in places.iter().enumerate() {
                    assert_eq!(*frame, index as u32);
                    assert_eq!(place % align as usize, 0, "{align}, {bytes} bytes, at {at}");
                }
                let step = (bytes as usize).next_multiple_of(align as usize);
                assert_eq!(places[1].1 - places[0].1, step);
                assert_eq!(places[2].1 - places[1].1, step);
            }
        }
    }
}

#[test]
fn frames_of_a_pool_in_a_segment_are_aligned() {
    for align in [128, 4096, 1 << 21] {
        let world = World::new(Config::new(2, 1000).aligned(align));
        let segment = world.segment(Trust::Cooperative);
        let me = world.join(&segment);
        let pool: Frames = segment.open("pool").unwrap();
        let user = pool.user(&me).unwrap();
        for _ in 0..2 {
            assert_eq!(address(&user).1 % align as usize, 0, "{align}");
        }
    }
}

#[test]
fn whoever_has_the_pool_at_an_address_of_less_alignment_is_told_both() {
    let config = Config::new(2, 100).aligned(4096);
    let size = Frames::layout(&config).unwrap().size();
    let room = Room::new(3 * size + 8192);
    // The same bytes 128 further on, as another mapping of less alignment would have them.
    let (head, tail) = room.region(Trust::Cooperative).split_at(size).unwrap();
    Frames::init(head, &config).unwrap();
    let copy = tail.into_ref();
    for shift in [128, 4096] {
        for at in (0..size).step_by(4) {
            copy.raw(shift + at)
                .unwrap()
                .store(room.word(at), std::sync::atomic::Ordering::Relaxed);
        }
        let (_, moved) = room
            .region(Trust::Cooperative)
            .split_at(size + shift)
            .unwrap();
        let begin = room.word(128) as usize;
        let found = (moved_base(&room, size + shift) + begin) % 4096;
        match (Frames::attach(moved), found) {
            (Ok(_), 0) => {}
            (Err(error), found) => assert_eq!(error, Error::Misaligned { want: 4096, found }),
            (Ok(_), found) => panic!("attached {found} bytes past a page"),
        }
    }
}

/// The address of a byte of the room.
fn moved_base(room: &Room, at: usize) -> usize {
    let past = room.view().past(at, 1 << 30);
    past % 4096
}
