//! Random calls between two clients and two servers of whom some die, against a plain model of them. Ends are leaked, so that calls and requests of any of
//! them can be held side by side.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::mem::forget;

use proptest::collection::vec;
use proptest::prelude::*;
use ringpad::rpc::{Call, CallId, Client, Config, Poll, Refused, Request, Rpc, Server, Unsent};
use ringpad::{Identity, Life, Liveness, Peer, PeerId, Plan, Segment, Silent};

use crate::regions::{EACH_TRUST, Room, Trust};

const DEPTH: usize = 2;
/// Clients, and servers. One more peer reaps.
const ENDS: usize = 2;

type Table = Rpc<'static, u64, u64>;

/// Who finds out first that a server died; then a reaper passes.
#[derive(Clone, Copy, Debug)]
enum How {
    Reaped,
    Succeeded,
    /// By this client, which asks about this call of its own.
    Asked(usize, usize),
    /// By this client, which needs a slot.
    Needed(usize),
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Call(usize),
    Notify(usize),
    Poll(usize, usize),
    Cancel(usize, usize),
    Next(usize, bool),
    Reply(usize, usize),
    Part(usize, usize),
    /// One of its requests, dropped.
    Drop(usize, usize),
    ServerDies(usize, How),
    ClientDies(usize, bool),
}

fn steps() -> impl Strategy<Value = Step> {
    let (end, nth) = (0..ENDS, 0..3usize);
    let of = (end.clone(), nth.clone());
    let how = prop_oneof![
        Just(How::Reaped),
        Just(How::Succeeded),
        of.clone().prop_map(|(by, n)| How::Asked(by, n)),
        end.clone().prop_map(How::Needed),
    ];
    prop_oneof![
        6 => end.clone().prop_map(Step::Call),
        2 => end.clone().prop_map(Step::Notify),
        6 => of.clone().prop_map(|(by, n)| Step::Poll(by, n)),
        2 => of.clone().prop_map(|(by, n)| Step::Cancel(by, n)),
        7 => (end.clone(), any::<bool>()).prop_map(|(by, all)| Step::Next(by, all)),
        4 => of.clone().prop_map(|(by, n)| Step::Reply(by, n)),
        4 => of.clone().prop_map(|(by, n)| Step::Part(by, n)),
        2 => of.prop_map(|(by, n)| Step::Drop(by, n)),
        2 => (end.clone(), how).prop_map(|(by, how)| Step::ServerDies(by, how)),
        1 => (end, any::<bool>()).prop_map(|(by, reaped)| Step::ClientDies(by, reaped)),
    ]
}

/// Says which rows' peers died.
#[derive(Default)]
struct Deaths([Cell<bool>; 2 * ENDS + 1]);

// SAFETY: one thread uses it.
unsafe impl Sync for Deaths {}

// SAFETY: the test says so only of peers whose ends it forgot.
unsafe impl Liveness for Deaths {
    fn state(&self, peer: PeerId) -> Life {
        match self.0[peer.get() as usize - 1].get() {
            true => Life::Dead,
            false => Life::Alive,
        }
    }
}

/// How a call ends, for its caller.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ready(u64),
    Unanswered,
    Died(PeerId),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Sent,
    Taken(usize),
    /// With a part that its caller has not taken: whose, which, what, and how the call ends if it is the last.
    Part(usize, u32, u64, Option<End>),
    Done(End),
    Abandoned(usize),
}

/// What one call is, plainly.
#[derive(Clone, Copy, Debug)]
struct Job {
    asked: u64,
    one_way: bool,
    at: At,
    takes: u32,
}

struct Caller {
    client: &'static Client<'static, u64, u64>,
    peer: &'static Peer<'static>,
    calls: Vec<(Call<'static, 'static, u64>, CallId)>,
}

/// A request, which call it is, and the parts of its reply so far.
type Open = (Request<'static, 'static, u64, u64>, CallId, u32);

struct Worker {
    server: &'static Server<'static, u64, u64>,
    peer: &'static Peer<'static>,
    requests: Vec<Open>,
    /// The client that it looks at first.
    at: usize,
}

struct World {
    segment: &'static Segment<'static>,
    deaths: &'static Deaths,
    reaper: &'static Peer<'static>,
    callers: Vec<Caller>,
    workers: Vec<Worker>,
    jobs: BTreeMap<(usize, u64), Job>,
    /// The number of each client's next call.
    next: [u64; ENDS],
    asked: u64,
    /// How often each was taken.
    taken: BTreeMap<u64, u32>,
    /// The one-way messages that were sent.
    messages: Vec<u64>,
    idempotent: bool,
    /// Wrong, for the control: a model in which every call comes again if its server dies.
    generous: bool,
}

fn leak<T>(value: T) -> &'static T {
    Box::leak(Box::new(value))
}

fn key(id: CallId) -> (usize, u64) {
    (id.client as usize, id.number)
}

impl World {
    fn new(trust: Trust, idempotent: bool, generous: bool) -> Self {
        let config = Config::new(ENDS as u32, ENDS as u32).depth(DEPTH as u32);
        let config = if idempotent {
            config.idempotent()
        } else {
            config
        };
        let plan = Plan::<1>::new().peers(2 * ENDS as u32 + 1).unwrap();
        let plan = plan.channel::<Table>("calls", &config).unwrap();
        let room = leak(Room::new(plan.layout().unwrap().size()));
        let segment = leak(Segment::init(room.region(trust), &plan).unwrap());
        let deaths = leak(Deaths::default());
        let mut world = Self {
            segment,
            deaths,
            reaper: leak(segment.join(&Identity::default(), deaths).unwrap()),
            callers: vec![],
            workers: vec![],
            jobs: BTreeMap::new(),
            next: [1; ENDS],
            asked: 0,
            taken: BTreeMap::new(),
            messages: vec![],
            idempotent,
            generous,
        };
        (0..ENDS).for_each(|n| world.callers.insert(n, world.caller()));
        (0..ENDS).for_each(|n| world.workers.insert(n, world.worker()));
        world
    }

    fn table(&self) -> Table {
        self.segment.open("calls").unwrap()
    }

    fn join(&self) -> &'static Peer<'static> {
        let peer = self.segment.join(&Identity::default(), self.deaths);
        leak(peer.unwrap())
    }

    fn caller(&self) -> Caller {
        let peer = self.join();
        Caller {
            client: leak(self.table().client(peer).unwrap()),
            peer,
            calls: vec![],
        }
    }

    fn worker(&self) -> Worker {
        let peer = self.join();
        Worker {
            server: leak(self.table().server(peer).unwrap()),
            peer,
            requests: vec![],
            at: 0,
        }
    }

    fn job(&mut self, id: CallId) -> &mut Job {
        self.jobs.get_mut(&key(id)).expect("a job of an open call")
    }

    /// Makes a call or sends a message. True if there was room.
    fn send(&mut self, by: usize, one_way: bool) -> bool {
        let open = self.jobs.keys().filter(|key| key.0 == by).count();
        self.asked += 1;
        let (asked, client) = (self.asked, self.callers[by].client);
        let sent = match one_way {
            true => client.notify(&asked).map(|()| None),
            false => client.call(&asked).map(Some),
        };
        let call = match sent {
            Ok(call) => call,
            Err(refused) => {
                assert_eq!((refused, open), (Refused::Full, DEPTH));
                return false;
            }
        };
        assert!(open < DEPTH, "{:?}", self.jobs);
        let number = self.next[by];
        self.next[by] += 1;
        let job = Job {
            asked,
            one_way,
            at: At::Sent,
            takes: 0,
        };
        self.jobs.insert((by, number), job);
        if one_way {
            self.messages.push(asked);
        }
        if let Some(call) = call {
            let id = call.id();
            assert_eq!(key(id), (by, number));
            self.callers[by].calls.push((call, id));
        }
        true
    }

    /// What a poll says of a job, and what it leaves.
    fn polled(&mut self, id: CallId) -> Poll<u64> {
        let job = self.job(id);
        match job.at {
            At::Part(server, number, value, last) => {
                job.at = last.map_or(At::Taken(server), At::Done);
                Poll::Part { number, value }
            }
            At::Done(end) => {
                self.jobs.remove(&key(id));
                match end {
                    End::Ready(value) => Poll::Ready(value),
                    End::Unanswered => Poll::Unanswered,
                    End::Died(by) => Poll::PeerDied { by },
                }
            }
            At::Sent | At::Taken(_) => Poll::Pending,
            At::Abandoned(_) => panic!("an open call that was given up"),
        }
    }

    /// Polls one of the open calls; one that has ended is put away. `dead` is a server that nobody has mended for yet.
    fn poll(&mut self, by: usize, nth: usize, dead: Option<usize>) {
        let calls = &mut self.callers[by].calls;
        if calls.is_empty() {
            return;
        }
        let nth = nth % calls.len();
        let (call, id) = &mut calls[nth];
        let (got, id) = match dead {
            None => (call.poll(), *id),
            Some(_) => (call.poll_and_ask(), *id),
        };
        let mut want = self.polled(id);
        if let (Poll::Pending, Some(dead)) = (want, dead) {
            self.mend(dead, |key, _| *key == (id.client as usize, id.number));
            want = self.polled(id);
        }
        assert_eq!(got, want);
        let (call, _) = &mut self.callers[by].calls[nth];
        assert_eq!(call.is_over(), !self.jobs.contains_key(&key(id)));
        if call.is_over() {
            assert_eq!(call.poll(), Poll::Over);
            drop(self.callers[by].calls.remove(nth));
        }
    }

    /// What becomes of a job whose caller gave it up.
    fn gave_up(&mut self, key: (usize, u64)) -> bool {
        let job = self.jobs.get_mut(&key).expect("a job");
        match job.at {
            At::Sent | At::Done(_) | At::Part(_, _, _, Some(_)) => {
                self.jobs.remove(&key);
            }
            At::Taken(server) | At::Part(server, ..) => job.at = At::Abandoned(server),
            At::Abandoned(_) => return false,
        }
        true
    }

    fn cancel(&mut self, by: usize, nth: usize) {
        let calls = &mut self.callers[by].calls;
        if calls.is_empty() {
            return;
        }
        let (call, id) = calls.remove(nth % calls.len());
        match nth {
            0 => call.cancel(),
            _ => drop(call),
        }
        assert!(self.gave_up(key(id)));
    }

    fn next(&mut self, by: usize, anywhere: bool) -> bool {
        let from = self.workers[by].at;
        let clients = (0..ENDS).map(|ahead| (from + ahead) % ENDS);
        let sent = |client: &usize| {
            let mut jobs = self.jobs.iter().filter(|(key, _)| key.0 == *client);
            jobs.find(|(_, job)| job.at == At::Sent)
                .map(|(key, _)| *key)
        };
        let want = clients.filter_map(|client| sent(&client)).next();
        let server = self.workers[by].server;
        let got = match anywhere {
            true => server.next_anywhere(),
            false => server.next(),
        };
        assert_eq!(got.as_ref().map(|request| key(request.id())), want);
        let Some(request) = got else { return false };
        let id = request.id();
        let job = self.job(id);
        (job.at, job.takes) = (At::Taken(by), job.takes + 1);
        let job = *job;
        assert_eq!(request.query(), job.asked);
        assert_eq!(request.is_one_way(), job.one_way);
        assert_eq!(request.is_again(), job.takes > 1);
        *self.taken.entry(job.asked).or_default() += 1;
        let worker = &mut self.workers[by];
        worker.requests.push((request, id, 0));
        worker.at = (id.client as usize + 1) % ENDS;
        true
    }

    /// One of the open requests of a server, if there is one.
    fn request(&mut self, by: usize, nth: usize) -> Option<(usize, Job)> {
        let count = self.workers[by].requests.len();
        let nth = nth % count.max(1);
        let (request, id, _) = self.workers[by].requests.get(nth)?;
        let job = self.jobs[&key(*id)];
        assert_eq!(request.is_cancelled(), job.at == At::Abandoned(by));
        Some((nth, job))
    }

    fn part(&mut self, by: usize, nth: usize) {
        let Some((nth, job)) = self.request(by, nth) else {
            return;
        };
        let (request, id, parts) = &mut self.workers[by].requests[nth];
        let (id, number) = (*id, *parts);
        let value = job.asked * 1000 + u64::from(number);
        let want = match job.at {
            At::Taken(_) => Ok(()),
            At::Part(..) => Err(Unsent::Full),
            _ => Err(Unsent::Late),
        };
        assert_eq!(request.part(&value), want);
        if want.is_ok() && !job.one_way {
            *parts += 1;
            self.job(id).at = At::Part(by, number, value, None);
        }
    }

    fn reply(&mut self, by: usize, nth: usize) {
        let Some((nth, job)) = self.request(by, nth) else {
            return;
        };
        let (request, id, _) = &mut self.workers[by].requests[nth];
        let (id, value) = (*id, job.asked * 1000 + 999);
        let want = match job.at {
            At::Taken(_) => Ok(()),
            At::Part(..) => Err(Unsent::Full),
            _ => Err(Unsent::Late),
        };
        assert_eq!(request.reply(&value), want);
        match job.at {
            At::Part(..) => return,
            At::Taken(_) if !job.one_way => self.job(id).at = At::Done(End::Ready(value)),
            _ => drop(self.jobs.remove(&key(id))),
        }
        let (mut request, ..) = self.workers[by].requests.remove(nth);
        assert_eq!(request.reply(&0), Err(Unsent::Late), "once");
    }

    fn drop_request(&mut self, by: usize, nth: usize) {
        let Some((nth, job)) = self.request(by, nth) else {
            return;
        };
        let (request, id, _) = self.workers[by].requests.remove(nth);
        drop(request);
        match job.at {
            At::Part(_, n, value, _) => {
                self.job(id).at = At::Part(by, n, value, Some(End::Unanswered));
            }
            At::Taken(_) if !job.one_way => self.job(id).at = At::Done(End::Unanswered),
            _ => drop(self.jobs.remove(&key(id))),
        }
    }

    /// What mending for a dead server does to the jobs that `here` picks. Answers how many it changed.
    fn mend(&mut self, dead: usize, here: impl Fn(&(usize, u64), &Job) -> bool) -> u32 {
        let again = self.idempotent || self.generous;
        let lost = End::Died(self.workers[dead].peer.id());
        let mut mended = 0;
        self.jobs.retain(|key, job| {
            if !here(key, job) {
                return true;
            }
            let at = match job.at {
                At::Taken(server) if server != dead => return true,
                At::Taken(_) if again => Some(At::Sent),
                At::Taken(_) if job.one_way => None,
                At::Taken(_) => Some(At::Done(lost)),
                At::Part(server, n, value, None) if server == dead => match again {
                    true => Some(At::Sent),
                    false => Some(At::Part(server, n, value, Some(lost))),
                },
                At::Abandoned(server) if server == dead => None,
                _ => return true,
            };
            mended += 1;
            job.at = at.unwrap_or(job.at);
            at.is_some()
        });
        mended
    }

    fn set_dead(&self, peer: &Peer<'_>, dead: bool) {
        self.deaths.0[peer.id().get() as usize - 1].set(dead);
    }

    /// Passes over everything: one row is freed, and this many ends and calls are given back.
    fn reap(&self, ends: u32, calls: u32) {
        let pass = self.reaper.reap(&Silent).unwrap();
        assert_eq!((pass.peers, pass.ends, pass.calls), (1, ends, calls));
    }

    fn server_dies(&mut self, by: usize, how: How) {
        if let How::Needed(client) = how {
            while self.send(client, false) {}
        }
        let peer = self.workers[by].peer;
        self.workers[by]
            .requests
            .drain(..)
            .for_each(|(r, ..)| forget(r));
        self.set_dead(peer, true);
        match how {
            How::Reaped => {}
            How::Succeeded => {
                drop(self.table().server(self.reaper).unwrap());
                self.mend(by, |_, _| true);
            }
            How::Asked(client, nth) => self.poll(client, nth, Some(by)),
            How::Needed(client) => {
                let open: Vec<_> = self.callers[client]
                    .calls
                    .iter()
                    .map(|c| key(c.1))
                    .collect();
                self.mend(by, |key, _| key.0 == client && !open.contains(key));
                self.send(client, false);
            }
        }
        let calls = self.mend(by, |_, _| true);
        self.reap(u32::from(!matches!(how, How::Succeeded)), calls);
        self.set_dead(peer, false);
        self.workers[by] = self.worker();
    }

    fn client_dies(&mut self, by: usize, reaped: bool) {
        let peer = self.callers[by].peer;
        self.callers[by]
            .calls
            .drain(..)
            .for_each(|(c, _)| forget(c));
        self.set_dead(peer, true);
        if !reaped {
            drop(self.table().client(self.reaper).unwrap());
        }
        let mine = self
            .jobs
            .iter()
            .filter(|(key, job)| key.0 == by && !job.one_way);
        let mine: Vec<_> = mine.map(|(key, _)| *key).collect();
        let ended = mine.into_iter().filter(|key| self.gave_up(*key)).count();
        self.reap(u32::from(reaped), if reaped { ended as u32 } else { 0 });
        self.set_dead(peer, false);
        self.callers[by] = self.caller();
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Call(by) => _ = self.send(by, false),
            Step::Notify(by) => _ = self.send(by, true),
            Step::Poll(by, nth) => self.poll(by, nth, None),
            Step::Cancel(by, nth) => self.cancel(by, nth),
            Step::Next(by, anywhere) => _ = self.next(by, anywhere),
            Step::Reply(by, nth) => self.reply(by, nth),
            Step::Part(by, nth) => self.part(by, nth),
            Step::Drop(by, nth) => self.drop_request(by, nth),
            Step::ServerDies(by, how) => self.server_dies(by, how),
            Step::ClientDies(by, reaped) => self.client_dies(by, reaped),
        }
    }

    /// Serves and polls until nothing is open.
    fn settle(&mut self) {
        for _ in 0..8 * ENDS * DEPTH {
            for end in 0..ENDS {
                while self.next(end, false) {}
                (0..3).for_each(|_| self.reply(end, 0));
                (0..3).for_each(|nth| self.poll(end, nth, None));
            }
        }
        assert!(self.jobs.is_empty(), "{:?}", self.jobs);
    }
}

fn play(trust: Trust, idempotent: bool, steps: &[Step], generous: bool) {
    let mut world = World::new(trust, idempotent, generous);
    steps.iter().for_each(|step| world.step(*step));
    world.settle();
    for by in 0..ENDS {
        for _ in 0..DEPTH {
            assert!(world.send(by, true), "every slot is free");
        }
        assert!(!world.send(by, false));
    }
    world.settle();
    // At least once, or at most; without deaths exactly once.
    let times = |asked: &u64| world.taken.get(asked).copied().unwrap_or(0);
    match idempotent {
        true => assert!(world.messages.iter().all(|asked| times(asked) >= 1)),
        false => assert!(world.taken.values().all(|times| *times == 1)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn calls_are_what_their_model_is(idempotent in any::<bool>(), steps in vec(steps(), 0..120)) {
        for trust in EACH_TRUST {
            play(trust, idempotent, &steps, false);
        }
    }
}

#[test]
fn control_a_model_that_serves_again_what_may_be_served_once_is_noticed() {
    let steps = [
        Step::Call(0),
        Step::Next(1, false),
        Step::ServerDies(1, How::Reaped),
        Step::Poll(0, 0),
    ];
    play(EACH_TRUST[0], false, &steps, false);
    let wrong = || play(EACH_TRUST[0], false, &steps, true);
    assert!(std::panic::catch_unwind(wrong).is_err());
}
