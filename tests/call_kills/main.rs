//! Clients and servers of one table of calls, killed or stopped at random: every call ends with its own reply or with the truth, what was told is
//! served, and in the end every slot is free. Requirements 3, 5, 15 and 16.
#![cfg(all(
    feature = "std",
    any(target_os = "linux", windows),
    target_has_atomic = "64"
))]

#[path = "../common/mod.rs"]
mod common;
#[path = "../sweep/message.rs"]
mod message;

mod house;
mod kills;
mod ledger;
mod roles;

use common::child;

#[test]
fn child() {
    child::play(&[("client", roles::client), ("server", roles::server)]);
}
