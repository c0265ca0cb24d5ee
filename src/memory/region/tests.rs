//! Regions: what is refused, and what each part may reach.

use super::*;
use crate::AlignedBytes;

#[test]
fn refuses_misaligned_null_and_oversized() {
    let mut room = AlignedBytes::<256>::new();
    let found = Region::from_mut(&mut room.as_mut()[4..]).unwrap_err();
    assert_eq!(found, Error::Misaligned { want: 16, found: 4 });
    // SAFETY: refused before any access.
    let null = unsafe { Region::new(core::ptr::null_mut(), 0) };
    assert!(matches!(null, Err(Error::Misaligned { .. })));
    // SAFETY: refused before any access.
    let huge = unsafe { Region::new(room.as_mut().as_mut_ptr(), usize::MAX) };
    assert_eq!(huge.unwrap_err(), Error::TooLarge);
}

#[test]
fn every_offset_is_checked() {
    let mut room = AlignedBytes::<256>::new();
    let region = Region::from_mut(room.as_mut()).unwrap().into_ref();
    assert!(region.word(252).is_ok());
    assert!(matches!(region.word(254), Err(Error::TooSmall { .. })));
    assert!(matches!(region.word(2), Err(Error::Misaligned { .. })));
    assert_eq!(region.word(usize::MAX).unwrap_err(), Error::TooLarge);
    assert!(matches!(region.part(64, 64), Err(Error::Misaligned { .. })));
    assert!(matches!(region.part(128, 256), Err(Error::TooSmall { .. })));
    assert!(matches!(
        region.span(128, 256, 8),
        Err(Error::TooSmall { .. })
    ));
}

#[test]
fn splits_on_lines_only() {
    let mut room = AlignedBytes::<512>::new();
    let region = Region::from_mut(room.as_mut()).unwrap();
    let (head, tail) = region.split_at(128).unwrap();
    assert_eq!((head.len(), tail.len()), (128, 384));
    assert!(matches!(head.split_at(8), Err(Error::Misaligned { .. })));
    assert!(matches!(tail.split_at(512), Err(Error::TooSmall { .. })));
}

#[test]
fn a_wiped_guard_says_forked() {
    let guard = RawU32::new(1);
    let mut room = AlignedBytes::<128>::new();
    let region = Region::from_mut(room.as_mut()).unwrap();
    let region = region.guarded_by(&guard).into_ref();
    assert_eq!(region.check_not_forked(), Ok(()));
    guard.store(0, Ordering::Relaxed);
    assert_eq!(region.check_not_forked(), Err(Error::Forked));
}
