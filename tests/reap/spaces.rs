//! The dead of another space of process numbers, where only the lock proves it.

use rustix::process::{Pid, Signal, kill_process};

use crate::common::until;
use crate::elsewhere::{PROCESS, Proc, spawn_in_space};
use crate::held::{self, Held};
use crate::{READY, Scene, counts, since};

/// The first process of its space holds all there is.
pub fn spaced() {
    assert_eq!(std::process::id(), 1);
    held::holder();
}

/// (g) Dead and living in other spaces are told apart, and what the dead held is given back.
#[test]
fn the_dead_of_another_pid_namespace_are_reaped() {
    let mut seen = 0;
    for proc in [Proc::Own, Proc::Outer] {
        let scene = Scene::new("spaces");
        scene.fill();
        // The word that the role is given is what it holds.
        let all: usize = Held::ALL.to_word().parse().unwrap();
        let which = all;
        let Some(guard) = spawn_in_space(&scene.room, &scene.page, "spaced", which, proc) else {
            continue;
        };
        until("it holds all of it", || scene.page.get(READY) > 0);
        for _ in 0..50 {
            assert!(scene.me.reap().unwrap().is_nothing(), "it lives");
        }
        let first = Pid::from_raw(scene.page.get(PROCESS + which) as i32).unwrap();
        kill_process(first, Signal::KILL).unwrap();
        until("its row's lock is free", || scene.dead() == 1);
        let before = scene.segment.reaped();
        let want = Held::expected(&[Held::ALL]);
        assert_eq!(counts(scene.me.reap().unwrap()), want, "{proc:?}");
        assert_eq!(since(before, scene.segment.reaped()), want);
        scene.whole().unwrap();
        drop(guard);
        seen += 1;
    }
    println!("{seen} of 2 dead in other pid namespaces reaped, none before its death");
}
