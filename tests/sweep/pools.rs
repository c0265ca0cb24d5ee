//! The swept frame pool, rings that its tickets travel through, and what living and dying parties do at them.

use std::mem::forget;

use ringpad::frames::{Config, Frames, Receivers, Refused, Ticket, User, View};
use ringpad::spsc::{self, Consumer, Producer, Spsc};
use ringpad::{Identity, Peer, Plan, Segment};

use super::message::{Message, message, name, whole};
use super::rings;
use super::stage::{OTHER, PARTIES, SURVIVORS, World};

/// Of them the living and one dead have seven.
pub const FRAMES: u32 = 12;
/// A message three times: what is written while it is looked at is seen.
const COPIES: usize = 3;
pub const BYTES: u32 = (COPIES * size_of::<Message>()) as u32;
/// Receivers for whom frames are reserved.
pub const RECEIVERS: [u32; 2] = [0, 1];
pub const BOTH: Receivers = Receivers::first(2);
const PLACES: u32 = 16;
/// Seats of a pool.
pub const SEATS: usize = 32;

/// Whose tickets a ring carries: of who lives on, or of who dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Living = 0,
    Doomed = 2,
}

/// The ring from one sender to one receiver.
pub const fn ring(from: From, receiver: u32) -> usize {
    from as usize + receiver as usize
}

/// Rings of one receiver, in the order in which they are drained.
pub fn rings_of(receiver: u32) -> [usize; 2] {
    [ring(From::Doomed, receiver), ring(From::Living, receiver)]
}

const NAMES: [&str; 4] = ["living-0", "living-1", "doomed-0", "doomed-1"];

/// A pool, its rings, everybody joined. Who uses it claims what it needs when it does.
pub struct Pools {
    pub world: World,
    _segment: Segment<'static>,
    pub peers: [&'static Peer<'static>; PARTIES],
    pub pool: Frames<'static>,
    pub rings: [Spsc<'static, Ticket>; 4],
    /// Names that were sent by each ring, in order.
    pub owed: [Vec<u64>; 4],
    /// Published by a living one, and not sent yet.
    pub unsent: Vec<(Ticket, (usize, u64))>,
    /// What a living one looks at all the time.
    held: Option<(View<'static, 'static>, u64)>,
    /// The next number of the living sender's.
    next: u64,
    /// Who is receiver 0 all the time, if a living one is.
    pub resident: Option<User<'static>>,
    /// Controls: a word, and what it is made to say.
    pub broken: Option<(usize, u64)>,
}

fn plan() -> Plan<5> {
    let ring = spsc::Config::new(PLACES);
    let pool = Config::new(FRAMES, BYTES).receivers(RECEIVERS.len() as u32);
    let rings = NAMES.iter().try_fold(Plan::new(), |plan, name| {
        plan.channel::<Spsc<'_, Ticket>>(name, &ring)
    });
    let plan = rings.and_then(|plan| plan.channel::<Frames<'_>>("pool", &pool));
    plan.and_then(|plan| plan.peers(PARTIES as u32))
        .expect("a plan")
}

/// A world with room for it.
pub fn world() -> World {
    World::new(plan().layout().expect("a layout").size())
}

/// The bytes that carry a message.
pub fn bytes(of: &Message) -> [u8; BYTES as usize] {
    bytemuck::cast([*of; COPIES])
}

/// What a view shows: the message's name, or 0 for what no one published.
pub fn read(view: &View<'_, '_>) -> u64 {
    let mut copy = [0; BYTES as usize];
    let read = view.copy_to(&mut copy) == Ok(copy.len());
    let found: [Message; COPIES] = bytemuck::cast(copy);
    match whole(&found[0]) {
        Some(name) if read && found == [found[0]; COPIES] => name,
        _ => 0,
    }
}

/// Loans a frame, writes and publishes it.
pub fn publish(
    user: &User<'_>,
    (who, number): (usize, u64),
    whom: Receivers,
) -> Result<Ticket, Refused> {
    let mut loan = user.loan()?;
    loan.write_at(0, &bytes(&message(who, number)))?;
    Ok(loan.publish_for(BYTES, whom)?)
}

impl Pools {
    /// Everything new. A living one holds a view, and has sent one to each receiver; one more it has published and not sent.
    pub fn new(world: World) -> Self {
        let segment = rings::segment(&world, &plan());
        let peers = std::array::from_fn(|_| {
            let peer = segment.join(&Identity::default(), world.oracle);
            // Never left: the next run clears the table under it.
            &*Box::leak(Box::new(peer.expect("a row")))
        });
        let mut pools = Self {
            world,
            peers,
            pool: segment.open("pool").expect("the pool"),
            rings: NAMES.map(|name| segment.open(name).expect("a ring")),
            _segment: segment,
            owed: Default::default(),
            unsent: Vec::new(),
            held: None,
            next: 0,
            resident: None,
            broken: None,
        };
        let number = pools.numbered();
        let [one, two] = SURVIVORS;
        let ticket = publish(&pools.user(one), number, Receivers::NONE).expect("a frame");
        let watcher: &'static User<'static> = Box::leak(Box::new(pools.user(two)));
        let view = watcher.view(ticket).expect("a view");
        pools.held = Some((view, name(number.0, number.1)));
        pools.sends(BOTH).expect("a frame");
        assert!(pools.reserves());
        pools
    }

    /// Who sends next of the living, and which.
    fn numbered(&mut self) -> (usize, u64) {
        self.next += 1;
        (SURVIVORS[0], self.next)
    }

    pub fn user(&self, who: usize) -> User<'static> {
        self.pool.user(self.peers[who]).expect("a seat")
    }

    pub fn receiver(&self, who: usize, number: u32) -> ringpad::Result<User<'static>> {
        self.pool.receiver(self.peers[who], number)
    }

    pub fn producer(&self, who: usize, ring: usize) -> Producer<'static, Ticket> {
        self.rings[ring].producer(self.peers[who]).expect("an end")
    }

    pub fn consumer(&self, who: usize, ring: usize) -> Consumer<'static, Ticket> {
        self.rings[ring].consumer(self.peers[who]).expect("an end")
    }

    /// A living one publishes one more for these, and sends it.
    pub fn sends(&mut self, whom: Receivers) -> Result<(), Refused> {
        let number = self.numbered();
        let ticket = publish(&self.user(number.0), number, whom)?;
        self.send(ticket, number, whom);
        Ok(())
    }

    fn send(&mut self, ticket: Ticket, (who, number): (usize, u64), whom: Receivers) {
        for receiver in RECEIVERS.into_iter().filter(|to| whom.contains(*to)) {
            let ring = ring(From::Living, receiver);
            assert!(self.producer(who, ring).push(ticket).is_ok(), "room");
            self.owed[ring].push(name(who, number));
        }
    }

    /// Sends what was published before and not sent.
    pub fn sends_late(&mut self) {
        for (ticket, number) in std::mem::take(&mut self.unsent) {
            self.send(ticket, number, BOTH);
        }
    }

    /// Publishes one for both, and does not send it; false if there is no frame.
    pub fn reserves(&mut self) -> bool {
        let number = self.numbered();
        let published = publish(&self.user(number.0), number, BOTH);
        self.unsent.extend(published.map(|ticket| (ticket, number)));
        published.is_ok()
    }

    /// Publishes all that there is for both; more than there is, and it stops.
    pub fn reserves_all(&mut self) {
        let _ = (0..FRAMES + 2).all(|_| self.reserves());
    }

    /// A living one publishes one for whoever comes, and another looks at it: true if it saw that.
    pub fn shows(&mut self) -> Result<bool, Refused> {
        let number = self.numbered();
        let ticket = publish(&self.user(number.0), number, Receivers::NONE)?;
        let viewer = self.user(SURVIVORS[1]);
        let view = viewer.view(ticket)?;
        Ok(read(&view) == name(number.0, number.1))
    }

    /// The ticket of what is looked at all the time.
    pub fn shown(&self) -> Ticket {
        let held = self.held.as_ref();
        held.map_or(Ticket::default(), |(view, _)| view.ticket())
    }

    pub fn words(&self) -> Vec<u64> {
        let memory = self.world.memory;
        (0..memory.len() / 8).map(|word| memory.get(word)).collect()
    }

    /// The first word that changed so since is to be broken.
    pub fn break_word(
        &mut self,
        before: &[u64],
        changed: impl Fn(u64, u64) -> bool,
        value: impl Fn(u64) -> u64,
    ) {
        let words = self.words().into_iter().enumerate();
        let mut found = words.filter(|(word, now)| *now != before[*word]);
        let found = found.find(|(word, now)| changed(*now, before[*word]));
        let (word, now) = found.expect("such a change");
        self.broken = Some((word, value(now)));
    }

    /// True if what is looked at all the time is as it was.
    pub fn is_held_whole(&self) -> bool {
        self.held
            .as_ref()
            .is_none_or(|(view, name)| read(view) == *name)
    }

    /// Nobody looks any more, and nobody stays.
    pub fn let_go(&mut self) {
        self.held = None;
        self.resident = None;
    }

    /// Does this as receiver of that number: the one that stays, or a new one.
    pub fn as_receiver<R>(
        &self,
        number: u32,
        then: impl FnOnce(&User<'static>) -> R,
    ) -> ringpad::Result<R> {
        match &self.resident {
            Some(user) if number == 0 => Ok(then(user)),
            _ => self.receiver(SURVIVORS[1], number).map(|user| then(&user)),
        }
    }

    /// Seats that are had or can be: all, if nobody dead has one.
    pub fn seats(&self) -> usize {
        let me = self.peers[SURVIVORS[0]];
        let numbers = RECEIVERS.into_iter();
        let receivers: Vec<_> = numbers.flat_map(|n| self.pool.receiver(me, n)).collect();
        let users: Vec<_> = (0..SEATS).map_while(|_| self.pool.user(me).ok()).collect();
        receivers.len() + users.len() + 1
    }
}

/// What one who dies has: a loan, a view of what was shown, one frame sent to both and one that was not.
pub fn doomed_sender(pools: &mut Pools, who: usize) {
    let user: &'static User<'static> = Box::leak(Box::new(pools.user(who)));
    let sent = publish(user, (who, 1), BOTH).expect("a frame");
    for receiver in RECEIVERS {
        let ring = ring(From::Doomed, receiver);
        let mut tx = pools.producer(who, ring);
        assert!(tx.push(sent).is_ok());
        forget(tx);
        pools.owed[ring].push(name(who, 1));
    }
    publish(user, (who, 2), BOTH).expect("a frame");
    forget(user.view(pools.shown()).expect("a view"));
    let mut loan = user.loan().expect("a frame");
    loan.write_at(0, &[0xee; 40]).expect("room");
    forget(loan);
}

/// What one who dies as receiver 0 has: one taken whose ticket it removed, one taken whose ticket it did not, and the ends of its rings.
pub fn doomed_receiver(pools: &mut Pools, who: usize) {
    pools.sends(Receivers::one(0)).expect("a frame");
    let user: &'static User<'static> = Box::leak(Box::new(pools.receiver(who, 0).expect("a seat")));
    let living = ring(From::Living, 0);
    let mut rx = pools.consumer(who, living);
    let ticket = rx.peek().expect("a ticket");
    forget(user.take(ticket).expect("a frame"));
    rx.pop();
    pools.owed[living].remove(0);
    let ticket = rx.peek().expect("a ticket");
    forget(user.take(ticket).expect("a frame"));
    forget(rx);
    forget(pools.consumer(who, ring(From::Doomed, 0)));
}

/// Both of it, and it is known to be dead.
pub fn dead_beside(pools: &mut Pools) {
    doomed_sender(pools, OTHER);
    doomed_receiver(pools, OTHER);
    pools.world.notes.declare_dead(OTHER);
}
