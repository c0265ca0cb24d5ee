//! The role that does jobs: first the answer, then the acknowledgement.

use std::process::ExitCode;
use std::time::Duration;

use super::crew::{self, Duty, LOOK};
use super::shared::{ANSWERS, Answer, JOBS, Job, Phase};
use super::{Failure, Worker};

/// How often a worker that finds no room for its answer tries again.
const NO_ROOM: Duration = Duration::from_millis(1);

/// Does jobs until there are none left.
pub fn worker(role: &Worker) -> Result<ExitCode, Failure> {
    let me = crew::enter(&role.name)?.join()?;
    let mut jobs = me.receiver::<Job>(JOBS)?;
    let mut answers = me.sender::<Answer>(ANSWERS)?;
    let mut duty = Duty::begin(&me, Phase::Closed)?;
    let mut waiter = me.waiter()?;
    let bells = [jobs.bell(), duty.bell()];
    while !duty.is_over() {
        waiter.wait(&bells, Some(LOOK), || {
            if duty.is_over() {
                return Some(());
            }
            // From here to `acknowledge` the job is ours by name: if we die, another gets it.
            let job = jobs.try_take()?;
            if role.careless {
                let answer = job.acknowledge().work(); // whoever is killed now takes the job along
                answer.map(|answer| answers.try_send(answer));
                return Some(());
            }
            let Some(answer) = job.value().work() else {
                eprintln!("05_work_queue: {:?} is no job", job.acknowledge());
                return Some(());
            };
            // There is room for every job that the boss may send, unless the board is gone and many workers died.
            while answers.try_send(answer).is_err() {
                if duty.is_over() {
                    return Some(()); // the job goes back into the ring
                }
                std::thread::sleep(NO_ROOM);
            }
            job.acknowledge(); // in this order: an answer that came twice is recognised, one that never came is not
            Some(())
        })?;
    }
    if duty.is_alone() && !role.quiet {
        eprintln!("05_work_queue: nobody has been at the board for long");
    }
    Ok(ExitCode::SUCCESS)
}
