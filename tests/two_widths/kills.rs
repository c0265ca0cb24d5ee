//! Both ends of every kind killed at random, each successor of the other width: what was committed comes, whole and in order, but for
//! what one end had in hand. `RINGPAD_WIDTH_KILLS` says how often.

use std::time::{Duration, Instant};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, number, until};
use crate::ends::{KINDS, open, sender, taker, value, whole};

/// Words of the page: 1 = the sender stops, 2 = the receiver takes what is left and stops.
const STOP: usize = 0;
const TORN: usize = 1;
/// Of each kind: the number begun and the last returned; whether the receiver is in a call; the last that came; how many were passed
/// over, and how many came in all.
const BEGUN: usize = 16;
const RETURNED: usize = 32;
const IN_HAND: usize = 48;
const LAST: usize = 64;
const MISSED: usize = 80;
const CAME: usize = 96;
/// What came too late, too early or again.
const DISORDER: usize = 112;

/// Sends of every kind in turn, where its last life ended.
pub fn sends() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().expect("joining");
    me.reap().expect("reaping");
    let mut ends: Vec<_> = (0..KINDS.len()).map(|kind| sender(kind, &me)).collect();
    while page.get(STOP) == 0 {
        for (kind, send) in ends.iter_mut().enumerate() {
            let next = page.get(RETURNED + kind) + 1;
            page.set(BEGUN + kind, next);
            if send(&value(next)) {
                page.set(RETURNED + kind, next);
            }
        }
        std::thread::yield_now();
    }
}

/// Takes of every kind in turn.
pub fn receives() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().expect("joining");
    me.reap().expect("reaping");
    let mut ends: Vec<_> = (0..KINDS.len()).map(|kind| taker(kind, &me)).collect();
    loop {
        // Asked before: what was sent until then must come.
        let stop = page.get(STOP);
        let mut idle = true;
        for (kind, take) in ends.iter_mut().enumerate() {
            page.set(IN_HAND + kind, 1);
            if let Some(got) = take() {
                idle &= !note(&page, kind, whole(&got));
            }
            page.set(IN_HAND + kind, 0);
        }
        if idle {
            if stop == 2 {
                return;
            }
            std::thread::yield_now();
        }
    }
}

/// Notes what came; true if it is new.
fn note(page: &Page, kind: usize, got: Option<u64>) -> bool {
    let Some(n) = got else {
        page.add(TORN, 1);
        return true;
    };
    let (last, is_lossy) = (page.get(LAST + kind), KINDS[kind].is_lossy);
    // Who follows a dead subscriber begins with the oldest that is still there, whatever that one had.
    let may_repeat = is_lossy && n == last || KINDS[kind].is_repeated && n <= last;
    if n <= last && !may_repeat || n > page.get(BEGUN + kind) {
        page.add(DISORDER + kind, 1);
    }
    if n <= last {
        return false;
    }
    if !is_lossy {
        page.add(MISSED + kind, n - last - 1);
    }
    page.set(LAST + kind, n);
    page.add(CAME + kind, 1);
    true
}

/// The two, and what their deaths explain.
struct Pair {
    programs: [std::path::PathBuf; 2],
    room: Room,
    page: Page,
    ends: [Option<Child>; 2],
    /// Which program each end runs now.
    which: [usize; 2],
    /// Of each kind, how many the dead may have had in hand.
    allowed: [u64; KINDS.len()],
}

impl Pair {
    fn new(programs: [std::path::PathBuf; 2]) -> Self {
        let room = Room::new("widths-kills");
        let page = Page::create(&room, "page");
        let mut pair = Self {
            programs,
            room,
            page,
            ends: [None, None],
            which: [0, 1],
            allowed: [0; KINDS.len()],
        };
        [0, 1].into_iter().for_each(|end| pair.start(end));
        pair
    }

    fn start(&mut self, end: usize) {
        let program = &self.programs[self.which[end]];
        let child = child::start(program, &self.room, ["sends", "receives"][end], &[]);
        self.ends[end] = Some(child);
    }

    /// Values of every kind come.
    fn goes_on(&self) {
        let came = |kind| self.page.get(CAME + kind);
        let before: Vec<_> = (0..KINDS.len()).map(came).collect();
        until("every kind goes on", || {
            (0..KINDS.len()).all(|kind| came(kind) > before[kind] + 2)
        });
    }

    /// Kills an end, and has the other program succeed it.
    fn kill(&mut self, end: usize) {
        self.ends[end].take().expect("an end").kill_and_reap();
        for (kind, allowed) in self.allowed.iter_mut().enumerate() {
            let word = |word: usize| self.page.get(word + kind);
            if end == 0 {
                // Begun and not returned: it may have come or not. Its number is not used again.
                *allowed += u64::from(word(BEGUN) != word(RETURNED));
                self.page.set(RETURNED + kind, word(BEGUN));
            } else {
                *allowed += word(IN_HAND);
                self.page.set(IN_HAND + kind, 0);
            }
        }
        self.which[end] ^= 1;
        self.start(end);
    }

    /// Stops both; then everything is accounted for.
    fn settle(mut self) -> [u64; 2] {
        for (end, word) in [(0, 1), (1, 2)] {
            self.page.set(STOP, word);
            self.ends[end].take().expect("an end").done();
        }
        judge(&self.page, &self.allowed).unwrap()
    }
}

/// How many came, and how many did not that their sender had committed: no more than the dead had in hand, none torn, none out of order.
fn judge(page: &Page, allowed: &[u64; KINDS.len()]) -> Result<[u64; 2], String> {
    if page.get(TORN) != 0 {
        return Err("torn".into());
    }
    let (mut came, mut missed) = (0, 0);
    for (kind, what) in KINDS.iter().enumerate() {
        let word = |word: usize| page.get(word + kind);
        came += word(CAME);
        if word(DISORDER) != 0 {
            return Err(format!("{}: in disorder", what.name));
        }
        if what.is_lossy {
            continue;
        }
        // Also those at the end that nothing came behind.
        let lost = word(MISSED) + word(RETURNED).saturating_sub(word(LAST));
        if lost > allowed[kind] {
            let most = allowed[kind];
            return Err(format!("{}: {lost} lost, {most} in hand", what.name));
        }
        missed += lost;
    }
    Ok([came, missed])
}

#[test]
fn control_what_is_lost_torn_or_comes_again_is_seen() {
    let made = |last: u64, got: &[Option<u64>], allowed: u64| {
        let room = Room::new("widths-control");
        let page = Page::create(&room, "page");
        page.set(BEGUN, last);
        page.set(RETURNED, last);
        got.iter().for_each(|got| _ = note(&page, 0, *got));
        let mut most = [0; KINDS.len()];
        most[0] = allowed;
        judge(&page, &most)
    };
    assert_eq!(made(3, &[Some(1), Some(2), Some(3)], 0), Ok([3, 0]));
    assert_eq!(made(3, &[Some(1), Some(3)], 1), Ok([2, 1]), "one in hand");
    let ill: [(u64, &[Option<u64>], &str); 5] = [
        (3, &[Some(1), Some(3)], "1 lost"),
        (3, &[Some(1), Some(2)], "1 lost"),
        (2, &[Some(1), None, Some(2)], "torn"),
        (2, &[Some(1), Some(2), Some(2)], "disorder"),
        (2, &[Some(1), Some(2), Some(3)], "disorder"),
    ];
    for (last, got, what) in ill {
        let why = made(last, got, 0).expect_err(what);
        assert!(why.contains(what), "{why}");
    }
}

#[test]
fn either_end_is_killed_and_the_other_width_goes_on() {
    let Some(programs) = crate::programs() else {
        return;
    };
    let kills = number("RINGPAD_WIDTH_KILLS", 300);
    let (mut dice, began) = (Dice::new(), Instant::now());
    println!("{kills} kills, seed {}", dice.seed());
    let mut pair = Pair::new(programs);
    for _ in 0..kills {
        pair.goes_on();
        std::thread::sleep(Duration::from_micros(dice.below(2000)));
        pair.kill(dice.below(2) as usize);
    }
    pair.goes_on();
    let in_hand: u64 = pair.allowed.iter().sum();
    let [came, missed] = pair.settle();
    println!(
        "TOTAL {kills} kills across widths: {came} values came, {missed} of {in_hand} in hand did not, {:.1} s",
        began.elapsed().as_secs_f64()
    );
}
