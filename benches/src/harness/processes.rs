//! A partner in another process: this program once more, told which bench to play the other side of.

use std::process::{Command, exit};
use std::thread::JoinHandle;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::{Control, Placement};

/// What the partner is told on its command line.
#[derive(Clone, Debug, clap::Args)]
pub struct Side {
    /// The bench, by its whole name.
    pub bench: String,
    /// What the host made, in the peer's own words.
    pub invitation: String,
    /// Descriptor of the control page.
    pub control: i32,
    /// The processor to run on.
    pub cpu: usize,
    /// Items or round trips.
    pub count: u64,
    /// The process that measures.
    pub host: i32,
}

/// A running partner, prepared and waiting for the start.
pub struct Partner {
    pub control: Control,
    pub pid: u32,
    watcher: JoinHandle<()>,
}

impl Partner {
    /// Starts the partner and returns when it is ready. A partner that fails ends this program too: it says why.
    pub fn start(placement: &Placement, bench: &str, invitation: &str, count: u64) -> Self {
        let control = Control::new();
        let this = std::env::current_exe().expect("this program's path");
        let mut child = Command::new(this)
            .arg("side")
            .args([bench, invitation])
            .args([control.fd() as u64, placement.there as u64, count].map(|n| n.to_string()))
            .arg(std::process::id().to_string())
            .spawn()
            .expect("starting the partner");
        let pid = child.id();
        let name = bench.to_owned();
        let end = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).expect("a pidfd");
        let watcher = std::thread::spawn(move || {
            // Asking for the child itself would take the stops of a traced one for its end.
            let _ = retry_on_intr(|| poll(&mut [PollFd::new(&end, PollFlags::IN)], None));
            let status = child.wait().expect("waiting for the partner");
            if !status.success() {
                eprintln!("the partner of {name} ended with {status}");
                exit(1);
            }
        });
        control.wait_ready();
        Self {
            control,
            pid,
            watcher,
        }
    }

    /// Waits for the partner's end.
    pub fn finish(self) {
        self.watcher.join().expect("the partner's watcher");
    }
}

/// In the partner: before anything else. Its end comes with its parent's.
pub fn become_partner(side: &Side) -> Control {
    let kill = Some(rustix::process::Signal::KILL);
    rustix::process::set_parent_process_death_signal(kill).expect("dying with the parent");
    // It may be gone already, and then no signal comes.
    if rustix::process::getppid().map(|host| host.as_raw_nonzero().get()) != Some(side.host) {
        exit(1);
    }
    Placement::of_two(side.cpu, side.cpu).go_here();
    Control::inherited(side.control)
}
