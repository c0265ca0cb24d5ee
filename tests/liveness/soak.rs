//! Random lives and deaths, beside a parent that knows the truth: no false death, and every true one seen within a second.
//!
//! `RINGPAD_LIVENESS_SECONDS` says how long, `RINGPAD_SEED` repeats the choices.

use std::time::{Duration, Instant};

use ringpad::notepad::{self, Notepad};
use ringpad::os::{OwnedPeer, SharedSegment};
use ringpad::{Life, PeerId, Plan};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use crate::common::child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE, number, until};
use crate::elsewhere::{Proc, spawn_in_space};
use crate::truth::{Ledger, by_lock, by_number, lock_byte};
use crate::zombies::{become_sleep, has_ended, leave_behind, program_of};
use crate::{BREATH, STOP, taken};

const NAME: &str = "soak";
const ENDS: usize = 6;
const END: [&str; ENDS] = ["e0", "e1", "e2", "e3", "e4", "e5"];

/// Words of the page: of each witness what it asked, what it got wrong, and what bare numbers got wrong; of each actor what
/// it shall do, its row, its process, what it left behind, and the truth: `life << 1 | alive`.
const ASKED: usize = 8;
const MISTAKES: usize = 10;
const BARE: usize = 12;
const ORDER: usize = 100;
const ROW: usize = 110;
const PROCESS: usize = 120;
const LEFT: usize = 130;
const TRUTH: usize = 140;

/// Orders.
const EXIT: u64 = 1;
const LEAVE: u64 = 2;
const CHANGE: u64 = 3;

fn open(room: &Room) -> SharedSegment {
    let pad = notepad::Config::new();
    let plan = END
        .iter()
        .fold(Plan::<ENDS>::new().peers(24).unwrap(), |plan, name| {
            plan.channel::<Notepad<u64>>(name, &pad).unwrap()
        });
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

/// Lives in a forked child: joins, writes, and does what it is told.
fn act(page: &Page, k: usize, how: &str) -> ! {
    // SAFETY: integers only.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let life = std::panic::catch_unwind(|| {
        let me = open(&Room::parents()).join().unwrap();
        let mut end = me.notepad_writer::<u64>(END[k]).unwrap();
        if how != "alone" {
            page.set(LEFT + k, leave_behind(how) as u64);
        }
        page.set(ROW + k, me.id().get().into());
        loop {
            end.update(|n| *n += 1);
            match page.get(ORDER + k) {
                EXIT => break std::mem::forget((me, end)),
                LEAVE => break drop((end, me)),
                CHANGE => become_sleep(),
                _ => std::thread::sleep(Duration::from_micros(200)),
            }
        }
    });
    // SAFETY: ends the child.
    unsafe { libc::_exit(if life.is_ok() { 0 } else { 101 }) }
}

fn number_as_pid(page: &Page, word: usize) -> Option<Pid> {
    Pid::from_raw(page.get(word) as i32)
}

/// The parent of all actors, who knows.
struct Stage<'a> {
    page: &'a Page,
    segment: &'a SharedSegment,
    me: OwnedPeer,
    ledger: Ledger,
    lives: u64,
    stopped: [bool; ENDS],
    zombies: Vec<Pid>,
    counts: [u64; 6],
}

impl Stage<'_> {
    fn alive(&self, k: usize) -> bool {
        self.page.get(TRUTH + k) & 1 == 1
    }

    fn row(&self, k: usize) -> PeerId {
        PeerId::new(self.page.get(ROW + k) as u32).unwrap()
    }

    fn begin(&mut self, k: usize, how: &str) {
        for word in [ORDER, ROW, LEFT] {
            self.page.set(word + k, 0);
        }
        // SAFETY: the child acts and ends there; this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            act(self.page, k, how);
        }
        self.page.set(PROCESS + k, pid as u64);
        until("it has joined", || {
            let ended = waitpid(Pid::from_raw(pid), WaitOptions::NOHANG).unwrap();
            assert!(ended.is_none(), "an actor ended: {ended:?}");
            self.page.get(ROW + k) != 0
        });
        self.lives += 1;
        self.stopped[k] = false;
        self.page.set(TRUTH + k, self.lives << 1 | 1);
    }

    fn signal(&mut self, k: usize, signal: Signal) {
        kill_process(number_as_pid(self.page, PROCESS + k).unwrap(), signal).unwrap();
        self.stopped[k] = signal == Signal::STOP;
    }

    /// Every living one, as this process sees it, lives.
    fn ask(&mut self) {
        for k in (0..ENDS).filter(|k| self.page.get(TRUTH + k) & 1 == 1) {
            self.ledger.living(self.segment.life(self.row(k)));
            let by = taken(self.me.notepad_writer::<u64>(END[k]));
            self.ledger.living(if by == Some(self.row(k)) {
                Life::Alive
            } else {
                Life::Dead
            });
        }
    }

    /// Ends one by an order or by SIGKILL, and waits until that is seen.
    fn end(&mut self, k: usize, order: Option<u64>) {
        let (pid, its) = (number_as_pid(self.page, PROCESS + k).unwrap(), self.row(k));
        if order.is_some() && self.stopped[k] {
            self.signal(k, Signal::CONT);
        }
        // Before it dies: whoever finds the truth unchanged after asking asked about a living one.
        self.page.set(TRUTH + k, self.lives << 1);
        match order {
            None => self.signal(k, Signal::KILL),
            Some(order) => {
                self.page.set(ORDER + k, order);
                until("it has obeyed", || match order {
                    CHANGE => program_of(pid.as_raw_nonzero().get()) == "sleep",
                    _ => has_ended(pid),
                });
            }
        }
        let (segment, obeyed) = (self.segment, order.is_some());
        self.ledger
            .dying(|| obeyed || has_ended(pid), || segment.life(its));
        drop(
            self.me
                .notepad_writer::<u64>(END[k])
                .expect("taken over from the dead"),
        );
        if let Some(left) = number_as_pid(self.page, LEFT + k) {
            kill_process(left, Signal::KILL).unwrap();
        }
        if order == Some(CHANGE) {
            kill_process(pid, Signal::KILL).unwrap();
        }
        self.zombies.push(pid);
    }

    /// One random thing.
    fn step(&mut self, dice: &mut Dice) {
        let k = dice.below(ENDS as u64) as usize;
        // What a process that became another program left behind holds its lock, and no death proves otherwise.
        let plain = self.page.get(LEFT + k) == 0;
        let what = match (self.alive(k), dice.below(12)) {
            (false, how) => {
                let ways = ["alone", "fork", "leak", "program"];
                self.begin(k, ways[(how % 4) as usize]);
                0
            }
            (true, 0..4) if !self.stopped[k] => {
                self.signal(k, Signal::STOP);
                2
            }
            (true, 0..6) => {
                self.signal(k, Signal::CONT);
                return;
            }
            (true, 6) => {
                self.end(k, Some(EXIT));
                3
            }
            (true, 7) if plain => {
                self.end(k, Some(LEAVE));
                4
            }
            (true, 8) if plain => {
                self.end(k, Some(CHANGE));
                5
            }
            _ => {
                self.end(k, None);
                1
            }
        };
        self.counts[what] += 1;
    }
}

/// Oracles that are known to be wrong, before the same ledger: answers how each was caught.
fn controls(stage: &mut Stage<'_>, room: &Room) -> String {
    let path = room.file(&format!("{NAME}.lock"));
    let file = || {
        std::fs::File::options()
            .read(true)
            .write(true)
            .open(&path)
            .unwrap()
    };
    let (holder, other) = (file(), file());
    lock_byte(&holder, libc::F_OFD_SETLK, libc::F_WRLCK, 200);
    let (mut wrong, mut right) = (Ledger::default(), Ledger::default());
    wrong.living(by_lock(&holder, 200));
    right.living(by_lock(&other, 200));
    assert!(
        !wrong.is_right() && right.is_right(),
        "{wrong:?}, {right:?}"
    );
    let mut bare = Ledger::default();
    stage.begin(0, "alone");
    let pid = stage.page.get(PROCESS) as i32;
    bare.living(by_number(pid));
    stage.end(0, None);
    // Nobody reaps it meanwhile.
    bare.dying(|| true, || by_number(pid));
    assert!(!bare.is_right() && stage.ledger.is_right(), "{bare:?}");
    format!(
        "caught: the holder's own descriptor ({} of {} false deaths), a bare number ({} of 1 death unseen)",
        wrong.false_deaths, wrong.asked, bare.late
    )
}

/// Does random things until time is up.
pub fn soaker() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = open(&room);
    let mut dice = Dice::new();
    let mut stage = Stage {
        page: &page,
        segment: &segment,
        me: segment.join().unwrap(),
        ledger: Ledger::default(),
        lives: 0,
        stopped: [false; ENDS],
        zombies: Vec::new(),
        counts: [0; 6],
    };
    let caught = controls(&mut stage, &room);
    let (start, long, seed) = (Instant::now(), child::numeral(0), dice.seed());
    while start.elapsed() < Duration::from_secs(long) {
        stage.step(&mut dice);
        stage.ask();
        while stage.zombies.len() > 20 {
            let at = dice.below(20) as usize;
            let reaped = waitpid(Some(stage.zombies.swap_remove(at)), WaitOptions::empty());
            assert!(reaped.unwrap().is_some());
        }
    }
    for k in 0..ENDS {
        if stage.alive(k) {
            stage.end(k, None);
        }
    }
    let [begun, kills, stops, exits, leaves, changes] = stage.counts;
    let Ledger {
        asked,
        seen,
        slowest,
        ..
    } = stage.ledger;
    let told = format!(
        "seed {seed}: {begun} lives, {stops} stops, {seen} deaths ({kills} killed, {exits} exits, {leaves} left, {changes} \
         became other programs), slowest seen {slowest:?}, {asked} questions, {} false deaths, {} late; {caught}",
        stage.ledger.false_deaths, stage.ledger.late
    );
    std::fs::write(room.path().join("told"), &told).unwrap();
    page.set(STOP, 1);
    assert!(stage.ledger.is_right() && seen > long, "{told}");
}

/// Asks about everybody who lives, knowing the truth before and after.
pub fn witness() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let which = child::numeral(0) as usize;
    let segment = open(&room);
    let me = segment.join().unwrap();
    let readers = END.map(|name| me.notepad_reader::<u64>(name).unwrap());
    while page.get(STOP) == 0 {
        for (k, reader) in readers.iter().enumerate() {
            let truth = page.get(TRUTH + k);
            let Some(its) = PeerId::new(page.get(ROW + k) as u32).filter(|_| truth & 1 == 1) else {
                continue;
            };
            let dead = [reader.is_abandoned(), segment.life(its) == Life::Dead];
            let bare = by_number(page.get(PROCESS + k) as i32) == Life::Dead;
            if page.get(TRUTH + k) == truth {
                page.add(MISTAKES + which, dead.into_iter().map(u64::from).sum());
                page.add(BARE + which, u64::from(bare));
                page.add(ASKED + which, 2);
            }
        }
        std::thread::sleep(BREATH);
    }
}

#[test]
fn random_deaths_are_all_seen_and_no_other() {
    let room = Room::new("soak");
    let page = Page::create(&room, "page");
    let _alive = open(&room);
    let long = number("RINGPAD_LIVENESS_SECONDS", 10);
    let mut here = child::spawn(&room, "witness", &[&0]);
    let there = spawn_in_space(&room, &page, "witness", 1, Proc::Own);
    let mut soaker = child::spawn(&room, "soaker", &[&long]);
    let status = soaker.wait_within(Duration::from_secs(long) + 3 * PATIENCE);
    let told = std::fs::read_to_string(room.path().join("told")).unwrap_or_default();
    assert!(status.success(), "{status}: {told}");
    assert!(here.wait().success());
    let words = |word: usize| [page.get(word), page.get(word + 1)];
    println!("{told}");
    println!(
        "two witnesses, the second in another space: {:?} questions, {:?} false deaths; by bare numbers {:?}",
        words(ASKED),
        words(MISTAKES),
        words(BARE)
    );
    assert_eq!(words(MISTAKES), [0, 0]);
    if there.is_some() {
        assert!(
            page.get(BARE + 1) > 0,
            "the control: numbers of another space mean nothing"
        );
    }
}
