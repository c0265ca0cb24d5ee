//! A crowd: so many senders and receivers, each begun anew when it dies.

use std::time::{Duration, Instant};

use ringpad::Plan;
use ringpad::mpmc::{Config, Mpmc, Recovery};
use ringpad::os::SharedSegment;

use crate::common::child::{self, Child};
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE};
use crate::ledger::{Allowed, Ledger, MOST, RECEIVERS, SENDERS, Sums, at};
use crate::message::{Message, message};
use crate::roles::{RING, SEGMENT};

const SLOTS: u32 = 32;
/// So soon after a death the others have sent and received again.
pub const SOON: Duration = Duration::from_secs(5);
pub const EVERYBODY: usize = SENDERS + RECEIVERS;

pub struct Pool {
    room: Room,
    segment: SharedSegment,
    pub ledger: Ledger,
    pub children: Vec<Child>,
    allowed: Allowed,
    lives: u64,
}

impl Pool {
    pub fn new(recovery: Recovery, name: &str) -> Self {
        Self::with_room(recovery, name, MOST)
    }

    /// With room for so many messages of each sender.
    pub fn with_room(recovery: Recovery, name: &str, messages: u64) -> Self {
        let room = Room::new(name);
        let config = Config::new(SLOTS).recovery(recovery);
        let plan = Plan::<1>::new().peers(32).unwrap();
        let plan = plan.channel::<Mpmc<Message>>(RING, &config).unwrap();
        let segment = SharedSegment::open_or_create(SEGMENT, &plan, &room.options()).unwrap();
        let ledger = Ledger::create(&room);
        ledger.page.set(at::ROOM, messages);
        let mut pool = Self {
            room,
            segment,
            ledger,
            children: Vec::new(),
            allowed: Allowed::default(),
            lives: 0,
        };
        pool.children = (0..EVERYBODY).map(|who| pool.start(who)).collect();
        pool
    }

    fn start(&mut self, who: usize) -> Child {
        self.lives += 1;
        match who.checked_sub(SENDERS) {
            None => child::spawn(&self.room, "sender", &[&who, &self.lives]),
            Some(receiver) => child::spawn(&self.room, "receiver", &[&receiver, &self.lives]),
        }
    }

    fn moved(&self) -> (u64, u64) {
        let sent = self.ledger.sum(at::RETURNED, SENDERS);
        (sent, self.ledger.sum(at::GOT, RECEIVERS))
    }

    /// Waits until messages were sent and received, so many at least, or nobody but these has room to send; how long that took.
    pub fn goes_on(&mut self, by: u64, without: &[usize]) -> Result<Duration, String> {
        let (since, (sent, got)) = (Instant::now(), self.moved());
        loop {
            let (now_sent, now_got) = self.moved();
            let moved = now_sent >= sent + by && now_got >= got + by;
            if moved || self.ledger.is_full_without(without) {
                return Ok(since.elapsed());
            }
            if since.elapsed() > SOON {
                return Err(format!(
                    "stuck: {sent} sent, {got} got, then {now_sent} and {now_got}"
                ));
            }
            for (who, child) in self.children.iter_mut().enumerate() {
                if let Some(status) = child.ended() {
                    return Err(format!("{who} ended with {status}"));
                }
            }
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// Kills some at once, and begins them anew once the others went on or have no room to send; how long that took.
    pub fn kill(&mut self, victims: &[usize]) -> Result<Duration, String> {
        victims.iter().for_each(|who| self.children[*who].kill());
        for who in victims {
            let status = self.children[*who].wait();
            if !child::was_killed(status) {
                return Err(format!("{who} ended with {status}"));
            }
            match who.checked_sub(SENDERS) {
                None => self.ledger.bury_sender(*who, &mut self.allowed),
                Some(receiver) => self.ledger.bury_receiver(receiver, &mut self.allowed),
            }
        }
        let since = Instant::now();
        // Of the dead nobody is started before the others went on without them.
        let (sent, got) = self.moved();
        let mut looks = 0;
        while (self.moved().0 <= sent || self.moved().1 <= got)
            && !self.ledger.is_full_without(victims)
        {
            if since.elapsed() > SOON {
                return Err(self.stuck(victims, (sent, got), looks));
            }
            looks += 1;
            std::thread::sleep(Duration::from_micros(50));
        }
        let took = since.elapsed();
        for who in victims {
            self.children[*who] = self.start(*who);
        }
        Ok(took)
    }

    /// What is told of a crowd that does not go on. Few looks: the machine stood still, not the crowd.
    fn stuck(&mut self, victims: &[usize], (sent, got): (u64, u64), looks: u64) -> String {
        let (now_sent, now_got) = self.moved();
        let ended = |child: &mut Child| child.ended().map(|status| status.to_string());
        let ended: Vec<_> = self.children.iter_mut().map(ended).collect();
        format!(
            "stuck after the death of {victims:?}, seen by {looks} looks: {sent} sent, {got} got, then {now_sent} and {now_got}; ended: {ended:?}"
        )
    }

    /// Two laps through the ring with nobody else alive, whatever was left in it. What the dead held may come: that is the ledger's.
    fn laps(&self) -> Result<(), String> {
        let text = |error: ringpad::os::Error| format!("in the end: {error}");
        let me = self.segment.join().map_err(text)?;
        let mut tx = me.sender::<Message>(RING).map_err(text)?;
        let mut rx = me.receiver::<Message>(RING).map_err(text)?;
        let since = Instant::now();
        for number in 1..=2 * u64::from(SLOTS) {
            // Of nobody in the ledger.
            let (own, mut is_sent) = (message(SENDERS, number), false);
            loop {
                is_sent = is_sent || tx.try_send(own).is_ok();
                match rx.try_recv() {
                    Some(got) if got == own => break,
                    Some(got) => self.ledger.got(&got),
                    None if since.elapsed() < SOON => {}
                    None => return Err(format!("stuck in the end: {number}, sent: {is_sent}")),
                }
            }
        }
        Ok(())
    }

    /// Has everybody finish in good order, and adds up.
    pub fn settle(mut self) -> Result<Sums, String> {
        let mut receivers = self.children.split_off(SENDERS);
        self.ledger.page.set(at::STOP, 1);
        for sender in &mut self.children {
            let status = sender.wait_within(PATIENCE);
            if !status.success() {
                return Err(format!("a sender ended with {status}"));
            }
        }
        self.ledger.page.set(at::STOP, 2);
        for receiver in &mut receivers {
            let status = receiver.wait_within(PATIENCE);
            if !status.success() {
                return Err(format!("a receiver ended with {status}"));
            }
        }
        let laps = self.laps();
        let sums = self.ledger.settle(&self.allowed)?;
        laps.map(|()| sums)
    }

    /// For a while at most so long.
    pub fn pause(dice: &mut Dice, most_us: u64) {
        let until = Instant::now() + Duration::from_micros(dice.below(most_us));
        while Instant::now() < until {
            std::thread::yield_now();
        }
    }
}
