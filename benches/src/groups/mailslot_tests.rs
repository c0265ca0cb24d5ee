use super::*;
use crate::peers::mail::{bus, disruptor, iceoryx2, ringpad, ringpad_reliable, shaq, tokio};

fn here() -> Placement {
    Placement::choose(None).expect("two processors")
}

/// A short run of each kind; what is wrong in it panics.
fn sound<P: MailslotPeer>() {
    fn of_size<P: MailslotPeer, M: Message>() {
        for subscribers in [0, 1, 3].into_iter().filter(|&n| n >= P::LEAST_SUBSCRIBERS) {
            let deeds = crowd::<P, M, true>(&here(), subscribers);
            // On a busy machine none may be in time; all are accounted for.
            assert!(deeds.writer.all > 0 && deeds.writer.all >= deeds.writer.timed);
            assert_eq!(deeds.readers.len(), subscribers);
            let lost = lost(P::LOSS, &deeds);
            assert_eq!(lost.is_some(), P::LOSS != Loss::Never && subscribers > 0);
            assert!(lost.is_none_or(|lost| (0.0..100.0).contains(&lost)));
        }
        assert!(round_trips::<P, M>(&here(), 100).value > 0.0);
    }
    of_size::<P, [u64; 1]>();
    of_size::<P, [u64; 8]>();
    of_size::<P, [u64; 512]>();
}

#[test]
fn mailslots_are_sound() {
    sound::<ringpad::Threads>();
}

#[test]
fn reliable_mailslots_are_sound() {
    sound::<ringpad_reliable::Threads>();
}

#[test]
fn tokio_is_sound() {
    sound::<tokio::Broadcast>();
}

#[test]
fn buses_are_sound() {
    sound::<bus::Bus>();
}

#[test]
fn disruptors_are_sound() {
    sound::<disruptor::Disruptor>();
}

#[test]
fn iceoryx2_is_sound() {
    sound::<iceoryx2::Overflow>();
}

#[test]
fn shaq_is_sound() {
    sound::<shaq::Broadcast>();
}

/// A mailslot that keeps the newest message only, and tells nobody what it lost.
struct Forgetful<const LOSS: u8>;

type Kept = std::sync::Mutex<Option<u64>>;

struct Ends<'r>(&'r Kept);

impl<M: Message> Publisher<M> for Ends<'_> {
    fn publish(&mut self, message: &M) -> bool {
        *self.0.lock().unwrap() = Some(message.number());
        true
    }
}

impl<M: Message> Subscriber<M> for Ends<'_> {
    fn poll(&mut self) -> Taken<M> {
        let kept = self.0.lock().unwrap().take();
        kept.map_or(Taken::Empty, |number| Taken::Mail(M::numbered(number)))
    }
}

impl<const LOSS: u8> MailslotPeer for Forgetful<LOSS> {
    const NAME: &str = "forgetful";
    const LOSS: Loss = [Loss::Told, Loss::Silent][LOSS as usize];
    type Room<M: Message> = Kept;
    type PublisherTicket<'r, M: Message> = Ends<'r>;
    type SubscriberTicket<'r, M: Message> = Ends<'r>;
    type Publisher<'r, M: Message> = Ends<'r>;
    type Subscriber<'r, M: Message> = Ends<'r>;

    fn room<M: Message>(_: usize, _: usize) -> Kept {
        Kept::default()
    }

    fn tickets<M: Message>(room: &mut Kept, subscribers: usize) -> (Ends<'_>, Vec<Ends<'_>>) {
        let room = &*room;
        (Ends(room), (0..subscribers).map(|_| Ends(room)).collect())
    }

    fn publisher<M: Message>(ticket: Self::PublisherTicket<'_, M>) -> Self::Publisher<'_, M> {
        ticket
    }

    fn subscriber<M: Message>(ticket: Self::SubscriberTicket<'_, M>) -> Self::Subscriber<'_, M> {
        ticket
    }
}

#[test]
fn silent_losses_are_counted() {
    let deeds = crowd::<Forgetful<1>, [u64; 8], false>(&here(), 1);
    assert!(lost(Loss::Silent, &deeds) > Some(0.0));
}

#[test]
#[should_panic = "another message came"]
fn losses_that_should_be_told_are_seen() {
    crowd::<Forgetful<0>, [u64; 8], false>(&here(), 1);
}
