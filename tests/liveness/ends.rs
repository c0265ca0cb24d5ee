//! Every kind of owned end in a forked child: it cannot use, corrupt or release what its parent has. Requirement 10.

use ringpad::mailslot::reliable::{self, Delivery, Reliable};
use ringpad::mailslot::{self, Mailslot, Next, Start};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{self, Options, OwnedBell, OwnedPeer, SharedSegment};
use ringpad::{Life, Plan, bytes, spsc};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::calls;
use crate::common::child;
use crate::common::room::Room;
use crate::truth::{Forks, map_at, mapped, unlock_everything};

const NAME: &str = "all";
const NOW: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

pub fn plan() -> Plan<5> {
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
pub struct Ends {
    pub tx: os::Producer<u64>,
    pub rx: os::Consumer<u64>,
    pub send: os::ByteProducer,
    pub recv: os::ByteConsumer,
    pub writer: os::NotepadWriter<u64>,
    pub reader: os::NotepadReader<u64>,
    pub publisher: os::Publisher<u64>,
    pub subscriber: os::Subscriber<u64>,
    pub sure: os::ReliablePublisher<u64>,
    pub counted: os::ReliableSubscriber<u64>,
    pub observer: os::Subscriber<u64>,
    pub looker: os::NotepadReader<u64, SharedSegment>,
    pub waiter: os::Waiter,
    pub bells: Vec<OwnedBell>,
    pub me: OwnedPeer,
    pub segment: SharedSegment,
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

/// The memory of an anonymous segment, and another handle on it.
#[cfg(not(ringpad_flock))]
fn copies(segment: &SharedSegment) -> (std::fs::File, SharedSegment) {
    // SAFETY: only read here, and the other handle keeps to the protocol.
    let copy = || unsafe { segment.clone().into_fd_trusted() }.unwrap();
    (copy().into(), SharedSegment::from_fd(copy()).unwrap())
}

#[cfg(ringpad_flock)]
fn copies(_segment: &SharedSegment) -> (std::fs::File, SharedSegment) {
    unreachable!("named ones only")
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
        copies(&segment)
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
    calls::rings(&mut forks, all);
    calls::shouts(&mut forks, all);
    calls::membership(&mut forks, all);
    calls::lent(&mut forks, all);
    if kind == "named" {
        let files = room.files();
        // It may begin anew, as anyone: the third row comes and goes.
        forks.may("begin anew", 384 + 256..384 + 384, || {
            let afresh = SharedSegment::open(NAME, &room.options()).unwrap();
            let third = afresh.join().is_ok_and(|me| me.id().get() == 3);
            third && afresh.life(id) == Life::Alive
        });
        assert_eq!(room.files(), files, "and takes no file away");
    }
    // A child's own memory may lie where the segment would: drops leave it alone.
    let needle = if kind == "named" {
        file.to_str().unwrap()
    } else {
        "memfd:ringpad"
    };
    let at = mapped(needle).0;
    let image = forks.image().to_vec();
    forks.leaves("drop of everything", || ends.take());
    forks.refuses("drop of everything over a copy", || {
        let own = map_at(at, &image);
        drop(ends.take());
        own != image
    });
    let mut all = ends.expect("still the parent's");
    let mut rung = [PollFd::new(&all.waiter, PollFlags::IN)];
    assert_eq!(poll(&mut rung, Some(&NOW)), Ok(0), "nobody rang");
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
            unlock_everything(number);
        }
    });
    std::fs::write(room.path().join("told"), forks.told()).unwrap();
}

#[test]
fn a_forked_child_has_no_use_of_any_end() {
    // Where memory cannot be sealed an anonymous segment is a named one.
    let kinds = match cfg!(ringpad_flock) {
        true => &["named"][..],
        false => &["named", "anonymous", "distrusted"],
    };
    for kind in kinds {
        let room = Room::new("ends");
        child::spawn(&room, "parent_of_all", &[kind]).done();
        assert_eq!(room.files(), [""; 0], "its leaving removed it all");
        println!(
            "{kind}: {}",
            std::fs::read_to_string(room.path().join("told")).unwrap()
        );
    }
}
