//! Notepads and mailslots between processes: writers, publishers, readers and subscribers killed, stopped, or mapped for
//! reading alone. Requirements 2, 3, 5, 6, 12, 13, 29 and 40.
#![cfg(all(feature = "std", target_os = "linux"))]

#[path = "../common/mod.rs"]
mod common;

mod broken;
mod ends;
mod kills;
mod ledger;
mod phases;
mod roles;
mod value;

use common::child;

#[test]
fn child() {
    child::play(&[("writer", roles::writer), ("reader", roles::reader)]);
}
