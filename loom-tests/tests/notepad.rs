//! The notepad: what a reader gets is whole, of the version beside it, and never older than what it got before; also while the writer
//! dies at any of its writes and is taken over.
//!
//! OPEN/VALIDATE keep a reader from words of a later version, PUBLISH/OBSERVE from those of an earlier one. A reader comes to a slot
//! by the published version alone, so CLOSE/ARRIVE are not needed here, but in `mailslot.rs`, where the stamp says that there is
//! something. OPEN and VALIDATE matter once a slot is written again: only models with more writes than slots die without them.

mod common;

use common::world::{Pair, Pipes, World, if_free, notepad};
use common::{ASLEEP, EITHER, Model, TORN, Victim, killed_at_each_step, saw};
use loom::thread;
use ringpad::Sleeper;
use ringpad::hooks::probe::{notepad_at, roll_back};
use ringpad::notepad::{Config, Missed, Note, Notepad, Reader, Writer};

/// Fewest slots there are.
const SLOTS: u32 = 4;
/// The last version before the number wraps.
const LAST: u32 = u32::MAX >> 1;

fn config() -> Config {
    Config::new().slots(SLOTS)
}

/// Which write behind version `from` a version is.
fn nth<T>(note: &Note<T>, from: u32) -> u32 {
    note.version.get().wrapping_sub(from) & LAST
}

/// A reader of pairs, the n-th of which behind version `from` is `[n, n]`.
struct Looker {
    rx: Reader<'static, Pair>,
    from: u32,
    /// Writes that there are at most.
    most: u32,
    last: u32,
}

impl Looker {
    fn new(rx: Reader<'static, Pair>, from: u32, most: u32) -> Self {
        let last = 0;
        Self {
            rx,
            from,
            most,
            last,
        }
    }

    /// Reads once; the n of what it got.
    fn look(&mut self) -> Option<u32> {
        match self.rx.try_read() {
            Ok(None) => {
                assert!(self.from == 0 && self.last == 0, "unwritten");
                saw("nothing");
                None
            }
            Ok(Some(note)) => {
                let n = nth(&note, self.from);
                assert_eq!(note.value, [n; 2], "torn");
                assert!(n >= self.last, "back from {} to {n}", self.last);
                assert!(n <= self.most);
                self.last = n;
                saw("read");
                Some(n)
            }
            Err(Missed::Lapped) => {
                // The first version that can be read is 1 of a new notepad.
                assert!(
                    self.most >= SLOTS + u32::from(self.from == 0),
                    "lapped by {}",
                    self.most
                );
                saw("lapped");
                None
            }
            Err(other) => panic!("{other}"),
        }
    }
}

/// `writes` writes beside `looks` looks. No thread here loads a word and then writes it, so that the checker misses nothing without
/// shadows.
fn beside(writes: u32, looks: u32, from: u32) -> Model {
    let name = format!("{writes} writes, {looks} looks, from {from:#x}");
    Model::new(&name, 2, move || {
        let (_room, mut tx, rx) = notepad::<Pair>(&config(), from);
        let mut rx = Looker::new(rx, from, writes);
        let writer = thread::spawn(move || {
            for n in 1..=writes {
                tx.write(&[n; 2]);
            }
            tx
        });
        for _ in 0..looks {
            rx.look();
        }
        let tx = writer.join().unwrap();
        assert_eq!(rx.look(), Some(writes));
        assert_eq!(tx.latest().unwrap().value, [writes; 2]);
    })
    .without_shadows()
}

/// A model that holds by every edge that a notepad of slots stands on, and dies without any.
fn needs_all(model: &Model) {
    model.holds();
    for edge in ["open", "validate", "publish", "observe"] {
        model.dies_without(edge, TORN);
    }
}

fn needs_publish(model: &Model, because: [&str; 2]) {
    model.holds();
    model.dies_without("publish", because[0]);
    model.dies_without("observe", because[1]);
}

/// What is written for the first time cannot tear; without PUBLISH/OBSERVE its words or its stamp may be those from before.
#[test]
fn fewer_writes_than_slots() {
    let few = |writes, looks| beside(writes, looks, 0).sees(&["nothing", "read"]);
    needs_publish(&few(1, 2), ["lapped by 1", TORN]);
    needs_publish(&few(3, 2), ["lapped by 3", TORN]);
}

#[test]
fn more_writes_than_slots() {
    needs_all(&beside(4, 1, 40).sees(&["read", "lapped"]));
    needs_all(
        &beside(6, 1, 0)
            .preemptions(3)
            .sees(&["nothing", "read", "lapped"]),
    );
    needs_all(&beside(5, 2, 40).preemptions(2).sees(&["read", "lapped"]));
}

/// The number wraps at 2^31, and 0 is a version as any other.
#[test]
fn versions_wrap() {
    needs_all(&beside(4, 1, LAST - 1).sees(&["read", "lapped"]));
    needs_all(
        &beside(5, 2, LAST - 3)
            .preemptions(2)
            .sees(&["read", "lapped"]),
    );
}

/// Readers store nothing, so that none disturbs another.
#[test]
fn two_readers() {
    let model = Model::new("two readers", 3, || {
        let (_room, mut tx, rx) = notepad::<Pair>(&config(), 40);
        let (mut one, mut two) = (Looker::new(rx.clone(), 40, 4), Looker::new(rx, 40, 4));
        let writer = thread::spawn(move || {
            for n in 1..=4 {
                tx.write(&[n; 2]);
            }
            tx
        });
        let other = thread::spawn(move || {
            two.look();
            two
        });
        one.look();
        let _tx = writer.join().unwrap();
        let mut two = other.join().unwrap();
        assert_eq!([one.look(), two.look()], [Some(4); 2]);
    });
    needs_all(
        &model
            .without_shadows()
            .sees(&["read", "lapped"])
            .preemptions(2),
    );
}

/// A word is never lapped, and at least as new as the version beside it, which PUBLISH/OBSERVE see to.
fn word(writes: u32, looks: u32, from: u32) -> Model {
    let name = format!("a word, {writes} writes, from {from:#x}");
    let model = Model::new(&name, 2, move || {
        let (_room, mut tx, rx) = notepad::<u32>(&config(), from);
        // Whoever takes a word over counts one more, since nobody can say whether the one before stored a value.
        let from = if from > 0 { (from + 1) & LAST } else { 0 };
        let writer = thread::spawn(move || {
            for n in 1..=writes {
                tx.write(&n);
            }
            tx
        });
        let mut last = 0;
        for _ in 0..looks {
            let Some(note) = rx.try_read().unwrap() else {
                assert_eq!((from, last), (0, 0));
                continue;
            };
            let n = nth(&note, from);
            assert!(
                note.value >= n && note.value <= writes,
                "version {n} of {}",
                note.value
            );
            assert!(note.value >= last, "back from {last} to {}", note.value);
            saw(if note.value > n { "newer" } else { "equal" });
            last = note.value;
        }
        // By one load: what was read before is not forgotten.
        assert!(rx.load() >= last);
        let _tx = writer.join().unwrap();
        let note = rx.try_read().unwrap().unwrap();
        assert_eq!(
            (nth(&note, from), note.value, rx.load()),
            (writes, writes, writes)
        );
    });
    model.without_shadows().sees(&["newer", "equal"])
}

#[test]
fn words() {
    for from in [0, LAST - 1] {
        needs_publish(&word(2, 2, from), ["version"; 2]);
    }
    word(3, 2, LAST).holds();
}

/// PUBLISH/OBSERVE of the word alone, for whoever uses it as a flag: what was written into another notepad before is there.
#[test]
fn a_word_announces_what_was_written_before() {
    let model = Model::new("a word announces", 2, || {
        let (_room, mut tx, rx) = notepad::<Pair>(&config(), 0);
        let (_flags, mut flag, flagged) = notepad::<u32>(&config(), 0);
        let writer = thread::spawn(move || {
            tx.write(&[1; 2]);
            flag.write(&1);
            (tx, flag)
        });
        if flagged.load() == 1 {
            saw("flag");
            assert!(rx.version().is_some(), "announced, and not there");
        }
        let _ends = writer.join().unwrap();
    });
    needs_publish(
        &model.without_shadows().sees(&["flag"]),
        ["announced, and not there"; 2],
    );
}

/// The n-th of these is n bytes of n.
fn some_bytes(n: u8) -> [u8; 8] {
    std::array::from_fn(|at| if at < usize::from(n) { n } else { 0 })
}

/// The length belongs to the bytes.
#[test]
fn bytes_of_changing_length() {
    const LENGTHS: [u8; 5] = [3, 8, 1, 5, 2];
    let model = |writes: usize, in_place: bool| {
        let name = format!("{writes} lengths, in place {in_place}");
        Model::new(&name, 2, move || {
            let (_room, mut tx, rx) = notepad::<[u8]>(&Config::bytes(8).slots(SLOTS), 40);
            let writer = thread::spawn(move || {
                for n in &LENGTHS[..writes] {
                    tx.write(&some_bytes(*n)[..usize::from(*n)]).unwrap();
                }
                tx
            });
            let mut room = [0; 8];
            let got = if in_place {
                rx.read_with(|bytes| {
                    bytes.read_at(0, &mut room[..bytes.len()]).unwrap();
                    bytes.len()
                })
            } else {
                rx.try_read_into(&mut room)
            };
            match got {
                Ok(note) => {
                    let note = note.unwrap();
                    let n = nth(&note, 40) as usize;
                    let want = if n > 0 { LENGTHS[n - 1] } else { 0 };
                    assert_eq!((note.value, room), (want.into(), some_bytes(want)), "torn");
                    saw("read");
                }
                Err(Missed::Lapped) => saw("lapped"),
                Err(other) => panic!("{other}"),
            }
            let tx = writer.join().unwrap();
            assert_eq!(tx.latest().unwrap().value.len(), LENGTHS[writes - 1].into());
        })
        .without_shadows()
        .sees(&["read", "lapped"])
    };
    needs_all(&model(4, false).preemptions(3));
    needs_all(&model(5, true).preemptions(2));
}

/// A draft is nobody's until it is committed, and was nothing if it was dropped.
#[test]
fn drafts() {
    let model = Model::new("drafts", 2, || {
        let (_room, mut tx, rx) = notepad::<Pair>(&config(), 40);
        let mut rx = Looker::new(rx, 40, 4);
        let writer = thread::spawn(move || {
            let word = |n: u32| n.to_le_bytes();
            for n in 1..=4 {
                // What is dropped is begun over the oldest version's slot.
                tx.draft().write_at(4, &word(90 + n)).unwrap();
                let mut draft = tx.draft();
                draft.write_at(4, &word(n)).unwrap();
                draft.write_at(0, &word(n)).unwrap();
                draft.commit();
            }
            let _ = tx.draft().write_at(0, &word(99));
            tx
        });
        rx.look();
        let tx = writer.join().unwrap();
        assert_eq!((rx.look(), tx.latest().unwrap().value), (Some(4), [4; 2]));
    });
    needs_all(&model.sees(&["read", "lapped"]).preemptions(2));
}

/// ARM/RING: a reader that sleeps until the version changes.
#[test]
fn a_reader_sleeps_until_the_next_version() {
    let model = Model::new("a reader sleeps", 2, || {
        let (world, _) = world(2, 0);
        let (a, b, pipes) = (world.join(), world.join(), Pipes::new());
        let pad = world.open::<Pad>();
        let (tx, rx) = (pad.writer(a).unwrap(), pad.reader());
        let mut tx = tx.ringing(a, pipes.clone()).unwrap();
        let mut sleeper = Sleeper::of(b).unwrap();
        let writer = thread::spawn(move || {
            tx.write(&[1; 2]);
            tx.write(&[2; 2]);
            std::mem::forget(tx);
        });
        let bells = [rx.bell(b).unwrap()];
        let mut armed = sleeper.arm(&bells).unwrap();
        let mut rx = Looker::new(rx, 0, 2);
        while rx.last < 2 {
            let since = rx.rx.version();
            if rx.look() == Some(2) {
                break;
            }
            while !rx.rx.changed(since) {
                pipes.sleep(b.id());
                armed.again();
            }
        }
        writer.join().unwrap();
    });
    let model = model.sees(&["asleep", "rung", "read"]).preemptions(2);
    model.holds();
    model.dies_without("arm", ASLEEP);
    model.dies_without("ring", ASLEEP);
}

type Pad = Notepad<'static, Pair>;

/// A segment with `peers` rows and a notepad that goes on behind `from`.
fn world(peers: u32, from: u32) -> (World, u32) {
    let world = World::with::<Pad>(peers, &config());
    notepad_at(world.bytes_of_channel(), from).unwrap();
    (world, from)
}

/// Killed anywhere, the writer leaves readers what it committed, and its successor too, which goes on behind that.
fn killed(victim: Victim, from: u32, writes: u32, more: u32) -> Model {
    let name = format!("writer killed beside a reader, from {from:#x}");
    Model::new(&name, 2, move || {
        let (world, from) = world(2, from);
        let (a, b, pad) = (world.join(), world.join(), world.open::<Pad>());
        let tx = pad.writer(a).unwrap();
        let mut rx = Looker::new(pad.reader(), from, writes + more);
        let reader = thread::spawn(move || {
            rx.look();
            rx
        });
        let (mut begun, mut returned) = (0, 0);
        victim.dies(|| write_to(writes, tx, &mut begun, &mut returned));
        world.oracle().bury(a.id());
        let mut tx = pad.writer(b).unwrap();
        let left = check_left(&tx, from, begun, returned);
        let to = left + more;
        for n in left + 1..=to {
            tx.write(&[n; 2]);
        }
        let mut rx = reader.join().unwrap();
        assert!(rx.last <= to);
        assert_eq!(rx.look().unwrap_or(0), to);
    })
}

/// Writes the first to the `to`-th, and says which was begun and which returned.
fn write_to(to: u32, mut tx: Writer<'_, Pair>, begun: &mut u32, returned: &mut u32) {
    for n in 1..=to {
        *begun = n;
        tx.write(&[n; 2]);
        *returned = n;
    }
    std::mem::forget(tx);
}

/// What a successor found: all that returned, and what was complete.
fn check_left(tx: &Writer<'_, Pair>, from: u32, begun: u32, returned: u32) -> u32 {
    let left = tx.latest().map_or(0, |note| {
        assert_eq!(note.value, [nth(&note, from); 2], "torn");
        nth(&note, from)
    });
    assert!(left == begun || left == returned, "lost: {left}");
    let rolled = left > returned;
    saw(if rolled {
        "rolled forward"
    } else {
        "as it was"
    });
    left
}

#[test]
fn a_writer_dies_beside_a_reader() {
    const ALL: &[&str] = &["read", "rolled forward", "as it was"];
    killed_at_each_step(|victim| killed(victim, 0, 2, 1).sees(ALL).preemptions(3));
    killed_at_each_step(|victim| killed(victim, LAST - 1, 2, 2).sees(ALL).preemptions(2));
}

/// The same, and who goes on is in another thread, which asks at any time whether the end is free. The oracle's word hands over what
/// there is.
#[test]
fn a_writer_dies_beside_its_successor() {
    killed_at_each_step(|victim| {
        Model::new("writer killed beside its successor", 2, move || {
            let (world, from) = world(2, 40);
            let (a, b) = (world.join(), world.join());
            let (pad, again) = (world.open::<Pad>(), world.open::<Pad>());
            let tx = pad.writer(a).unwrap();
            let successor = thread::spawn(move || {
                let mut tx = if_free(again.writer(b))?;
                let left = tx.latest().unwrap();
                assert_eq!(left.value, [nth(&left, 40); 2], "torn");
                tx.update(|value| *value = [value[0] + 1; 2]);
                Some(nth(&left, 40))
            });
            let (mut begun, mut returned) = (0, 0);
            victim.dies(|| write_to(2, tx, &mut begun, &mut returned));
            world.oracle().bury(a.id());
            let left = successor.join().unwrap();
            assert!(
                left.is_none_or(|left| left == begun || left == returned),
                "lost"
            );
            if let Some(left) = left {
                assert_eq!(Looker::new(pad.reader(), from, 4).look(), Some(left + 1));
            }
        })
        .sees(EITHER)
    });
}

/// UNCLAIM/CLAIM hand the version over: with an older one the second writer writes it again.
#[test]
fn a_writer_is_handed_over() {
    let model = Model::new("writer given back and claimed again", 2, || {
        let (world, _) = world(2, 40);
        let (a, b) = (world.join(), world.join());
        let (pad, again) = (world.open::<Pad>(), world.open::<Pad>());
        let mut tx = pad.writer(a).unwrap();
        let other = thread::spawn(move || {
            let mut tx = if_free(again.writer(b))?;
            Some(tx.update(|value| value[0] += 10))
        });
        tx.write(&[1; 2]);
        drop(tx);
        let theirs = other.join().unwrap();
        let note = pad.reader().try_read().unwrap().unwrap();
        let want = if theirs.is_some() {
            (2, [11, 1])
        } else {
            (1, [1; 2])
        };
        assert_eq!((nth(&note, 40), note.value), want, "lost");
    });
    let model = model.sees(EITHER);
    model.holds();
    model.dies_without("unclaim", "lost");
    model.dies_without("claim", "lost");
}

/// Killed between CLOSE and PUBLISH, the writer leaves a whole value, which counts: the successor publishes it. `forgets`: one that
/// does not.
fn rolled_forward(forgets: bool) -> Model {
    let name = format!("rolled forward, forgotten {forgets}");
    Model::new(&name, 2, move || {
        let (world, from) = world(2, 40);
        let (a, b, pad) = (world.join(), world.join(), world.open::<Pad>());
        let tx = pad.writer(a).unwrap();
        let mut rx = Looker::new(pad.reader(), from, 1);
        let reader = thread::spawn(move || {
            rx.look();
            rx
        });
        // Stamp, two words, stamp; then dead before the version.
        Victim::at(4).dies(|| write_to(1, tx, &mut 0, &mut 0));
        world.oracle().bury(a.id());
        let _tx = pad.writer(b).unwrap();
        if forgets {
            roll_back(world.bytes_of_channel(), from).unwrap();
        }
        let mut rx = reader.join().unwrap();
        assert_eq!(rx.look(), Some(1), "complete, and lost");
    })
}

/// A word's writer killed between its two stores leaves the value under the version before; the successor counts one more, or
/// whoever read before would wait for a change that has been.
fn word_killed(victim: Victim, forgets: bool) -> Model {
    let name = format!("a word's writer killed, forgotten {forgets}");
    Model::new(&name, 2, move || {
        let world = World::with::<Notepad<'static, u32>>(2, &config());
        notepad_at(world.bytes_of_channel(), 40).unwrap();
        let (a, b) = (world.join(), world.join());
        let pad = world.open::<Notepad<'static, u32>>();
        let (tx, rx) = (pad.writer(a).unwrap(), pad.reader());
        let reader = thread::spawn(move || (rx.try_read().unwrap().unwrap(), rx));
        victim.dies(|| {
            let mut tx = tx;
            tx.write(&1);
            std::mem::forget(tx);
        });
        world.oracle().bury(a.id());
        let _tx = pad.writer(b).unwrap();
        if forgets {
            roll_back(world.bytes_of_channel(), 41).unwrap();
        }
        let (note, rx) = reader.join().unwrap();
        if rx.changed(Some(note.version)) {
            saw("changed");
        } else {
            saw("unchanged");
            assert_eq!(note.value, rx.load(), "changed unseen");
        }
    })
}

#[test]
fn a_successor_rolls_forward() {
    rolled_forward(false).sees(&["read"]).holds();
    rolled_forward(true).dies("complete, and lost");
    killed_at_each_step(|victim| word_killed(victim, false).sees(&["changed"]));
    // The value; then dead before the version.
    word_killed(Victim::at(1), true).dies("changed unseen");
}
