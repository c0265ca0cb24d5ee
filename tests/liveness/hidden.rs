//! Peers and askers who see no `/proc`, or one that hides the others: what they cannot know they do not guess. Requirement 9.

use std::time::{Duration, Instant};

use ringpad::Life;
use ringpad::os::SharedSegment;

use crate::common::child::Child;
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{until, until_within};
use crate::elsewhere::{Proc, spawn_with_proc};
use crate::zombies::{Heir, hold};
use crate::{BREATH, NAME, READY, SECOND, STOP, open, row, taken};

/// Words of the page, the blind one's: its row, what it saw of others' processes, how often it asked, what it got wrong;
/// whom it shall see die, and when it did.
const ROW: usize = 8;
const SIGHT: usize = 9;
const ASKED: usize = 10;
const MISTAKES: usize = 11;
const DIES: usize = 12;
const SAW: usize = 13;
/// The living, and how many they are.
const LIVING: usize = 14;
/// What it said last of one whose lock somebody holds on.
const DOUBT: usize = 20;

/// Asks about the living without pause, and about one who dies when told.
pub fn blind() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let sees = |pid: u32| std::fs::read(format!("/proc/{pid}/stat")).is_ok();
    page.set(
        SIGHT,
        1 + u64::from(sees(std::os::unix::process::parent_id())),
    );
    let segment = open(&room);
    let me = segment.join().unwrap();
    page.set(ROW, me.id().get().into());
    let living = [row(&page, LIVING), row(&page, LIVING + 1)];
    while page.get(STOP) == 0 {
        let anew = SharedSegment::open(NAME, &room.options()).unwrap();
        for peer in living {
            let dead = [&segment, &anew].map(|by| by.life(peer) == Life::Dead);
            page.add(MISTAKES, dead.into_iter().map(u64::from).sum());
        }
        let by = taken(me.producer::<u64>("ticks"));
        page.add(MISTAKES, u64::from(by != Some(living[1])));
        page.add(ASKED, 5);
        std::thread::sleep(BREATH);
    }
    until("told who", || page.get(DIES) != 0);
    let its = row(&page, DIES);
    let since = Instant::now();
    if page.get(DOUBT) == 1 {
        // Its lock is held on: nobody can prove anything here, so nobody may say so.
        let said = segment.life(its);
        page.set(DOUBT, 2 + u64::from(said == Life::Dead));
    } else {
        until_within(SECOND, "it is seen dead", || {
            segment.life(its) == Life::Dead
        });
    }
    page.set(SAW, 1 + since.elapsed().as_micros() as u64);
    std::thread::park();
}

/// One who sees that at `/proc`, beside a living holder who is stopped half of the time and then dies.
fn beside(proc: Proc, how: &str) -> bool {
    let room = Room::new("hidden");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let holder = hold(&room, &page, how, None);
    let heir = Heir::on(&page);
    let its = row(&page, READY);
    page.set(LIVING, me.id().get().into());
    page.set(LIVING + 1, its.get().into());
    // Where its number means something the system says at once that it has exited.
    page.set(DOUBT, u64::from(how == "fork" && proc == Proc::Empty));
    let Some(mut blind) = spawn_with_proc(&room, "blind", proc) else {
        return false;
    };
    let well = |blind: &mut Child| assert!(blind.ended().is_none(), "{:?}", blind.ended());
    until("it asks", || {
        well(&mut blind);
        page.get(ASKED) > 100
    });
    if page.get(SIGHT) != 1 {
        println!("SKIPPED: {proc:?} at /proc: it shows our processes nevertheless");
        return false;
    }
    let blinds = row(&page, ROW);
    for _ in 0..2 {
        let (start, asked) = (Instant::now(), page.get(ASKED));
        until("it asks on", || {
            well(&mut blind);
            assert_eq!(segment.life(blinds), Life::Alive, "it cannot say who it is");
            page.get(ASKED) > asked + 200 && start.elapsed() > Duration::from_millis(100)
        });
        holder.stop();
    }
    holder.resume();
    assert_eq!(page.get(MISTAKES), 0, "{proc:?}");
    holder.kill();
    holder.zombie();
    page.set(STOP, 1);
    page.set(DIES, its.get().into());
    until("it answers", || {
        well(&mut blind);
        page.get(SAW) != 0
    });
    let saw = match page.get(DOUBT) {
        0 => format!("seen in {} µs", page.get(SAW) - 1),
        2 => "not to be proven".into(),
        _ => "proven".into(),
    };
    let here = until_within(SECOND, "seen dead here", || segment.life(its) == Life::Dead);
    let since = Instant::now();
    blind.kill();
    blind.zombie();
    until_within(SECOND, "the blind one is seen dead", || {
        segment.life(blinds) == Life::Dead
    });
    println!(
        "{proc:?} at /proc, {how}: {} questions, no living one called dead; a death {saw} (here in {here:?}); its own seen in {:?}",
        page.get(ASKED),
        since.elapsed()
    );
    drop(heir);
    true
}

#[test]
fn who_cannot_see_processes_calls_nobody_dead_who_lives() {
    let mut seen = 0;
    for proc in [Proc::Empty, Proc::Hiding] {
        for how in ["alone", "fork"] {
            seen += u32::from(beside(proc, how));
        }
    }
    println!("{seen} of 4 ways not to see processes");
}
