//! Crowds of processes at one frame pool, killed or stopped at random: what is looked at is whole, what was sent to a receiver is taken, and in the
//! end every frame is free. Requirements 3, 5, 6 and 15.
#![cfg(all(
    feature = "std",
    any(target_os = "linux", windows),
    target_has_atomic = "64"
))]

#[path = "../common/mod.rs"]
mod common;

mod cast;
mod kills;
mod ledger;
mod many;
mod picture;
mod roles;

use common::child;

#[test]
fn child() {
    child::play(&[
        ("publisher", roles::publisher),
        ("viewer", roles::viewer),
        ("receiver", roles::receiver),
    ]);
}
