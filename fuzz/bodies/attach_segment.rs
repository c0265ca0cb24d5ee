//! Attaches a segment to arbitrary bytes and does everything that a segment can.

use ringpad::{
    Identity, NoProof, Peer, PeerId, Plan, Segment, Sleeper, bytes, bytes::Bytes, spsc, spsc::Spsc,
};

use super::drive::{Count, Gone, bytes_rx_step, bytes_tx_step, spsc_step};
use super::room::{Arena, Script};

/// The input describes a region.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    let Ok(segment) = Segment::attach(room.region()) else {
        return 0;
    };
    // Every peer that is used here has another number.
    let proof = Gone(PeerId::new(32).expect("32 is a row"));
    let mut calls = 1;
    let identity = Identity {
        pid: 1,
        start: 2,
        space: 3,
    };
    let joined = [
        segment.join(&identity, &proof),
        segment.join(&identity, &NoProof),
    ];
    let peers: Vec<&Peer<'_>> = joined
        .iter()
        .flatten()
        .filter(|peer| peer.id().get() < 32)
        .collect();
    while let Some(step) = script.next() {
        calls += 1;
        match step % 8 {
            0 | 1 => script.scribble(room),
            2 => look(&segment),
            3 => create(&segment, &peers, script),
            4 => drop(segment.join(&Identity::default(), &NoProof)),
            _ => {
                let at = usize::from(script.byte() % 8);
                let (Some(entry), [me, ..]) = (segment.entries().nth(at), &peers[..]) else {
                    continue;
                };
                let you = peers.last().unwrap_or(me);
                calls += open(room, &segment, &entry.name, me, you, script);
            }
        }
    }
    calls
}

/// Everything that changes nothing.
fn look(segment: &Segment<'_>) {
    let listed = segment
        .entries()
        .inspect(|entry| drop(format!("{entry:?}")))
        .count();
    assert!(listed <= segment.len() / 128);
    for row in 1..=32 {
        let _ = PeerId::new(row).map(|peer| segment.occupant(peer));
    }
    let plan = Plan::<2>::new()
        .channel::<Spsc<'_, u32>>("a", &spsc::Config::new(4))
        .and_then(|plan| plan.channel::<Bytes<'_>>("b", &bytes::Config::records(64)))
        .expect("a good plan");
    drop((segment.check(&plan), format!("{segment:?}")));
}

fn create<'m>(segment: &Segment<'m>, peers: &[&Peer<'m>], script: &mut Script<'_>) {
    let Some(me) = peers.first() else { return };
    let name = ["a", "b", "c", "later"][usize::from(script.byte() % 4)];
    let capacity = 1 << (script.byte() % 10);
    let _ = match script.byte() % 3 {
        0 => segment
            .create::<Spsc<'_, u32>>(me, name, &spsc::Config::new(capacity))
            .map(|_| ()),
        1 => segment
            .create::<Bytes<'_>>(me, name, &bytes::Config::records(capacity))
            .map(|_| ()),
        _ => segment
            .create::<Bytes<'_>>(me, name, &bytes::Config::stream(capacity))
            .map(|_| ()),
    };
}

/// Opens a channel as each kind, and drives whatever it turns out to be.
fn open<'m>(
    room: &impl Arena,
    segment: &Segment<'m>,
    name: &str,
    me: &Peer<'m>,
    you: &Peer<'m>,
    script: &mut Script<'_>,
) -> u32 {
    let heard = Count::default();
    let ring = segment.open::<Spsc<'_, u32>>(name).ok();
    let ends = ring.and_then(|ring| Some((ring.producer(me).ok()?, ring.consumer(you).ok()?)));
    if let Some((tx, rx)) = ends {
        let ringing = (tx.ringing(me, &heard), rx.ringing(you, &heard));
        let (Ok(mut tx), Ok(mut rx)) = ringing else {
            panic!("both are peers here")
        };
        let bells = [rx.bell()];
        let mut sleeper = Sleeper::of(you).ok();
        let mut armed = sleeper
            .as_mut()
            .and_then(|sleeper| sleeper.arm(&bells).ok());
        let steps = script.byte() % 64;
        for _ in 0..steps {
            spsc_step(room, &mut tx, &mut rx, 9, script);
            if let (Some(armed), 0) = (&mut armed, script.byte() % 4) {
                armed.again();
            }
        }
        return steps.into();
    }
    let ring = segment.open::<Bytes<'_>>(name).ok();
    let ends = ring.and_then(|ring| Some((ring.producer(me).ok()?, ring.consumer(you).ok()?)));
    let Some((tx, rx)) = ends else { return 0 };
    let ringing = (tx.ringing(me, &heard), rx.ringing(you, &heard));
    let (Ok(mut tx), Ok(mut rx)) = ringing else {
        panic!("both are peers here")
    };
    let steps = script.byte() % 64;
    for _ in 0..steps {
        match script.byte() % 8 {
            0 => script.scribble(room),
            1..4 => bytes_tx_step(&mut tx, script),
            _ => bytes_rx_step(&mut rx, script),
        }
    }
    steps.into()
}
