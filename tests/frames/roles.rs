//! Who publishes, who looks at what comes in time, and who takes all that is sent to it.

use std::time::Duration;

use ringpad::frames::{Receivers, Refused, Ticket};
use ringpad::mailslot::{Next, Start};
use ringpad::os::{Consumer, FrameUser, OwnedPeer, SharedSegment};

use crate::common::{child, room::Room};
use crate::ledger::{Ledger, MOST, RECEIVERS, at};
use crate::picture;

pub const SEGMENT: &str = "studio";
pub const POOL: &str = "pool";
/// Tickets that one receiver has waiting, of one publisher.
pub const QUEUE: u32 = 8;
/// Most tickets of one ring in a row.
const TURN: usize = 64;

pub fn ring(publisher: usize, receiver: usize) -> String {
    format!("ring-{publisher}-{receiver}")
}

pub fn mail(publisher: usize) -> String {
    format!("mail-{publisher}")
}

struct Player {
    ledger: Ledger,
    me: OwnedPeer,
    index: usize,
    life: u64,
    publishers: usize,
}

fn begin() -> Player {
    let room = Room::parents();
    let publishers = child::numeral(2) as usize;
    let segment = SharedSegment::open(SEGMENT, &room.options()).expect("opening");
    Player {
        ledger: Ledger::open(&room, publishers),
        me: segment.join().expect("joining"),
        index: child::numeral(0) as usize,
        life: child::numeral(1),
        publishers,
    }
}

/// Goes on where its last life ended. Every third frame is for whoever looks in time; the others are for each receiver that has room.
pub fn publisher() {
    let Player {
        ledger,
        me,
        index,
        life,
        publishers,
    } = begin();
    let page = &ledger.page;
    let user = me.frame_user(POOL).expect("a seat");
    let mut rings: Vec<_> = (0..RECEIVERS)
        .map(|to| me.producer::<Ticket>(&ring(index, to)).expect("an end"))
        .collect();
    let mut mail = me.publisher::<Ticket>(&mail(index)).expect("an end");
    let mut number = page.get(at::BEGUN + index);
    while page.get(at::STOP) == 0 {
        if number >= MOST {
            std::thread::yield_now();
            continue;
        }
        number += 1;
        page.set(at::BEGUN + index, number);
        let mut loan = loop {
            match user.loan() {
                Ok(loan) => break loan,
                Err(Refused::NoFrame) if page.get(at::STOP) != 0 => return,
                Err(Refused::NoFrame) => std::thread::yield_now(),
                Err(error) => panic!("a loan: {error}"),
            }
        };
        let len = picture::bytes(number);
        let frame = loan.bytes_mut().expect("a trusted region");
        picture::draw(picture::name(index, number), &mut frame[..len as usize]);
        if number % 61 == 0 {
            drop(loan);
            page.set(at::RETURNED + index, number);
            continue;
        }
        // Now and then without looking for room, if there are frames: what is taken back is the receiver's until it comes, or its successor.
        let has_frames = || user.free() >= 2 * publishers as u32;
        let is_bold = life % 2 == 0 && number % 128 == 1 && has_frames();
        let wanted = |to: &u32| number % 3 != 0 && (is_bold || rings_have_room(&mut rings, *to));
        let whom = (0..RECEIVERS as u32)
            .filter(wanted)
            .fold(Receivers::NONE, Receivers::with);
        let ticket = loan.publish_for(len, whom).expect("publishing");
        let mut unsent = Receivers::NONE;
        for to in (0..RECEIVERS as u32).filter(|to| whom.contains(*to)) {
            match rings[to as usize].push(ticket) {
                Ok(()) => ledger.sent(index, to as usize, number),
                Err(_) => unsent = unsent.with(to),
            }
        }
        if !unsent.is_empty() {
            let had = user.recall(ticket, unsent).expect("our own");
            page.add(at::RECALLED, had.len().into());
            page.add(at::REFUSED, u64::from(had != unsent));
        }
        mail.publish(&ticket);
        page.set(at::RETURNED + index, number);
        page.add(at::MOVED[0], 1);
        if number % 16 == 0 {
            std::thread::yield_now();
        }
    }
}

fn rings_have_room(rings: &mut [ringpad::os::Producer<Ticket>], to: u32) -> bool {
    rings[to as usize].slots() > 0
}

/// Looks at whatever comes, in some lives too slowly.
pub fn viewer() {
    let player = begin();
    let (ledger, page) = (&player.ledger, &player.ledger.page);
    let user = player.me.frame_user(POOL).expect("a seat");
    let mut mails: Vec<_> = (0..player.publishers)
        .map(|of| {
            let mail = player.me.subscriber::<Ticket>(&mail(of), Start::Newest);
            (of, 0, mail.expect("a mailslot"))
        })
        .collect();
    let is_slow = player.life.is_multiple_of(3);
    while page.get(at::STOP) == 0 {
        let mut idle = true;
        for (of, last, mail) in &mut mails {
            let Next::Mail { value: ticket, .. } = mail.poll() else {
                continue;
            };
            idle = false;
            if is_slow {
                std::thread::sleep(Duration::from_micros(500));
            }
            match user.view(ticket) {
                Ok(view) => {
                    let look = || view.bytes().ok().and_then(picture::whole);
                    let number = ledger.saw(*of, look()).unwrap_or(0);
                    // Held, and looked at again: now and then long enough to be killed or stopped with it.
                    if number % 8 == 0 {
                        std::thread::yield_now();
                    }
                    let again = ledger.saw(*of, look());
                    let wrong = number <= *last || again != Some(number);
                    page.add(at::DISORDER, u64::from(wrong));
                    *last = number;
                    page.add(at::MOVED[1], 1);
                }
                Err(Refused::Stale) => {
                    page.add(at::STALE, 1);
                }
                Err(_) => {
                    page.add(at::REFUSED, 1);
                }
            }
        }
        if idle {
            std::thread::yield_now();
        }
    }
}

/// What one receiver has: its seat, its rings, whether anything came by each in this life.
pub struct Inbox {
    user: FrameUser,
    rings: Vec<(Consumer<Ticket>, bool)>,
    index: usize,
}

impl Inbox {
    pub fn open(me: &OwnedPeer, index: usize, publishers: usize) -> ringpad::os::Result<Self> {
        let rings = (0..publishers).map(|of| Ok((me.consumer(&ring(of, index))?, false)));
        Ok(Self {
            user: me.frame_receiver(POOL, index as u32)?,
            rings: rings.collect::<ringpad::os::Result<_>>()?,
            index,
        })
    }

    /// Takes what there is. `careless`: removes a ticket before anybody knows what became of its frame. True if there was nothing.
    pub fn turn(&mut self, ledger: &Ledger, asks: bool, careless: bool) -> bool {
        let dead = asks.then(|| self.user.unclaimed());
        let (mut idle, mut empty) = (true, true);
        for (of, (rx, some)) in self.rings.iter_mut().enumerate() {
            for turn in 0..TURN {
                let Some(ticket) = rx.peek() else { break };
                idle = false;
                empty &= turn + 1 < TURN;
                match self.user.take(ticket) {
                    Ok(view) => {
                        if careless {
                            rx.pop();
                            std::thread::yield_now();
                        }
                        let look = || view.bytes().ok().and_then(picture::whole);
                        let found = look();
                        ledger.got(of, self.index, found, !*some);
                        *some = true;
                        if turn % 16 == 7 {
                            std::thread::yield_now();
                        }
                        if look() != found {
                            ledger.page.add(at::TORN, 1);
                        }
                        if !careless {
                            rx.pop();
                        }
                    }
                    Err(_) => {
                        ledger.page.add(at::REFUSED, 1);
                        rx.pop();
                    }
                }
            }
        }
        if let Some(dead) = dead.filter(|_| empty) {
            self.user.release_unclaimed(&dead);
        }
        idle
    }
}

/// Takes all that is sent to it; told to stop, it sees what is there and ends.
pub fn receiver() {
    let player = begin();
    let (ledger, page) = (&player.ledger, &player.ledger.page);
    let careless = child::numeral(3) == 1;
    let inbox = Inbox::open(&player.me, player.index, player.publishers);
    let mut inbox = inbox.expect("a seat");
    for turn in 0_u64.. {
        // Asked before: what was sent until then must come.
        let stop = page.get(at::STOP);
        let asks = turn % 32 == 0 || stop == 2;
        if inbox.turn(ledger, asks, careless) {
            if stop == 2 {
                return;
            }
            std::thread::yield_now();
        }
    }
}
