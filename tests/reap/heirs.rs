//! A dead peer whose forked child lives on and holds the row's lock.

use rustix::process::{Pid, Signal, kill_process};

use crate::common::child;
use crate::common::page::Page;
use crate::common::until;
use crate::held::{self, Held};
use crate::{READY, STOP, Scene, counts};
use ringpad::Life;

/// Words of the page: the forked child.
const HEIR: usize = 8;

/// Forks a child that does nothing until told, or until nobody is there to tell it.
pub fn fork(page: &Page) {
    let tester = child::numeral(1) as i32;
    // SAFETY: the child makes system calls and loads only.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => loop {
            // SAFETY: integers only.
            let gone = unsafe { libc::kill(tester, 0) } != 0;
            if page.get(STOP) != 0 || gone {
                // SAFETY: ends the child without running anything else.
                unsafe { libc::_exit(0) };
            }
            // SAFETY: integers only.
            unsafe { libc::usleep(500) };
        },
        pid => page.set(HEIR, pid as u64),
    }
}

/// (e) All but the row is given back, the row when the child ends.
#[test]
fn a_row_whose_lock_a_child_holds_on_is_given_back_last() {
    let rounds = 5;
    for _ in 0..rounds {
        let scene = Scene::new("heirs");
        scene.fill();
        let hands = Held::ALL;
        let tester = std::process::id();
        let holder = child::spawn(&scene.room, "holder", &[&hands.to_word(), &tester]);
        until("it holds all of it", || scene.page.get(READY) > 0);
        assert!(scene.me.reap().unwrap().is_nothing());
        holder.kill_and_reap();
        let heir = Pid::from_raw(scene.page.get(HEIR) as i32).unwrap();
        let rows = scene.segment.dead();
        assert_eq!(rows.len(), 1, "its process has exited");
        let mut want = Held::expected(&[hands]);
        want[0] = 0;
        assert_eq!(counts(scene.me.reap().unwrap()), want, "all but the row");
        for _ in 0..3 {
            assert!(scene.me.reap().unwrap().is_nothing());
        }
        drop(held::take_all(&scene.me, None).unwrap());
        assert_eq!(scene.segment.dead(), rows, "the row is still its");
        assert_eq!(scene.life(rows[0]), Life::Dead);
        scene.page.set(STOP, 1);
        until("the child has ended", || {
            kill_process(heir, Signal::CONT).is_err() || is_zombie(heir)
        });
        assert_eq!(counts(scene.me.reap().unwrap()), [1, 0, 0, 0, 0]);
        want[0] = 1;
        assert_eq!(counts(scene.segment.reaped()), want);
        scene.whole().unwrap();
    }
    println!(
        "{rounds} rows held on by children: all but the row given back at once, the row at the child's end"
    );
}

/// Nobody may be there to reap it. Its first thread is one before the others have let its files go: an emulator has others.
fn is_zombie(pid: Pid) -> bool {
    let of = format!("/proc/{}", pid.as_raw_nonzero());
    let stat = std::fs::read_to_string(format!("{of}/stat"));
    let is_alone = || std::fs::read_dir(format!("{of}/task")).is_ok_and(|all| all.count() < 2);
    stat.is_ok_and(|stat| stat.contains(") Z")) && is_alone()
}
