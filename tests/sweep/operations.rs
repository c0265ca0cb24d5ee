//! The table of operations. What is swept next gets a line here.

use super::acts::{ACKNOWLEDGE, Act, DROP, RECV_ALL, TAKE, receiving, sending};
use super::drive::{Kind, Operation, Report};
use super::rings::{self, Both, MODES, Mode};
use super::trail::Points;

const SEND: Act<Both> = sending::<Both, 1>();
const SEND_3: Act<Both> = sending::<Both, 3>();
const SEND_8: Act<Both> = sending::<Both, 8>();
const RECV: Act<Both> = receiving::<Both, 1>();
const RECV_2: Act<Both> = receiving::<Both, 2>();

/// A ring in this mode.
pub fn kind(mode: Mode) -> Kind<Both> {
    Kind {
        world: rings::world(),
        begin: Box::new(move |world| rings::begin(world, mode)),
        revokes: mode.revokes(),
        again: mode.again(),
    }
}

/// One call alone.
fn alone() -> Vec<Operation<Both>> {
    vec![
        Operation::new("send, empty", &[], SEND),
        Operation::new("send, half full", &[1, 3], SEND),
        Operation::new("send, nearly full", &[3, 1, 3], SEND),
        Operation::new("send, full", &[8], SEND),
        Operation::new("send 3, empty", &[], SEND_3),
        Operation::new("send 3, nearly full", &[3, 3], SEND_3),
        Operation::new("send 8, empty", &[], SEND_8),
        Operation::new("recv, one by one", &[1, 1, 1], RECV),
        Operation::new("recv, of a run", &[3], RECV),
        Operation::new("recv 2, of a run", &[5], RECV_2),
        Operation::new("recv 3, of a run", &[5], receiving::<Both, 3>()),
        Operation::new("recv 8, of a run", &[8], RECV_ALL),
        Operation::new("recv 8, of several", &[1, 4, 3], RECV_ALL),
        Operation::new("take", &[1, 1], TAKE),
        Operation::new("take, of a run", &[4], TAKE),
        Operation::new("acknowledge", &[1, 1], ACKNOWLEDGE),
        Operation::new("drop of a taken", &[1, 1], DROP),
    ]
}

fn report(mode: Mode, operations: &[Operation<Both>]) -> Report {
    let kind = kind(mode);
    let mut all = Report::default();
    for operation in operations {
        let report = kind.sweep(operation, Points::wanted());
        println!("{mode} {:28} {report}", operation.name);
        all.add(report);
    }
    all
}

#[test]
fn calls_alone() {
    let mut all = Report::default();
    for mode in MODES {
        all.add(report(mode, &alone()));
    }
    println!("calls alone: {all}");
    assert_eq!(all.faults.first(), None);
}
