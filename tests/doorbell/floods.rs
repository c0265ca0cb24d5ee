//! Dead and stopped sleepers.

use std::time::{Duration, Instant};

use ringpad::os::SharedSegment;

use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{child, until};
use crate::{anonymous, open, waiter};

const READY: usize = 0;

/// Sleeps at a ring for ever.
pub fn sleeper() {
    let page = Page::open(&Room::parents(), "page");
    let segment = match child::word(0).as_str() {
        "heir" => SharedSegment::inherited().unwrap(),
        _ => open(&Room::parents()),
    };
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("a").unwrap();
    page.add(READY, 1);
    let _ = waiter(&me).wait(&[rx.bell()], None, || rx.pop().filter(|n| *n == u64::MAX));
}

/// Rings a sleeper that is killed, with the signal that a broken pipe raises left as it is by default.
pub fn ringer() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    #[cfg(unix)]
    // SAFETY: a signal number and a constant.
    unsafe {
        libc::signal(libc::SIGPIPE, libc::SIG_DFL)
    };
    for how in ["heir", "named"] {
        page.set(READY, 0);
        let segment = match how {
            "heir" => anonymous(),
            _ => open(&room),
        };
        let mut command = child::command(&room, "sleeper", &[&how]);
        let sleeper = match how {
            "heir" => segment.spawn(&mut command).unwrap(),
            _ => command.spawn().unwrap(),
        };
        let sleeper = child::Child::of(sleeper);
        until("it is there", || page.get(READY) == 1);
        sleeper.asleep();
        sleeper.kill_and_reap();
        let me = segment.join().unwrap();
        // Each endpoint rings the dead sleeper's armed row once.
        for n in 0..50 {
            let _ = me.producer::<u64>("a").unwrap().push(n);
        }
        page.add(2, 1);
    }
}

#[test]
fn ringing_the_dead_raises_no_signal() {
    let room = Room::new("sigpipe");
    let page = Page::create(&room, "page");
    child::spawn(&room, "ringer", &[]).done();
    assert_eq!(page.get(2), 2);
}

#[test]
fn a_stopped_or_dead_sleeper_blocks_no_producer() {
    let room = Room::new("stopped");
    let page = Page::create(&room, "page");
    let me = open(&room).join().unwrap();
    let sleeper = child::spawn(&room, "sleeper", &[&"named"]);
    until("it is there", || page.get(READY) == 1);
    sleeper.asleep();
    sleeper.stop();
    let ring = |rounds: u64| {
        let (start, mut longest) = (Instant::now(), Duration::ZERO);
        for n in 0..rounds {
            // A new endpoint each time, so that each rings: more than a pipe holds.
            let mut tx = me.producer::<u64>("a").unwrap();
            let begin = Instant::now();
            let _ = tx.push(n % 1000);
            longest = longest.max(begin.elapsed());
        }
        (start.elapsed(), longest)
    };
    let (all, longest) = ring(70_000);
    println!("70000 rings of a stopped sleeper: {all:.1?}, longest push {longest:?}");
    assert!(longest < Duration::from_millis(500));
    sleeper.kill_and_reap();
    let (_, longest) = ring(1000);
    assert!(longest < Duration::from_millis(500));
}
