//! The operations of calls, lap by lap as those of the rings: each call is made, served, and its answer taken.

use std::hint::black_box;

use ringpad::os::{Options, OwnedRinger};
use ringpad::rpc::{Call, Client, Config, Poll, Rpc, Server};
use ringpad::{Channel, Silent, Wake};

use crate::counted;
use crate::homes::{SLOTS, join, room};
use crate::operations::laps;

type Table = Rpc<'static, u64, u64>;
type Ends<W> = (Client<'static, u64, u64, W>, Server<'static, u64, u64, W>);
type Make<W> = for<'c> fn(&'c Client<'static, u64, u64, W>, u64) -> Call<'c, 'static, u64, W>;
type Serve<W> = fn(&mut Server<'static, u64, u64, W>) -> bool;
type Take<W> = fn(&mut Call<'_, 'static, u64, W>) -> bool;

fn bare() -> Ends<Silent> {
    let table = Table::init(room(), &Config::default()).expect("a table");
    let ends = (table.bare_client(), table.bare_server());
    (ends.0.expect("an end"), ends.1.expect("an end"))
}

fn ringing() -> Ends<OwnedRinger> {
    let me = join::<Table>(&Config::default(), &Options::new());
    let ends = (me.client("ring"), me.server("ring"));
    (ends.0.expect("an end"), ends.1.expect("an end"))
}

/// One call after another, each through these three; one of them is counted.
fn trips<W: Wake>(
    count: u32,
    ends: Ends<W>,
    make: impl for<'c> Fn(&'c Client<'static, u64, u64, W>, u64) -> Call<'c, 'static, u64, W>,
    serve: impl Fn(&mut Server<'static, u64, u64, W>) -> bool,
    take: impl Fn(&mut Call<'_, 'static, u64, W>) -> bool,
) -> u64 {
    let (client, mut server) = ends;
    laps(count, || {
        for request in 0..u64::from(SLOTS) {
            let mut call = make(&client, request);
            assert!(serve(&mut server) && take(&mut call));
        }
        SLOTS.into()
    })
}

/// What is not counted is done by the same calls, in line.
fn make<'c, W: Wake>(
    client: &'c Client<'static, u64, u64, W>,
    request: u64,
) -> Call<'c, 'static, u64, W> {
    client.call(&request).expect("a slot")
}

fn serve<W: Wake>(server: &mut Server<'static, u64, u64, W>) -> bool {
    let mut request = server.next().expect("a request");
    let answer = black_box(request.query());
    request.reply(&answer).is_ok()
}

fn take<W: Wake>(call: &mut Call<'_, 'static, u64, W>) -> bool {
    matches!(call.poll(), Poll::Ready(_))
}

fn made<W: Wake>(count: u32, ends: Ends<W>) -> u64 {
    let call = black_box(counted::call_make::<W> as Make<W>);
    trips(count, ends, call, serve, take)
}

fn served<W: Wake>(count: u32, ends: Ends<W>) -> u64 {
    let call = black_box(counted::call_serve::<W> as Serve<W>);
    trips(count, ends, make, call, take)
}

pub fn bare_call(count: u32) -> u64 {
    made(count, bare())
}

pub fn bare_serve(count: u32) -> u64 {
    served(count, bare())
}

pub fn ringing_call(count: u32) -> u64 {
    made(count, ringing())
}

pub fn ringing_serve(count: u32) -> u64 {
    served(count, ringing())
}

pub fn bare_take(count: u32) -> u64 {
    let call = black_box(counted::call_take as Take<Silent>);
    trips(count, bare(), make, serve, call)
}

/// Once a lap the server looks at every slot.
pub fn serve_none(count: u32) -> u64 {
    let call = black_box(counted::call_serve as Serve<Silent>);
    let (_client, mut server) = bare();
    laps(count, || {
        (0..SLOTS).for_each(|_| assert!(!call(&mut server)));
        SLOTS.into()
    })
}
