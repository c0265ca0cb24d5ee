//! Requirement 31: while nobody sleeps, sending and receiving make no system call.
//!
//! A child runs the loops under a seccomp filter that kills the process at any system call; it reports through a mapped
//! word, since it can do nothing else, and is killed by its parent.
#![cfg(all(feature = "std", target_os = "linux"))]

mod common;

use std::os::unix::process::ExitStatusExt;
use std::time::Instant;

use common::child::{self, Child};
use common::page::Page;
use common::room::Room;
use common::{number, until, until_within};
use ringpad::frames::{self, Frames, Receivers};
use ringpad::lock::{self, Locked};
use ringpad::mailslot::reliable::{Delivery, Reliable};
use ringpad::mailslot::{Mailslot, Next, Start, reliable};
use ringpad::notepad::{self, Notepad, Version};
use ringpad::os::{
    ByteConsumer, ByteProducer, Client, Consumer, FrameUser, LockKey, NotepadReader, NotepadWriter,
    OwnedPeer, Producer, Publisher, Receiver, ReliablePublisher, ReliableSubscriber, Sender,
    Server, SharedSegment, Subscriber,
};
use ringpad::rpc::{Poll, Rpc, Unsent};
use ringpad::{Plan, bytes, mailslot, mpmc, rpc, spsc};

#[test]
fn child() {
    child::play(&[("both", both), ("one", one), ("control", control)]);
}

const NAME: &str = "quiet";

/// Words of the page: those ready, the kinds done by both, by the producer and by the consumer.
const READY: usize = 0;
const DONE: [usize; 2] = [2, 3];
const WRONG: usize = 4;
/// Rounds that came of a kind where a stopped receiver would be asked about.
const CAME: usize = 5;

/// Slots of the mailslots.
const SLOTS: u32 = 1 << 15;

/// Large rings: an end that waits for the other under the filter can only spin its time slice away.
fn open(room: &Room) -> SharedSegment {
    let plan = Plan::<14>::new().peers(4).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("typed", &spsc::Config::new(1 << 15));
    let records = bytes::Config::records(1 << 19);
    let plan = plan.unwrap().channel::<bytes::Bytes>("records", &records);
    let stream = bytes::Config::stream(1 << 19);
    let plan = plan.unwrap().channel::<bytes::Bytes>("stream", &stream);
    let pad = notepad::Config::new();
    let plan = plan.unwrap().channel::<Notepad<u32>>("word", &pad);
    let plan = plan.unwrap().channel::<Notepad<[u64; 4]>>("pad", &pad);
    let mail = mailslot::Config::new(SLOTS);
    let plan = plan.unwrap().channel::<Mailslot<u64>>("mail", &mail);
    let sure = reliable::Config::new(SLOTS, 1);
    let plan = plan.unwrap().channel::<Reliable<u64>>("sure", &sure);
    let lock = lock::Config::new();
    let plan = plan.unwrap().channel::<Locked<u64>>("locked", &lock);
    let plan = plan
        .unwrap()
        .channel::<Locked<u64>>("locked.too", &lock)
        .unwrap();
    let many = mpmc::Config::new(SLOTS);
    let plan = plan.channel::<mpmc::Mpmc<u64>>("many", &many).unwrap();
    let pool = frames::Config::new(4, 64).receivers(1);
    let plan = plan.channel::<Frames>("frames", &pool).unwrap();
    let plan = plan.channel::<Frames>("frames.too", &pool).unwrap();
    let calls = rpc::Config::new(1, 1);
    let plan = plan.channel::<Rpc<u64, u64>>("calls", &calls).unwrap();
    let plan = plan.channel::<Rpc<u64, u64>>("calls.too", &calls).unwrap();
    SharedSegment::open_or_create(NAME, &plan, &room.options()).expect("opening")
}

/// From here on any system call of this thread kills the process.
fn no_more_system_calls() {
    let mut kill = libc::sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: libc::SECCOMP_RET_KILL_PROCESS,
    };
    let filter = libc::sock_fprog {
        len: 1,
        filter: &raw mut kill,
    };
    // SAFETY: integers only.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(set, 0);
    let mode = libc::SECCOMP_SET_MODE_FILTER;
    // SAFETY: a filter of one instruction, which lives through the call.
    let set = unsafe { libc::syscall(libc::SYS_seccomp, mode, 0, &raw const filter) };
    // A panic here is fatal either way.
    assert_eq!(set, 0);
}

/// Nothing but waiting for the end.
fn stand_still() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// The ways to send and receive, each with what one round moves.
const KINDS: [(&str, u64); 16] = [
    ("push, pop", 1),
    ("push_slice, pop_slice", 8),
    ("stage and publish, take and acknowledge", 8),
    ("send, recv", 1),
    ("grant and commit, read and release", 1),
    ("stream send, recv", 1),
    ("write, try_read of a word", 1),
    ("write and draft, try_read of a value", 1),
    ("publish, poll", 1),
    ("try_publish, poll", 1),
    ("try_send, try_recv", 1),
    ("try_send_slice, try_recv_slice", 8),
    ("try_send, try_take and acknowledge", 1),
    ("lock, set, unlock; each end its own", 1),
    ("loan, publish, view or take, drop; each end its own", 2),
    ("call, next, reply, poll; each end its own", 1),
];

/// The kinds of many. Whoever meets a slot that is held since a lap before may ask the system whether its
/// holder lives: no sender gets so far ahead.
const MANY: std::ops::Range<usize> = 10..13;

/// Kinds whose reader gets the newest, not each.
const LOSSY: std::ops::Range<usize> = 6..9;

/// The kind whose value is one word.
const WORD: usize = 6;

/// Counts one up under the lock. Answers the count before, if the lock was clean.
fn count(key: &mut LockKey<u64>) -> Option<u64> {
    let Ok(lock::Acquired::Clean(mut guard)) = key.try_lock() else {
        return None;
    };
    let before = guard.get();
    guard.set(&(before + 1));
    Some(before)
}

/// Both sides of a pool.
struct Pool {
    user: FrameUser,
    receiver: FrameUser,
    n: u64,
}

impl Pool {
    fn claim(me: &OwnedPeer, name: &str) -> Self {
        let (user, receiver) = (me.frame_user(name), me.frame_receiver(name, 0));
        Self {
            user: user.unwrap(),
            receiver: receiver.unwrap(),
            n: 0,
        }
    }

    /// Publishes a number twice, for whoever comes and for the receiver, and looks at both. The number, if they were it.
    fn round(&mut self) -> Option<u64> {
        let (n, mut seen) = (self.n, [0; 8]);
        self.n += 1;
        let mut loan = self.user.loan().ok()?;
        loan.write_at(0, &n.to_le_bytes()).ok()?;
        let ticket = loan.publish(8).ok()?;
        let view = self.receiver.view(ticket).ok()?;
        view.copy_to(&mut seen).ok()?;
        let mut loan = self.user.loan().ok()?;
        loan.write_at(0, &seen).ok()?;
        drop(view);
        let ticket = loan.publish_for(8, Receivers::one(0)).ok()?;
        let view = self.receiver.take(ticket).ok()?;
        let lent = view.bytes().ok()?;
        (lent == n.to_le_bytes()).then_some(n)
    }
}

/// Both sides of a call table.
struct Table {
    client: Client<u64, u64>,
    server: Server<u64, u64>,
    n: u64,
}

impl Table {
    fn claim(me: &OwnedPeer, name: &str) -> Self {
        let (client, server) = (me.client(name), me.server(name));
        Self {
            client: client.unwrap(),
            server: server.unwrap(),
            n: 0,
        }
    }

    /// A call and its reply; every so often what else there is. The number, if all came as it should.
    fn round(&mut self) -> Option<u64> {
        let n = self.n;
        self.n += 1;
        let mut call = self.client.call(&n).ok()?;
        let early = call.poll() == Poll::Pending;
        let mut request = self.server.next()?;
        let asked = request.query();
        request.reply(&(asked + 2)).ok()?;
        let whole = early && call.poll() == Poll::Ready(n + 2);
        drop((call, request));
        let all = whole && (!n.is_multiple_of(16) || self.rest(n)?);
        all.then_some(n)
    }

    /// A call that is answered in parts, one that is given up while it is served, one before, and a message.
    fn rest(&self, n: u64) -> Option<bool> {
        let mut call = self.client.call(&n).ok()?;
        let mut request = self.server.next()?;
        request.part(&(n + 1)).ok()?;
        let full = request.reply(&0) == Err(Unsent::Full);
        let (number, value) = (0, n + 1);
        let part = call.poll() == Poll::Part { number, value };
        drop(request);
        let ended = call.poll() == Poll::Unanswered;
        let call = self.client.call(&n).ok()?;
        let mut late = self.server.next()?;
        call.cancel();
        let told = late.is_cancelled() && late.reply(&0) == Err(Unsent::Late);
        self.client.call(&n).ok()?.cancel();
        self.client.notify(&n).ok()?;
        let message = self.server.next()?;
        let heard = message.is_one_way() && message.query() == n;
        Some(full && part && ended && told && heard)
    }
}

struct Out {
    typed: Producer<u64>,
    records: ByteProducer,
    stream: ByteProducer,
    word: NotepadWriter<u32>,
    pad: NotepadWriter<[u64; 4]>,
    mail: Publisher<u64>,
    sure: ReliablePublisher<u64>,
    many: Sender<u64>,
    locked: LockKey<u64>,
    pool: Pool,
    table: Table,
}

struct In {
    typed: Consumer<u64>,
    records: ByteConsumer,
    stream: ByteConsumer,
    word: NotepadReader<u32>,
    pad: NotepadReader<[u64; 4]>,
    since: Option<Version>,
    mail: Subscriber<u64>,
    sure: ReliableSubscriber<u64>,
    many: Receiver<u64>,
    locked: LockKey<u64>,
    pool: Pool,
    table: Table,
}

impl Out {
    fn claim(me: &OwnedPeer) -> Self {
        Self {
            typed: me.producer("typed").unwrap(),
            records: me.byte_producer("records").unwrap(),
            stream: me.byte_producer("stream").unwrap(),
            word: me.notepad_writer("word").unwrap(),
            pad: me.notepad_writer("pad").unwrap(),
            mail: me.publisher("mail").unwrap(),
            sure: me.reliable_publisher("sure").unwrap(),
            many: me.sender("many").unwrap(),
            locked: me.locked("locked").unwrap(),
            pool: Pool::claim(me, "frames"),
            table: Table::claim(me, "calls"),
        }
    }

    /// One round of a kind, the `n`th; false if there was no room for all of it.
    fn round(&mut self, kind: usize, n: u64) -> bool {
        let bytes = n.to_le_bytes();
        match kind {
            0 => self.typed.push(n).is_ok(),
            1 => {
                // All or nothing, so that rounds stay rounds.
                self.typed.slots() >= 8 && self.typed.push_slice(&[n; 8]) == 8
            }
            2 => {
                let room = self.typed.slots() >= 8;
                if room {
                    (0..8).for_each(|_| self.typed.stage(n).unwrap_or(()));
                    self.typed.publish();
                }
                room
            }
            3 => self.records.send(&bytes).is_ok(),
            4 => match self.records.grant(8) {
                Ok(mut room) => {
                    room.copy_from_slice(&bytes);
                    room.commit(8).is_ok()
                }
                Err(_) => false,
            },
            5 => self.stream.send(&bytes).is_ok(),
            6 => {
                self.word.write(&(n as u32));
                true
            }
            7 => {
                if n.is_multiple_of(2) {
                    self.pad.write(&[n; 4]);
                } else {
                    let mut draft = self.pad.draft();
                    let filled = draft.write_at(0, bytemuck::bytes_of(&[n; 4]));
                    draft.commit();
                    return filled.is_ok();
                }
                true
            }
            8 => {
                self.mail.publish(&n);
                true
            }
            10 | 12 => self.many.try_send(n).is_ok(),
            11 => self.many.try_send_slice(&[n; 8]) == 8,
            // Whoever finds it held asks the system whether the holder lives: nobody does.
            13 => count(&mut self.locked) == Some(n),
            // Whoever finds no frame asks about the users: there are frames enough.
            14 => self.pool.round() == Some(n),
            // Whoever polls long asks whether the server lives: nobody does.
            15 => self.table.round() == Some(n),
            // Whoever is held up may ask the system whether the one in the way lives: not so far.
            _ => {
                let near = |held: reliable::Held| held.lag < SLOTS / 2;
                self.sure.slowest().is_some_and(near) && self.sure.try_publish(&n).is_ok()
            }
        }
    }
}

impl In {
    fn claim(me: &OwnedPeer) -> Self {
        Self {
            typed: me.consumer("typed").unwrap(),
            records: me.byte_consumer("records").unwrap(),
            stream: me.byte_consumer("stream").unwrap(),
            word: me.notepad_reader("word").unwrap(),
            pad: me.notepad_reader("pad").unwrap(),
            since: None,
            mail: me.subscriber("mail", Start::Oldest).unwrap(),
            sure: me.reliable_subscriber("sure", Start::Oldest).unwrap(),
            many: me.receiver("many").unwrap(),
            locked: me.locked("locked.too").unwrap(),
            pool: Pool::claim(me, "frames.too"),
            table: Table::claim(me, "calls.too"),
        }
    }

    /// One round of a kind: what came, if all of it was there.
    fn round(&mut self, kind: usize) -> Option<u64> {
        let mut bytes = [0; 8];
        match kind {
            0 => {
                let ahead = self.typed.peek()?;
                self.typed.pop().filter(|n| *n == ahead)
            }
            1 => {
                let mut some = [0; 8];
                (self.typed.slots() >= 8 && self.typed.pop_slice(&mut some) == 8).then_some(some[7])
            }
            2 => {
                if self.typed.slots() < 8 {
                    return None;
                }
                let last = (0..8).map_while(|_| self.typed.take()).last();
                self.typed.acknowledge();
                last
            }
            3 => self
                .records
                .recv(&mut bytes)
                .ok()??
                .try_into()
                .ok()
                .map(u64::from_le_bytes),
            4 => {
                let record = self.records.read().ok()??;
                bytes.copy_from_slice(&record);
                record.release();
                Some(u64::from_le_bytes(bytes))
            }
            5 => self
                .stream
                .recv(&mut bytes)
                .ok()??
                .try_into()
                .ok()
                .map(u64::from_le_bytes),
            6 => {
                let note = self.word.try_read().ok()??;
                let fresh = self.since != Some(note.version);
                self.since = Some(note.version);
                fresh.then(|| self.word.load().max(note.value).into())
            }
            7 => {
                if !self.pad.changed(self.since) {
                    return None;
                }
                let note = self.pad.try_read().ok()??;
                self.since = Some(note.version);
                let whole = note.value == [note.value[0]; 4];
                whole.then_some(note.value[0])
            }
            8 => match self.mail.poll() {
                Next::Mail { value, .. } => Some(value),
                Next::Lapped { .. } | Next::Empty => None,
            },
            10 => self.many.try_recv(),
            11 => {
                let mut some = [0; 8];
                (self.many.try_recv_slice(&mut some) == 8).then_some(some[7])
            }
            12 => self.many.try_take().map(|taken| taken.acknowledge()),
            13 => count(&mut self.locked),
            14 => self.pool.round(),
            15 => self.table.round(),
            _ => match self.sure.poll() {
                Delivery::Mail { value, .. } => Some(value),
                Delivery::Empty | Delivery::Evicted { .. } => None,
            },
        }
    }
}

/// Both ends in one process.
fn both() {
    let room = Room::parents();
    let (page, rounds) = (Page::open(&room, "page"), child::numeral(0));
    let segment = open(&room);
    let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
    let (mut out, mut back) = (Out::claim(&me), In::claim(&you));
    no_more_system_calls();
    for kind in 0..KINDS.len() {
        for n in 0..rounds {
            if !out.round(kind, n) || back.round(kind) != Some(n) {
                page.set(WRONG, 1);
            }
        }
        DONE.iter().for_each(|done| _ = page.add(*done, 1));
    }
    stand_still();
}

/// One end of the two: 0 sends, 1 receives.
fn one() {
    let room = Room::parents();
    let (page, rounds) = (Page::open(&room, "page"), child::numeral(0));
    let role = child::numeral(1) as usize;
    let me = open(&room).join().unwrap();
    let (mut out, mut back) = match role {
        0 => (Some(Out::claim(&me)), None),
        _ => (None, Some(In::claim(&me))),
    };
    page.add(READY, 1);
    no_more_system_calls();
    while page.get(READY) < 2 {
        std::hint::spin_loop();
    }
    for kind in 0..KINDS.len() {
        let mut n = 0;
        while n < rounds {
            let far = MANY.contains(&kind) && n > page.get(CAME) + u64::from(SLOTS) / 32;
            let sent = !far && out.as_mut().is_some_and(|out| out.round(kind, n));
            let got = back.as_mut().and_then(|back| back.round(kind));
            match got {
                // A word is at least as new as the version beside it: it may come again with its own.
                Some(got) if kind == WORD && got + 1 == n => std::hint::spin_loop(),
                Some(got) if got != n && !(LOSSY.contains(&kind) && got > n) => page.set(WRONG, 1),
                Some(got) => {
                    n = got + 1;
                    if MANY.contains(&kind) {
                        page.set(CAME, n);
                    }
                }
                None if sent => n += 1,
                None => std::hint::spin_loop(),
            }
        }
        if role == 1 {
            page.set(CAME, 0);
        }
        page.add(DONE[role], 1);
        // The next kind uses the same ring: only when both are through.
        while DONE.iter().any(|done| page.get(*done) <= kind as u64) {
            std::hint::spin_loop();
        }
    }
    stand_still();
}

/// Waits until all kinds are through at both ends; then the children must still live, to be killed.
fn through(page: &Page, children: Vec<Child>, what: &str, rounds: u64) {
    let start = Instant::now();
    let mut children = children;
    let all = KINDS.len() as u64;
    until_within(3 * common::PATIENCE, "all rounds", || {
        let done = DONE.map(|done| page.get(done));
        for child in &mut children {
            if let Some(status) = child.ended() {
                let next = KINDS.get(done[0].min(done[1]) as usize);
                panic!("{what}: killed by {status} after {done:?} kinds, in or after {next:?}");
            }
        }
        assert_eq!(
            page.get(WRONG),
            0,
            "{what}: something else came, after {done:?} kinds"
        );
        done == [all; 2]
    });
    children.into_iter().for_each(Child::kill_and_reap);
    println!(
        "{what}: {rounds} rounds of each of {all} kinds without a system call, {:.1?}",
        start.elapsed()
    );
}

#[test]
fn sending_and_receiving_make_no_system_call() {
    let rounds = number("RINGPAD_ROUNDS", 1_000_000);
    for (kind, each) in KINDS {
        println!("{kind}: {each} a round");
    }
    let room = Room::new("quiet-both");
    let page = Page::create(&room, "page");
    let child = child::spawn(&room, "both", &[&rounds]);
    through(&page, vec![child], "one process", rounds);
    let room = Room::new("quiet-two");
    let page = Page::create(&room, "page");
    let two = [0, 1].map(|role| child::spawn(&room, "one", &[&rounds, &role]));
    through(&page, two.into(), "two processes", rounds);
}

/// Makes one system call under the filter: its own, or a ring's.
fn control() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.producer::<u64>("typed").unwrap();
    page.set(READY, 1);
    while page.get(READY) == 1 {
        std::hint::spin_loop();
    }
    no_more_system_calls();
    let _ = tx.push(1);
    page.set(READY, 3);
    if child::word(0) == "getppid" {
        // SAFETY: no arguments.
        unsafe { libc::getppid() };
    }
    page.set(READY, 4);
    stand_still();
}

#[test]
fn control_one_system_call_is_the_end() {
    let ended = |how: &str, sleeps: bool| {
        let room = Room::new("quiet-control");
        let page = Page::create(&room, "page");
        let me = open(&room).join().unwrap();
        let rx = me.consumer::<u64>("typed").unwrap();
        let (mut waiter, bell) = (me.waiter().unwrap(), [rx.bell()]);
        let mut child = child::spawn(&room, "control", &[&how]);
        until("it has its end", || page.get(READY) == 1);
        let armed = sleeps.then(|| waiter.arm(&bell).unwrap());
        page.set(READY, 2);
        until_within(common::PATIENCE, "it is over", || {
            child.ended().is_some() || page.get(READY) == 4
        });
        drop(armed);
        (
            child.ended().and_then(|status| status.signal()),
            page.get(READY),
        )
    };
    let sigsys = Some(libc::SIGSYS);
    assert_eq!(ended("getppid", false), (sigsys, 3), "one getppid");
    assert_eq!(ended("nothing", false), (None, 4), "none");
    // Ringing a sleeper is a system call: the filter would have seen any that a ring makes.
    assert_eq!(ended("nothing", true), (sigsys, 2), "somebody sleeps");
    println!("killed by SIGSYS: one getppid, and one push while somebody sleeps");
}
