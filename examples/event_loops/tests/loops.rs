//! Each loop receives from another process everything, in order, asleep in between and never spinning.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use ringpad::os::{Options, OwnedPeer, SharedSegment};
use ringpad_event_loops::{Inbox, Result, Seen, TICK, on_tokio, plan};
#[cfg(unix)]
use ringpad_event_loops::{on_epoll, on_mio};

const BURSTS: u64 = 30;
const EACH: u64 = 100;

/// What hangs fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// The number of this thread, as the system has it.
fn this_thread() -> u32 {
    #[cfg(unix)]
    return rustix::thread::gettid()
        .as_raw_nonzero()
        .get()
        .unsigned_abs();
    #[cfg(windows)]
    // SAFETY: asks only.
    return unsafe { windows_sys::Win32::System::Threading::GetCurrentThreadId() };
}

/// Runs one loop in this thread against a producer in a process of its own.
fn receive(run: impl FnOnce(OwnedPeer, Inbox) -> Result<Seen>) -> Result<(Seen, Duration)> {
    let segment = SharedSegment::anonymous(&plan()?, &Options::new())?;
    let me = segment.join()?;
    let inbox = Inbox::of(&me)?;

    let thread = this_thread();
    let mut command = Command::new(env!("CARGO_BIN_EXE_producer"));
    command.args([BURSTS.to_string(), EACH.to_string(), thread.to_string()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut producer = segment.spawn(&mut command)?;
    let mut ready = String::new();
    BufReader::new(producer.stdout.take().ok_or("no output")?).read_line(&mut ready)?;
    assert_eq!(ready, "ready\n");
    producer
        .stdin
        .take()
        .ok_or("no input")?
        .write_all(b"go\n")?;

    let begin = Instant::now();
    let seen = run(me, inbox)?;
    let elapsed = begin.elapsed();
    assert!(producer.wait()?.success());
    Ok((seen, elapsed))
}

fn check(run: impl FnOnce(OwnedPeer, Inbox) -> Result<Seen> + Send + 'static) -> Result<()> {
    let (done, result) = mpsc::channel();
    std::thread::spawn(move || done.send(receive(run)));
    let (seen, elapsed) = result.recv_timeout(PATIENCE)??;
    println!("{seen:?} in {elapsed:?}");

    // Two bursts of three go to each ring. What came out of order was an error already.
    assert_eq!(
        (seen.numbers, seen.lines),
        (BURSTS * 2 / 3 * EACH, BURSTS * 2 / 3 * EACH)
    );
    let commits = seen.numbers + seen.lines + 2;
    // It slept before every burst and before the end, and bells, not ticks, woke it: a machine may be so slow that a
    // tick comes first, but not half of the time.
    assert!(seen.wake_ups + seen.ticks > BURSTS, "{seen:?}");
    assert!(seen.wake_ups > BURSTS / 2, "{seen:?}");
    // It never spun: every turn took something, or slept; every wake-up had a commit that rang; ticks took their time.
    assert!(
        seen.turns <= commits + seen.wake_ups + seen.ticks + 1,
        "{seen:?}"
    );
    assert!(seen.wake_ups <= commits, "{seen:?}");
    assert!(seen.ticks <= elapsed.as_secs() / TICK.as_secs(), "{seen:?}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn epoll() -> Result<()> {
    check(|me, inbox| on_epoll::run(&me, inbox))
}

#[cfg(unix)]
#[test]
fn mio() -> Result<()> {
    check(|me, inbox| on_mio::run(&me, inbox))
}

#[test]
fn tokio() -> Result<()> {
    check(|me, inbox| {
        // One thread, because the producer watches it; `spawn` all the same, because it wants the future to be `Send`.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async { tokio::spawn(on_tokio::run(me, inbox)).await? })
    })
}
