//! Notepads and mailslots between processes: writers, publishers, readers and subscribers killed, stopped, or mapped for
//! reading alone. Requirements 2, 3, 5, 6, 12, 13, 29 and 40.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "../common/mod.rs"]
mod common;
#[path = "../regions/mod.rs"]
mod regions;

mod broken;
mod ends;
mod kills;
mod ledger;
mod marathon;
mod phases;
mod read_only;
mod roles;
mod small;
mod stopped;
mod value;
mod waiting;

use common::child;

#[test]
fn child() {
    child::play(&[
        ("writer", roles::writer),
        ("reader", roles::reader),
        ("looker", read_only::looker),
        ("listener", stopped::listener),
        ("subscriber", stopped::subscriber),
        ("dawdler", stopped::dawdler),
        ("note_sleeper", waiting::note_sleeper),
        ("mail_sleeper", waiting::mail_sleeper),
        ("sure_sleeper", waiting::sure_sleeper),
        ("silent_writer", waiting::silent_writer),
        ("sluggard", waiting::sluggard),
    ]);
}
