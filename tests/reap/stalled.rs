//! A reaper that stops in the middle, alive, and holds the row of the dead: nobody waits for it.

use crate::Scene;
use crate::common::child;
use crate::common::tracer::{BEGIN, END, Stop, Tracee};
use crate::held::{self, Held};

/// Stopped at each system call of a pass, one after the other: another gets whatever the dead one held.
#[test]
fn a_stopped_reaper_keeps_nothing_from_anybody() {
    for does in ["reaps", "joins"] {
        let scene = Scene::new("stalled");
        let (mut edges, mut ended) = (0, false);
        while !ended {
            scene.fill();
            let holder = scene.hold(&[Held::ALL, Held::NOTHING]);
            let command = child::command(&scene.room, "swept", &[&does, &holder.pid()]);
            let mut tracee = Tracee::exec(command);
            assert_eq!(tracee.run(), Stop::Mark(BEGIN));
            edges += 1;
            for _ in 0..edges {
                match tracee.edge() {
                    Stop::Edge(_) => {}
                    Stop::Mark(END) => ended = true,
                    other => panic!("{other:?}"),
                }
                if ended {
                    break;
                }
            }
            if let Err(error) = held::take_all(&scene.me, None) {
                panic!("{does}, stopped at edge {edges}: {error}");
            }
            tracee.kill();
            scene.me.reap().unwrap();
            scene.whole().unwrap();
        }
        let stops = edges - 1;
        println!("{does}: stopped at {stops} system calls, every end was there for others");
    }
}
