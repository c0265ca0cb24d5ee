//! Clients and servers at one table, each begun anew when it dies.

use std::time::{Duration, Instant};

use ringpad::Plan;
use ringpad::os::SharedSegment;
use ringpad::rpc::{Config, Poll, Rpc};

use crate::common::child::{self, Child};
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE};
use crate::ledger::{CLIENTS, Ledger, SERVERS, Sums, Terms, answer, at};
use crate::message::{Message, message};
use crate::roles::{SEGMENT, TABLE};

const DEPTH: u32 = 4;
pub const EVERYBODY: usize = CLIENTS + SERVERS;

type Table = Rpc<'static, Message, Message>;

pub struct House {
    room: Room,
    segment: SharedSegment,
    ledger: Ledger,
    terms: Terms,
    hasty: bool,
    children: Vec<Child>,
}

impl House {
    pub fn new(name: &str, idempotent: bool, hasty: bool) -> Self {
        let room = Room::new(name);
        let config = Config::new(CLIENTS as u32, SERVERS as u32 + 1).depth(DEPTH);
        let config = if idempotent {
            config.idempotent()
        } else {
            config
        };
        let plan = Plan::<1>::new().peers(16).unwrap();
        let plan = plan.channel::<Table>(TABLE, &config).unwrap();
        let segment = SharedSegment::open_or_create(SEGMENT, &plan, &room.options()).unwrap();
        let ledger = Ledger::create(&room);
        let mut house = Self {
            room,
            segment,
            ledger,
            terms: Terms {
                idempotent,
                killed: 0,
            },
            hasty,
            children: Vec::new(),
        };
        house.children = (0..EVERYBODY).map(|who| house.start(who)).collect();
        house
    }

    fn start(&self, who: usize) -> Child {
        let hasty = u64::from(self.hasty);
        match who.checked_sub(CLIENTS) {
            None => child::spawn(&self.room, "client", &[&who, &hasty]),
            Some(server) => child::spawn(&self.room, "server", &[&server]),
        }
    }

    /// Waits until calls were answered and requests served, so many at least; how long that took.
    pub fn goes_on(&mut self, by: u64) -> Result<Duration, String> {
        let (since, before) = (Instant::now(), self.ledger.moved());
        loop {
            let now = self.ledger.moved();
            if (0..2).all(|side| now[side] >= before[side] + by) {
                return Ok(since.elapsed());
            }
            if since.elapsed() > PATIENCE {
                return Err(format!("stuck: {before:?}, then {now:?}"));
            }
            self.ledger.wrong()?;
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    fn bury(&mut self, who: usize) -> Result<(), String> {
        let status = self.children[who].wait();
        if !child::was_killed(status) {
            return Err(format!("{who} ended with {status}"));
        }
        self.terms.killed += u64::from(who >= CLIENTS);
        Ok(())
    }

    /// Kills some at once, and begins them anew once the others went on; how long those took.
    pub fn kill(&mut self, victims: &[usize]) -> Result<Duration, String> {
        victims.iter().for_each(|who| self.children[*who].kill());
        for who in victims {
            self.bury(*who)?;
        }
        let took = self.goes_on(1)?;
        for who in victims {
            self.children[*who] = self.start(*who);
        }
        Ok(took)
    }

    /// Stops one for a while, in which the others go on and one more dies.
    pub fn stop(&mut self, who: usize, dice: &mut Dice) -> Result<Duration, String> {
        self.children[who].stop();
        let mut took = self.goes_on(8)?;
        let other = dice.below(EVERYBODY as u64) as usize;
        if other != who {
            took = took.max(self.kill(&[other])?);
        }
        self.children[who].resume();
        Ok(took)
    }

    /// Has everybody finish in good order; or kills them all at once. Then serves what is left, and adds up.
    pub fn settle(mut self, kills_all: bool) -> Result<Sums, String> {
        if kills_all {
            self.children.iter().for_each(Child::kill);
            for who in 0..EVERYBODY {
                self.bury(who)?;
            }
        } else {
            self.ledger.page.set(at::STOP, 1);
            for (who, child) in self.children.iter_mut().enumerate() {
                if who == CLIENTS {
                    self.ledger.page.set(at::STOP, 2);
                }
                let status = child.wait_within(2 * PATIENCE);
                if !status.success() {
                    return Err(format!("{who} ended with {status}"));
                }
            }
        }
        self.children.clear();
        self.all_slots().map_err(|error| error.to_string())??;
        self.ledger.settle(self.terms)
    }

    /// Every seat can be had, what was told is served, and every slot of every client works.
    fn all_slots(&self) -> ringpad::os::Result<Result<(), String>> {
        let me = self.segment.join()?;
        me.reap()?;
        let servers = (0..=SERVERS).map(|_| me.server::<Message, Message>(TABLE));
        let servers = servers.collect::<ringpad::os::Result<Vec<_>>>()?;
        while let Some(mut request) = servers[0].next_anywhere() {
            let asked = request.query();
            self.ledger.serves(&asked);
            let _ = request.reply(&answer(&asked));
        }
        let clients = (0..CLIENTS).map(|_| me.client::<Message, Message>(TABLE));
        let clients = clients.collect::<ringpad::os::Result<Vec<_>>>()?;
        for round in 0..2 {
            let mut open = Vec::new();
            for (who, client) in clients.iter().enumerate() {
                for slot in 0.. {
                    let asked = message(who, slot);
                    match client.call(&asked) {
                        Ok(call) => open.push((asked, call)),
                        Err(_) if slot == u64::from(DEPTH) => break,
                        Err(error) => return Ok(Err(format!("{slot} slots: {error}"))),
                    }
                }
            }
            for turn in 0..open.len() {
                let Some(mut request) = servers[(turn + round) % servers.len()].next() else {
                    return Ok(Err("a call that is not heard of".into()));
                };
                let asked = request.query();
                let _ = request.reply(&answer(&asked));
            }
            for (asked, mut call) in open {
                let found = call.poll();
                if found != Poll::Ready(answer(&asked)) {
                    return Ok(Err(format!("in the end: {found:?}")));
                }
            }
        }
        Ok(Ok(()))
    }
}
