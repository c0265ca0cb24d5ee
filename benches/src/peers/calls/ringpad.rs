//! ringpad's calls: polled, by ends that look for sleepers or do not; or asleep while they wait.

use std::marker::PhantomData;

use ringpad::os::{
    Client as OsClient, Options, OwnedPeer, OwnedRinger, OwnedSilence, Server as OsServer,
    SharedSegment, Waiter,
};
use ringpad::rpc::{self, Config, Poll, Rpc};
use ringpad::{Plan, Wake};

use crate::ends::calls::{CallPeer, Client, Server};
use crate::groups::poll;
use crate::message::Message;

const TABLE: &str = "calls";

/// How the ends wake.
pub trait Way {
    const NAME: &str;
    type Wake: Wake;
    fn client<M: Message>(client: OsClient<M, M>) -> rpc::Client<'static, M, M, Self::Wake>;
    fn server<M: Message>(server: OsServer<M, M>) -> rpc::Server<'static, M, M, Self::Wake>;
}

/// Ends that look for sleepers after each commit.
pub struct Ringing;

impl Way for Ringing {
    const NAME: &str = "ringpad";
    type Wake = OwnedRinger;

    fn client<M: Message>(client: OsClient<M, M>) -> rpc::Client<'static, M, M, OwnedRinger> {
        client
    }

    fn server<M: Message>(server: OsServer<M, M>) -> rpc::Server<'static, M, M, OwnedRinger> {
        server
    }
}

/// Ends that look for no sleeper.
pub struct Silent;

impl Way for Silent {
    const NAME: &str = "ringpad silent";
    type Wake = OwnedSilence;

    fn client<M: Message>(client: OsClient<M, M>) -> rpc::Client<'static, M, M, OwnedSilence> {
        client.silent()
    }

    fn server<M: Message>(server: OsServer<M, M>) -> rpc::Server<'static, M, M, OwnedSilence> {
        server.silent()
    }
}

fn create<M: Message>(meeting: &str) -> OwnedPeer {
    // As many clients and servers as one gets without asking.
    let plan = Plan::<1>::new().channel::<Rpc<'static, M, M>>(TABLE, &Config::default());
    let plan = plan.expect("a plan");
    let segment = SharedSegment::open_or_create(meeting, &plan, &Options::new());
    segment.and_then(|s| s.join()).expect("a segment")
}

fn open(invitation: &str) -> OwnedPeer {
    let segment = SharedSegment::open(invitation, &Options::new());
    segment.and_then(|s| s.join()).expect("the segment")
}

/// Calls that both sides poll for.
pub struct Polled<W>(PhantomData<W>);

pub struct PolledClient<M: Message, W: Wake> {
    end: rpc::Client<'static, M, M, W>,
    name: String,
}

pub struct PolledServer<M: Message, W: Wake>(rpc::Server<'static, M, M, W>);

impl<W: Way> CallPeer for Polled<W> {
    const NAME: &str = W::NAME;
    type Client<M: Message> = PolledClient<M, W::Wake>;
    type Server<M: Message> = PolledServer<M, W::Wake>;

    fn client<M: Message>(meeting: &str) -> Self::Client<M> {
        let end = create::<M>(meeting).client(TABLE).expect("a client's seat");
        PolledClient {
            end: W::client(end),
            name: meeting.into(),
        }
    }

    fn server<M: Message>(invitation: &str) -> Self::Server<M> {
        let end = open(invitation).server(TABLE).expect("a server's seat");
        PolledServer(W::server(end))
    }
}

impl<M: Message, W: Wake> Client<M> for PolledClient<M, W> {
    fn invitation(&self) -> String {
        self.name.clone()
    }

    #[inline(always)]
    fn call(&mut self, request: &M) -> M {
        let mut call = self.end.call(request).expect("a slot");
        poll(|| match call.poll() {
            Poll::Pending => None,
            Poll::Ready(answer) => Some(answer),
            other => panic!("a call ended without its answer: {other:?}"),
        })
    }
}

impl<M: Message, W: Wake> Server<M> for PolledServer<M, W> {
    #[inline(always)]
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let mut request = poll(|| self.0.next());
        let answer = answer(&request.query());
        request.reply(&answer).expect("a caller that waits");
    }
}

/// Calls for which both sides sleep.
pub struct Asleep;

pub struct AsleepClient<M: Message> {
    end: OsClient<M, M>,
    waiter: Waiter,
    name: String,
}

pub struct AsleepServer<M: Message> {
    end: OsServer<M, M>,
    waiter: Waiter,
}

impl CallPeer for Asleep {
    const NAME: &str = "ringpad";
    type Client<M: Message> = AsleepClient<M>;
    type Server<M: Message> = AsleepServer<M>;

    fn client<M: Message>(meeting: &str) -> AsleepClient<M> {
        let peer = create::<M>(meeting);
        AsleepClient {
            end: peer.client(TABLE).expect("a client's seat"),
            waiter: peer.waiter().expect("the waiter").spinning(0),
            name: meeting.into(),
        }
    }

    fn server<M: Message>(invitation: &str) -> AsleepServer<M> {
        let peer = open(invitation);
        AsleepServer {
            end: peer.server(TABLE).expect("a server's seat"),
            waiter: peer.waiter().expect("the waiter").spinning(0),
        }
    }
}

impl<M: Message> Client<M> for AsleepClient<M> {
    fn invitation(&self) -> String {
        self.name.clone()
    }

    fn call(&mut self, request: &M) -> M {
        let answer = self.end.call_timeout(&mut self.waiter, request, None);
        answer.expect("an answer")
    }
}

impl<M: Message> Server<M> for AsleepServer<M> {
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let served = self.end.serve_one(&mut self.waiter, None, |request| {
            let answer = answer(&request.query());
            request.reply(&answer).expect("a caller that waits");
        });
        assert!(served.expect("a sleep"), "no deadline");
    }
}
