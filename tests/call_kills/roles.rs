//! Who asks and who serves.

use std::time::Duration;

use ringpad::os::{CallError, OwnedPeer, SharedSegment, Waiter};
use ringpad::rpc::{Poll, Refused, Unsent};

use crate::common::child;
use crate::common::room::Room;
use crate::ledger::{Ledger, MOST, answer, at, piece};
use crate::message::{Message, message};

pub const SEGMENT: &str = "house";
pub const TABLE: &str = "calls";
/// Longer than any call takes while there are servers.
const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_micros(100);

type Client = ringpad::os::Client<Message, Message>;

/// What is asked, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Tell,
    Cancel,
    /// It may have no time for a reply.
    Hurry,
    /// The reply comes in parts.
    Parts,
    /// The server drops it.
    Drop,
    Ask,
}

fn what(number: u64) -> What {
    match number % 16 {
        0 | 8 => What::Tell,
        3 => What::Cancel,
        5 => What::Hurry,
        7 => What::Parts,
        11 => What::Drop,
        _ => What::Ask,
    }
}

struct Player {
    ledger: Ledger,
    me: OwnedPeer,
    index: usize,
}

fn begin() -> Player {
    let room = Room::parents();
    let segment = SharedSegment::open(SEGMENT, &room.options()).expect("opening");
    Player {
        ledger: Ledger::open(&room),
        me: segment.join().expect("joining"),
        index: child::numeral(0) as usize,
    }
}

/// Asks one thing after another, and goes on where its last life ended.
pub fn client() {
    let Player { ledger, me, index } = begin();
    let page = &ledger.page;
    let hasty = child::numeral(1) == 1;
    let client: Client = me.client(TABLE).expect("a seat");
    let mut waiter = me
        .waiter()
        .expect("a waiter")
        .tick(Duration::from_millis(50));
    let mut number = page.get(at::BEGUN + index);
    while page.get(at::STOP) == 0 && number < MOST {
        number += 1;
        page.set(at::BEGUN + index, number);
        let asked = message(index, number);
        match what(number) {
            What::Tell => {
                if hasty {
                    // A control: said before it is true.
                    ledger.told(index, number);
                    std::thread::sleep(SHORT);
                }
                let mut is_told = client.notify(&asked).is_ok();
                while !is_told && page.get(at::STOP) == 0 {
                    std::thread::yield_now();
                    is_told = client.notify(&asked).is_ok();
                }
                if is_told {
                    ledger.told(index, number);
                }
            }
            What::Cancel => {
                if let Ok(call) = client.call(&asked) {
                    if number % 32 == 3 {
                        std::thread::yield_now();
                    }
                    call.cancel();
                    page.add(at::CANCELLED, 1);
                }
            }
            What::Parts => parted(&ledger, &client, &mut waiter, &asked),
            what => {
                let time = if what == What::Hurry { SHORT } else { LONG };
                let found = client.call_timeout(&mut waiter, &asked, Some(time));
                ended(&ledger, what, &asked, found);
            }
        }
    }
}

fn ended(ledger: &Ledger, what: What, asked: &Message, found: Result<Message, CallError>) {
    let page = &ledger.page;
    let count = match found {
        Ok(reply) => {
            ledger.replied(asked, &reply, &answer(asked));
            if what == What::Drop {
                at::UNTRUE
            } else {
                at::READY
            }
        }
        Err(CallError::PeerDied { .. }) => at::DIED,
        Err(CallError::Unanswered) if what == What::Drop => at::UNANSWERED,
        Err(CallError::TimedOut) if what == What::Hurry => at::TIMED_OUT,
        Err(CallError::TimedOut) => at::ENDLESS,
        Err(_) => at::UNTRUE,
    };
    page.add(count, 1);
}

/// Each part is looked at; they may begin anew if a server died.
fn parted(ledger: &Ledger, client: &Client, waiter: &mut Waiter, asked: &Message) {
    let page = &ledger.page;
    let mut call = loop {
        match client.call(asked) {
            Ok(call) => break call,
            Err(Refused::Full) if page.get(at::STOP) == 0 => std::thread::yield_now(),
            Err(_) => return,
        }
    };
    let mut next = 0;
    loop {
        let found = call.poll_timeout(waiter, Some(LONG)).expect("waiting");
        let Poll::Part { number, value } = found else {
            let found = match found {
                Poll::Ready(reply) => Ok(reply),
                Poll::PeerDied { by } => Err(CallError::PeerDied { by }),
                Poll::Pending => Err(CallError::TimedOut),
                _ => Err(CallError::Corrupt),
            };
            return ended(ledger, What::Parts, asked, found);
        };
        ledger.replied(asked, &value, &piece(asked, u64::from(number) + 1));
        if number != next && number != 0 {
            page.add(at::UNTRUE, 1);
        }
        next = number + 1;
    }
}

/// Serves one after another; told to stop, it sees what is there and ends.
pub fn server() {
    let Player { ledger, me, .. } = begin();
    let page = &ledger.page;
    let server = me.server::<Message, Message>(TABLE).expect("a seat");
    let mut waiter = me
        .waiter()
        .expect("a waiter")
        .tick(Duration::from_millis(50));
    loop {
        // Asked before: what was told until then must be served.
        let stop = page.get(at::STOP);
        let served = server.serve_one(&mut waiter, Some(Duration::from_millis(50)), |request| {
            let asked = request.query();
            let Some(number) = ledger.serves(&asked) else {
                return;
            };
            if number % 4 == 1 {
                // Long enough to be killed with it in hand.
                std::thread::yield_now();
            }
            let sent = match what(number) {
                What::Drop => return,
                What::Parts => (1..=3).try_for_each(|which| {
                    loop {
                        match request.part(&piece(&asked, which)) {
                            Err(Unsent::Full) => std::thread::yield_now(),
                            found => break found,
                        }
                    }
                }),
                _ => Ok(()),
            };
            let sent = sent.and_then(|()| {
                loop {
                    match request.reply(&answer(&asked)) {
                        Err(Unsent::Full) => std::thread::yield_now(),
                        found => break found,
                    }
                }
            });
            page.add(at::LATE, u64::from(sent.is_err()));
        });
        if !served.expect("serving") && stop == 2 {
            return;
        }
    }
}
