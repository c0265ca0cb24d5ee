//! Both ends of each kind, as one sends and one takes numbered values.

use ringpad::frames::{Frames, Receivers, Ticket};
use ringpad::lock::Locked;
use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{OwnedPeer, Result, SharedSegment};
use ringpad::rpc::{self, Poll, Rpc};
use ringpad::{Plan, bytes, frames, lock, mpmc, spsc};

use crate::common::room::Room;

pub const SEGMENT: &str = "widths";

/// 64-bit numbers, which machines of 32 bits align otherwise: a number, two of it, a sum.
pub type Value = [u64; 4];

pub fn value(n: u64) -> Value {
    let (a, b) = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15), n.rotate_left(40));
    [n, a, b, sum([n, a, b])]
}

fn sum(words: [u64; 3]) -> u64 {
    crc32fast::hash(bytemuck::bytes_of(&words)).into()
}

/// The number of a value, if none of it is torn.
pub fn whole(value: &Value) -> Option<u64> {
    let [n, a, b, crc] = *value;
    (sum([n, a, b]) == crc).then_some(n)
}

pub struct Kind {
    pub name: &'static str,
    /// Only the newest counts.
    pub is_lossy: bool,
    /// A new reader gets what one before it may have had.
    pub is_repeated: bool,
}

const fn kind(name: &'static str, is_lossy: bool) -> Kind {
    Kind {
        name,
        is_lossy,
        is_repeated: false,
    }
}

pub const KINDS: [Kind; 10] = [
    kind("ring", false),
    kind("records", false),
    kind("stream", false),
    kind("pad", true),
    kind("mail", true),
    Kind {
        is_repeated: true,
        ..kind("sure", false)
    },
    kind("many", false),
    kind("locked", true),
    kind("pool", false),
    kind("calls", false),
];

/// Of the newest too few to lap anybody, of the others enough to wrap often.
const SLOTS: u32 = 64;
const QUEUE: u32 = 16;

pub fn plan() -> Plan<11> {
    let plan = || -> ringpad::Result<Plan<11>> {
        let pool = frames::Config::new(3 * QUEUE, 64).receivers(1);
        Plan::new()
            .peers(8)?
            .channel::<spsc::Spsc<Value>>("ring", &spsc::Config::new(SLOTS))?
            .channel::<bytes::Bytes>("records", &bytes::Config::records(2048))?
            .channel::<bytes::Bytes>("stream", &bytes::Config::stream(2048))?
            .channel::<Notepad<Value>>("pad", &notepad::Config::new())?
            .channel::<Mailslot<Value>>("mail", &mailslot::Config::new(SLOTS))?
            .channel::<Reliable<Value>>("sure", &reliable::Config::new(SLOTS, 1))?
            .channel::<mpmc::Mpmc<Value>>("many", &mpmc::Config::new(SLOTS))?
            .channel::<Locked<Value>>("locked", &lock::Config::new())?
            .channel::<Frames>("pool", &pool)?
            .channel::<spsc::Spsc<Ticket>>("tickets", &spsc::Config::new(QUEUE))?
            .channel::<Rpc<Value, Value>>("calls", &rpc::Config::new(1, 1))
    };
    plan().expect("a plan")
}

pub fn create(room: &Room) -> Result<SharedSegment> {
    SharedSegment::open_or_create(SEGMENT, &plan(), &room.options())
}

pub fn open(room: &Room) -> SharedSegment {
    create(room).expect("opening")
}

/// Sends a value; false if it must be tried again.
pub type Giver = Box<dyn FnMut(&Value) -> bool>;
/// What came, whole or torn.
pub type Taker = Box<dyn FnMut() -> Option<Value>>;

pub fn sender(kind: usize, me: &OwnedPeer) -> Giver {
    let name = KINDS[kind].name;
    match kind {
        0 => {
            let mut tx = me.producer::<Value>(name).expect("an end");
            Box::new(move |value| tx.push(*value).is_ok())
        }
        1 | 2 => {
            let mut tx = me.byte_producer(name).expect("an end");
            Box::new(move |value| tx.send(bytemuck::bytes_of(value)).is_ok())
        }
        3 => {
            let mut pad = me.notepad_writer::<Value>(name).expect("an end");
            Box::new(move |value| {
                pad.write(value);
                true
            })
        }
        4 => {
            let mut tx = me.publisher::<Value>(name).expect("an end");
            Box::new(move |value| {
                tx.publish(value);
                true
            })
        }
        5 => {
            let mut tx = me.reliable_publisher::<Value>(name).expect("an end");
            Box::new(move |value| tx.slowest().is_some() && tx.try_publish(value).is_ok())
        }
        6 => {
            let mut tx = me.sender::<Value>(name).expect("an end");
            Box::new(move |value| tx.try_send(*value).is_ok())
        }
        7 => {
            let mut key = me.locked::<Value>(name).expect("an end");
            Box::new(move |value| match key.try_lock() {
                Ok(found) => {
                    found.into_guard().set(value);
                    true
                }
                Err(_) => false,
            })
        }
        8 => pool_sender(me),
        _ => client(me),
    }
}

/// A value in a frame, its ticket in a ring. What the ring had no room for is recalled.
fn pool_sender(me: &OwnedPeer) -> Giver {
    let user = me.frame_user("pool").expect("a seat");
    let mut tickets = me.producer::<Ticket>("tickets").expect("an end");
    Box::new(move |value| {
        let Ok(mut loan) = user.loan() else {
            return false;
        };
        if tickets.slots() == 0 || loan.write_at(0, bytemuck::bytes_of(value)).is_err() {
            return false;
        }
        let ticket = loan.publish_for(32, Receivers::one(0)).expect("publishing");
        tickets.push(ticket).is_ok()
    })
}

/// A call: sent when it is answered with the number after its own. One whose server died is taken for sent: the server may have had it.
fn client(me: &OwnedPeer) -> Giver {
    let client = me.client::<Value, Value>("calls").expect("a seat");
    Box::new(move |asked| {
        let Ok(mut call) = client.call(asked) else {
            return false;
        };
        loop {
            match call.poll() {
                Poll::Pending => std::thread::yield_now(),
                Poll::Ready(told) => return whole(&told) == whole(asked).map(|n| n + 1),
                Poll::PeerDied { .. } => return true,
                other => panic!("a call: {other:?}"),
            }
        }
    })
}

pub fn taker(kind: usize, me: &OwnedPeer) -> Taker {
    let name = KINDS[kind].name;
    match kind {
        0 => {
            let mut rx = me.consumer::<Value>(name).expect("an end");
            Box::new(move || rx.pop())
        }
        1 | 2 => {
            let mut rx = me.byte_consumer(name).expect("an end");
            Box::new(move || {
                let mut into = [0; 32];
                let got = rx.recv(&mut into).expect("a sound ring")?;
                // Half a value is a torn one.
                let got: [u8; 32] = got.try_into().unwrap_or([0xff; 32]);
                Some(bytemuck::cast(got))
            })
        }
        3 => {
            let pad = me.notepad_reader::<Value>(name).expect("a reader");
            Box::new(move || pad.try_read().ok().flatten().map(|note| note.value))
        }
        4 => {
            let mut rx = me
                .subscriber::<Value>(name, Start::Newest)
                .expect("a reader");
            Box::new(move || match rx.poll() {
                Next::Mail { value, .. } => Some(value),
                Next::Lapped { .. } | Next::Empty => None,
            })
        }
        5 => {
            let rx = me.reliable_subscriber::<Value>(name, Start::Oldest);
            let mut rx = rx.expect("a cursor");
            Box::new(move || match rx.poll() {
                Delivery::Mail { value, .. } => Some(value),
                Delivery::Empty | Delivery::Evicted { .. } => None,
            })
        }
        6 => {
            let mut rx = me.receiver::<Value>(name).expect("an end");
            Box::new(move || rx.try_recv())
        }
        7 => {
            let mut key = me.locked::<Value>(name).expect("an end");
            Box::new(move || {
                let found = key.try_lock().ok()?.into_guard().get();
                (found != [0; 4]).then_some(found)
            })
        }
        8 => pool_taker(me),
        _ => server(me),
    }
}

fn pool_taker(me: &OwnedPeer) -> Taker {
    let user = me.frame_receiver("pool", 0).expect("a seat");
    let mut tickets = me.consumer::<Ticket>("tickets").expect("an end");
    Box::new(move || {
        // Asked before the ring is looked at: what came by then is in it.
        let dead = user.unclaimed();
        let Some(ticket) = tickets.pop() else {
            user.release_unclaimed(&dead);
            return None;
        };
        let mut seen = [0; 32];
        // Torn, if it is not there.
        if user
            .take(ticket)
            .and_then(|view| Ok(view.copy_to(&mut seen)?))
            .is_err()
        {
            seen = [0xff; 32];
        }
        Some(bytemuck::cast(seen))
    })
}

fn server(me: &OwnedPeer) -> Taker {
    let server = me.server::<Value, Value>("calls").expect("a seat");
    Box::new(move || {
        let mut request = server.next()?;
        let asked = request.query();
        let n = whole(&asked).unwrap_or(0);
        // Its client may be gone.
        let _ = request.reply(&value(n + 1));
        Some(asked)
    })
}
