//! Several reapers at once, and reapers that are killed at any time.

use std::time::Duration;

use ringpad::os::OwnedPeer;

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{Dice, number, until};
use crate::held::{self, Held};
use crate::{STOP, Scene, counts, since};

/// Words of the page: which round is on, how many are through it, how many are there; then what they found.
const ROUND: usize = 8;
const DONE: usize = 9;
const HERE: usize = 10;
const FOUND: usize = 16;

fn add(page: &Page, me: &OwnedPeer) {
    for (at, more) in counts(me.reap().unwrap()).into_iter().enumerate() {
        page.add(FOUND + at, more.into());
    }
}

/// Reaps once a round, and adds up what it found; "double" counts it twice, as none must.
pub fn reaper() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = held::open(&room).join().unwrap();
    page.add(HERE, 1);
    for round in 1.. {
        until("the next round", || {
            page.get(ROUND) >= round || page.get(STOP) != 0
        });
        if page.get(STOP) != 0 {
            return;
        }
        let before: [u64; 5] = std::array::from_fn(|at| page.get(FOUND + at));
        add(&page, &me);
        if child::word(0) == "double" {
            let again = (0..5).map(|at| page.get(FOUND + at) - before[at]);
            again.enumerate().for_each(|(at, more)| {
                page.add(FOUND + at, more);
            });
        }
        page.add(DONE, 1);
    }
}

/// Two processes reap what two peers held, so many times; true if their counts add up.
fn together(scene: &Scene, rounds: u64, how: &str) -> Result<[u32; 5], String> {
    let reapers = [0, 1].map(|_| child::spawn(&scene.room, "reaper", &[&how]));
    until("both are here", || scene.page.get(HERE) == 2);
    let (before, mut dice) = (scene.segment.reaped(), Dice::new());
    let mut want = [0; 5];
    let verdict = (1..=rounds).try_for_each(|round| {
        scene.fill();
        let hands = Held::dealt(2, &mut dice);
        scene.kill(&hands);
        for (sum, more) in want.iter_mut().zip(Held::expected(&hands)) {
            *sum += more;
        }
        scene.page.announce(ROUND, round);
        until("both are through", || scene.page.get(DONE) == 2 * round);
        let found: [u32; 5] = std::array::from_fn(|at| scene.page.get(FOUND + at) as u32);
        let counted = since(before, scene.segment.reaped());
        if found != want || counted != want {
            return Err(format!(
                "round {round}: wanted {want:?}, they found {found:?}, counted {counted:?}"
            ));
        }
        // Their rows are theirs; of the two others nothing is left.
        let left = scene.me.reap().map_err(|error| error.to_string())?;
        if !left.is_nothing() {
            return Err(format!("round {round}: left {left:?}"));
        }
        held::drained(&scene.me).map_err(|why| format!("round {round}, {hands:?}: {why}"))
    });
    scene.page.set(STOP, 1);
    reapers.into_iter().for_each(Child::done);
    verdict.map(|()| want)
}

/// (c) Two at once give each thing back once.
#[test]
fn two_processes_reap_at_once() {
    let scene = Scene::new("two");
    let rounds = number("RINGPAD_REAPED_TWICE", 200);
    let all = together(&scene, rounds, "once").unwrap();
    scene.fill();
    scene.whole().unwrap();
    println!(
        "{} peers killed in {rounds} rounds, reaped by two processes at once: peers, ends, slots, messages, locks {all:?}",
        2 * rounds
    );
}

#[test]
fn control_a_reaper_that_counts_twice_is_found() {
    let scene = Scene::new("twice");
    let why = together(&scene, 20, "double").expect_err("counted twice");
    println!("a reaper that counts twice is caught: {why}");
}

/// Reaps, joins and leaves for ever.
pub fn restless() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = held::open(&room);
    loop {
        let Ok(me) = segment.join() else { continue };
        me.reap().unwrap();
        page.add(DONE, 1);
    }
}

/// (d) Reapers and joiners killed at any time: whoever comes next finishes.
#[test]
fn a_reaper_killed_at_any_time_is_reaped_in_turn() {
    let rounds = number("RINGPAD_REAPERS", 60);
    let scene = Scene::new("random");
    let mut dice = Dice::new();
    let (mut given, mut finished) = ([0; 5], 0);
    for round in 0..rounds {
        scene.fill();
        let mut hands = Held::dealt(2, &mut dice);
        hands.truncate(1 + (round % 2) as usize);
        let holder = scene.hold(&hands);
        let before = scene.page.get(DONE);
        let reapers = [0, 1].map(|_| child::spawn(&scene.room, "restless", &[]));
        until("they reap", || scene.page.get(DONE) > before + 4);
        holder.kill_and_reap();
        std::thread::sleep(Duration::from_micros(dice.below(1500)));
        reapers.into_iter().for_each(Child::kill_and_reap);
        let mine = scene.me.reap().unwrap();
        finished += u64::from(!mine.is_nothing());
        scene
            .whole()
            .unwrap_or_else(|why| panic!("round {round}: {why}"));
    }
    for (at, more) in counts(scene.segment.reaped()).into_iter().enumerate() {
        given[at] += more;
    }
    println!(
        "{} reapers killed beside {rounds} killed holders, {finished} passes finished by the next; counted {given:?}",
        2 * rounds
    );
}
