//! What a table refuses: configurations, contents, other kinds, other peers, bytes that may not be written.

use core::sync::atomic::AtomicU32;

use super::*;
use crate::memory::liveness::NoProof;
use crate::memory::sync::RawU32;
use crate::memory::testing::TooAligned;
use crate::segment::testing::Ring as Other;
use crate::{Error, Field, Kind, Region};

#[test]
fn a_configuration_outside_the_kind_is_refused() {
    fn refused<Q: Content + ?Sized, A: Content + ?Sized>(config: Config) -> (Field, u64) {
        match Rpc::<Q, A>::layout(&config).unwrap_err() {
            Error::BadConfig { field, found, .. } => (field, found),
            other => panic!("{other:?}"),
        }
    }
    let ok = Config::new(2, 2);
    for bad in [0, 3, 65, 128, u32::MAX] {
        let clients = Config { clients: bad, ..ok };
        assert_eq!(refused::<u8, u8>(clients), (Field::Clients, bad.into()));
    }
    for bad in [0, 65, u32::MAX] {
        let servers = Config { servers: bad, ..ok };
        assert_eq!(refused::<u8, u8>(servers), (Field::Servers, bad.into()));
    }
    for bad in [0, 3, 64, 1 << 31] {
        assert_eq!(
            refused::<u8, u8>(ok.depth(bad)),
            (Field::Capacity, bad.into())
        );
    }
    let bytes = ok.request_bytes(1 << 20);
    assert_eq!(refused::<[u8], u8>(bytes), (Field::ElementBytes, 1 << 20));
    assert!(Rpc::<u8, u8>::layout(&bytes).is_ok(), "of bytes only");
    let bytes = ok.reply_bytes(1 << 20);
    assert_eq!(refused::<u8, [u8]>(bytes), (Field::ReplyBytes, 1 << 20));
    type Mega = [[u8; 1024]; 1024];
    assert_eq!(refused::<Mega, u8>(ok), (Field::ElementBytes, 1 << 20));
    assert_eq!(refused::<u8, Mega>(ok), (Field::ReplyBytes, 1 << 20));
    assert_eq!(refused::<TooAligned, u8>(ok), (Field::ElementAlign, 256));
    assert_eq!(refused::<u8, TooAligned>(ok), (Field::ElementAlign, 256));
    let most = Config::new(64, 64).depth(32).request_bytes((1 << 20) - 1);
    let most = Rpc::<[u8], [u8; (1 << 20) - 1]>::layout(&most);
    let fits = most.map(|most| most.size() as u64 > 1 << 32);
    assert_eq!(
        fits,
        [Ok(true), Err(Error::TooLarge)][usize::from(usize::BITS == 32)]
    );
    let least = Rpc::<(), ()>::layout(&Config::new(1, 1).depth(1)).unwrap();
    assert_eq!((least.size(), least.align()), (128 * 6, 128));
}

/// Wire offsets of the header.
const KIND: usize = 20;
const CAPACITY: usize = 36;
const BYTES: usize = 40;
const FRAMING: usize = 64;

#[test]
fn what_is_attached_must_be_what_the_header_says() {
    for trust in EACH_TRUST {
        let room = Room::of::<Rpc<u64, u32>>(&CONFIG);
        Rpc::<u64, u32>::init(room.region(trust), &CONFIG).unwrap();
        let refused = |field, want, found| Error::Mismatch { field, want, found };
        let attach = || Rpc::<u64, u32>::attach(room.region(trust)).map(|table| table.depth());
        fn other<Q: Content + ?Sized, A: Content + ?Sized>(region: Region<'_>) -> Error {
            Rpc::<Q, A>::attach(region).map(drop).unwrap_err()
        }
        let wider = other::<[u64; 2], u32>(room.region(trust));
        assert_eq!(wider, refused(Field::ElementBytes, 16, 8));
        let looser = other::<[u8; 8], u32>(room.region(trust));
        assert_eq!(
            looser,
            refused(Field::ElementAlign, 1, align_of::<u64>() as u64)
        );
        let wider = other::<u64, u64>(room.region(trust));
        assert_eq!(wider, refused(Field::ReplyBytes, 8, 4));
        let bytes = other::<[u8], u32>(room.region(trust));
        assert_eq!(bytes, refused(Field::Framing, 1 << 10, 0));
        let bytes = other::<u64, [u8]>(room.region(trust));
        assert_eq!(bytes, refused(Field::Framing, 1 << 11, 0));
        let magic = |kind: Kind| u64::from_le_bytes(kind.magic());
        let ring = Other::attach(room.region(trust)).unwrap_err();
        let (field, want, found) = (Field::Magic, magic(Kind::Spsc), magic(Kind::Rpc));
        assert_eq!(ring, Error::Mismatch { field, want, found });
        let framing = room.word(FRAMING);
        assert_eq!(framing, 1 | 1 << 6 | 4 << 12);
        // Each header word alone, then put right again.
        let bad = |field, found| (Some(field), found);
        let span = bad(Field::SpanBytes, 0);
        for (offset, value, want) in [
            (KIND, 2, bad(Field::Kind, 0)),
            (CAPACITY, 8, span),
            (CAPACITY, 5, bad(Field::Capacity, 0)),
            (CAPACITY, 6, bad(Field::Clients, 3)),
            (CAPACITY, 0, bad(Field::Clients, 0)),
            (CAPACITY, 256, bad(Field::Clients, 128)),
            (BYTES, 1 << 20, bad(Field::ElementBytes, 1 << 20)),
            (BYTES, 200, span),
            (FRAMING, framing | 7 << 6, bad(Field::Capacity, 0)),
            (
                FRAMING,
                framing & !(7 << 6) | 6 << 6,
                bad(Field::Capacity, 0),
            ),
            (FRAMING, framing | 63, span),
            (FRAMING, framing | 1 << 10, bad(Field::Framing, 0)),
            (FRAMING, framing | 1 << 11, bad(Field::Framing, 0)),
            (FRAMING, framing | 200 << 12, span),
        ] {
            let good = room.word(offset);
            room.set(offset, value);
            let found = match attach().unwrap_err() {
                Error::Mismatch { field, .. } => (Some(field), 0),
                Error::BadConfig { field, found, .. } => (Some(field), found),
                other => panic!("{other}"),
            };
            assert_eq!(found, want, "{value:#x} at {offset}");
            room.set(offset, good);
            assert_eq!(attach(), Ok(2));
        }
        // Served again or not is the header's to say.
        room.set(FRAMING, framing | 1 << 9);
        let table = Rpc::<u64, u32>::attach(room.region(trust)).unwrap();
        assert!(table.is_idempotent());
    }
}

#[test]
fn a_table_says_what_it_is() {
    let config = Config::new(4, 3).depth(8).idempotent().tagged(7);
    let config = config.request_bytes(100).reply_bytes(200);
    let room = Room::of::<Rpc<[u8], [u8]>>(&config);
    let table = Rpc::<[u8], [u8]>::init(room.region(Trust::Cooperative), &config).unwrap();
    assert_eq!((table.clients(), table.servers(), table.depth()), (4, 3, 8));
    assert_eq!((table.request_bytes(), table.reply_bytes()), (100, 200));
    assert!(table.is_idempotent());
    assert_eq!(table.bare_client().unwrap().depth(), 8);
    let table = table.expect_tag(7).unwrap();
    let (field, want, found) = (Field::TypeTag, u64::MAX, 7);
    let refused = table.expect_tag(want).unwrap_err();
    assert_eq!(refused, Error::Mismatch { field, want, found });
}

#[test]
fn init_wants_room_that_is_writable_and_free() {
    let room = Room::of::<Numbers>(&CONFIG);
    let (want, found) = (1280, 1152);
    let short = Numbers::init(room.first(1152, Trust::Cooperative), &CONFIG).unwrap_err();
    assert_eq!(short, Error::TooSmall { want, found });
    let fixed = Numbers::init(room.read_only(), &CONFIG).unwrap_err();
    assert_eq!(fixed, Error::ReadOnly);
    assert_eq!(room.word(8), 0, "neither left a trace");
    // Whatever lay there before.
    for offset in (68..room.len()).step_by(4) {
        room.set(offset, 0xdead_beef);
    }
    let table = Numbers::init(room.region(Trust::Cooperative), &CONFIG).unwrap();
    let (client, server) = (table.bare_client().unwrap(), table.bare_server().unwrap());
    assert!(server.next_anywhere().is_none() && !client.is_over_full());
    let again = Numbers::init(room.region(Trust::Cooperative), &CONFIG).unwrap_err();
    assert_eq!(again, Error::AlreadyInitialized);
}

impl Client<'_, u32, u32> {
    /// True if not every slot of a new client can be had.
    fn is_over_full(&self) -> bool {
        let calls: Vec<_> = (0..self.depth()).map(|n| self.call(&n).is_err()).collect();
        calls.contains(&true)
    }
}

#[test]
fn a_read_only_table_can_be_looked_at_but_has_no_ends() {
    let room = Room::of::<Numbers>(&CONFIG);
    Numbers::init(room.region(Trust::Cooperative), &CONFIG).unwrap();
    let table = Numbers::attach(room.read_only()).unwrap();
    assert_eq!(table.clients(), 2);
    assert_eq!(table.bare_client().unwrap_err(), Error::ReadOnly);
    assert_eq!(table.bare_server().unwrap_err(), Error::ReadOnly);
}

#[test]
fn ends_are_for_peers_of_the_table_s_own_segment() {
    let trust = Trust::Cooperative;
    let (here, there) = (
        World::of::<Numbers>(trust, &CONFIG),
        World::of::<Numbers>(trust, &CONFIG),
    );
    let (mine, others) = (here.segment(trust), there.segment(trust));
    let (me, stranger) = (here.join(&mine), there.join(&others));
    let table: Numbers = mine.open("calls").unwrap();
    let foreign = Error::ForeignPeer;
    assert_eq!(table.client(&stranger).unwrap_err(), foreign);
    assert_eq!(table.server(&stranger).unwrap_err(), foreign);
    assert_eq!(table.bare_client().unwrap_err(), foreign);
    assert_eq!(table.bare_server().unwrap_err(), foreign);
    let room = Room::of::<Numbers>(&CONFIG);
    let bare = Numbers::init(room.region(trust), &CONFIG).unwrap();
    assert_eq!(bare.client(&me).unwrap_err(), foreign);
    assert_eq!(bare.server(&me).unwrap_err(), foreign);
    let (client, server) = (table.client(&me).unwrap(), table.server(&me).unwrap());
    let quiet = crate::Silent;
    assert_eq!(client.ringing(&stranger, quiet).unwrap_err(), foreign);
    assert_eq!(server.ringing(&stranger, quiet).unwrap_err(), foreign);
    assert_eq!((here.holder(0), here.holder(2)), (0, 0), "given back");
}

#[test]
fn a_forked_child_takes_no_seat_and_gives_none_back() {
    let plan = Plan::<1>::new().peers(2).unwrap();
    let plan = plan.channel::<Numbers>("calls", &CONFIG).unwrap();
    let room = Room::new(plan.layout().unwrap().size());
    let guard: RawU32 = AtomicU32::new(1);
    let region = room.region(Trust::Cooperative).guarded_by(&guard);
    let segment = Segment::init(region, &plan).unwrap();
    let me = segment.join(&Identity::default(), &NoProof).unwrap();
    let table: Numbers = segment.open("calls").unwrap();
    let (client, server) = (table.client(&me).unwrap(), table.server(&me).unwrap());
    let (call, other) = (client.call(&1).unwrap(), client.call(&2).unwrap());
    let request = server.next().unwrap();
    let at = segment.entries().next().unwrap().offset as usize;
    let all = || -> Vec<u32> { (at..at + 1280).step_by(4).map(|at| room.word(at)).collect() };
    let before = all();
    guard.store(0, core::sync::atomic::Ordering::Relaxed);
    assert_eq!(table.client(&me).unwrap_err(), Error::Forked);
    assert_eq!(table.server(&me).unwrap_err(), Error::Forked);
    drop((call, other, request));
    drop((client, server));
    assert_eq!(all(), before, "the parent's");
}
