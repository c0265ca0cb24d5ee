//! Attaches pools of frames to arbitrary bytes, loans, publishes, views, takes and recalls.

use ringpad::frames::{Frames, Loan, Picture, Receivers, Refused, Ticket, User, View};
use ringpad::{Channel, Error};

use super::room::{Arena, Script};

/// The input describes a region.
pub fn run(input: &[u8]) -> u32 {
    let (mut script, room) = Script::with_room(input);
    on(&room, &mut script)
}

/// The same over any region.
pub fn on(room: &impl Arena, script: &mut Script<'_>) -> u32 {
    let Ok(pool) = Frames::attach(room.region()) else {
        return 0;
    };
    let mut calls = 0;
    let mut tickets = vec![Ticket::default()];
    // New users as often as the script says.
    while let Some(seats) = script.next() {
        let user = |number: u32| match number {
            0 => pool.bare_user(),
            number => pool.bare_receiver(number - 1),
        };
        let users = [0, 0, 1, 2, 31];
        let picked = (0..).zip(users).filter(|(bit, _)| seats >> bit & 1 == 1);
        let users: Vec<_> = picked.filter_map(|(_, n)| user(n).ok()).collect();
        calls += 1;
        if !users.is_empty() {
            calls += drive(room, script, &users, &mut tickets);
        }
        tickets.drain(..tickets.len().saturating_sub(16));
    }
    calls
}

/// One of those made, or one that nobody made.
fn pick(script: &mut Script<'_>, tickets: &[Ticket]) -> Ticket {
    let made = tickets[usize::from(script.byte()) % tickets.len()];
    match script.byte() % 6 {
        0 => Ticket {
            index: script.word(),
            ..made
        },
        1 => Ticket {
            generation: script.word(),
            ..made
        },
        2 => Ticket {
            len: script.word(),
            ..made
        },
        _ => made,
    }
}

/// What may be said, of whatever bytes, in whatever order.
fn check(refused: Refused) {
    match refused {
        Refused::Region(Error::Corrupt { what, .. }) => assert!(what.ends_with("of a ticket")),
        Refused::Region(Error::Busy) => {}
        Refused::Region(other) => panic!("a pool said {other:?}"),
        _ => {}
    }
}

fn fill(script: &mut Script<'_>, loan: &mut Loan<'_, '_>) {
    assert_eq!(loan.bytes_mut().err(), Some(Error::Distrusted));
    let (offset, len) = (script.word() % 300, usize::from(script.byte()));
    let fits = u64::from(offset) + len as u64 <= u64::from(loan.capacity());
    assert_eq!(loan.write_at(offset, &[7; 255][..len]).is_ok(), fits);
    loan.set_picture(&Picture {
        width: offset,
        ..Picture::default()
    });
}

fn look(view: &View<'_, '_>, user: &User<'_>) {
    assert!(view.len() <= user.frame_bytes());
    assert_eq!(view.bytes().err(), Some(Error::Distrusted));
    let mut into = [0; 64];
    let most = view.len().min(64) as usize;
    assert_eq!(view.copy_to(&mut into), Ok(most));
    assert_eq!(view.copy_at(view.len(), &mut into), Ok(0));
    view.picture();
}

fn drive<'u, 'p>(
    room: &impl Arena,
    script: &mut Script<'_>,
    users: &'u [User<'p>],
    tickets: &mut Vec<Ticket>,
) -> u32 {
    let mut calls = 0;
    let (mut loans, mut views) = (Vec::new(), Vec::new());
    while let Some(step) = script.next() {
        calls += 1;
        let user = &users[usize::from(script.byte()) % users.len()];
        match step % 16 {
            0 => break,
            1 => script.scribble(room),
            // A frame's own words more often than their number says.
            2 => {
                let at = 128 + 32 * u32::from(script.byte() % 8) + u32::from(script.byte() % 5);
                room.scribble(at as usize, script.word());
            }
            3 => room.scribble(96 + usize::from(script.byte() % 32), script.word()),
            4 | 5 => match user.loan() {
                Ok(mut loan) => {
                    fill(script, &mut loan);
                    let whom = Receivers::first(u32::from(script.byte() % 4));
                    let len = u32::from(script.byte());
                    let fits = len <= loan.capacity();
                    let ticket = loan.publish_for(len, whom);
                    assert_eq!(ticket.is_ok(), fits);
                    tickets.extend(ticket);
                }
                Err(refused) => check(refused),
            },
            6 => match user.loan() {
                Ok(loan) => loans.push(loan),
                Err(refused) => check(refused),
            },
            7 => drop(loans.pop()),
            8 => loans.pop().into_iter().for_each(core::mem::forget),
            9..=11 => {
                let ticket = pick(script, tickets);
                let got = match step & 16 {
                    0 => user.take(ticket),
                    _ => user.view(ticket),
                };
                match got {
                    Ok(view) => {
                        assert_eq!(view.ticket(), ticket);
                        look(&view, user);
                        views.push(view);
                    }
                    Err(refused) => check(refused),
                }
            }
            12 => drop(views.pop()),
            13 => views.pop().into_iter().for_each(core::mem::forget),
            14 => {
                let (ticket, whom) = (pick(script, tickets), Receivers::first(3));
                match user.recall(ticket, whom) {
                    Ok(had) => assert!(had.len() <= 3),
                    Err(refused) => check(refused),
                }
                assert!(user.free() <= user.frames());
            }
            _ => {
                assert!(user.present().len() <= 31);
                let before = user.unclaimed();
                assert_eq!(before.publishers(), 0, "of bare ones nobody is dead");
                assert!(user.release_unclaimed(&before) <= user.frames());
                let _ = user.forget(u32::from(script.byte() % 4));
            }
        }
    }
    calls
}
