//! Seqlocks whose fences are missing or stand on the wrong side, as public projects had them: each must die by tearing, and the
//! right one beside them holds. They are written here and share nothing with the crate; what they show is that the checker sees
//! such mistakes, on whatever machine it runs.
//!
//! Left out: sequentially consistent accesses instead of the fences. Where the words too are SeqCst that is right, but this checker takes
//! such accesses for acquire and release and would raise a false alarm; where only the stamps are (DataDog/libdatadog#831), it is
//! `opened by a release store` and `checked by an acquire load` once more.

mod common;

use std::sync::Arc;

use common::{Model, TORN, saw};
use loom::sync::atomic::AtomicU32;
use loom::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use loom::sync::atomic::fence;
use loom::thread;

/// One value of two words behind a stamp: even complete, odd being written.
struct Lock {
    stamp: AtomicU32,
    words: [AtomicU32; 2],
}

impl Lock {
    fn store(&self, n: u32) {
        self.words.iter().for_each(|word| word.store(n, Relaxed));
    }

    fn load(&self) -> [u32; 2] {
        [self.words[0].load(Relaxed), self.words[1].load(Relaxed)]
    }
}

type Write = fn(&Lock, u32);
type Read = fn(&Lock) -> Option<[u32; 2]>;

/// The right writer: the fence stands between the odd stamp and the words, so that who sees a word sees the stamp.
fn write(lock: &Lock, n: u32) {
    lock.stamp.store(2 * n - 1, Relaxed);
    fence(Release);
    lock.store(n);
    lock.stamp.store(2 * n, Release);
}

/// The right reader: the second fence stands between the words and the second look.
fn read(lock: &Lock) -> Option<[u32; 2]> {
    let stamp = lock.stamp.load(Acquire);
    let value = lock.load();
    fence(Acquire);
    (stamp.is_multiple_of(2) && lock.stamp.load(Relaxed) == stamp).then_some(value)
}

/// Wrong: the fence stands before the odd stamp and holds nothing that comes after it. Right: behind it.
fn fenced_before_the_odd_stamp(lock: &Lock, n: u32) {
    fence(Release);
    lock.stamp.store(2 * n - 1, Relaxed);
    lock.store(n);
    lock.stamp.store(2 * n, Release);
}

/// Wrong: a release store holds what comes before it, not the words that follow. Right: a fence between the two.
/// (softmata/horus#156.)
fn opened_by_a_release_store(lock: &Lock, n: u32) {
    lock.stamp.store(2 * n - 1, Release);
    lock.store(n);
    lock.stamp.store(2 * n, Release);
}

/// Wrong: nor does an exchange with both orderings: its acquire keeps the words behind its load, not behind its store. Right: as
/// above. (Proposed as the mending of a release store in deepentropy/ibx#389.)
fn opened_by_an_exchange(lock: &Lock, n: u32) {
    lock.stamp.fetch_add(1, AcqRel);
    lock.store(n);
    lock.stamp.store(2 * n, Release);
}

/// Wrong: the fence stands behind the even stamp, which may be seen before the words. Right: before it, or a release store.
/// (dora-rs/dora#3288, its first.)
fn fenced_after_the_even_stamp(lock: &Lock, n: u32) {
    lock.stamp.store(2 * n - 1, Relaxed);
    fence(Release);
    lock.store(n);
    lock.stamp.store(2 * n, Relaxed);
    fence(Release);
}

/// Wrong: an acquire load holds what comes after it, not the words before. Right: a fence between the two.
/// (PerryTS/perry#8735; python/cpython#121388, whose writer lacked its fence too; dora-rs/dora#3288, its second, lacked this one.)
fn checked_by_an_acquire_load(lock: &Lock) -> Option<[u32; 2]> {
    let stamp = lock.stamp.load(Acquire);
    let value = lock.load();
    (stamp.is_multiple_of(2) && lock.stamp.load(Acquire) == stamp).then_some(value)
}

/// Wrong: the fence stands behind the second look. Right: before it.
fn fenced_after_the_second_look(lock: &Lock) -> Option<[u32; 2]> {
    let stamp = lock.stamp.load(Acquire);
    let value = lock.load();
    let again = lock.stamp.load(Relaxed);
    fence(Acquire);
    (stamp.is_multiple_of(2) && again == stamp).then_some(value)
}

/// Wrong: nothing keeps the words behind the first look, so that they may be older than its stamp. Right: an acquire load, or a fence
/// behind it.
fn found_by_a_relaxed_load(lock: &Lock) -> Option<[u32; 2]> {
    let stamp = lock.stamp.load(Relaxed);
    let value = lock.load();
    fence(Acquire);
    (stamp.is_multiple_of(2) && lock.stamp.load(Relaxed) == stamp).then_some(value)
}

/// Two writes beside a read. No thread here loads a word and then writes it (but for the exchange, which nobody else makes), so that
/// the checker misses nothing.
fn model(name: &str, write: Write, read: Read) -> Model {
    Model::new(name, 2, move || {
        let lock = Arc::new(Lock {
            stamp: AtomicU32::new(0),
            words: [AtomicU32::new(0), AtomicU32::new(0)],
        });
        let theirs = lock.clone();
        let writer = thread::spawn(move || (1..=2).for_each(|n| write(&theirs, n)));
        match read(&lock) {
            Some([one, two]) => {
                saw("read");
                assert_eq!(one, two, "torn");
            }
            None => saw("missed"),
        }
        writer.join().unwrap();
    })
}

#[test]
fn the_right_seqlock_holds() {
    model("the right seqlock", write, read)
        .sees(&["read", "missed"])
        .holds();
}

#[test]
fn wrong_writers_tear() {
    let wrong: [(&str, Write); 4] = [
        ("fenced before the odd stamp", fenced_before_the_odd_stamp),
        ("opened by a release store", opened_by_a_release_store),
        ("opened by an exchange", opened_by_an_exchange),
        ("fenced after the even stamp", fenced_after_the_even_stamp),
    ];
    for (name, wrong) in wrong {
        model(name, wrong, read).dies(TORN);
    }
}

#[test]
fn wrong_readers_tear() {
    let wrong: [(&str, Read); 3] = [
        ("checked by an acquire load", checked_by_an_acquire_load),
        ("fenced after the second look", fenced_after_the_second_look),
        ("found by a relaxed load", found_by_a_relaxed_load),
    ];
    for (name, wrong) in wrong {
        model(name, write, wrong).dies(TORN);
    }
}
