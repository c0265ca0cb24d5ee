//! Two processes share a named segment: the parent sends numbers through a typed ring, the child answers with records
//! through a byte ring, and both sleep while there is nothing to do. Then the child is killed with `kill -9` in the
//! middle of its work, and a new one goes on where it stopped.
//!
//! Run it with `cargo run --example 02_two_processes`. It starts itself again as the child.

use ringpad::os::{ByteConsumer, Options, OwnedPeer, Producer, SharedSegment, Waiter};
use ringpad::{Plan, bytes, spsc};
use std::error::Error;
use std::process::{Child, Command};
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The request that tells a child to go.
const STOP: u64 = 0;
/// The request over which the first child is killed.
const FATAL: u64 = 4;
/// Far more than any answer here takes.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => parent(),
        ["child", name, stall] => child(name, stall == "stall"),
        _ => Err("usage: 02_two_processes (it starts its own child)".into()),
    }
}

// ---- The parent ----------------------------------------------------------------------------------------------------

fn parent() -> Result<()> {
    // What the segment holds is decided once, by whoever creates it.
    let plan = Plan::<2>::new()
        .peers(2)?
        .channel::<spsc::Spsc<u64>>("requests", &spsc::Config::new(16))?
        .channel::<bytes::Bytes>("answers", &bytes::Config::records(4096))?;
    let name = format!("two-processes-{}", std::process::id());
    let segment = SharedSegment::open_or_create(&name, &plan, &Options::new())?;
    let me: OwnedPeer = segment.join()?;
    let mut requests = me.producer::<u64>("requests")?;
    let mut answers = me.byte_consumer("answers")?;
    let mut waiter = me.waiter()?;

    let mut worker = start_child(&name, "stall", &mut waiter, &mut answers)?;
    ask(&mut requests, 1..=6)?;
    let mut done = 0;
    while done < 6 {
        match next(&mut waiter, &mut answers)? {
            Some(answer) if answer.ends_with("...") => {
                println!("parent: it says {answer:?}; kill -9 {}", worker.id());
                worker.kill()?; // SIGKILL: nothing of the child runs any more, no destructor, no handler
            }
            Some(answer) => {
                println!("parent: {answer}");
                done += 1;
            }
            None => {
                println!("parent: I am told that the child is dead; the next one takes over");
                worker.wait()?; // for the process table only: ringpad has known without it
                worker = start_child(&name, "steady", &mut waiter, &mut answers)?;
            }
        }
    }
    ask(&mut requests, [STOP])?;
    let status = worker.wait()?;
    println!("parent: all 6 answers are here, the child has gone ({status})");
    // The last one out removes the segment's files: here that is this function's end.
    Ok(())
}

fn start_child(
    name: &str,
    how: &str,
    waiter: &mut Waiter,
    answers: &mut ByteConsumer,
) -> Result<Child> {
    let program = std::env::current_exe()?;
    let child = Command::new(program).args(["child", name, how]).spawn()?;
    // Until the child has claimed its end, "nobody is there" says nothing: wait for its first word only.
    let mut word = [0; 64];
    let hello = waiter.wait(&[answers.bell()], PATIENCE, || {
        answers
            .recv(&mut word)
            .transpose()
            .map(|r| r.map(<[u8]>::len))
    })?;
    let len = hello.ok_or("the child never said hello")??;
    println!("parent: {}", String::from_utf8_lossy(&word[..len]));
    Ok(child)
}

fn ask(requests: &mut Producer<u64>, numbers: impl IntoIterator<Item = u64>) -> Result<()> {
    for number in numbers {
        // Wait-free; the system call that wakes the child is made only if it sleeps.
        requests.push(number).map_err(|_| "the ring is full")?;
    }
    Ok(())
}

/// The next answer, or `None` when the child is dead and has left none.
fn next(waiter: &mut Waiter, answers: &mut ByteConsumer) -> Result<Option<String>> {
    let bell = answers.bell();
    let woken = waiter.wait(&[bell], PATIENCE, || {
        // In this order: an answer sent just before the death must not be overlooked.
        let dead = answers.is_abandoned();
        let mut record = [0; 64];
        match answers.recv(&mut record) {
            Ok(Some(record)) => Some(Ok(Some(String::from_utf8_lossy(record).into_owned()))),
            Ok(None) if dead => Some(Ok(None)),
            Ok(None) => None, // sleep on: an answer rings the bell, a death ends the wait as well
            Err(refused) => Some(Err(refused)),
        }
    })?;
    Ok(woken.ok_or("no answer in time")??)
}

// ---- The child -----------------------------------------------------------------------------------------------------

fn child(name: &str, stalls: bool) -> Result<()> {
    let segment = SharedSegment::open(name, &Options::new())?;
    let me = segment.join()?;
    // Ends whose owner is proven dead are taken over, here and now; a living owner's are an error.
    let mut requests = me.consumer::<u64>("requests")?;
    let mut answers = me.byte_producer("answers")?;
    let mut waiter = me.waiter()?;
    let bells = [requests.bell()];
    let pid = std::process::id();
    answers.send(format!("child {pid} says hello").as_bytes())?;
    loop {
        // `take` leaves the request in the ring until `acknowledge`: if we die between, our successor gets it again.
        let request = waiter.wait(&bells, None, || {
            let parent_is_gone = requests.is_abandoned();
            requests.take().or(parent_is_gone.then_some(STOP))
        })?;
        let number = request.ok_or("waiting without a limit ended")?;
        if number == STOP {
            return Ok(());
        }
        if number == FATAL && stalls {
            answers.send(format!("child {pid} works on {number} ...").as_bytes())?;
            std::thread::sleep(Duration::from_secs(60)); // it will not wake up from this
        }
        answers.send(format!("child {pid}: {number} squared is {}", number * number).as_bytes())?;
        requests.acknowledge();
    }
}
