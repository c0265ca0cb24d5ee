//! Every kind of owned end in a forked child: it cannot use, corrupt or release what its parent has. Requirement 10.

use std::time::Duration;

use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{self, Options, OwnedBell, OwnedPeer, SharedSegment};
use ringpad::{Life, Plan, bytes, spsc};

use crate::common::child;
use crate::common::room::Room;
use crate::truth::{Forks, mapped};

const NAME: &str = "all";

fn plan() -> Plan<5> {
    let plan = Plan::<5>::new().peers(4).unwrap();
    let plan = plan.channel::<spsc::Spsc<u64>>("ticks", &spsc::Config::new(8));
    let log = bytes::Config::records(1024);
    let plan = plan.unwrap().channel::<bytes::Bytes>("log", &log);
    let plan = plan
        .unwrap()
        .channel::<Notepad<u64>>("pad", &notepad::Config::new());
    let mail = mailslot::Config::new(8);
    let plan = plan.unwrap().channel::<Mailslot<u64>>("mail", &mail);
    let sure = reliable::Config::new(8, 1);
    plan.unwrap()
        .channel::<Reliable<u64>>("sure", &sure)
        .unwrap()
}

/// One of each.
struct Ends {
    tx: os::Producer<u64>,
    rx: os::Consumer<u64>,
    send: os::ByteProducer,
    recv: os::ByteConsumer,
    writer: os::NotepadWriter<u64>,
    reader: os::NotepadReader<u64>,
    publisher: os::Publisher<u64>,
    subscriber: os::Subscriber<u64>,
    sure: os::ReliablePublisher<u64>,
    counted: os::ReliableSubscriber<u64>,
    observer: os::Subscriber<u64>,
    looker: os::NotepadReader<u64, SharedSegment>,
    waiter: os::Waiter,
    bells: Vec<OwnedBell>,
    me: OwnedPeer,
    segment: SharedSegment,
}

impl Ends {
    fn of(segment: &SharedSegment) -> Self {
        let me = segment.join().unwrap();
        let counted = me
            .reliable_subscriber::<u64>("sure", Start::Oldest)
            .unwrap();
        let mut ends = Self {
            tx: me.producer("ticks").unwrap(),
            rx: me.consumer("ticks").unwrap(),
            send: me.byte_producer("log").unwrap(),
            recv: me.byte_consumer("log").unwrap(),
            writer: me.notepad_writer("pad").unwrap(),
            reader: me.notepad_reader("pad").unwrap(),
            publisher: me.publisher("mail").unwrap(),
            subscriber: me.subscriber("mail", Start::Oldest).unwrap(),
            sure: me.reliable_publisher("sure").unwrap(),
            counted,
            observer: me.observer("sure", Start::Oldest).unwrap(),
            looker: segment.notepad_reader("pad").unwrap(),
            waiter: me.waiter().unwrap(),
            bells: Vec::new(),
            me,
            segment: segment.clone(),
        };
        ends.bells = vec![
            ends.rx.bell(),
            ends.tx.bell(),
            ends.recv.bell(),
            ends.send.bell(),
        ];
        ends.bells.extend([
            ends.reader.bell(),
            ends.subscriber.bell(),
            ends.counted.bell(),
        ]);
        // Something of everything is there, committed and not.
        ends.tx.push(1).unwrap();
        ends.tx.stage(2).unwrap();
        ends.send.send(b"one").unwrap();
        ends.send.stage(b"two").unwrap();
        ends.writer.write(&1);
        ends.publisher.publish(&1);
        ends.sure.try_publish(&1).unwrap();
        ends
    }
}

fn got<T, E>(found: Result<Option<T>, E>) -> bool {
    found.is_ok_and(|found| found.is_some())
}

/// Calls of the two rings.
fn rings(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        tx, rx, send, recv, ..
    } = ends;
    forks.refuses("push", || tx.push(9).is_ok());
    forks.refuses("stage", || tx.stage(9).is_ok());
    forks.refuses("publish", || done(tx.publish()));
    forks.refuses("push_slice", || tx.push_slice(&[9, 9]) > 0);
    forks.refuses("stage and publish", || {
        let _ = tx.stage(9);
        done(tx.publish())
    });
    forks.refuses("slots", || done(tx.slots()));
    forks.refuses("is_abandoned", || tx.is_abandoned());
    forks.refuses("other", || tx.other().is_some());
    forks.refuses("check", || done(tx.check()));
    forks.refuses("pop", || rx.pop().is_some());
    forks.refuses("take", || rx.take().is_some());
    forks.refuses("take and acknowledge", || {
        let _ = rx.take();
        done(rx.acknowledge())
    });
    forks.refuses("peek", || rx.peek().is_some());
    forks.refuses("pop_slice", || rx.pop_slice(&mut [0; 4]) > 0);
    forks.refuses("slots", || done(rx.slots()));
    forks.refuses("is_abandoned", || rx.is_abandoned());
    forks.refuses("send", || send.send(b"child").is_ok());
    forks.refuses("stage record", || send.stage(b"child").is_ok());
    forks.refuses("publish records", || done(send.publish()));
    forks.refuses("grant", || {
        let grant = send.grant(16);
        grant.is_ok_and(|grant| grant.commit(16).is_ok())
    });
    forks.refuses("grant_up_to", || {
        let grant = send.grant_up_to(16);
        grant.is_ok_and(|grant| grant.leave_staged(16).is_ok())
    });
    forks.refuses("free_bytes", || done(send.free_bytes()));
    forks.refuses("next_len", || got(recv.next_len()));
    forks.refuses("recv", || got(recv.recv(&mut [0; 64])));
    forks.refuses("read", || match recv.read() {
        Ok(Some(grant)) => done(grant.release()),
        _ => false,
    });
    forks.refuses("used_bytes", || done(recv.used_bytes()));
    forks.refuses("is_abandoned", || {
        recv.is_abandoned() || send.is_abandoned()
    });
}

/// A call that answers nothing: what counts is that nothing came of it.
fn done<T>(_: T) -> bool {
    false
}

/// Calls of notepads and mailslots.
fn shouts(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        writer,
        reader,
        publisher,
        subscriber,
        ..
    } = ends;
    forks.refuses("write", || done(writer.write(&9)));
    forks.refuses("update", || done(writer.update(|value| *value = 9)));
    forks.refuses("draft of a note", || done(writer.draft().commit()));
    forks.refuses("a dropped draft", || {
        done(writer.draft().write_at(0, &[9; 8]))
    });
    forks.refuses("latest", || writer.latest().is_some());
    forks.refuses("try_read", || got(reader.try_read()));
    forks.refuses("changed", || done(reader.changed(None)));
    forks.refuses("is_abandoned", || reader.is_abandoned());
    let looker = &ends.looker;
    forks.refuses("try_read of a looker", || got(looker.try_read()));
    forks.refuses("publish mail", || done(publisher.publish(&9)));
    forks.refuses("draft of mail", || done(publisher.draft().commit()));
    forks.refuses("poll", || matches!(subscriber.poll(), Next::Mail { .. }));
    forks.refuses("seek", || done(subscriber.seek(Start::Newest)));
    forks.refuses("behind", || done(subscriber.behind()));
    forks.refuses("is_abandoned", || subscriber.is_abandoned());
    let Ends {
        sure,
        counted,
        observer,
        me,
        ..
    } = ends;
    forks.refuses("try_publish", || sure.try_publish(&9).is_ok());
    forks.refuses("try_draft", || {
        sure.try_draft().is_ok_and(|draft| done(draft.commit()))
    });
    forks.refuses("slowest", || done(sure.slowest()));
    forks.refuses("evict", || sure.evict(me.id()));
    forks.refuses("evicted", || sure.evicted() > 0);
    forks.refuses("poll surely", || {
        matches!(counted.poll(), Delivery::Mail { .. })
    });
    forks.refuses("rejoin", || counted.rejoin(Start::Newest).is_ok());
    forks.refuses("is_abandoned", || counted.is_abandoned());
    forks.refuses("observe", || matches!(observer.poll(), Next::Mail { .. }));
}

/// Calls of the peer, the waiter and the segment.
fn membership(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        me,
        segment,
        waiter,
        bells,
        ..
    } = ends;
    forks.refuses("producer", || me.producer::<u64>("ticks").is_ok());
    forks.refuses("byte_consumer", || me.byte_consumer("log").is_ok());
    forks.refuses("notepad_writer", || me.notepad_writer::<u64>("pad").is_ok());
    forks.refuses("notepad_reader", || me.notepad_reader::<u64>("pad").is_ok());
    forks.refuses("publisher", || me.publisher::<u64>("mail").is_ok());
    forks.refuses("subscriber", || {
        me.subscriber::<u64>("mail", Start::Oldest).is_ok()
    });
    forks.refuses("reliable_publisher", || {
        me.reliable_publisher::<u64>("sure").is_ok()
    });
    let start = Start::Oldest;
    forks.refuses("reliable_subscriber", || {
        me.reliable_subscriber::<u64>("sure", start).is_ok()
    });
    let more = spsc::Config::new(2);
    forks.refuses("create", || {
        me.create::<spsc::Spsc<u64>>("more", &more).is_ok()
    });
    forks.refuses("a second waiter", || me.waiter().is_ok());
    forks.refuses("wait", || {
        let slept = waiter.wait::<()>(bells, Some(Duration::ZERO), || None);
        slept.is_ok()
    });
    forks.refuses("arm", || waiter.arm(bells).is_ok());
    forks.refuses("join", || segment.join().is_ok());
    forks.refuses("entries", || segment.entries().count() > 0);
    forks.refuses("occupant", || segment.occupant(me.id()).is_some());
    forks.refuses("life", || segment.life(me.id()) == Life::Dead);
    forks.refuses("check of a plan", || segment.check(&plan()).is_ok());
    forks.refuses("a clone", || me.clone().producer::<u64>("ticks").is_ok());
}

/// What was lent at the time of the fork: committed or dropped, it changes nothing.
fn lent(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        send,
        recv,
        writer,
        publisher,
        sure,
        waiter,
        bells,
        ..
    } = ends;
    let mut grant = send.grant(16).ok();
    forks.again();
    forks.refuses("fill", || done(grant.as_mut().map(|grant| grant.fill(9))));
    forks.refuses("drop of a grant", || done(grant.take()));
    forks.refuses("commit", || {
        grant.take().is_some_and(|grant| grant.commit(16).is_ok())
    });
    drop(grant);
    let mut grant = recv.read().ok().flatten();
    forks.refuses("a record lent", || {
        grant.as_ref().is_some_and(|grant| grant[0] == b'o')
    });
    forks.refuses("release", || {
        done(grant.take().map(|grant| grant.release()))
    });
    drop(grant);
    let mut drafts = Some((writer.draft(), publisher.draft(), sure.try_draft()));
    forks.again();
    forks.refuses("drop of drafts", || done(drafts.take()));
    forks.refuses("commit of a note", || {
        done(drafts.take().map(|drafts| drafts.0.commit()))
    });
    forks.refuses("commit of mail", || {
        done(drafts.take().map(|drafts| drafts.1.commit()))
    });
    forks.refuses("sure mail", || {
        done(drafts.take().map(|drafts| drafts.2.map(|it| it.commit())))
    });
    drop(drafts);
    let mut armed = Some(waiter.arm(bells).unwrap());
    forks.again();
    forks.refuses("again", || done(armed.as_mut().map(|armed| armed.again())));
    forks.refuses("drop while armed", || done(armed.take()));
    drop(armed);
    forks.again();
}

/// Has one of each, and lets children try everything.
pub fn parent_of_all() {
    let room = Room::parents();
    let kind = child::word(0);
    let options = Options::new().distrusted(kind == "distrusted");
    let segment = match kind.as_str() {
        "named" => SharedSegment::open_or_create(NAME, &plan(), &room.options()),
        _ => SharedSegment::anonymous(&plan(), &options),
    };
    let segment = segment.unwrap();
    let file = room.file(&format!("{NAME}.seg"));
    let (memory, other) = if kind == "named" {
        let memory = std::fs::File::open(&file).unwrap();
        (memory, SharedSegment::open(NAME, &room.options()).unwrap())
    } else {
        // SAFETY: only read here, and the other handle keeps to the protocol.
        let copy = || unsafe { segment.clone().into_fd_trusted() }.unwrap();
        (copy().into(), SharedSegment::from_fd(copy()).unwrap())
    };
    let you = other.join().unwrap();
    let mut ends = Some(Ends::of(&segment));
    let all = ends.as_mut().unwrap();
    let id = all.me.id();
    let refused = || {
        let mut held = vec![
            crate::taken(you.producer::<u64>("ticks")),
            crate::taken(you.consumer::<u64>("ticks")),
            crate::taken(you.byte_producer("log")),
            crate::taken(you.byte_consumer("log")),
            crate::taken(you.notepad_writer::<u64>("pad")),
            crate::taken(you.publisher::<u64>("mail")),
            crate::taken(you.reliable_publisher::<u64>("sure")),
        ];
        let full = you
            .reliable_subscriber::<u64>("sure", Start::Oldest)
            .is_err();
        held.push(full.then_some(id));
        held.iter().all(|by| *by == Some(id)) && other.life(id) == Life::Alive
    };
    let mut forks = Forks::new(&memory, &refused);
    rings(&mut forks, all);
    shouts(&mut forks, all);
    membership(&mut forks, all);
    lent(&mut forks, all);
    // A child's own memory may lie where the segment would: drops leave it alone.
    let needle = if kind == "named" {
        file.to_str().unwrap()
    } else {
        "memfd:ringpad"
    };
    let at = mapped(needle).0;
    let image = forks.image().to_vec();
    forks.refuses("drop of everything", || done(ends.take()));
    forks.refuses("drop of everything over a copy", || {
        let own = crate::truth::map_at(at, &image);
        drop(ends.take());
        own != image
    });
    let mut all = ends.expect("still the parent's");
    let mut rung = [rustix::event::PollFd::new(
        &all.waiter,
        rustix::event::PollFlags::IN,
    )];
    let now = rustix::event::Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    assert_eq!(
        rustix::event::poll(&mut rung, Some(&now)),
        Ok(0),
        "nobody rang"
    );
    // The controls: what a child does beside the crate is noticed.
    if kind == "named" {
        forks.notices("bytes written through the file", || {
            let file = std::fs::OpenOptions::new().write(true).open(&file).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, b"x", 4000).unwrap();
        });
        forks.restore(&file);
    }
    all.tx.publish();
    assert_eq!(
        (all.rx.pop(), all.rx.pop(), all.rx.pop()),
        (Some(1), Some(2), None)
    );
    all.send.publish();
    assert_eq!(
        all.recv.recv(&mut [0; 8]).unwrap().map(<[u8]>::len),
        Some(3)
    );
    assert_eq!(all.writer.latest().unwrap().value, 1);
    assert!(matches!(all.subscriber.poll(), Next::Mail { value: 1, .. }));
    assert!(matches!(
        all.counted.poll(),
        Delivery::Mail { value: 1, .. }
    ));
    // Last, for it cannot be undone: through an inherited descriptor a child can take its parent's lock away.
    forks.notices("locks released beside the crate", || {
        for number in 3..256 {
            crate::truth::unlock_everything(number);
        }
    });
    std::fs::write(room.path().join("told"), forks.told()).unwrap();
}

#[test]
fn a_forked_child_has_no_use_of_any_end() {
    for kind in ["named", "anonymous", "distrusted"] {
        let room = Room::new("ends");
        child::spawn(&room, "parent_of_all", &[&kind]).done();
        println!(
            "{kind}: {}",
            std::fs::read_to_string(room.path().join("told")).unwrap()
        );
    }
}
