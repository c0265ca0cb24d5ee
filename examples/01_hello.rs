//! Two threads, two rings, and nothing from the operating system: the same code runs between two cores of a
//! microcontroller. Run it with `cargo run --example 01_hello`.

use ringpad::{AlignedBytes, Channel, Region, bytes, spsc};
use std::{error::Error, thread};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    // The memory is yours: a static, a stack variable, a heap block, a mapping. ringpad never allocates.
    let mut room = AlignedBytes::<4096>::new();
    let region = Region::from_mut(room.as_mut())?;

    // A kind of channel and its configuration say how many bytes it needs, so the room can be divided.
    let numbers_config = spsc::Config::new(4);
    let numbers_bytes = spsc::Spsc::<u64>::layout(&numbers_config)?.size();
    let (for_numbers, for_words) = region.split_at(numbers_bytes)?;

    // A typed ring: every item is one `u64`. `split` claims both ends, once.
    let numbers = spsc::Spsc::<u64>::init(for_numbers, &numbers_config)?;
    let (mut send_number, mut receive_number) = numbers.split()?;

    // A byte ring: every record has the length that it has.
    let words = bytes::Bytes::init(for_words, &bytes::Config::records(256))?;
    let (mut send_word, mut receive_word) = words.split()?;

    thread::scope(|scope| {
        // Ends are `Send`: move them to the thread that uses them. Each end has one user, so no call ever waits.
        scope.spawn(move || {
            for number in 1..=10_u64 {
                // The ring has 4 slots. A full ring hands the item back; what to do then is your decision.
                while send_number.push(number).is_err() {
                    thread::yield_now();
                }
            }
            // Dropping an end gives it back: the other side sees that nobody is there any more.
        });

        let mut sum = 0;
        loop {
            // In this order: whoever has left before we looked at the ring sends nothing after it.
            let alone = receive_number.is_abandoned();
            match receive_number.pop() {
                Some(number) => sum += number,
                // The thread may not have begun yet, but its end was claimed before, so it counts as here.
                None if alone => break,
                None => thread::yield_now(),
            }
        }
        println!("received the numbers 1 to 10 through a ring of 4 slots: their sum is {sum}");
    });

    // Records can be written in place: ask for room, fill it, say how much of it you used.
    let mut grant = send_word.grant(64)?;
    grant[..5].copy_from_slice(b"hello");
    grant.commit(5)?;
    send_word.send(b"world")?; // or copied in

    let first = receive_word.read()?.ok_or("a record was sent")?; // lent in place
    println!("first record, read in place: {}", str::from_utf8(&first)?);
    first.release();
    let mut copy = [0; 64];
    let second = receive_word.recv(&mut copy)?.ok_or("two were sent")?; // or copied out
    println!("second record, copied out: {}", str::from_utf8(second)?);
    Ok(())
}
