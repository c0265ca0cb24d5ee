//! What both machines write of the same plan and the same values is the same, byte by byte.

use ringpad::{Identity, NoProof, Region, Segment};

use crate::common::child;
use crate::common::room::Room;
use crate::ends;

/// Where a header says how its elements are aligned.
const ALIGN: usize = 44;

/// Lines of 128 bytes, so that they are aligned as a region must be.
#[derive(Clone, Copy)]
#[repr(C, align(128))]
struct Line([u64; 16]);

/// A segment in private memory, with a number of its own and a ring that holds some values, written to a file.
pub fn image() {
    let plan = ends::plan().id(0x0123_4567_89ab_cdef);
    let bytes = plan.layout().expect("a layout").size();
    let mut room = vec![Line([0; 16]); bytes.div_ceil(128)];
    // SAFETY: the lines live to the end of this function, and nothing else touches them meanwhile.
    let region = unsafe { Region::new(room.as_mut_ptr().cast(), bytes) };
    let segment = Segment::init(region.expect("a region"), &plan).expect("a segment");
    let me = segment.join(&Identity::default(), &NoProof).expect("a row");
    {
        let ring = segment.open::<ringpad::spsc::Spsc<ends::Value>>("ring");
        let ring = ring.expect("a ring");
        let mut tx = ring.producer(&me).expect("an end");
        (1..20).for_each(|n| tx.push(ends::value(n)).expect("room"));
    }
    drop(me);
    let words: Vec<u8> = room
        .iter()
        .flat_map(|line| line.0)
        .flat_map(u64::to_ne_bytes)
        .collect();
    let path = Room::parents().path().join("image");
    std::fs::write(path, words).expect("writing");
}

#[test]
fn one_plan_makes_the_same_bytes() {
    let Some(programs) = crate::programs() else {
        return;
    };
    let [ours, theirs] = programs.map(|program| {
        let room = Room::new("widths-image");
        child::start(&program, &room, "image", &[]).done();
        std::fs::read(room.path().join("image")).expect("an image")
    });
    let used = ours.iter().filter(|byte| **byte != 0).count();
    assert!(used > 500, "the control: {used} bytes are not zero");
    assert_eq!(ours.len(), theirs.len());
    let differ = |at: &usize| ours[*at] != theirs[*at];
    // A number of eight bytes is aligned to four on some machines, and each writes what it does: both count as the same.
    for at in (0..ours.len()).filter(differ) {
        let both = [ours[at], theirs[at]];
        let is_align = at % 128 == ALIGN && (both == [8, 4] || both == [4, 8]);
        assert!(is_align, "byte {at} is {both:?}");
    }
    println!(
        "{} bytes, {used} of them not zero: the same, but where 4 means 8",
        ours.len()
    );
}
