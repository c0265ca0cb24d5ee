//! What is counted: one call of ringpad each, in a function that is never inlined and does nothing else.
//!
//! callgrind counts while one of these runs, and at no other time: it knows them by this module's name. Each count
//! holds one return and, for values that do not fit registers, the way in and out of memory.

use ringpad::frames::{Receivers, Ticket, User};
use ringpad::mailslot::reliable::{self, Delivery};
use ringpad::mailslot::{Next, Publisher, Subscriber};
use ringpad::mpmc::{Receiver, Sender};
use ringpad::notepad::{Reader, Writer};
use ringpad::rpc::{Call, Client, Poll, Server};
use ringpad::{Pod, Wake, bytes, spsc};

/// No operation at all: one return.
#[inline(never)]
pub fn nothing() {}

#[inline(never)]
pub fn push<T: Pod, W: Wake>(tx: &mut spsc::Producer<'static, T, W>, item: T) -> bool {
    tx.push(item).is_ok()
}

#[inline(never)]
pub fn pop<T: Pod, W: Wake>(rx: &mut spsc::Consumer<'static, T, W>) -> Option<T> {
    rx.pop()
}

#[inline(never)]
pub fn push_slice<T: Pod, W: Wake>(tx: &mut spsc::Producer<'static, T, W>, items: &[T]) -> usize {
    tx.push_slice(items)
}

#[inline(never)]
pub fn pop_slice<T: Pod, W: Wake>(rx: &mut spsc::Consumer<'static, T, W>, into: &mut [T]) -> usize {
    rx.pop_slice(into)
}

#[inline(never)]
pub fn send<W: Wake>(tx: &mut bytes::Producer<'static, W>, record: &[u8]) -> bool {
    tx.send(record).is_ok()
}

/// The bytes received; 0 if there were none.
#[inline(never)]
pub fn recv<W: Wake>(rx: &mut bytes::Consumer<'static, W>, into: &mut [u8]) -> usize {
    match rx.recv(into) {
        Ok(Some(record)) => record.len(),
        _ => 0,
    }
}

/// The bytes themselves are the caller's to write: not counted.
#[inline(never)]
pub fn grant_commit<W: Wake>(tx: &mut bytes::Producer<'static, W>, len: usize) -> bool {
    let Ok(grant) = tx.grant(len) else {
        return false;
    };
    grant.commit(len).is_ok()
}

/// The bytes lent; 0 if there were none.
#[inline(never)]
pub fn read_release<W: Wake>(rx: &mut bytes::Consumer<'static, W>) -> usize {
    let Ok(Some(grant)) = rx.read() else {
        return 0;
    };
    let len = grant.len();
    grant.release();
    len
}

#[inline(never)]
pub fn write<T: Pod, W: Wake>(writer: &mut Writer<'static, T, W>, value: &T) {
    writer.write(value);
}

/// The value; zeros if there is none.
#[inline(never)]
pub fn read<T: Pod>(reader: &Reader<'static, T>) -> T {
    match reader.try_read() {
        Ok(Some(note)) => note.value,
        _ => T::zeroed(),
    }
}

#[inline(never)]
pub fn publish<T: Pod, W: Wake>(publisher: &mut Publisher<'static, T, W>, value: &T) {
    publisher.publish(value);
}

/// The next message, if it is there and was not lost.
#[inline(never)]
pub fn poll<T: Pod>(subscriber: &mut Subscriber<'static, T>) -> Option<T> {
    match subscriber.poll() {
        Next::Mail { value, .. } => Some(value),
        _ => None,
    }
}

#[inline(never)]
pub fn try_publish<T: Pod>(publisher: &mut reliable::Publisher<'static, T>, value: &T) -> bool {
    publisher.try_publish(value).is_ok()
}

/// The next message, if it is there.
#[inline(never)]
pub fn reliable_poll<T: Pod>(subscriber: &mut reliable::Subscriber<'static, T>) -> Option<T> {
    match subscriber.poll() {
        Delivery::Mail { value, .. } => Some(value),
        _ => None,
    }
}

#[inline(never)]
pub fn crowd_send<W: Wake>(tx: &mut Sender<'static, u64, W>, value: u64) -> bool {
    tx.try_send(value).is_ok()
}

#[inline(never)]
pub fn crowd_recv<W: Wake>(rx: &mut Receiver<'static, u64, W>) -> Option<u64> {
    rx.try_recv()
}

#[inline(never)]
pub fn crowd_send_slice(tx: &mut Sender<'static, u64>, values: &[u64]) -> usize {
    tx.try_send_slice(values)
}

#[inline(never)]
pub fn crowd_recv_slice(rx: &mut Receiver<'static, u64>, into: &mut [u64]) -> usize {
    rx.try_recv_slice(into)
}

/// Takes a message and acknowledges it.
#[inline(never)]
pub fn crowd_take(rx: &mut Receiver<'static, u64>) -> bool {
    match rx.try_take() {
        Some(taken) => {
            taken.acknowledge();
            true
        }
        None => false,
    }
}

/// A loan that is published at once, for whoever comes. Zeros if there was none.
#[inline(never)]
pub fn frame_publish<W: Wake>(user: &mut User<'static, W>) -> Ticket {
    let Ok(loan) = user.loan() else {
        return Ticket::default();
    };
    loan.publish(64).unwrap_or_default()
}

/// A loan that is published at once, for the receiver. Zeros if there was none.
#[inline(never)]
pub fn frame_reserve(user: &mut User<'static>) -> Ticket {
    let Ok(loan) = user.loan() else {
        return Ticket::default();
    };
    let ticket = loan.publish_for(64, Receivers::one(0));
    ticket.unwrap_or_default()
}

/// A view that is dropped at once.
#[inline(never)]
pub fn frame_view<W: Wake>(user: &mut User<'static, W>, ticket: Ticket) -> bool {
    user.view(ticket).is_ok()
}

/// A reserved frame, taken and dropped at once.
#[inline(never)]
pub fn frame_take(user: &mut User<'static>, ticket: Ticket) -> bool {
    user.take(ticket).is_ok()
}

/// A call that is made. There is a slot for it.
#[inline(never)]
pub fn call_make<'c, W: Wake>(
    client: &'c Client<'static, u64, u64, W>,
    request: u64,
) -> Call<'c, 'static, u64, W> {
    client.call(&request).expect("a slot")
}

/// The next request, taken and answered with what it asks. False if there is none.
#[inline(never)]
pub fn call_serve<W: Wake>(server: &mut Server<'static, u64, u64, W>) -> bool {
    let Some(mut request) = server.next() else {
        return false;
    };
    let answer = request.query();
    request.reply(&answer).is_ok()
}

/// The answer, taken. False if there is none.
#[inline(never)]
pub fn call_take<W: Wake>(call: &mut Call<'_, 'static, u64, W>) -> bool {
    matches!(call.poll(), Poll::Ready(_))
}
