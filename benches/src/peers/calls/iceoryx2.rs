//! iceoryx2: its requests and responses, polled; or with an event service each way that wakes who waits.

use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::{client, listener::Listener, notifier::Notifier, server};
use iceoryx2::service::port_factory::request_response::PortFactory;

use crate::ends::Lane;
use crate::ends::calls::{CallPeer, Client, Server};
use crate::groups::poll;
use crate::message::Message;
use crate::peers::iceoryx2::{Iceoryx2, Service};

pub struct Polled;

/// In the order of drops: the port, then its node.
pub struct PolledClient<M: Message> {
    port: client::Client<Service, M, (), M, ()>,
    node: Iceoryx2,
}

pub struct PolledServer<M: Message> {
    port: server::Server<Service, M, (), M, ()>,
    node: Iceoryx2,
}

type Pending<M> = PendingResponse<Service, M, (), M, ()>;

/// The calls' service, made by whoever comes first.
fn calls<M: Message>(node: &Iceoryx2) -> PortFactory<Service, M, (), M, ()> {
    let builder = node.node.service_builder(&node.name_of(Lane::There));
    builder
        .request_response::<M, M>()
        .max_clients(1)
        .max_servers(1)
        .max_nodes(2)
        .max_active_requests_per_client(1)
        .max_response_buffer_size(1)
        .open_or_create()
        .expect("the calls' service")
}

impl<M: Message> PolledClient<M> {
    fn of(node: Iceoryx2) -> Self {
        let port = calls::<M>(&node).client_builder().create();
        Self {
            port: port.expect("the client"),
            node,
        }
    }

    #[inline(always)]
    fn ask(&mut self, request: &M) -> Pending<M> {
        let loan = self.port.loan_uninit().expect("a request to fill");
        let pending = loan
            .write_payload(*request)
            .send()
            .expect("a sound service");
        let servers = pending.number_of_server_connections();
        assert_eq!(servers, 1, "the server is there before the first request");
        pending
    }

    #[inline(always)]
    fn answer(pending: &Pending<M>) -> Option<M> {
        let response = pending.receive().expect("a sound connection");
        response.map(|response| *response.payload())
    }
}

impl<M: Message> PolledServer<M> {
    fn of(node: Iceoryx2) -> Self {
        let port = calls::<M>(&node).server_builder().create();
        Self {
            port: port.expect("the server"),
            node,
        }
    }

    /// Answers a request, if there is one.
    #[inline(always)]
    fn serve_now(&mut self, answer: impl FnOnce(&M) -> M) -> Option<()> {
        let request = self.port.receive().expect("a sound connection")?;
        let answer = answer(request.payload());
        let loan = request.loan_uninit().expect("a response to fill");
        loan.write_payload(answer)
            .send()
            .expect("a sound connection");
        Some(())
    }
}

impl CallPeer for Polled {
    const NAME: &str = "iceoryx2";
    type Client<M: Message> = PolledClient<M>;
    type Server<M: Message> = PolledServer<M>;

    fn client<M: Message>(meeting: &str) -> PolledClient<M> {
        PolledClient::of(Iceoryx2::host(meeting, 1))
    }

    fn server<M: Message>(invitation: &str) -> PolledServer<M> {
        PolledServer::of(Iceoryx2::guest(invitation, 1))
    }
}

impl<M: Message> Client<M> for PolledClient<M> {
    fn invitation(&self) -> String {
        self.node.meeting.clone()
    }

    #[inline(always)]
    fn call(&mut self, request: &M) -> M {
        let pending = self.ask(request);
        poll(|| Self::answer(&pending))
    }
}

impl<M: Message> Server<M> for PolledServer<M> {
    #[inline(always)]
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let mut answer = Some(answer);
        // A request comes once, and with it the answer's turn.
        poll(|| self.serve_now(|request| answer.take().expect("one answer")(request)));
    }
}

pub struct Asleep;

/// One side: how it wakes the other, how it waits, and its calls. In the order of drops.
pub struct AsleepEnd<E> {
    notifier: Notifier<Service>,
    listener: Listener<Service>,
    calls: E,
}

impl<E> AsleepEnd<E> {
    fn of(calls: E, node: impl Fn(&E) -> &Iceoryx2, to: Lane, from: Lane) -> Self {
        let events = |lane: Lane| {
            let node = node(&calls);
            let service = node.node.service_builder(&node.name_of(lane)).event();
            service.open_or_create().expect("an event service")
        };
        let notifier = events(to).notifier_builder().create();
        let listener = events(from).listener_builder().create();
        Self {
            notifier: notifier.expect("a notifier"),
            listener: listener.expect("a listener"),
            calls,
        }
    }

    fn wake(&self) {
        self.notifier.notify().expect("notifying");
    }

    /// Sleeps until an event came of which there is something to take.
    fn wait<T>(&mut self, mut take: impl FnMut(&mut E) -> Option<T>) -> T {
        loop {
            self.listener.blocking_wait(|_| {}).expect("waiting");
            if let Some(taken) = take(&mut self.calls) {
                return taken;
            }
        }
    }
}

impl CallPeer for Asleep {
    const NAME: &str = "iceoryx2";
    type Client<M: Message> = AsleepEnd<PolledClient<M>>;
    type Server<M: Message> = AsleepEnd<PolledServer<M>>;

    fn client<M: Message>(meeting: &str) -> AsleepEnd<PolledClient<M>> {
        let calls = Polled::client(meeting);
        AsleepEnd::of(calls, |calls| &calls.node, Lane::There, Lane::Back)
    }

    fn server<M: Message>(invitation: &str) -> AsleepEnd<PolledServer<M>> {
        let calls = Polled::server(invitation);
        AsleepEnd::of(calls, |calls| &calls.node, Lane::Back, Lane::There)
    }
}

impl<M: Message> Client<M> for AsleepEnd<PolledClient<M>> {
    fn invitation(&self) -> String {
        self.calls.invitation()
    }

    fn call(&mut self, request: &M) -> M {
        let pending = self.calls.ask(request);
        self.wake();
        self.wait(|_| PolledClient::answer(&pending))
    }
}

impl<M: Message> Server<M> for AsleepEnd<PolledServer<M>> {
    fn serve(&mut self, answer: impl FnOnce(&M) -> M) {
        let mut answer = Some(answer);
        self.wait(|calls| calls.serve_now(|request| answer.take().expect("one answer")(request)));
        self.wake();
    }
}
