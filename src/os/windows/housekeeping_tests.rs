use super::*;
use crate::os::hasty;
use crate::os::windows::testing::Scratch;

#[test]
fn who_opens_a_living_segment_does_not_wait_for_one_who_collects() {
    let scratch = Scratch::new();
    let options = scratch.options();
    hasty::check(1_000, &options, || {
        drop(Filed::lock("living", &scratch.0, false, soon(BUSY)));
    });
}
