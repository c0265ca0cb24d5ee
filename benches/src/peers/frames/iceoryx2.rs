//! iceoryx2: frames are lent samples of bytes, published and subscribed to; numbers are samples of another service.

use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::BackpressureStrategy;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;

use crate::ends::frames::{FRAMES, FrameGiver, FramePeer, FrameTaker};
use crate::ends::{Lane, ProcessPeer, Receiver, Sender};
use crate::peers::iceoryx2::{Iceoryx2, Service};

pub struct Loans;

type Number = [u64; 1];

/// In the order of drops: the ports, then their node.
pub struct Giver {
    frames: Publisher<Service, [u8], ()>,
    numbers: Subscriber<Service, Number, ()>,
    bytes: usize,
    node: Iceoryx2,
}

pub struct Taker {
    frames: Subscriber<Service, [u8], ()>,
    numbers: Publisher<Service, Number, ()>,
    _node: Iceoryx2,
}

/// The frames' service, made by whoever comes first.
fn frames(node: &Iceoryx2) -> PortFactory<Service, [u8], ()> {
    let builder = node.node.service_builder(&node.name_of(Lane::There));
    builder
        .publish_subscribe::<[u8]>()
        // A full buffer refuses: no frame may be lost to a newer one.
        .enable_safe_overflow(false)
        .history_size(0)
        .subscriber_max_buffer_size(FRAMES)
        .subscriber_max_borrowed_samples(1)
        .max_publishers(1)
        .max_subscribers(1)
        .max_nodes(2)
        .open_or_create()
        .expect("the frames' service")
}

impl FramePeer for Loans {
    const NAME: &str = "iceoryx2";
    type Giver = Giver;
    type Taker = Taker;

    fn giver(meeting: &str, bytes: usize) -> Giver {
        let mut node = Iceoryx2::host(meeting, FRAMES);
        let service = frames(&node);
        let publisher = service
            .publisher_builder()
            .max_loaned_samples(1)
            // Discarding is how a send that finds no room returns at once; it says so, and the frame is sent again.
            .backpressure_strategy(BackpressureStrategy::DiscardData)
            .initial_max_slice_len(bytes);
        Giver {
            frames: publisher.create().expect("the frames' publisher"),
            numbers: node.receiver(Lane::Back),
            bytes,
            node,
        }
    }

    fn taker(invitation: &str, _: usize) -> Taker {
        let mut node = Iceoryx2::guest(invitation, FRAMES);
        let service = frames(&node);
        let subscriber = service.subscriber_builder().buffer_size(FRAMES);
        Taker {
            frames: subscriber.create().expect("the frames' subscriber"),
            numbers: node.sender(Lane::Back),
            _node: node,
        }
    }
}

impl FrameGiver for Giver {
    fn invitation(&self) -> String {
        self.node.meeting.clone()
    }

    #[inline(always)]
    fn give(&mut self, fill: impl FnOnce(&mut [u8])) -> bool {
        let loan = self.frames.loan_slice_uninit(self.bytes);
        let loan = loan.expect("a sample to fill");
        // SAFETY: shared memory is zeroed by the kernel and every byte is a value.
        let mut sample = unsafe { loan.assume_init() };
        fill(sample.payload_mut());
        // The number of subscribers that took it: none if its buffer is full or it is not there yet.
        sample.send().expect("a sound connection") == 1
    }

    #[inline(always)]
    fn reply(&mut self) -> Option<u64> {
        self.numbers.recv().map(|[number]| number)
    }
}

impl FrameTaker for Taker {
    #[inline(always)]
    fn take<T>(&mut self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let sample = self.frames.receive().expect("a sound connection");
        sample.map(|sample| look(sample.payload()))
    }

    #[inline(always)]
    fn answer(&mut self, number: u64) -> bool {
        self.numbers.send([number])
    }
}
