//! The other process of the tests: bursts, each sent only once the consumer is asleep.
//!
//! Usage: `producer BURSTS EACH THREAD`, with a segment handed down; THREAD is the consumer's thread number.

#[cfg_attr(not(windows), path = "linux.rs")]
#[cfg_attr(windows, path = "windows.rs")]
mod sleeper;

use std::error::Error;
use std::time::{Duration, Instant};

use ringpad::os::{ByteProducer, Producer, SharedSegment};
use ringpad_event_loops::{LAST_LINE, LAST_NUMBER, LINES, NUMBERS};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [bursts, each, thread] = arguments.as_slice() else {
        return Err("usage: producer BURSTS EACH THREAD".into());
    };
    let (bursts, each): (u64, u64) = (bursts.parse()?, each.parse()?);
    let me = SharedSegment::inherited()?.join()?;
    let mut numbers = me.producer::<u64>(NUMBERS)?;
    let mut lines = me.byte_producer(LINES)?;
    println!("ready");
    std::io::stdin().read_line(&mut String::new())?;

    let (mut number, mut line) = (0, 0);
    for burst in 0..bursts {
        until_asleep(thread, &mut numbers, &mut lines)?;
        // The first ring, the second, both in turns: either bell alone must wake the sleeper.
        for _ in 0..each {
            if burst % 3 != 1 {
                numbers.push(number)?;
                number += 1;
            }
            if burst % 3 != 0 {
                lines.send(format!("line {line}").as_bytes())?;
                line += 1;
            }
        }
    }
    until_asleep(thread, &mut numbers, &mut lines)?;
    numbers.push(LAST_NUMBER)?;
    lines.send(LAST_LINE)?;
    Ok(())
}

/// Waits until both rings are empty and the consumer sleeps. In this order: with nothing to do and nobody else to give
/// it something, the only sleep it can be in is that of its loop.
fn until_asleep(
    thread: &str,
    numbers: &mut Producer<u64>,
    lines: &mut ByteProducer,
) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while numbers.slots() < numbers.capacity() || lines.free_bytes() < lines.capacity() {
        pause(deadline)?;
    }
    loop {
        if sleeper::is_asleep(thread)? {
            return Ok(());
        }
        pause(deadline)?;
    }
}

fn pause(deadline: Instant) -> Result<(), Box<dyn Error>> {
    if Instant::now() > deadline {
        return Err("the consumer never went to sleep".into());
    }
    std::thread::sleep(Duration::from_micros(50));
    Ok(())
}
