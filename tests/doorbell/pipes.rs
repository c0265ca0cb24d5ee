//! Signals, full pipes, and peers that ring without end.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ringpad::PeerId;
use ringpad::os::SharedSegment;
use rustix::time::{ClockId, clock_gettime};

use crate::common::PATIENCE;
use crate::common::room::Room;
use crate::{NAME, anonymous, open, waiter};

static HITS: AtomicU64 = AtomicU64::new(0);

extern "C" fn hit(_: libc::c_int) {
    HITS.fetch_add(1, Ordering::Relaxed);
}

/// Interrupts the calling thread some thousand times a second while `body` runs.
fn under_alarms<T>(body: impl FnOnce() -> T) -> T {
    // SAFETY: integers and a handler's address, for which zeros mean no flags, so no restarting.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = hit as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the handler only adds to an atomic; nobody else here uses the signal.
    let set = unsafe { libc::sigaction(libc::SIGALRM, &raw const action, std::ptr::null_mut()) };
    assert_eq!(set, 0);
    // SAFETY: names the calling thread.
    let target = unsafe { libc::pthread_self() };
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                // SAFETY: the target runs `body`, and outlives this scope.
                unsafe { libc::pthread_kill(target, libc::SIGALRM) };
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        let done = body();
        stop.store(true, Ordering::Relaxed);
        done
    })
}

#[test]
fn timeouts_are_exact_under_a_storm_of_signals() {
    let segment = anonymous();
    let me = segment.join().unwrap();
    let mut rx = me.consumer::<u64>("a").unwrap();
    let bell = [rx.bell()];
    let mut waits = Vec::new();
    for ms in [1, 5, 20, 100, 300] {
        for tick in [None, Some(Duration::from_millis(7))] {
            let mut waiter = waiter(&me);
            if let Some(tick) = tick {
                waiter = waiter.tick(tick);
            }
            let timeout = Duration::from_millis(ms);
            let (before, start) = (HITS.load(Ordering::Relaxed), Instant::now());
            let got = under_alarms(|| waiter.wait(&bell, Some(timeout), || rx.pop()));
            let (took, hits) = (start.elapsed(), HITS.load(Ordering::Relaxed) - before);
            assert_eq!(got.unwrap(), None);
            assert!(took >= timeout, "shortened: {took:?} of {timeout:?}");
            assert!(
                took < 2 * timeout + Duration::from_millis(150),
                "{took:?} of {timeout:?}"
            );
            assert!(ms < 100 || hits > 0, "no storm");
            waits.push(format!("{timeout:?}: {took:.1?} ({hits})"));
        }
    }
    println!("waits, with signals: {}", waits.join(", "));
    // The control: the same signals do interrupt a sleep that does not mind them.
    let second = rustix::event::Timespec {
        tv_sec: 1,
        tv_nsec: 0,
    };
    let plain = under_alarms(|| rustix::event::poll(&mut [], Some(&second)));
    assert_eq!(plain, Err(rustix::io::Errno::INTR));
}

/// The FIFO of a row, as anybody who may open the segment can open it.
fn fifo(room: &Room, segment: &SharedSegment, row: PeerId) -> File {
    let name = format!("{NAME}.{:032x}.{}.bell", segment.id(), row.get());
    let mut options = OpenOptions::new();
    let options = options
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK);
    options.open(room.file(&name)).unwrap()
}

fn fill(pipe: &File) -> usize {
    let write = || rustix::io::write(pipe, &[0; 4096]).ok();
    std::iter::from_fn(write).sum()
}

#[test]
fn a_full_pipe_is_ringing() {
    let room = Room::new("full");
    let segment = open(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let mut tx = me.producer::<u64>("a").unwrap();
    let mut rx = you.consumer::<u64>("a").unwrap();
    let (mut waiter, bell) = (waiter(&you), [rx.bell()]);
    let pipe = fifo(&room, &segment, you.id());
    let armed = waiter.arm(&bell).unwrap();
    let filled = fill(&pipe);
    assert!(filled >= 4096);
    let start = Instant::now();
    tx.push(1).unwrap();
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "ringing blocked"
    );
    drop(armed);
    let got = waiter.wait(&bell, Some(PATIENCE), || rx.pop()).unwrap();
    assert_eq!(got, Some(1));
    // It is empty again after one sleep, and the next ring gets through.
    let short = Some(Duration::from_millis(20));
    assert_eq!(waiter.wait(&bell, short, || rx.pop()).unwrap(), None);
    assert!(fill(&pipe) >= filled - 4096, "drained");
    println!("a pipe with {filled} bytes in it: rung, woken, drained");
}

fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

#[test]
fn a_flood_of_rings_costs_a_bounded_share_and_starves_no_channel() {
    let room = Room::new("flood");
    let segment = open(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let pipe = fifo(&room, &segment, you.id());
    let (stop, sent) = (AtomicBool::new(false), AtomicU64::new(0));
    let mut rx = you.consumer::<u64>("b").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                match rustix::io::write(&pipe, &[0; 4096]) {
                    Ok(bytes) => _ = sent.fetch_add(bytes as u64, Ordering::Relaxed),
                    Err(_) => std::thread::yield_now(),
                }
            }
        });
        let (go, gone) = std::sync::mpsc::channel::<Instant>();
        let (stop, me) = (&stop, &me);
        scope.spawn(move || {
            let mut tx = me.producer::<u64>("b").unwrap();
            for n in 0..100 {
                go.send(Instant::now()).unwrap();
                tx.push(n).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let mut waiter = waiter(&you);
        let bell = [rx.bell()];
        let (start, before) = (Instant::now(), thread_time());
        let mut slowest = Duration::ZERO;
        for n in 0..100 {
            let got = waiter.wait(&bell, Some(PATIENCE), || rx.pop()).unwrap();
            assert_eq!(got, Some(n));
            slowest = slowest.max(gone.recv().unwrap().elapsed());
        }
        let (all, used) = (start.elapsed(), thread_time() - before);
        let share = 100.0 * used.as_secs_f64() / all.as_secs_f64();
        println!(
            "a flood of {} rings in {all:.1?}: woken {} times, {share:.1} % of a processor, 100 messages of another channel within {slowest:?} each",
            sent.load(Ordering::Relaxed),
            waiter.woken()
        );
        assert!(slowest < Duration::from_millis(500), "starved");
        assert!(share < 15.0, "the flood costs {share:.1} %");
    });
}
