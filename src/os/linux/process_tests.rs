//! Identities and watches: what proves a death, and what must not.

use std::io::Write;

use super::super::lock::{held_exclusively, try_exclusive};
use super::super::testing::{Child, Scratch, fork, run_test, until};
use super::*;
use crate::os::unix::directory::{Create, Permissions, open_file};

fn waiting_child() -> Child {
    let child = fork(&[], |inside| {
        inside.report();
        inside.hold();
        0
    });
    child.reported();
    child
}

/// The identity the child would give itself.
fn identity_of(child: &Child) -> Identity {
    let start = stat_start(&child.pid().to_string()).unwrap();
    Identity {
        pid: child.pid(),
        start,
        pid_ns: Identity::mine().pid_ns,
    }
}

#[track_caller]
fn watch(identity: &Identity) -> Watch {
    match Watch::of(identity) {
        Sighting::Watching(watch) => watch,
        other => panic!("{identity:?} is {other:?}"),
    }
}

#[test]
fn mine_is_stable_and_provable() {
    let mine = Identity::mine();
    assert_eq!(mine, Identity::mine());
    assert_eq!(mine, std::thread::spawn(Identity::mine).join().unwrap());
    assert!(mine.can_be_proven(), "{mine:?}");
    assert_eq!(mine.pid, std::process::id());
    let ns = fs::metadata("/proc/self/ns/pid").unwrap().ino();
    assert_eq!(
        mine.pid_ns as u32, ns as u32,
        "the low half is what lsns shows"
    );
    assert!(!watch(&mine).has_exited().unwrap());
}

#[test]
fn start_time_is_read_past_any_program_name() {
    let tail = "R 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4242 20 21";
    for name in ["cat", "a b", "x) R 1", "((", ") Z 1 1 1)"] {
        assert_eq!(
            parse_start(format!("77 ({name}) {tail}").as_bytes()),
            Some(4242),
            "{name}"
        );
    }
    assert_eq!(parse_start(b"77 (\xff\xfe) R 1"), None);
    assert_eq!(parse_start(b""), None);
}

#[test]
fn a_watch_sees_the_exit_of_a_zombie_before_it_is_reaped() {
    let mut child = waiting_child();
    let identity = identity_of(&child);
    let early = watch(&identity);
    assert!(!early.has_exited().unwrap());
    child.kill();
    child.zombie();
    assert!(early.has_exited().unwrap());
    let late = watch(&identity);
    assert!(late.has_exited().unwrap(), "a watch made on the zombie");
    let ready = crate::os::unix::bell::wait(&[early.as_fd()], None).unwrap();
    assert!(ready.has(0), "it polls beside a doorbell");
    child.reap();
    assert!(early.has_exited().unwrap() && late.has_exited().unwrap());
    assert!(matches!(Watch::of(&identity), Sighting::Gone));
}

#[test]
fn a_watch_sees_its_zombie_while_a_grandchild_holds_the_byte() {
    let scratch = Scratch::new();
    let open = || {
        open_file(
            scratch.dir(),
            "lock",
            true,
            Create::IfMissing,
            &Permissions::default(),
        )
        .unwrap()
    };
    let (own, ask) = (open(), open());
    let mut owner = fork(&[own.as_fd()], |inside| {
        if !matches!(try_exclusive(own.as_fd(), 0), Ok(true)) {
            return 80;
        }
        inside.fork(|| {
            inside.report();
            inside.hold();
            0
        });
        inside.hold();
        0
    });
    drop(own);
    owner.reported();
    let held = || held_exclusively(ask.as_fd(), 0).unwrap();
    let watch = watch(&identity_of(&owner));
    assert!(held() && !watch.has_exited().unwrap());
    owner.kill();
    owner.zombie();
    assert!(held(), "the byte alone says alive");
    assert!(watch.has_exited().unwrap());
    owner.release();
    until("the grandchild lets go", || !held());
}

#[test]
fn a_reused_pid_is_not_its_predecessor() {
    let child = waiting_child();
    let successor = identity_of(&child);
    let before = Identity {
        start: successor.start - 1,
        ..successor
    };
    assert!(matches!(Watch::of(&before), Sighting::Gone));
    assert!(
        matches!(Watch::of(&successor), Sighting::Watching(_)),
        "the control"
    );
}

#[test]
fn a_thread_of_another_process_is_not_the_process_that_had_its_number() {
    // A pid may come back as a thread's number, for which there is no pidfd.
    let (tell, told) = std::sync::mpsc::channel();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        // SAFETY: takes and changes nothing.
        tell.send(unsafe { libc::gettid() } as u32).unwrap();
        let _ = stopped.recv();
    });
    let mine = Identity::mine();
    let former = Identity {
        pid: told.recv().unwrap(),
        start: mine.start - 1,
        ..mine
    };
    assert!(matches!(Watch::of(&former), Sighting::Gone));
    drop(stop);
    thread.join().unwrap();
}

#[test]
fn nothing_is_proven_across_namespaces_or_by_zeroes() {
    let mut child = waiting_child();
    let there = identity_of(&child);
    child.kill();
    child.reap();
    assert!(matches!(Watch::of(&there), Sighting::Gone), "the control");
    for doubtful in [
        Identity {
            pid_ns: there.pid_ns ^ 1,
            ..there
        },
        Identity {
            pid_ns: there.pid_ns ^ 1 << 40,
            ..there
        },
        Identity { pid_ns: 0, ..there },
        Identity { start: 0, ..there },
        Identity { pid: 0, ..there },
        Identity {
            pid: u32::MAX,
            ..there
        },
        Identity::default(),
    ] {
        assert!(
            matches!(Watch::of(&doubtful), Sighting::Unknowable),
            "{doubtful:?}"
        );
    }
}

/// Not a test of its own: what [`helper`] runs. Prints who it is, and what it sees of the identity
/// in the environment; namespace 0 there stands for the helper's own.
#[test]
fn helper_process() {
    let Ok(asked) = std::env::var("RINGPAD_TEST_IDENTITY") else {
        return;
    };
    let mine = Identity::mine();
    println!("\nmine {} {} {}", mine.pid, mine.start, mine.pid_ns);
    let parts: Vec<u64> = asked.split(' ').map(|p| p.parse().unwrap()).collect();
    let pid_ns = if parts[2] == 0 { mine.pid_ns } else { parts[2] };
    let asked = Identity {
        pid: parts[0] as u32,
        start: parts[1],
        pid_ns,
    };
    let seen = match Watch::of(&asked) {
        Sighting::Watching(_) => "watching",
        Sighting::Gone => "gone",
        Sighting::Unknowable => "unknowable",
    };
    println!("seen {seen} ours {}", proc_is_ours());
    io::stdout().flush().unwrap();
}

/// Runs `helper_process` in new namespaces (`unshare` with `options`; none: in ours), asking for `asked`; what it printed,
/// or none where that is not permitted.
fn helper(options: &[&str], asked: Identity) -> Option<(Identity, String)> {
    let env = format!("{} {} {}", asked.pid, asked.start, asked.pid_ns);
    let test = concat!(module_path!(), "::helper_process");
    let output = run_test(options, test, ("RINGPAD_TEST_IDENTITY", &env))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = |start: &str| {
        text.lines()
            .find_map(|l| l.strip_prefix(start).map(str::to_owned))
    };
    let mine = line("mine ").unwrap_or_else(|| panic!("{output:?}"));
    let parts: Vec<u64> = mine.split(' ').map(|p| p.parse().unwrap()).collect();
    Some((
        Identity {
            pid: parts[0] as u32,
            start: parts[1],
            pid_ns: parts[2],
        },
        line("seen ").unwrap(),
    ))
}

#[test]
fn another_process_sees_us_by_our_identity() {
    let mine = Identity::mine();
    let (other, seen) = helper(&[], mine).unwrap();
    assert_eq!(seen, "watching ours true");
    assert_eq!(other.pid_ns, mine.pid_ns);
    assert!(other.pid != mine.pid && matches!(Watch::of(&other), Sighting::Gone));
}

/// A time namespace whose clock of start times is a day ahead.
const SHIFTED: &[&str] = &["-T", "-f", "--boottime", "86400"];

#[test]
fn other_pid_and_time_namespaces_are_other_places() {
    let mine = Identity::mine();
    for options in [&["-p", "-f", "--mount-proc"][..], SHIFTED] {
        let Some((other, seen)) = helper(options, mine) else {
            continue;
        };
        assert_ne!(other.pid_ns, mine.pid_ns, "{options:?}");
        assert_eq!(seen, "unknowable ours true", "{options:?}");
        assert!(
            matches!(Watch::of(&other), Sighting::Unknowable),
            "{options:?}"
        );
    }
}

#[test]
fn control_start_times_mean_something_else_in_another_time_namespace() {
    let mine = Identity::mine();
    // Taken for one of its own place, a living process looks like the predecessor of its pid.
    let Some((_, seen)) = helper(SHIFTED, Identity { pid_ns: 0, ..mine }) else {
        return;
    };
    assert_eq!(seen, "gone ours true");
}

#[test]
fn a_foreign_proc_proves_nothing() {
    // Trap: a new pid namespace that still sees our /proc, where pid 1 is someone else with another start time.
    let itself = Identity {
        pid: 1,
        start: 1,
        pid_ns: 0,
    };
    let Some((other, seen)) = helper(&["-p", "-f"], itself) else {
        return;
    };
    assert_eq!(other.pid, 1);
    assert_eq!(seen, "unknowable ours false");
    let Some((_, seen)) = helper(&["-p", "-f", "--mount-proc"], itself) else {
        return;
    };
    assert_eq!(
        seen, "gone ours true",
        "the control: in its own /proc the same question is answered"
    );
}

#[test]
fn a_forked_child_does_not_take_its_parent_s_identity() {
    let parent = Identity::mine();
    // It reads files into the heap, which glibc and musl keep usable after a fork.
    let child = fork(&[], |_| {
        let own = Identity::mine();
        if own.pid != parent.pid && own.start >= parent.start && own.pid_ns == parent.pid_ns {
            0
        } else {
            1
        }
    });
    assert_eq!(child.ended().exit_status(), Some(0));
}
