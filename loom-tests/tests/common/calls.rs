//! Tables of calls for models, bare or in a segment: what is asked and answered there, and how calls end.

use std::sync::Arc;

use ringpad::rpc::probe::{open_calls, zero_slots};
use ringpad::rpc::{Call, Client, Config, Poll, Refused, Request, Rpc, Server, Unsent};
use ringpad::{Channel, Peer, PeerId, Silent, Wake};

use super::saw;
use super::world::{Room, World};

/// Two words, so that tearing shows.
pub type Number = [u32; 2];
pub type Table = Rpc<'static, Number, Number>;
pub type Tx = Client<'static, Number, Number>;
pub type Rx = Server<'static, Number, Number>;
pub type Asked<'c, W = Silent> = Call<'c, 'static, Number, W>;
pub type Taken<'s, W = Silent> = Request<'s, 'static, Number, Number, W>;

/// What models say of a call that nobody serves.
pub const LOST: &str = "a call was lost";
/// Of one that was taken from a server that lives.
pub const ROBBED: &str = "a living server was robbed";
/// Of one that came more often than it may.
pub const TWICE: &str = "a call was served twice";
/// Of one that got what another was answered.
pub const OTHER: &str = "a reply to another call";
/// Of a slot that is never free again.
pub const LEAKED: &str = "a slot is never free again";

pub fn config(clients: u32, servers: u32, depth: u32) -> Config {
    Config::new(clients, servers).depth(depth)
}

/// A bare table: of nobody is ever proven that it died.
pub fn bare(config: &Config) -> (Room, Table) {
    let room = Room::new(Table::layout(config).unwrap().size());
    let table = Table::init(room.region(), config).unwrap();
    zero_slots(room.region()).unwrap();
    (room, table)
}

/// A segment with a table, and its peers.
pub fn office<const N: usize>(config: &Config) -> (World, [&'static Peer<'static>; N]) {
    roomy_office(N as u32, config)
}

/// A segment of so many rows with a table, and its first peers.
pub fn roomy_office<const N: usize>(
    rows: u32,
    config: &Config,
) -> (World, [&'static Peer<'static>; N]) {
    let world = World::with::<Table>(rows, config);
    zero_slots(world.bytes_of_channel()).unwrap();
    let peers = std::array::from_fn(|_| world.join());
    (world, peers)
}

pub fn client(world: &World, me: &'static Peer<'static>) -> Tx {
    world.open::<Table>().client(me).unwrap()
}

pub fn server(world: &World, me: &'static Peer<'static>) -> Rx {
    world.open::<Table>().server(me).unwrap()
}

pub fn open_in(world: &World) -> u32 {
    open_calls(world.bytes_of_channel()).unwrap()
}

fn whole(n: u32) -> Number {
    [n, !n]
}

fn number(of: Number) -> u32 {
    assert_eq!(of[1], !of[0], "torn");
    of[0]
}

/// Which part of the answer to a call; of one without parts the last is 0.
pub fn answer(n: u32, part: u32) -> u32 {
    100 * n + part
}

/// A call, if there is a slot.
pub fn ask<'a, W: Wake>(
    tx: &'a Client<'static, Number, Number, W>,
    n: u32,
) -> Option<Asked<'a, W>> {
    match tx.call(&whole(n)) {
        Ok(call) => Some(call),
        Err(Refused::Full) => {
            saw("no slot");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// A message, if there is a slot.
pub fn tell(tx: &Tx, n: u32) -> bool {
    tx.notify(&whole(n)).is_ok()
}

/// What is asked.
pub fn asked<W: Wake>(request: &Taken<'_, W>) -> u32 {
    number(request.query())
}

/// Answers; false if the caller has given the call up.
pub fn reply<W: Wake>(request: &mut Taken<'_, W>, n: u32) -> bool {
    match request.reply(&whole(n)) {
        Ok(()) => {
            saw("replied");
            true
        }
        Err(Unsent::Late) => {
            saw("late");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// Sends a part; `None` if the one before is still there.
pub fn part(request: &mut Taken<'_>, n: u32) -> Option<bool> {
    match request.part(&whole(n)) {
        Ok(()) => Some(true),
        Err(Unsent::Late) => Some(false),
        Err(Unsent::Full) => {
            saw("full");
            None
        }
        Err(other) => panic!("{other}"),
    }
}

/// Serves one call or message, if one is found, and says which.
pub fn serve<W: Wake>(rx: &Server<'static, Number, Number, W>) -> Option<u32> {
    served(rx.next())
}

/// As [`serve`], and looks at every slot.
pub fn serve_anywhere(rx: &Rx) -> Option<u32> {
    served(rx.next_anywhere())
}

fn served<W: Wake>(found: Option<Taken<'_, W>>) -> Option<u32> {
    let Some(mut request) = found else {
        saw("idle");
        return None;
    };
    let n = asked(&request);
    reply(&mut request, answer(n, 0));
    Some(n)
}

/// Serves all that there is.
pub fn drain(rx: &Rx) -> Vec<u32> {
    std::iter::from_fn(|| serve(rx)).collect()
}

pub fn drain_anywhere(rx: &Rx) -> Vec<u32> {
    std::iter::from_fn(|| serve_anywhere(rx)).collect()
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Reply,
    Died(PeerId),
    Unanswered,
}

/// What a look at the call numbered `n` found; `None` if it has not ended.
pub fn end(n: u32, found: Poll<Number>) -> Option<End> {
    let end = match found {
        Poll::Pending => return None,
        Poll::Ready(value) => {
            assert_eq!(number(value), answer(n, 0), "{OTHER}");
            saw("reply");
            End::Reply
        }
        Poll::PeerDied { by } => {
            saw("died");
            End::Died(by)
        }
        Poll::Unanswered => {
            saw("unanswered");
            End::Unanswered
        }
        // Its slot shows another call, or none.
        Poll::Corrupt => panic!("{LOST}"),
        other => panic!("{other:?}"),
    };
    Some(end)
}

pub fn poll<W: Wake>(call: &mut Asked<'_, W>, n: u32) -> Option<End> {
    end(n, call.poll())
}

pub fn poll_and_ask(call: &mut Asked<'_>, n: u32) -> Option<End> {
    end(n, call.poll_and_ask())
}

/// The number of the part that is there, whole and of this call.
pub fn part_of(n: u32, found: Poll<Number>) -> Option<u32> {
    match found {
        Poll::Part {
            number: part,
            value,
        } => {
            assert_eq!(number(value), answer(n, part), "{OTHER}");
            saw("part");
            Some(part)
        }
        other => {
            end(n, other);
            None
        }
    }
}

/// A call that a server took, and with which it is gone. Bury it.
pub fn take_and_forget(rx: Rx) {
    let request = rx.next().expect(LOST);
    std::mem::forget(request);
    std::mem::forget(rx);
}

/// An end that can be borrowed for as long as the model wants; [`leave`] drops it.
pub fn lent<T>(end: T) -> &'static T {
    Box::leak(Box::new(end))
}

/// Drops what was lent, of which nothing is in use.
pub fn leave<T>(end: &'static T) {
    // SAFETY: it was leaked by lent(), and the model is done with it.
    drop(unsafe { Box::from_raw(std::ptr::from_ref(end).cast_mut()) });
}

/// What remains when all other threads are done and the dead are buried: `me` reaps, messages are served, every slot is free, and a new client's calls
/// are answered, as many as it has slots. Answers what was served that was still there.
pub fn closes(world: &World, me: &'static Peer<'static>) -> Vec<u32> {
    me.reap(&Silent).unwrap();
    let rx = server(world, me);
    let mut left: Vec<_> = std::iter::from_fn(|| serve_anywhere(&rx)).collect();
    assert_eq!(open_in(world), 0, "{LEAKED}");
    let tx = client(world, me);
    let first = 50;
    let mut calls: Vec<_> = (first..first + tx.depth())
        .map(|n| (n, ask(&tx, n).expect(LEAKED)))
        .collect();
    while let Some(n) = serve(&rx) {
        assert!(n >= first, "{TWICE}");
    }
    for (n, call) in &mut calls {
        assert_eq!(poll(call, *n), Some(End::Reply), "{LOST}");
    }
    left.sort();
    left
}

/// What somebody does with memory that he has by a call: the checker follows who comes after whom. (Of a slot's own words it follows only what they
/// say: a write that should wait for a read is never seen too early.)
#[derive(Clone)]
pub struct Mark(Arc<Cell>);

struct Cell(loom::cell::UnsafeCell<()>);
// SAFETY: the checker runs one modelled thread at a time, and fails where two accesses are not ordered.
unsafe impl Sync for Cell {}
// SAFETY: as above.
unsafe impl Send for Cell {}

impl Mark {
    pub fn new() -> Self {
        Self(Arc::new(Cell(loom::cell::UnsafeCell::new(()))))
    }

    pub fn read(&self) {
        self.0.0.with(|_| ());
    }

    pub fn write(&self) {
        self.0.0.with_mut(|_| ());
    }
}
