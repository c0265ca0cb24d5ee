//! Calls: a client, a server or whoever cleans up behind them is killed or stopped in every state of a call.

use super::calls::{self, Calls, answer};
use super::calls_acts::{OPERATIONS, Operation, breaking};
use super::calls_judge::Judge;
use super::drive::Report;
use super::plain::sweep;
use super::pools_judge::Fate;
use super::stage::SURVIVORS;

/// What becomes of the victim, and whether its caller gives up meanwhile.
const FATES: [(Fate, bool); 4] = [
    (Fate::Reaped, false),
    (Fate::Found, false),
    (Fate::GoesOn, false),
    (Fate::GoesOn, true),
];

fn swept(operation: Operation, idempotent: bool, fates: &[(Fate, bool)], silent: bool) -> Report {
    let (world, mut all, mut way) = (calls::world(), Report::default(), None);
    let again = if idempotent { "again" } else { "once" };
    for &(fate, gives_up) in fates {
        let judge = Judge {
            operation,
            fate,
            gives_up,
            silent,
        };
        all.add(sweep(
            &format!(
                "call {} {again} {fate:?}{}",
                operation.name,
                if gives_up { ", given up" } else { "" }
            ),
            world,
            &mut way,
            || {
                let mut calls = Calls::new(world, idempotent);
                (operation.before)(&mut calls);
                calls
            },
            |calls| (operation.act)(calls),
            |calls, tracee, when, faults| judge.judge(calls, tracee, when, faults),
        ));
    }
    all
}

#[test]
fn who_is_killed_calling_or_serving_leaves_no_call_without_an_end() {
    let mut all = Report::default();
    for operation in OPERATIONS {
        for idempotent in operation.idempotent {
            let report = swept(operation, *idempotent, &FATES, false);
            assert!(report.points > 0, "it changes something");
            all.add(report);
        }
    }
    crate::tell!("TOTAL calls: {all}");
    assert_eq!(all.faults.first(), None);
}

fn control(name: &'static str, before: fn(&mut Calls)) -> Report {
    swept(
        breaking(name, before),
        false,
        &[(Fate::Reaped, false)],
        false,
    )
}

#[test]
fn control_a_call_whose_servers_death_is_not_told_is_stuck() {
    let reply = OPERATIONS
        .iter()
        .find(|operation| operation.name == "reply");
    let faults = swept(
        *reply.expect("an operation"),
        false,
        &[(Fate::Found, false)],
        true,
    )
    .faults;
    assert!(faults.stuck > 0 && faults.torn == 0, "{faults}");
}

#[test]
fn control_a_call_that_is_sent_again_is_served_twice() {
    let report = control("control: sent again", |calls| {
        assert!(calls.asks());
        let before = calls.words();
        calls.serves();
        calls.put_back(&before);
    });
    assert!(report.faults.repeated > 0, "{}", report.faults);
}

#[test]
fn control_a_message_that_goes_with_its_client_is_lost() {
    let report = control("control: a message dropped", |calls| {
        let before = calls.words();
        calls.tells(SURVIVORS[0], calls.client);
        calls.put_back(&before);
    });
    assert!(report.faults.lost > 0, "{}", report.faults);
}

#[test]
fn control_a_reply_to_another_call_is_torn() {
    let report = control("control: another's reply", |calls| {
        assert!(calls.asks());
        calls.serves();
        let reply = answer(calls.served[0])[0];
        let found = calls.words().into_iter().position(|word| word == reply);
        calls.broken = vec![(found.expect("the reply"), reply + 1)];
    });
    assert!(report.faults.torn > 0, "{}", report.faults);
}
