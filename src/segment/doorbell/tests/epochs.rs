//! Epochs: never restarted, not by a new peer, not by the wrap, not by whoever scribbles.

use super::*;

#[test]
fn epochs_go_on_when_a_row_changes_hands() {
    with_each(|room, segment| {
        let two = join(&segment);
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let mut tx = ring.producer(&two).unwrap().ringing(&two, &heard).unwrap();
        for life in 1..4 {
            let one = join(&segment);
            assert_eq!(one.id().get(), 2);
            let rx = ring.consumer(&one).unwrap();
            let ends = [rx.bell()];
            let mut sleeper = Sleeper::of(&one).unwrap();
            let armed = sleeper.arm(&ends).unwrap();
            assert_eq!(arm_word(room, 2), life << 1 | 1);
            tx.push(life).unwrap();
            assert_eq!(
                heard.take(),
                [2],
                "life {life}: a producer that remembered a restarted epoch would be silent"
            );
            if life == 2 {
                // It dies asleep: bit and flag stay, its successor in the row disarms.
                forget(armed);
            }
        }
    });
}

#[test]
fn the_last_epoch_wraps() {
    with_each(|room, segment| {
        let (one, two) = (join(&segment), join(&segment));
        room.set(ROWS + 128 + ARM, u32::MAX - 1);
        let (heard, ring): (_, Ring) = (Heard::default(), segment.open("a").unwrap());
        let mut tx = ring.producer(&one).unwrap().ringing(&one, &heard).unwrap();
        let rx = ring.consumer(&two).unwrap();
        let ends = [rx.bell()];
        let mut sleeper = Sleeper::of(&two).unwrap();
        let mut armed = sleeper.arm(&ends).unwrap();
        assert_eq!(arm_word(room, 2), 1);
        tx.push(1).unwrap();
        armed.again();
        tx.push(2).unwrap();
        assert_eq!(heard.take(), [2, 2]);
    });
}

#[test]
fn a_scribbled_doorbell_word_does_not_move_the_sleeper_s_epoch() {
    let room = room(3);
    let segment = segment(&room, Trust::Distrusted, 3);
    let one = join(&segment);
    let mut sleeper = Sleeper::of(&one).unwrap();
    let none: [super::super::Bell<'_>; 0] = [];
    let mut armed = sleeper.arm(&none).unwrap();
    room.set(ROWS + ARM, 0xdead_beef);
    armed.again();
    assert_eq!(arm_word(&room, 1), 2 << 1 | 1);
}
