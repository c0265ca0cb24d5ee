//! That the harness notices what it is there for.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use ringpad::Channel;
use ringpad::bytes::{Bytes, Config, Refused};

use crate::regions::faults::faults;
use crate::regions::guarded::{Mapping, Memory};
use crate::regions::{GONE, PAYLOAD, Trust};

/// A reader as the crate must not be: it believes the length that the region says.
fn believing_reader(mapping: &Mapping) -> u64 {
    let length = u32::from_le(mapping.word(PAYLOAD).load(Relaxed)) as usize;
    let payload = mapping.base().wrapping_add(PAYLOAD + 8);
    let byte = |at: usize| {
        let at = payload.wrapping_add(at);
        // SAFETY: none: this control exists to leave the region. It runs in a child that only does this.
        u64::from(unsafe { at.read_volatile() })
    };
    (0..length).map(byte).sum()
}

#[test]
fn negative_control_a_reader_that_believes_hits_the_guard_page() {
    let config = Config::records(256);
    let memory = Memory::new(Bytes::layout(&config).unwrap().size());
    let mapping = memory.map();
    let ring = Bytes::init(mapping.region(Trust::Distrusted), &config).unwrap();
    let (mut tx, rx) = ring.split().unwrap();
    tx.send(b"sixteen bytes...").unwrap();
    let sum = AtomicU32::new(0);
    let read = || sum.store(believing_reader(&mapping) as u32, Relaxed);
    let test = "controls::negative_control_a_reader_that_believes_hits_the_guard_page";
    let honest = faults(&format!("{test}#honest"), read);
    assert_ne!(honest, Some(true), "an honest length does no harm");
    mapping.word(PAYLOAD).store(0x10_0000u32.to_le(), Relaxed);
    let dishonest = faults(test, read);
    assert_eq!(dishonest, Some(true), "and a dishonest one is noticed");
    drop(rx);
    // The crate's own reader says so instead.
    let mut rx = Bytes::attach(mapping.region(Trust::Distrusted))
        .unwrap()
        .bare_consumer(&GONE)
        .unwrap();
    assert_eq!(rx.recv(&mut [0; 64]), Err(Refused::Corrupt));
}

#[test]
fn negative_control_a_write_below_the_region_is_noticed() {
    let memory = Memory::new(640);
    let mapping = memory.map();
    mapping.check_canaries();
    let below = mapping.base().wrapping_sub(4);
    // SAFETY: the slack below a region of 640 bytes is mapped and this test's own.
    unsafe { below.write_volatile(0) };
    assert!(std::panic::catch_unwind(|| mapping.check_canaries()).is_err());
    let before = || {
        let outside = mapping.base().wrapping_sub(4096);
        // SAFETY: none: this control exists to hit the lower guard page. It runs in a child that only does this.
        unsafe { outside.write_volatile(0) };
    };
    let test = "controls::negative_control_a_write_below_the_region_is_noticed";
    assert_eq!(faults(test, before), Some(true));
}
