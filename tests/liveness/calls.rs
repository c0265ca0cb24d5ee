//! What a forked child may try with its copies of its parent's ends: every call.

use std::time::Duration;

use ringpad::mailslot::reliable::Delivery;
use ringpad::mailslot::{Next, Start};
use ringpad::{Life, spsc};

use crate::ends::{Ends, plan};
use crate::truth::Forks;

fn got<T, E>(found: Result<Option<T>, E>) -> bool {
    found.is_ok_and(|found| found.is_some())
}

/// Calls of the two rings.
pub fn rings(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        tx, rx, send, recv, ..
    } = ends;
    forks.refuses("push", || tx.push(9).is_ok());
    forks.refuses("stage", || tx.stage(9).is_ok());
    forks.leaves("publish", || tx.publish());
    forks.refuses("push_slice", || tx.push_slice(&[9, 9]) > 0);
    forks.leaves("stage and publish", || {
        let _ = tx.stage(9);
        tx.publish()
    });
    forks.leaves("slots", || tx.slots());
    forks.refuses("is_abandoned", || tx.is_abandoned());
    forks.refuses("other", || tx.other().is_some());
    forks.leaves("check", || tx.check());
    forks.refuses("pop", || rx.pop().is_some());
    forks.refuses("take", || rx.take().is_some());
    forks.leaves("take and acknowledge", || {
        let _ = rx.take();
        rx.acknowledge()
    });
    forks.refuses("peek", || rx.peek().is_some());
    forks.refuses("pop_slice", || rx.pop_slice(&mut [0; 4]) > 0);
    forks.leaves("slots", || rx.slots());
    forks.refuses("is_abandoned", || rx.is_abandoned());
    forks.refuses("send", || send.send(b"child").is_ok());
    forks.refuses("stage record", || send.stage(b"child").is_ok());
    forks.leaves("publish records", || send.publish());
    forks.refuses("grant", || {
        let grant = send.grant(16);
        grant.is_ok_and(|grant| grant.commit(16).is_ok())
    });
    forks.refuses("grant_up_to", || {
        let grant = send.grant_up_to(16);
        grant.is_ok_and(|grant| grant.leave_staged(16).is_ok())
    });
    forks.leaves("free_bytes", || send.free_bytes());
    forks.refuses("next_len", || got(recv.next_len()));
    forks.refuses("recv", || got(recv.recv(&mut [0; 64])));
    forks.leaves("read", || {
        recv.read().map(|grant| grant.map(|grant| grant.release()))
    });
    forks.leaves("used_bytes", || recv.used_bytes());
    forks.refuses("is_abandoned", || {
        recv.is_abandoned() || send.is_abandoned()
    });
}

/// Calls of notepads and mailslots.
pub fn shouts(forks: &mut Forks<'_>, ends: &mut Ends) {
    let Ends {
        writer,
        reader,
        publisher,
        subscriber,
        ..
    } = ends;
    forks.leaves("write", || writer.write(&9));
    forks.leaves("update", || writer.update(|value| *value = 9));
    forks.leaves("draft of a note", || writer.draft().commit());
    forks.leaves("a dropped draft", || writer.draft().write_at(0, &[9; 8]));
    forks.refuses("latest", || writer.latest().is_some());
    forks.refuses("try_read", || got(reader.try_read()));
    forks.leaves("changed", || reader.changed(None));
    forks.refuses("is_abandoned", || reader.is_abandoned());
    let looker = &ends.looker;
    forks.refuses("try_read of a looker", || got(looker.try_read()));
    forks.leaves("publish mail", || publisher.publish(&9));
    forks.leaves("draft of mail", || publisher.draft().commit());
    forks.refuses("poll", || matches!(subscriber.poll(), Next::Mail { .. }));
    forks.leaves("seek", || subscriber.seek(Start::Newest));
    forks.leaves("behind", || subscriber.behind());
    forks.refuses("is_abandoned", || subscriber.is_abandoned());
    let Ends {
        sure,
        counted,
        observer,
        me,
        ..
    } = ends;
    forks.refuses("try_publish", || sure.try_publish(&9).is_ok());
    forks.leaves("try_draft", || sure.try_draft().map(|draft| draft.commit()));
    forks.leaves("slowest", || sure.slowest());
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
pub fn membership(forks: &mut Forks<'_>, ends: &mut Ends) {
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
pub fn lent(forks: &mut Forks<'_>, ends: &mut Ends) {
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
    forks.leaves("fill", || grant.as_mut().map(|grant| grant.fill(9)));
    forks.leaves("drop of a grant", || grant.take());
    forks.refuses("commit", || {
        grant.take().is_some_and(|grant| grant.commit(16).is_ok())
    });
    let mut grant = recv.read().ok().flatten();
    forks.refuses("a record lent", || {
        grant.as_ref().is_some_and(|grant| grant[0] == b'o')
    });
    forks.leaves("release", || grant.take().map(|grant| grant.release()));
    let mut drafts = Some((writer.draft(), publisher.draft(), sure.try_draft()));
    forks.again();
    forks.leaves("drop of drafts", || drafts.take());
    forks.leaves("commit of a note", || {
        drafts.take().map(|drafts| drafts.0.commit())
    });
    forks.leaves("commit of mail", || {
        drafts.take().map(|drafts| drafts.1.commit())
    });
    forks.leaves("sure mail", || {
        drafts.take().map(|drafts| drafts.2.map(|it| it.commit()))
    });
    let mut armed = Some(waiter.arm(bells).unwrap());
    forks.again();
    forks.leaves("again", || armed.as_mut().map(|armed| armed.again()));
    forks.leaves("drop while armed", || armed.take());
    drop(armed);
    forks.again();
}
