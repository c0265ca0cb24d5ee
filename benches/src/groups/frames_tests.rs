//! Each side by itself beside ends that answer it, soundly or not.

use super::*;

const BYTES: usize = 64;

/// What is wrong with the frames that a taker is shown.
#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    None,
    /// The end is still the last frame's.
    Torn,
    /// One frame comes twice.
    Again,
    /// One frame does not come.
    Lost,
    Short,
}

/// Shows frames of its own making; keeps what was answered.
struct Shown {
    flaw: Flaw,
    next: u64,
    asked: bool,
    answers: Vec<u64>,
}

impl Shown {
    fn with(flaw: Flaw) -> Self {
        Self {
            flaw,
            next: 0,
            asked: false,
            answers: Vec::new(),
        }
    }
}

impl FrameTaker for Shown {
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        // Every second time there is nothing yet.
        self.asked = !self.asked;
        if self.asked {
            return None;
        }
        let number = self.next;
        self.next += 1;
        let flaw = if number == 5 { self.flaw } else { Flaw::None };
        let mut frame = vec![7; BYTES];
        let shown = match flaw {
            Flaw::Again => number - 1,
            Flaw::Lost => number + 1,
            _ => number,
        };
        mark(&mut frame, BYTES, shown);
        match flaw {
            Flaw::Torn => frame[BYTES - 8..].copy_from_slice(&(number - 1).to_le_bytes()),
            Flaw::Short => frame.truncate(BYTES - 8),
            _ => {}
        }
        Some(look(&frame))
    }

    fn answer(&mut self, number: u64) -> bool {
        self.answers.push(number);
        true
    }
}

fn taken(flaw: Flaw) -> Vec<u64> {
    let mut from = Shown::with(flaw);
    take(&mut from, BYTES, 10);
    from.answers
}

#[test]
fn sound_frames_are_all_answered() {
    assert_eq!(taken(Flaw::None), Vec::from_iter(0..10));
}

#[test]
#[should_panic = "a torn frame"]
fn a_torn_frame_is_seen() {
    taken(Flaw::Torn);
}

#[test]
#[should_panic = "another frame came"]
fn a_frame_that_comes_twice_is_seen() {
    taken(Flaw::Again);
}

#[test]
#[should_panic = "another frame came"]
fn a_lost_frame_is_seen() {
    taken(Flaw::Lost);
}

#[test]
#[should_panic = "a frame of another length came"]
fn a_short_frame_is_seen() {
    taken(Flaw::Short);
}

/// Answers frames itself: all that it was given, or one of them wrongly.
struct Echo {
    lent: usize,
    wrong: Option<u64>,
    given: Vec<u64>,
    answered: usize,
}

impl Echo {
    fn lending(lent: usize, wrong: Option<u64>) -> Self {
        Self {
            lent,
            wrong,
            given: Vec::new(),
            answered: 0,
        }
    }
}

impl FrameGiver for Echo {
    fn invitation(&self) -> String {
        String::new()
    }

    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        let mut frame = vec![7; self.lent];
        fill(&mut frame);
        assert!(frame[8..BYTES - 8].iter().all(|&byte| byte == 7));
        self.given.push(number(&frame, BYTES));
        true
    }

    fn reply(&mut self) -> Option<u64> {
        let number = *self.given.get(self.answered)?;
        self.answered += 1;
        let wrong = self.wrong == Some(number);
        Some(if wrong { number - 1 } else { number })
    }
}

#[test]
fn every_frame_is_marked_and_waited_for() {
    let mut to = Echo::lending(BYTES, None);
    give(&mut to, BYTES, 4, 6);
    assert_eq!(to.given, Vec::from_iter(0..10));
    assert_eq!(to.answered, 10);
}

#[test]
fn each_trip_is_timed_but_for_the_first() {
    let mut to = Echo::lending(BYTES, None);
    assert_eq!(give_each(&mut to, BYTES, 4, 6).len(), 6);
    assert_eq!(to.given, Vec::from_iter(0..10));
}

#[test]
#[should_panic = "another number came back"]
fn a_wrong_answer_is_seen() {
    give(&mut Echo::lending(BYTES, Some(7)), BYTES, 4, 6);
}

#[test]
#[should_panic = "another number came back"]
fn a_wrong_answer_is_seen_where_each_is_timed() {
    give_each(&mut Echo::lending(BYTES, Some(7)), BYTES, 4, 6);
}

#[test]
#[should_panic = "a frame of another length to fill"]
fn a_frame_that_is_lent_too_long_is_seen() {
    give(&mut Echo::lending(BYTES + 8, None), BYTES, 4, 6);
}
