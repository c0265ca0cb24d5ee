//! Openings without patience beside a thread that collects.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Error, Options, SharedSegment, collect};
use crate::Plan;

/// Opens a living segment so often while another thread collects; the control's looks lock what they look at.
pub(super) fn check(most: u32, options: &Options, locks: impl Fn() + Sync) {
    let plan = Plan::<0>::new().peers(2).unwrap();
    let _living = SharedSegment::open_or_create("living", &plan, options).unwrap();
    let collects = || assert_eq!(collect(options).unwrap(), [""; 0]);
    let (met, looks) = failed(most, options, &collects);
    assert!(met.is_none() && looks > 0, "{looks} looks: {met:?}");
    let (met, looks) = failed(1_000_000, options, &locks);
    assert!(
        matches!(met, Some(Error::TimedOut { .. })),
        "the control locked {looks} times: {met:?}"
    );
}

/// How the first of so many openings failed, if one did, and how often the other thread looked meanwhile.
fn failed(most: u32, options: &Options, look: &(dyn Fn() + Sync)) -> (Option<Error>, u32) {
    let hasty = options.clone().patience(Duration::ZERO);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut looks = 0;
            while !over.load(Ordering::Relaxed) {
                look();
                looks += 1;
            }
            looks
        });
        let opened = (0..most).map(|_| SharedSegment::open("living", &hasty).err());
        let failed = opened.flatten().next();
        over.store(true, Ordering::Relaxed);
        (failed, looking.join().unwrap())
    })
}
