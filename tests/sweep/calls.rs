//! The swept table of calls, and what living and dying parties do at it.

use std::mem::{ManuallyDrop, forget};

use ringpad::rpc::{Call, Client, Config, Poll, Request, Rpc, Server};
use ringpad::{Identity, Peer, Plan, Segment};

use super::message::{Message, message, name, parts};
use super::rings;
use super::stage::{OTHER, PARTIES, SURVIVORS, VICTIM, World};

pub const CLIENTS: u32 = 4;
pub const SERVERS: u32 = 3;
pub const DEPTH: u32 = 4;

pub type Table = Rpc<'static, Message, Message>;
pub type Caller = Client<'static, Message, Message>;
pub type Worker = Server<'static, Message, Message>;
pub type Made = Call<'static, 'static, Message>;
pub type Taken = Request<'static, 'static, Message, Message>;

/// Behind the parties' own numbers: whose name a reply bears.
const ANSWERS: usize = 100;
const PARTS: usize = 200;

/// The reply to what has this name.
pub fn answer(to: u64) -> Message {
    let (who, number) = parts(to);
    message(ANSWERS + who, number)
}

/// A part of that reply.
pub fn piece(of: u64, which: u32) -> Message {
    let (who, number) = parts(of);
    message(PARTS + 10 * who + which as usize, number)
}

/// What a party left standing when it died or was stopped; its drop changes nothing.
pub type Left<T> = Option<ManuallyDrop<T>>;

/// A table, everybody joined, a living client and a living server.
pub struct Calls {
    pub world: World,
    _segment: Segment<'static>,
    pub peers: [&'static Peer<'static>; PARTIES],
    pub table: Table,
    pub idempotent: bool,
    pub client: &'static Caller,
    pub server: &'static Worker,
    /// The living client's calls, by name.
    pub open: Vec<(u64, Made)>,
    /// What the living server has in hand.
    pub in_hand: Option<Taken>,
    /// What living servers, and dead ones, were asked.
    pub served: Vec<u64>,
    pub taken_by_dead: Vec<u64>,
    /// One-way messages that are to be served, and those that may be.
    pub owed: Vec<u64>,
    pub may: Vec<u64>,
    /// The victim's.
    pub caller: Option<&'static Caller>,
    pub worker: Option<&'static Worker>,
    pub call: Left<Made>,
    pub request: Left<Taken>,
    /// Controls: words, and what they are made to say.
    pub broken: Vec<(usize, u64)>,
    next: u64,
}

fn plan(idempotent: bool) -> Plan<1> {
    let config = Config::new(CLIENTS, SERVERS).depth(DEPTH);
    let config = match idempotent {
        true => config.idempotent(),
        false => config,
    };
    let plan = Plan::new().channel::<Table>("calls", &config);
    plan.and_then(|plan| plan.peers(PARTIES as u32))
        .expect("a plan")
}

/// A world with room for it.
pub fn world() -> World {
    World::new(plan(false).layout().expect("a layout").size())
}

fn leak<T>(it: T) -> &'static T {
    Box::leak(Box::new(it))
}

impl Calls {
    pub fn new(world: World, idempotent: bool) -> Self {
        let segment = rings::segment(&world, &plan(idempotent));
        // Never left: the next run clears the table under it.
        let peers: [&'static Peer<'static>; PARTIES] = std::array::from_fn(|_| {
            leak(
                segment
                    .join(&Identity::default(), world.oracle)
                    .expect("a row"),
            )
        });
        let table: Table = segment.open("calls").expect("the table");
        let [one, two] = SURVIVORS.map(|who| peers[who]);
        Self {
            client: leak(table.client(one).expect("a seat")),
            server: leak(table.server(two).expect("a seat")),
            world,
            _segment: segment,
            peers,
            table,
            idempotent,
            open: Vec::new(),
            in_hand: None,
            served: Vec::new(),
            taken_by_dead: Vec::new(),
            owed: Vec::new(),
            may: Vec::new(),
            caller: None,
            worker: None,
            call: None,
            request: None,
            broken: Vec::new(),
            next: 0,
        }
    }

    pub fn client_of(&self, who: usize) -> &'static Caller {
        leak(self.table.client(self.peers[who]).expect("a seat"))
    }

    pub fn server_of(&self, who: usize) -> &'static Worker {
        leak(self.table.server(self.peers[who]).expect("a seat"))
    }

    /// What nobody has asked before.
    pub fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// The living client asks one more; false if it has no slot.
    pub fn asks(&mut self) -> bool {
        let (who, number) = (SURVIVORS[0], self.number());
        let made = self.client.call(&message(who, number));
        self.open.extend(made.map(|call| (name(who, number), call)));
        made_some(&self.open, who, number)
    }

    /// The living client asks in all its slots; more than there are, and it stops.
    pub fn asks_all(&mut self) {
        let _ = (0..=DEPTH).all(|_| self.asks());
    }

    /// A message of this party's, in a slot of the client's.
    pub fn tells(&mut self, who: usize, client: &'static Caller) {
        let number = self.number();
        client.notify(&message(who, number)).expect("a slot");
        self.owed.push(name(who, number));
    }

    /// A call of this party's.
    pub fn calls(&mut self, who: usize, client: &'static Caller) -> Made {
        let number = self.number();
        client.call(&message(who, number)).expect("a slot")
    }

    /// The server takes what there is next, and has it in hand.
    pub fn takes(&mut self, server: &'static Worker) -> Taken {
        let taken = server.next().expect("a request");
        self.taken_by_dead.push(taken.query()[0]);
        taken
    }

    /// As the living server does: what it takes it answers sooner or later.
    pub fn takes_in_hand(&mut self) {
        let taken = self.server.next().expect("a request");
        self.served.push(taken.query()[0]);
        self.in_hand = Some(taken);
    }

    /// The living server answers all that it hears of.
    pub fn serves(&mut self) {
        while let Some(mut request) = self.server.next() {
            let asked = request.query()[0];
            self.served.push(asked);
            let _ = request.reply(&answer(asked));
        }
    }

    pub fn words(&self) -> Vec<u64> {
        let memory = self.world.memory;
        (0..memory.len() / 8).map(|word| memory.get(word)).collect()
    }

    /// All that changed since is put back as it was, by the victim.
    pub fn put_back(&mut self, before: &[u64]) {
        let words = self.words().into_iter().zip(before).enumerate();
        let changed = words.filter(|(_, (now, old))| now != *old);
        self.broken = changed.map(|(word, (_, old))| (word, *old)).collect();
    }
}

fn made_some(open: &[(u64, Made)], who: usize, number: u64) -> bool {
    open.last()
        .is_some_and(|(last, _)| *last == name(who, number))
}

/// A client that dies: one call sent, one that the living server has in hand, one answered, and one message.
fn doomed_client(calls: &mut Calls) {
    let client = calls.client_of(OTHER);
    let first = calls.calls(OTHER, client);
    calls.takes_in_hand();
    let second = calls.calls(OTHER, client);
    calls.serves();
    let third = calls.calls(OTHER, client);
    calls.tells(OTHER, client);
    forget((first, second, third));
}

/// A server that dies: one call of the living taken, one in parts, one that is given up, and a message.
fn doomed_server(calls: &mut Calls) {
    let server = calls.server_of(OTHER);
    assert!(calls.asks());
    forget(calls.takes(server));
    assert!(calls.asks());
    let mut second = calls.takes(server);
    let asked = second.query()[0];
    assert!(second.part(&piece(asked, 0)).is_ok());
    forget(second);
    assert!(calls.asks());
    forget(calls.takes(server));
    drop(calls.open.pop());
    calls.tells(SURVIVORS[0], calls.client);
    forget(calls.takes(server));
    // Taken by who died: where it is not served again it is dropped.
    if !calls.idempotent {
        let told = calls.owed.pop();
        calls.may.extend(told);
    }
}

pub fn dead_client(calls: &mut Calls) {
    doomed_client(calls);
    calls.world.notes.declare_dead(OTHER);
}

pub fn dead_server(calls: &mut Calls) {
    doomed_server(calls);
    calls.world.notes.declare_dead(OTHER);
}

pub fn dead_both(calls: &mut Calls) {
    doomed_server(calls);
    dead_client(calls);
}

/// One who serves is asked so many things by the living.
pub fn asked(calls: &mut Calls, many: usize) {
    calls.worker = Some(calls.server_of(VICTIM));
    (0..many).for_each(|_| assert!(calls.asks()));
}

/// It has taken the first of them.
pub fn took(calls: &mut Calls) {
    asked(calls, 1);
    let taken = calls.takes(calls.worker.expect("a server"));
    calls.request = Some(ManuallyDrop::new(taken));
}

/// It has sent a part.
pub fn took_and_sent_a_part(calls: &mut Calls) {
    took(calls);
    let request = calls.request.as_mut().expect("a request");
    let asked = request.query()[0];
    assert!(request.part(&piece(asked, 0)).is_ok());
}

/// And the caller has taken that.
pub fn took_and_part_is_taken(calls: &mut Calls) {
    took_and_sent_a_part(calls);
    let (_, call) = &mut calls.open[0];
    assert!(matches!(call.poll(), Poll::Part { number: 0, .. }));
}

/// And the caller gave it up.
pub fn took_what_is_given_up(calls: &mut Calls) {
    took(calls);
    calls.open.clear();
}

/// One who calls has called.
pub fn called(calls: &mut Calls) {
    let client = calls.client_of(VICTIM);
    calls.caller = Some(client);
    let call = calls.calls(VICTIM, client);
    calls.call = Some(ManuallyDrop::new(call));
}

pub fn called_and_is_served(calls: &mut Calls) {
    called(calls);
    calls.takes_in_hand();
}

pub fn called_and_has_a_part(calls: &mut Calls) {
    called_and_is_served(calls);
    let request = calls.in_hand.as_mut().expect("a request");
    let asked = request.query()[0];
    assert!(request.part(&piece(asked, 0)).is_ok());
}

pub fn called_and_has_the_reply(calls: &mut Calls) {
    called(calls);
    calls.serves();
}

pub fn called_who_died(calls: &mut Calls) {
    called(calls);
    let server = calls.server_of(OTHER);
    forget(calls.takes(server));
    calls.world.notes.declare_dead(OTHER);
}
