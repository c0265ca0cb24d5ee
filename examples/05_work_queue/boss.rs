//! The role that sends jobs: first into the ring, then noted.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::crew::{self, Duty, LOOK};
use super::shared::{JOBS, Job, Phase, SENT, TALLY};
use super::tally::Tally;
use super::{Boss, Failure};

/// So far behind, the boss leaves out what it missed instead of hurrying after it.
const LATE: Duration = Duration::from_millis(50);

/// Sends jobs until there are to be no more.
pub fn boss(role: &Boss) -> Result<ExitCode, Failure> {
    let me = crew::enter(&role.name)?.join()?;
    // Who may write it is the boss. A dead one's end is taken over, here and now; a living one's is not.
    let mut sent = match me.notepad_writer::<u64>(SENT) {
        Ok(sent) => sent.silent(),
        Err(error) => match crew::holder(&me, &error) {
            Some(_) if role.quiet => return Ok(ExitCode::SUCCESS),
            Some(pid) => return Err(Failure(format!("{} has a boss, {pid}", role.name))),
            None => return Err(error.into()),
        },
    };
    let mut jobs = me.sender::<Job>(JOBS)?;
    let tally = me.notepad_reader::<Tally>(TALLY)?;
    let mut duty = Duty::begin(&me, Phase::Closing)?;
    let mut waiter = me.waiter()?;
    // Room in the ring, room in the window, and the word to stop.
    let bells = [jobs.bell(), tally.bell(), duty.bell()];

    // What the boss before noted. It may have sent one more: then that job is sent twice, and done twice, and counted once.
    let mut number = sent.latest().map_or(0, |note| note.value);
    let mut limit = Tally::default().limit();
    let step = Duration::from_secs(1) / role.rate;
    let mut next = Instant::now();
    while !duty.is_over() {
        if let Some(early) = next.checked_duration_since(Instant::now()) {
            std::thread::sleep(early.min(LOOK));
            continue;
        }
        let went = waiter.wait(&bells, Some(LOOK), || {
            // A read that was overtaken by writes says nothing new: the limit only grows.
            if let Ok(Some(note)) = tally.try_read() {
                limit = note.value.limit();
            }
            if duty.is_over() {
                return Some(false);
            }
            let goes = number < limit && jobs.try_send(Job::numbered(number + 1)).is_ok();
            goes.then_some(true)
        })?;
        if went == Some(true) {
            number += 1;
            sent.write(&number); // in this order: a job that is noted is surely in the ring
            let now = Instant::now();
            next = (next + step).max(now.checked_sub(LATE).unwrap_or(now));
        }
    }
    Ok(ExitCode::SUCCESS)
}
