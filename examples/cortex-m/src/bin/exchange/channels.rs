//! The region and its channels.

use cortex_m::peripheral::SCB;
use ringpad::{Channel, Error, Hook, Region, bytes, mailslot, notepad, spsc};

use crate::values::{Item, Taker, Wrong};

/// Bytes of the region.
pub(crate) const ROOM: usize = 3072;

const RING: spsc::Config = spsc::Config::new(8).compact();
const RECORDS: bytes::Config = bytes::Config::records(256).compact();
const NOTE: notepad::Config = notepad::Config::new().compact();
const MAIL: mailslot::Config = mailslot::Config::new(8).compact();

type Ring<'m> = spsc::Spsc<'m, Item>;
type Note<'m> = notepad::Notepad<'m, Item>;
type Mail<'m> = mailslot::Mailslot<'m, Item>;

/// What SysTick writes to.
pub(crate) struct TickSends {
    pub(crate) ring: spsc::Producer<'static, Item>,
    pub(crate) records: bytes::Producer<'static>,
    pub(crate) note: notepad::Writer<'static, Item>,
    pub(crate) mail: mailslot::Publisher<'static, Item>,
}

/// What main writes to: a commit to the first two raises PendSV.
pub(crate) struct MainSends {
    pub(crate) ring: spsc::Producer<'static, Item, Hook<fn()>>,
    pub(crate) records: bytes::Producer<'static, Hook<fn()>>,
    pub(crate) note: notepad::Writer<'static, Item>,
    pub(crate) mail: mailslot::Publisher<'static, Item>,
}

/// Reads notes and mails, which may be overtaken.
pub(crate) struct Listener {
    pub(crate) note: notepad::Reader<'static, Item>,
    pub(crate) mail: mailslot::Subscriber<'static, Item>,
}

/// Makes a channel at the region's beginning, and leaves the rest.
#[inline(never)]
fn next<C: Channel<'static>>(
    room: &mut Option<Region<'static>>,
    config: &C::Config,
) -> Result<C, Error> {
    let region = room.take().ok_or(Error::TooLarge)?;
    let (here, rest) = region.split_at(C::layout(config)?.size())?;
    *room = Some(rest);
    C::init(here, config)
}

/// The channels from SysTick to main.
#[inline(never)]
pub(crate) fn to_main(
    room: &mut Option<Region<'static>>,
) -> Result<(TickSends, Taker, Listener), Error> {
    let (ring, heard_ring) = next::<Ring>(room, &RING)?.split()?;
    let (records, heard_records) = next::<bytes::Bytes>(room, &RECORDS)?.split()?;
    let (note, heard_note) = next::<Note>(room, &NOTE)?.split()?;
    let (mail, heard_mail) = next::<Mail>(room, &MAIL)?.split()?;
    Ok((
        TickSends {
            ring,
            records,
            note,
            mail,
        },
        Taker::new(heard_ring, heard_records),
        Listener {
            note: heard_note,
            mail: heard_mail,
        },
    ))
}

/// The channels from main to PendSV and SysTick: given for good on every machine.
#[inline(never)]
pub(crate) fn from_main(
    room: &mut Option<Region<'static>>,
) -> Result<(MainSends, Taker, Listener), Error> {
    let raise: fn() = SCB::set_pendsv;
    let (ring, heard_ring) = next::<Ring>(room, &RING)?.split_static()?;
    let (records, heard_records) = next::<bytes::Bytes>(room, &RECORDS)?.split_static()?;
    let (note, heard_note) = next::<Note>(room, &NOTE)?.split_static()?;
    let (mail, heard_mail) = next::<Mail>(room, &MAIL)?.split_static()?;
    Ok((
        MainSends {
            ring: ring.waking(raise),
            records: records.waking(raise),
            note,
            mail,
        },
        Taker::new(heard_ring, heard_records),
        Listener {
            note: heard_note,
            mail: heard_mail,
        },
    ))
}

/// Whoever only attaches gets no end of a channel that was given for good, but for a promise.
#[inline(never)]
pub(crate) fn check_static(bytes: &mut [u8]) -> Result<(), Wrong> {
    let (base, len) = (bytes.as_mut_ptr(), bytes.len());
    // SAFETY: the bytes are borrowed for as long as this lasts, and all regions over them go through this crate.
    let region = || unsafe { Region::new(base, len) };
    let (mut tx, rx) = Ring::init(region()?, &RING)?.split_static()?;
    let by = ringpad::PeerId::STATIC;
    if Ring::attach(region()?)?.split().err() != Some(Error::EndpointTaken { by }) {
        return Err(Wrong::Never("attached, and refused both ends"));
    }
    drop(rx);
    // SAFETY: the end made before is gone.
    let sole = unsafe { ringpad::Sole::new() };
    let mut rx = Ring::attach(region()?)?.static_consumer(sole)?;
    let sent = crate::values::item(1);
    if tx.push(sent).is_err() || rx.pop() != Some(sent) {
        return Err(Wrong::Never("attached, and got what was sent"));
    }
    // SAFETY: no end is used again.
    Ok(unsafe { region()?.erase() }?)
}
