//! Replays the kept inputs of every fuzz target through the bodies that the fuzzer runs (`fuzz/bodies`).
//!
//! `RINGPAD_WRITE_SEEDS=1 cargo test --test corpus` writes the first inputs anew; the fuzzer found the rest.

#[path = "../fuzz/bodies/mod.rs"]
mod bodies;

use std::fs;
use std::panic::catch_unwind;
use std::path::PathBuf;

use bodies::room::{Arena, Room};
use ringpad::bytes::{self, Bytes};
use ringpad::frames::{self, Frames, Receivers};
use ringpad::lock::{self, Lock, Locked};
use ringpad::mailslot::reliable::{self, Reliable};
use ringpad::mailslot::{self, Mailslot, Start};
use ringpad::mpmc::{self, Mpmc};
use ringpad::notepad::{self, Notepad};
use ringpad::rpc::{self, Rpc};
use ringpad::spsc::{self, Spsc};
use ringpad::{Channel, Content, Identity, NoProof, Plan, Segment};

fn corpus(target: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target)
}

/// Every kept input of a target, by name.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let files = fs::read_dir(corpus(target)).expect("a corpus for each target");
    let mut inputs: Vec<_> = files
        .map(|file| {
            let file = file.expect("a readable directory");
            let name = file.file_name().to_string_lossy().into_owned();
            (name, fs::read(file.path()).expect("a readable file"))
        })
        .collect();
    inputs.sort();
    inputs
}

/// Runs every input; the names of those that panicked, and the calls that the others reached.
fn replay(inputs: &[(String, Vec<u8>)], body: bodies::Body) -> (Vec<&str>, u64) {
    let (mut bad, mut reached) = (Vec::new(), 0);
    for (name, input) in inputs {
        match catch_unwind(|| body(input)) {
            Ok(calls) => reached += u64::from(calls),
            Err(_) => bad.push(name.as_str()),
        }
    }
    (bad, reached)
}

#[test]
fn every_kept_input_passes_and_some_get_far() {
    let mut bytes = 0;
    for (target, body) in bodies::ALL {
        let inputs = inputs(target);
        assert!(
            !inputs.is_empty() && inputs.len() <= 60,
            "{target}: {} inputs",
            inputs.len()
        );
        bytes += inputs.iter().map(|(_, input)| input.len()).sum::<usize>();
        let (bad, reached) = replay(&inputs, body);
        assert!(bad.is_empty(), "{target} fails on {bad:?}");
        assert!(
            reached > 100,
            "{target}: {reached} calls reached something, its inputs are stale"
        );
    }
    assert!(bytes < 200 << 10, "{bytes} bytes of inputs");
}

#[test]
fn negative_control_a_failing_body_is_named() {
    fn picky(input: &[u8]) -> u32 {
        assert!(input.first() != Some(&1), "this control fails on purpose");
        1
    }
    let inputs = [0u8, 1, 2].map(|byte| (byte.to_string(), vec![byte]));
    assert_eq!(replay(&inputs, picky), (vec!["1"], 2));
}

#[test]
fn negative_control_garbage_reaches_nothing() {
    let garbage = [(String::new(), vec![0xa5; 2048])];
    for (target, body) in bodies::ALL {
        if target != "bytes_consumer" {
            assert_eq!(replay(&garbage, body), (vec![], 0), "{target}");
        }
    }
}

/// An input for a region: see `fuzz/bodies/mod.rs`.
fn input(script: &[u8], room: &Room) -> Vec<u8> {
    let image = room.bytes();
    let used = image
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let mut input = vec![script.len() as u8, image.len().div_ceil(128) as u8];
    input.extend_from_slice(script);
    input.extend_from_slice(&image[..used]);
    input
}

/// Compares a kept input with what today's code makes; writes it instead if asked to.
fn keep(target: &str, name: &str, input: &[u8]) {
    let at = corpus(target).join(name);
    if std::env::var_os("RINGPAD_WRITE_SEEDS").is_some() {
        fs::write(&at, input).expect("a writable corpus");
    }
    let kept = fs::read(&at).expect("a kept input");
    assert!(
        kept == input,
        "{target}/{name} is stale: RINGPAD_WRITE_SEEDS=1 writes it anew"
    );
}

fn typed_seed<T: ringpad::Pod>(name: &str, config: spsc::Config, values: &[T], script: &[u8]) {
    let room = Room::holding(&[], Spsc::<T>::layout(&config).unwrap().size());
    let (mut tx, mut rx) = Spsc::init(room.region(), &config).unwrap().split().unwrap();
    tx.push_slice(values);
    rx.pop();
    drop((tx, rx));
    keep("attach_spsc", name, &input(script, &room));
}

fn bytes_seed(name: &str, config: bytes::Config, script: &[u8]) {
    let room = Room::holding(&[], Bytes::layout(&config).unwrap().size());
    let (mut tx, mut rx) = Bytes::init(room.region(), &config)
        .unwrap()
        .split()
        .unwrap();
    for _ in 0..3 {
        tx.send(b"sixteen bytes...").unwrap();
        rx.recv(&mut [0; 16]).unwrap();
    }
    tx.send(b"left").unwrap();
    drop((tx, rx));
    keep("attach_bytes", name, &input(script, &room));
}

fn value_seed<T: ringpad::Pod>(name: &str, config: notepad::Config, value: T, script: &[u8]) {
    let room = Room::holding(&[], Notepad::<T>::layout(&config).unwrap().size());
    let pad = Notepad::<T>::init(room.region(), &config).unwrap();
    let mut tx = pad.bare_writer(&NoProof).unwrap();
    (0..6).for_each(|_| _ = tx.write(&value));
    drop(tx);
    keep("attach_notepad", name, &input(script, &room));
}

fn letters_seed<T: ringpad::Pod>(
    name: &str,
    config: mailslot::Config,
    values: &[T],
    script: &[u8],
) {
    let room = Room::holding(&[], Mailslot::<T>::layout(&config).unwrap().size());
    let mail = Mailslot::<T>::init(room.region(), &config).unwrap();
    let mut tx = mail.bare_publisher(&NoProof).unwrap();
    (0..4).for_each(|_| _ = tx.publish_slice(values));
    drop(tx);
    keep("attach_mailslot", name, &input(script, &room));
}

fn registered_seed<T: ringpad::Pod>(name: &str, value: T, slow: reliable::Slow, script: &[u8]) {
    let config = reliable::Config::new(8, 2).lag(6).slow(slow).tagged(7);
    let room = Room::holding(&[], Reliable::<T>::layout(&config).unwrap().size());
    let mail = Reliable::<T>::init(room.region(), &config).unwrap();
    let mut tx = mail.bare_publisher(&NoProof).unwrap();
    let mut rx = mail.bare_subscriber(Start::Oldest, &NoProof).unwrap();
    for _ in 0..5 {
        tx.try_publish(&value).unwrap();
    }
    rx.poll();
    drop((tx, rx));
    keep("attach_reliable", name, &input(script, &room));
}

fn text_seeds(script: &[u8]) {
    const TEXT: &[u8; 24] = b"letters and what is left";
    let config = notepad::Config::bytes(24).slots(4);
    let room = Room::holding(&[], Notepad::<[u8]>::layout(&config).unwrap().size());
    let pad = Notepad::<[u8]>::init(room.region(), &config).unwrap();
    let mut tx = pad.bare_writer(&NoProof).unwrap();
    (0..9).for_each(|len| _ = tx.write(&TEXT[..len]).unwrap());
    drop(tx);
    keep("attach_notepad", "seed-text", &input(script, &room));
    let config = mailslot::Config::bytes(4, 24);
    let room = Room::holding(&[], Mailslot::<[u8]>::layout(&config).unwrap().size());
    let mail = Mailslot::<[u8]>::init(room.region(), &config).unwrap();
    let mut tx = mail.bare_publisher(&NoProof).unwrap();
    (0..9).for_each(|len| _ = tx.publish(&TEXT[..len]).unwrap());
    drop(tx);
    keep("attach_mailslot", "seed-text", &input(script, &room));
    let config = reliable::Config::bytes(4, 24, 2);
    let room = Room::holding(&[], Reliable::<[u8]>::layout(&config).unwrap().size());
    let mail = Reliable::<[u8]>::init(room.region(), &config).unwrap();
    let mut tx = mail.bare_publisher(&NoProof).unwrap();
    (0..9).for_each(|len| _ = tx.try_publish(&TEXT[..len]).unwrap());
    drop(tx);
    keep("attach_reliable", "seed-text", &input(script, &room));
}

fn many_seed<T: ringpad::Pod>(
    name: &str,
    value: T,
    (delivery, recovery): (mpmc::Delivery, mpmc::Recovery),
    script: &[u8],
) {
    let config = mpmc::Config::new(8).delivery(delivery).recovery(recovery);
    let room = Room::holding(&[], Mpmc::<T>::layout(&config).unwrap().size());
    let ring = Mpmc::<T>::init(room.region(), &config).unwrap();
    let (mut tx, mut rx) = (ring.bare_sender().unwrap(), ring.bare_receiver().unwrap());
    assert_eq!(tx.try_send_slice(&[value; 6]), 6);
    // One received, one coming again where such do, one held for good.
    rx.try_recv();
    drop(rx.try_take());
    core::mem::forget(rx.clone().try_take());
    tx.try_send(value).unwrap();
    keep("attach_mpmc", name, &input(script, &room));
}

fn lock_seed<T: ringpad::Pod>(name: &str, value: T, script: &[u8]) {
    let config = lock::Config::new().tagged(7);
    let room = Room::holding(&[], Locked::<T>::layout(&config).unwrap().size());
    let lock = Locked::<T>::init(room.region(), &config).unwrap();
    let mut key = lock.bare_key().unwrap();
    (0..3).for_each(|_| key.try_lock().unwrap().into_guard().set(&value));
    room.scribble(32, 1 << 31);
    keep("attach_lock", name, &input(script, &room));
}

fn frames_seed(name: &str, config: frames::Config, script: &[u8]) {
    let room = Room::holding(&[], Frames::layout(&config).unwrap().size());
    let pool = Frames::init(room.region(), &config).unwrap();
    let user = pool.bare_user().unwrap();
    for n in 0..3 {
        let mut loan = user.loan().unwrap();
        loan.write_at(0, &[n; 9]).unwrap();
        loan.publish_for(9, Receivers::first(n.into())).unwrap();
    }
    core::mem::forget(user.loan().unwrap());
    core::mem::forget(user);
    keep("attach_frames", name, &input(script, &room));
}

/// Left with what `leave` does at a table.
fn calls_seed<Q: Content + ?Sized, A: Content + ?Sized>(
    name: &str,
    config: rpc::Config,
    script: &[u8],
    leave: impl FnOnce(rpc::Client<'_, Q, A>, rpc::Server<'_, Q, A>),
) {
    let room = Room::holding(&[], Rpc::<Q, A>::layout(&config).unwrap().size());
    let table = Rpc::<Q, A>::init(room.region(), &config).unwrap();
    leave(table.bare_client().unwrap(), table.bare_server().unwrap());
    keep("attach_rpc", name, &input(script, &room));
}

/// Tables with a call that was taken for good, a message, and one that is over.
fn calls_seeds(script: &[u8]) {
    let config = rpc::Config::new(2, 2).depth(2);
    calls_seed::<u32, u64>("seed-numbers", config, script, |client, server| {
        let mut call = client.call_by(&1, 9).unwrap();
        server.next().unwrap().reply(&2).unwrap();
        assert_eq!(call.poll(), rpc::Poll::Ready(2));
        drop(call);
        core::mem::forget(client.call(&3).unwrap());
        client.notify(&4).unwrap();
        core::mem::forget(server.next().unwrap());
        core::mem::forget((client, server));
    });
    let config = config.idempotent().request_bytes(13).reply_bytes(5);
    calls_seed::<[u8], [u8]>("seed-bytes", config, script, |client, server| {
        core::mem::forget(client.call(b"taken").unwrap());
        let mut request = server.next().unwrap();
        request.part(b"part").unwrap();
        core::mem::forget((request, client.call(b"sent").unwrap()));
        core::mem::forget((client, server));
    });
    let config = rpc::Config::new(1, 1).reply_bytes(30);
    calls_seed::<[u64; 3], [u8]>("seed-mixed", config, script, |client, _| {
        client.notify(&[5; 3]).unwrap();
    });
}

fn segment_seed(name: &str, peers: u32, script: &[u8]) {
    let plan = Plan::<2>::new()
        .peers(peers)
        .and_then(|plan| plan.channel::<Spsc<'_, u32>>("a", &spsc::Config::new(4)))
        .and_then(|plan| plan.channel::<Bytes<'_>>("b", &bytes::Config::records(64)))
        .unwrap()
        .spare(1, 640);
    let room = Room::holding(&[], plan.layout().unwrap().size());
    let segment = Segment::init(room.region(), &plan).unwrap();
    drop(segment.join(&Identity::default(), &NoProof).unwrap());
    keep("attach_segment", name, &input(script, &room));
}

#[test]
#[cfg(target_endian = "little")]
fn the_first_inputs_are_what_this_code_writes() {
    if align_of::<u64>() != 8 {
        println!(
            "skipped: headers say how numbers of eight bytes are aligned here, which is not to eight"
        );
        return;
    }
    let script: Vec<u8> =
        std::iter::successors(Some(9u32), |n| Some(n.wrapping_mul(1664525) ^ 1013904223))
            .map(|n| (n >> 24) as u8)
            .take(240)
            .collect();
    let (ring, pad, mail) = (
        spsc::Config::new(8).tagged(7),
        notepad::Config::new().slots(4).tagged(7),
        mailslot::Config::new(8).tagged(7),
    );
    typed_seed("seed-compact", ring.compact(), &[1u32, 2, 3], &script);
    value_seed("seed-compact", pad.compact(), 3u64, &script);
    letters_seed("seed-compact", mail.compact(), &[1u32, 2, 3], &script);
    let records = bytes::Config::records(64);
    bytes_seed("seed-compact", records.compact(), &script);
    typed_seed("seed-u8", ring, &[1u8, 2, 3], &script);
    typed_seed("seed-u32", ring, &[1u32, 2, 3], &script);
    typed_seed("seed-three", ring, &[[1u8, 2, 3]; 5], &script);
    typed_seed("seed-wide", ring, &[[1u64, 2, 3]; 8], &script);
    bytes_seed("seed-records", bytes::Config::records(128), &script);
    bytes_seed("seed-stream", bytes::Config::stream(64), &script);
    value_seed("seed-u8", pad, 1u8, &script);
    value_seed("seed-u32", pad, 2u32, &script);
    value_seed("seed-u64", pad, 3u64, &script);
    value_seed("seed-nine", pad, [4u8; 9], &script);
    letters_seed("seed-u8", mail, &[1u8, 2, 3], &script);
    letters_seed("seed-u32", mail, &[1u32, 2, 3], &script);
    letters_seed("seed-three", mail, &[[1u64, 2, 3]; 5], &script);
    registered_seed("seed-u8", 1u8, reliable::Slow::Wait, &script);
    registered_seed("seed-u32", 2u32, reliable::Slow::Evict, &script);
    registered_seed("seed-three", [3u64; 3], reliable::Slow::Wait, &script);
    lock_seed("seed-u8", 1u8, &script);
    lock_seed("seed-u32", 2u32, &script);
    lock_seed("seed-three", [3u64; 3], &script);
    let room = Room::holding(&[], 384);
    Lock::init(room.region(), &lock::Config::new()).unwrap();
    keep("attach_lock", "seed-alone", &input(&script, &room));
    frames_seed("seed-lossy", frames::Config::new(5, 200), &script);
    frames_seed(
        "seed-small",
        frames::Config::new(8, 16).receivers(1),
        &script,
    );
    frames_seed(
        "seed-two",
        frames::Config::new(6, 128).receivers(2),
        &script,
    );
    calls_seeds(&script);
    text_seeds(&script);
    use mpmc::{Delivery, Recovery};
    let modes = [
        (Delivery::AtLeastOnce, Recovery::Revoke),
        (Delivery::AtLeastOnce, Recovery::ProofOnly),
        (Delivery::AtMostOnce, Recovery::Revoke),
        (Delivery::AtMostOnce, Recovery::ProofOnly),
    ];
    many_seed("seed-u8", 1u8, modes[0], &script);
    many_seed("seed-u32", 2u32, modes[1], &script);
    many_seed("seed-three", [3u8; 3], modes[2], &script);
    many_seed("seed-wide", [4u64; 3], modes[3], &script);
    segment_seed("seed-one", 1, &script);
    segment_seed("seed-four", 4, &script);
    for (name, kind, ahead) in [("seed-records", 1, 20), ("seed-stream", 5, 33)] {
        let mut input = vec![kind, 40, 0xf8, 0xff, 0xff, 0xff, ahead];
        input.extend_from_slice(&script[..40]);
        for length in [8u32, 0, 1, 2, 0, 0, 12, 0, 1, 2, 3, 4, u32::MAX, 0, 0, 0] {
            input.extend_from_slice(&length.to_le_bytes());
        }
        keep("bytes_consumer", name, &input);
    }
    for (name, header) in [
        ("seed-mono", "W4 H2 Cmono"),
        ("seed-420", "W5 H3 F30:1 Ip A1:1 C420jpeg XYSCSS=420JPEG"),
    ] {
        let mut video = format!("YUV4MPEG2 {header}\n").into_bytes();
        for _ in 0..60 {
            video.extend_from_slice(b"FRAME\n");
            video.extend_from_slice(&[128; 27][..if name == "seed-mono" { 8 } else { 27 }]);
        }
        keep("y4m", name, &video);
    }
}
