//! A cast: publishers, viewers and receivers at one pool, each begun anew when it dies.

use std::time::{Duration, Instant};

use ringpad::frames::{Config, Frames, Load, Ticket};
use ringpad::mailslot::{self, Mailslot};
use ringpad::os::SharedSegment;
use ringpad::spsc::{self, Spsc};
use ringpad::{Plan, Result};

use crate::common::child::{self, Child};
use crate::common::room::Room;
use crate::common::{Dice, PATIENCE, until};
use crate::ledger::{Allowed, Ledger, RECEIVERS, Sums, at};
use crate::picture::FRAME_BYTES;
use crate::roles::{Inbox, POOL, QUEUE, SEGMENT, mail, ring};

/// Who is in it.
#[derive(Clone, Copy, Debug)]
pub struct Roles {
    pub publishers: usize,
    pub viewers: usize,
    /// A control: receivers remove tickets too early.
    pub careless: bool,
}

impl Roles {
    pub fn everybody(&self) -> usize {
        self.publishers + self.viewers + RECEIVERS
    }

    /// Which role, and which of it.
    pub fn role(&self, who: usize) -> (usize, usize) {
        let [publishers, viewers] = [self.publishers, self.viewers];
        match who {
            _ if who < publishers => (0, who),
            _ if who < publishers + viewers => (1, who - publishers),
            _ => (2, who - publishers - viewers),
        }
    }

    /// Frames with which publishers mostly find one, also when a receiver is stopped and something was taken back from it.
    fn load(&self) -> Load {
        Load {
            publishers: self.publishers as u32,
            viewers: self.viewers as u32,
            receivers: RECEIVERS as u32,
            queue: self.publishers as u32 * QUEUE * RECEIVERS as u32,
            ..Load::new()
        }
    }

    fn plan(&self) -> Result<Plan<16>> {
        let pool = Config::for_load(&self.load(), FRAME_BYTES);
        let mut plan = Plan::new().peers(32)?.channel::<Frames<'_>>(POOL, &pool)?;
        for of in 0..self.publishers {
            let config = mailslot::Config::new(2 * QUEUE);
            plan = plan.channel::<Mailslot<'_, Ticket>>(&mail(of), &config)?;
            for to in 0..RECEIVERS {
                let config = spsc::Config::new(QUEUE);
                plan = plan.channel::<Spsc<'_, Ticket>>(&ring(of, to), &config)?;
            }
        }
        Ok(plan)
    }
}

pub struct Cast {
    room: Room,
    segment: SharedSegment,
    pub roles: Roles,
    ledger: Ledger,
    children: Vec<Child>,
    allowed: Allowed,
    lives: u64,
}

impl Cast {
    pub fn new(name: &str, roles: Roles) -> Self {
        let room = Room::new(name);
        let plan = roles.plan().expect("a plan");
        let segment = SharedSegment::open_or_create(SEGMENT, &plan, &room.options()).unwrap();
        let ledger = Ledger::create(&room, roles.publishers);
        let mut cast = Self {
            room,
            segment,
            roles,
            ledger,
            children: Vec::new(),
            allowed: Allowed::default(),
            lives: 0,
        };
        cast.children = (0..roles.everybody()).map(|who| cast.start(who)).collect();
        cast
    }

    fn start(&mut self, who: usize) -> Child {
        self.lives += 1;
        let (role, index) = self.roles.role(who);
        let name = ["publisher", "viewer", "receiver"][role];
        let careless = u64::from(self.roles.careless);
        let words: [&dyn std::fmt::Display; 4] =
            [&index, &self.lives, &self.roles.publishers, &careless];
        child::spawn(&self.room, name, &words)
    }

    /// Waits until each role has done something, so much at least; how long that took.
    pub fn goes_on(&mut self, by: u64) -> Result<Duration, String> {
        let (since, before) = (Instant::now(), self.ledger.moved());
        loop {
            let now = self.ledger.moved();
            if (0..3).all(|role| now[role] >= before[role] + by) {
                return Ok(since.elapsed());
            }
            if since.elapsed() > PATIENCE {
                let recalled = self.ledger.page.get(at::RECALLED);
                return Err(format!(
                    "stuck: {before:?}, then {now:?}; {recalled} recalled"
                ));
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
        match self.roles.role(who) {
            (0, publisher) => self.ledger.bury_publisher(publisher, &mut self.allowed),
            (1, _) => {}
            _ => self.allowed.again += 1,
        }
        Ok(())
    }

    /// Kills one, and begins it anew once the others have published so much more.
    pub fn do_without(&mut self, who: usize, publications: u64) -> Result<(), String> {
        self.children[who].kill();
        self.bury(who)?;
        let before = self.ledger.moved()[0];
        for each in (0..publications).step_by(100) {
            let what = format!("{each} publications without {who}, from {before} on");
            until(&what, || self.ledger.moved()[0] >= before + each);
        }
        self.children[who] = self.start(who);
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

    /// Stops one for a while, in which the others go on and one of another role dies.
    pub fn stop(&mut self, who: usize, dice: &mut Dice) -> Result<Duration, String> {
        self.children[who].stop();
        let took = self.goes_on(4)?;
        let other = dice.below(self.roles.everybody() as u64) as usize;
        let killed = match self.roles.role(other).0 == self.roles.role(who).0 {
            true => Duration::ZERO,
            false => self.kill(&[other])?,
        };
        self.children[who].resume();
        Ok(took.max(killed))
    }

    /// Has everybody finish in good order; or kills them all at once. Then clears up behind them, and adds up.
    pub fn settle(mut self, kills_all: bool) -> Result<Sums, String> {
        if kills_all {
            self.children.iter().for_each(Child::kill);
            for who in 0..self.roles.everybody() {
                self.bury(who)?;
            }
        } else {
            let receivers = self.roles.everybody() - RECEIVERS;
            self.ledger.page.set(at::STOP, 1);
            for (who, child) in self.children.iter_mut().enumerate() {
                if who == receivers {
                    self.ledger.page.set(at::STOP, 2);
                }
                let status = child.wait_within(PATIENCE);
                if !status.success() {
                    return Err(format!("{who} ended with {status}"));
                }
            }
        }
        self.children.clear();
        self.clear_up().map_err(|error| error.to_string())??;
        self.ledger.settle(&self.allowed)
    }

    /// Takes what is left in the rings; then every frame is free.
    fn clear_up(&mut self) -> ringpad::os::Result<Result<(), String>> {
        let me = self.segment.join()?;
        me.reap()?;
        for index in 0..RECEIVERS {
            let mut inbox = Inbox::open(&me, index, self.roles.publishers)?;
            while !inbox.turn(&self.ledger, true, false) {}
            inbox.turn(&self.ledger, true, false);
        }
        let user = me.frame_user(POOL)?;
        Ok(match user.frames() - user.free() {
            0 => Ok(()),
            held => Err(format!("{held} of {} frames are not free", user.frames())),
        })
    }
}
