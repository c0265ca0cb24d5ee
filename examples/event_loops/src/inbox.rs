//! What the three loops share: two rings, and a count of what happened.

use ringpad::os::{ByteConsumer, Consumer, OwnedBell, OwnedPeer};
use ringpad::{Plan, bytes, spsc};

use crate::Result;

/// The typed ring.
pub const NUMBERS: &str = "numbers";
/// The byte ring.
pub const LINES: &str = "lines";
/// The item that ends the typed ring.
pub const LAST_NUMBER: u64 = u64::MAX;
/// The record that ends the byte ring.
pub const LAST_LINE: &[u8] = b"the end";

/// The segment of both rings and two peers.
pub fn plan() -> Result<Plan<2>> {
    let plan = Plan::<2>::new().peers(2)?;
    let plan = plan.channel::<spsc::Spsc<u64>>(NUMBERS, &spsc::Config::new(256))?;
    Ok(plan.channel::<bytes::Bytes>(LINES, &bytes::Config::records(8192))?)
}

/// What a loop did.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    /// Items of the typed ring, each the successor of the one before.
    pub numbers: u64,
    /// Records of the byte ring, each the successor of the one before.
    pub lines: u64,
    /// How often the loop went round.
    pub turns: u64,
    /// How many sleeps the doorbell ended.
    pub wake_ups: u64,
    /// How many sleeps the tick ended.
    pub ticks: u64,
}

/// The consuming ends of both rings.
#[derive(Debug)]
pub struct Inbox {
    numbers: Consumer<u64>,
    lines: ByteConsumer,
    ended: [bool; 2],
    /// What happened so far.
    pub seen: Seen,
}

impl Inbox {
    /// Claims both ends.
    pub fn of(me: &OwnedPeer) -> Result<Self> {
        Ok(Self {
            numbers: me.consumer(NUMBERS)?,
            lines: me.byte_consumer(LINES)?,
            ended: [false; 2],
            seen: Seen::default(),
        })
    }

    /// The bells of both rings: what a waiter is armed with.
    pub fn bells(&self) -> [OwnedBell; 2] {
        [self.numbers.bell(), self.lines.bell()]
    }

    /// Whether there is anything to take. The recheck: call it between arming and sleeping.
    pub fn has_mail(&mut self) -> Result<bool> {
        Ok(self.numbers.peek().is_some() || self.lines.next_len()?.is_some())
    }

    /// Takes everything out of both rings, and checks that nothing is missing or out of order.
    pub fn take_all(&mut self) -> Result<()> {
        while let Some(number) = self.numbers.pop() {
            if number == LAST_NUMBER {
                self.ended[0] = true;
                continue;
            }
            expect(number, self.seen.numbers)?;
            self.seen.numbers += 1;
        }
        self.numbers.check()?;
        while let Some(record) = self.lines.read()? {
            if *record == *LAST_LINE {
                self.ended[1] = true;
            } else {
                let text = str::from_utf8(&record)?;
                let number = text.strip_prefix("line ").ok_or("not a line")?;
                expect(number.parse()?, self.seen.lines)?;
                self.seen.lines += 1;
            }
            record.release();
        }
        Ok(())
    }

    /// Whether both rings have ended.
    pub fn is_done(&self) -> bool {
        self.ended == [true; 2]
    }

    /// For every tick: an error if whoever produced is dead and nothing more will come.
    pub fn check_producer(&mut self) -> Result<()> {
        // In this order: what it committed just before it died still counts.
        let came = self.numbers.other().is_some();
        if came && self.numbers.is_abandoned() && !self.has_mail()? {
            return Err("the producer has died".into());
        }
        Ok(())
    }
}

fn expect(found: u64, want: u64) -> Result<()> {
    if found == want {
        return Ok(());
    }
    Err(format!("found message {found}, wanted {want}").into())
}
