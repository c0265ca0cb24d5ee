//! Crowds of sender and receiver processes at one ring, killed or stopped at random: every message that was committed arrives, once
//! unless whoever held it died. Requirements 3 and 5.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;
#[path = "../sweep/message.rs"]
mod message;

mod kills;
mod ledger;
mod pool;
mod roles;
mod stops;

use common::child;

#[test]
fn child() {
    child::play(&[("sender", roles::sender), ("receiver", roles::receiver)]);
}
