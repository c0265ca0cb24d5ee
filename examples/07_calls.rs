//! Three worker processes answer the calls of two client processes: prime numbers, one after another until the client has enough, and thumbnails of
//! pictures that travel as tickets of a pool, never copied. One worker is killed with `kill -9` in the middle of a call, and another crashes over a picture.
//!
//! Run it with `cargo run --example 07_calls`. It starts itself again as the others.

use ringpad::Plan;
use ringpad::frames::{self, Frames, Receivers, Ticket};
use ringpad::os::{
    Client, FrameUser, Options, OwnedBell, OwnedPeer, OwnedRequest, SharedSegment, Waiter,
};
use ringpad::rpc::{Config, Poll, Rpc, Unsent};
use std::error::Error;
use std::process::{Child, Command};
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Far more than any answer here takes.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(20));
/// Asked for primes from here, a worker stops working, or goes.
const STALL: u64 = 0;
const GO: u64 = 1;
/// Bytes of a picture; of its thumbnail.
const LARGE: usize = 512 * 512;
const SMALL: usize = LARGE / 16;
/// The grey of a picture over which a worker crashes.
const FATAL: u8 = 0;

/// A ticket, and for which receiver the answer is.
type Picture = [u32; 4];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => parent(),
        ["worker", name] => worker(&open(name)?),
        ["client", name] => {
            let me = open(name)?;
            Album::open(&me, 1)?.fill("client", &mut me.waiter()?)
        }
        _ => Err("usage: 07_calls (it starts the others)".into()),
    }
}

fn open(name: &str) -> Result<OwnedPeer> {
    let calls = Config::new(2, 3);
    let plan = Plan::<3>::new()
        .peers(8)?
        // Callers are told of a worker that died with what it had taken; thumbnails are made again by another.
        .channel::<Rpc<u64, u64>>("primes", &calls)?
        .channel::<Rpc<Picture, Picture>>("shrink", &calls.idempotent())?
        .channel::<Frames>("pictures", &frames::Config::new(16, 1 << 18).receivers(2))?;
    Ok(SharedSegment::open_or_create(name, &plan, &Options::new())?.join()?)
}

// ---- The clients ---------------------------------------------------------------------------------------------------

fn parent() -> Result<()> {
    let name = format!("calls-{}", std::process::id());
    let (me, program) = (open(&name)?, std::env::current_exe()?);
    let start = |role: &str| Command::new(&program).args([role, &name]).spawn();
    let mut workers = [start("worker")?, start("worker")?, start("worker")?];
    let mut other = start("client")?;
    let (primes, mut waiter) = (me.client::<u64, u64>("primes")?, me.waiter()?);

    let mut call = primes.call(&100)?;
    let mut found = Vec::new();
    while found.len() < 5 {
        if let Poll::Part { value, .. } = call.poll_timeout(&mut waiter, PATIENCE)? {
            found.push(value);
        }
    }
    call.cancel(); // the worker finds out
    println!("parent: primes from 100: {found:?} and so on");

    let album = Album::open(&me, 0)?;
    album.fill("parent", &mut waiter)?;
    kill(&primes, &mut workers, &mut waiter)?;
    assert_eq!(album.thumbnail(FATAL, &mut waiter)?, FATAL);
    println!("parent: a worker crashed over a picture, another made its thumbnail");
    assert!(other.wait()?.success());

    // A message, for whichever worker takes it: nobody waits for an answer.
    primes.notify(&GO)?;
    let mut gone = 0;
    for worker in &mut workers {
        gone += u32::from(worker.wait()?.success());
    }
    println!("parent: {gone} of 3 workers lived to be told to go");
    Ok(())
}

/// Kills a worker in the middle of a call.
fn kill(primes: &Client<u64, u64>, workers: &mut [Child], waiter: &mut Waiter) -> Result<()> {
    let mut call = primes.call(&STALL)?;
    let Poll::Part { value: pid, .. } = call.poll_timeout(waiter, PATIENCE)? else {
        return Err("nobody took it".into());
    };
    let worker = workers.iter_mut().find(|w| u64::from(w.id()) == pid);
    worker.ok_or("no child")?.kill()?; // SIGKILL: nothing of it runs any more
    let told = call.poll_timeout(waiter, PATIENCE)?;
    assert!(matches!(told, Poll::PeerDied { .. }), "{told:?}");
    println!("parent: kill -9 {pid}: I am told that it died over my call");
    Ok(())
}

/// Has thumbnails made.
struct Album {
    client: Client<Picture, Picture>,
    user: FrameUser,
    /// For it pictures are reserved while they are worked on, and what comes back.
    receiver: (u32, FrameUser),
}

impl Album {
    fn open(me: &OwnedPeer, number: u32) -> Result<Self> {
        Ok(Self {
            client: me.client("shrink")?,
            user: me.frame_user("pictures")?,
            receiver: (number, me.frame_receiver("pictures", number)?),
        })
    }

    /// The grey of the thumbnail of a grey picture.
    fn thumbnail(&self, grey: u8, waiter: &mut Waiter) -> Result<u8> {
        let mut loan = self.user.loan()?;
        loan.bytes_mut()?.fill(grey); // in the shared memory itself
        let (number, receiver) = &self.receiver;
        let ticket = loan.publish_for(LARGE as u32, Receivers::one(*number))?;
        let kept = receiver.take(ticket)?;
        let asked = [ticket.index, ticket.generation, ticket.len, *number];
        let answer = self.client.call_timeout(waiter, &asked, PATIENCE)?;
        drop(kept);
        let thumbnail = receiver.take(ticket_of(answer))?;
        let bytes = thumbnail.bytes()?;
        assert!(bytes.len() == SMALL && bytes.iter().all(|pixel| *pixel == bytes[0]));
        Ok(bytes[0])
    }

    fn fill(&self, who: &str, waiter: &mut Waiter) -> Result<()> {
        for grey in 1..=100 {
            assert_eq!(self.thumbnail(grey, waiter)?, grey);
        }
        println!("{who}: 100 thumbnails, each of its picture");
        Ok(())
    }
}

fn ticket_of([index, generation, len, _]: Picture) -> Ticket {
    Ticket {
        index,
        generation,
        len,
    }
}

// ---- A worker ------------------------------------------------------------------------------------------------------

fn worker(me: &OwnedPeer) -> Result<()> {
    let primes = me.server::<u64, u64>("primes")?;
    let shrink = me.server::<Picture, Picture>("shrink")?;
    let (user, mut waiter) = (me.frame_user("pictures")?, me.waiter()?);
    let bells = [primes.bell(), shrink.bell()];
    loop {
        // Sleeps until there is a call at either table.
        let (number, picture) = waiter
            .wait(&bells, None, || {
                let number = primes.next_anywhere().map(|request| (Some(request), None));
                number.or_else(|| Some((None, Some(shrink.next_anywhere()?))))
            })?
            .ok_or("time was up")?;
        match number {
            Some(request) if request.is_one_way() && request.query() == GO => return Ok(()),
            Some(request) => count(request, primes.bell(), &mut waiter)?,
            None => {}
        }
        picture.map_or(Ok(()), |request| thumbnail(request, &user))?;
    }
}

fn thumbnail(mut request: OwnedRequest<'_, Picture, Picture>, user: &FrameUser) -> Result<()> {
    let asked = request.query();
    let Ok(picture) = user.view(ticket_of(asked)) else {
        return Ok(()); // its caller died, and the frame is another's by now
    };
    let pixels = picture.bytes()?;
    if pixels[0] == FATAL && !request.is_again() {
        std::process::abort();
    }
    let mut loan = user.loan()?;
    let every = pixels
        .chunks(4 * 512)
        .flat_map(|rows| rows[..512].chunks(4));
    let small = loan.bytes_mut()?.iter_mut().zip(every);
    small.for_each(|(to, from)| *to = from[0]);
    let small = loan.publish_for(SMALL as u32, Receivers::one(asked[3]))?;
    // It fails if the caller gave up.
    let _ = request.reply(&[small.index, small.generation, small.len, asked[3]]);
    Ok(())
}

/// Answers with one prime after another, until the caller has enough.
fn count(
    mut request: OwnedRequest<'_, u64, u64>,
    bell: OwnedBell,
    waiter: &mut Waiter,
) -> Result<()> {
    let from = request.query();
    if from == STALL {
        request.part(&u64::from(std::process::id()))?;
        loop {
            std::thread::park();
        }
    }
    let is_prime = |n: &u64| *n > 1 && !(2..*n).any(|by| n.is_multiple_of(by));
    for prime in (from..).filter(is_prime) {
        // Until the caller has taken the one before.
        let sent = waiter.wait(std::slice::from_ref(&bell), PATIENCE, || {
            Some(request.part(&prime)).filter(|sent| *sent != Err(Unsent::Full))
        })?;
        if sent != Some(Ok(())) {
            break;
        }
    }
    println!("worker: nobody wants more primes");
    Ok(())
}
