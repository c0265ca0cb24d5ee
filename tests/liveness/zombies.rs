//! Unreaped zombies are dead within a second, whatever of them lives on. Requirement 10.

use std::time::{Duration, Instant};

use ringpad::Life;
use ringpad::os::{HANDOFF_VARIABLE, Options, SharedSegment};
use rustix::process::{Pid, Signal, kill_process};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;
use crate::common::{until, until_within};
use crate::{HEIR, NAME, READY, SECOND, open, plan, row, taken};

/// A process that is not our child, killed on drop. It ends by itself after a minute.
pub struct Heir(Pid);

impl Heir {
    /// The one that the page names, if it names one.
    pub fn on(page: &Page) -> Option<Self> {
        Pid::from_raw(page.get(HEIR) as i32).map(Self)
    }

    fn lives(&self) -> bool {
        rustix::process::test_kill_process(self.0).is_ok()
    }
}

impl Drop for Heir {
    fn drop(&mut self) {
        let _ = kill_process(self.0, Signal::KILL);
    }
}

/// What may outlive a process, and whether it holds the row's lock on.
const WAYS: [(&str, bool); 4] = [
    ("alone", false),
    // A plain fork: copies of everything.
    ("fork", true),
    // A program that was handed nothing.
    ("program", false),
    // A program that got every descriptor, for nobody closed them at its start.
    ("leak", true),
];

/// Leaves something behind; answers its process.
pub fn leave_behind(how: &str) -> i32 {
    // SAFETY: the child makes system calls only and never returns.
    let heir = unsafe { libc::fork() };
    if heir != 0 {
        return heir;
    }
    // SAFETY: an integer; the process then ends by itself, whatever becomes of the test.
    unsafe { libc::alarm(60) };
    if how == "leak" {
        for number in 3..256 {
            // SAFETY: only flags of descriptors that nobody here uses again; a closed one is an error.
            unsafe { libc::fcntl(number, libc::F_SETFD, 0) };
        }
    }
    if how == "fork" {
        loop {
            // SAFETY: waits for a signal.
            unsafe { libc::pause() };
        }
    }
    become_sleep()
}

/// Becomes another program, which does nothing for a minute and has what is not closed at its start.
pub fn become_sleep() -> ! {
    let words = [c"sleep".as_ptr(), c"60".as_ptr(), std::ptr::null()];
    // SAFETY: a path and a null-terminated list of C strings, all static.
    unsafe { libc::execv(c"/bin/sleep".as_ptr(), words.as_ptr()) };
    // SAFETY: ends the process: there is no such program.
    unsafe { libc::_exit(127) }
}

/// What a process runs, as the system shows it.
pub fn program_of(pid: i32) -> String {
    let name = std::fs::read_to_string(format!("/proc/{pid}/comm"));
    name.unwrap_or_default().trim_end().to_owned()
}

/// Whether a process has exited; as a zombie it has.
pub fn has_ended(pid: Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    stat.map_or(true, |stat| stat.contains(") Z "))
}

/// Holds the producer's end until killed; told so, leaves something behind first.
pub fn holder() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let segment = match std::env::var(HANDOFF_VARIABLE) {
        Ok(_) => SharedSegment::inherited().unwrap(),
        Err(_) => open(&room),
    };
    let me = segment.join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let how = child::word(0);
    if how != "alone" {
        let heir = leave_behind(&how);
        if how != "fork" {
            until("the program runs", || program_of(heir) == "sleep");
        }
        page.set(HEIR, heir as u64);
    }
    page.set(READY, me.id().get().into());
    let mut next = 0;
    loop {
        if tx.push(next).is_ok() {
            next += 1;
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

pub fn hold(room: &Room, page: &Page, how: &str, segment: Option<&SharedSegment>) -> Child {
    page.set(READY, 0);
    page.set(HEIR, 0);
    let mut command = child::command(room, "holder", &[&how]);
    let holder = match segment {
        Some(anonymous) => anonymous.spawn(&mut command).unwrap(),
        None => command.spawn().unwrap(),
    };
    let holder = Child::of(holder);
    until("the holder holds", || page.get(READY) != 0);
    holder
}

/// Rows that can be had now.
fn free(segment: &SharedSegment) -> usize {
    let joined = (0..6).map_while(|_| segment.join().ok());
    joined.collect::<Vec<_>>().len()
}

/// Kills holders that leave something behind, and measures how long anybody takes to see it.
fn zombies(kind: &str, segment: &SharedSegment, room: &Room, page: &Page) {
    let me = segment.join().unwrap();
    let rx = me.consumer::<u64>("ticks").unwrap();
    let anonymous = (kind == "anonymous").then_some(segment);
    for (how, keeps) in WAYS {
        let (mut life, mut end, mut late) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for _ in 0..5 {
            let holder = hold(room, page, how, anonymous);
            let heir = Heir::on(page);
            let its = row(page, READY);
            // Who never asked while it lived knows no more than the row.
            let stranger = || SharedSegment::open(NAME, &room.options()).ok();
            assert_eq!(taken(me.producer::<u64>("ticks")), Some(its), "alive");
            assert!(segment.life(its) == Life::Alive && !rx.is_abandoned());
            let start = Instant::now();
            holder.kill();
            // A busy system may take its time to end it; the second is counted from there.
            holder.zombie();
            until_within(SECOND, "its end is seen abandoned", || rx.is_abandoned());
            end = end.max(start.elapsed());
            assert_eq!(segment.life(its), Life::Dead, "{kind}, {how}");
            life = life.max(start.elapsed());
            if let Some(stranger) = stranger().filter(|_| anonymous.is_none()) {
                let since = Instant::now();
                assert_eq!(stranger.life(its), Life::Dead, "{kind}, {how}, a zombie");
                late = late.max(since.elapsed());
            }
            let tx = me.producer::<u64>("ticks").expect("taken over");
            assert!(heir.as_ref().is_none_or(Heir::lives), "the control");
            // What holds the lock on costs the row, as long as it lives.
            assert_eq!(free(segment), if keeps { 4 } else { 5 }, "{kind}, {how}");
            holder.kill_and_reap();
            if let Some(stranger) = stranger().filter(|_| anonymous.is_none()) {
                assert_eq!(stranger.life(its), Life::Dead, "{kind}, {how}, reaped");
            }
            drop((tx, heir));
            until("the row is free", || free(segment) == 5);
        }
        println!(
            "zombies of {kind} segments, {how}: 5 ends seen abandoned within {end:?}, lives within {life:?}; whoever asks \
             first after the death knows in {late:?}"
        );
    }
}

#[test]
fn an_unreaped_zombie_is_dead_whatever_of_it_lives_on() {
    let room = Room::new("zombie");
    let page = Page::create(&room, "page");
    zombies("named", &open(&room), &room, &page);
    let anonymous = SharedSegment::anonymous(&plan(), &Options::new()).unwrap();
    zombies("anonymous", &anonymous, &room, &page);
}

/// Ends the thread that runs it, and no other.
extern "C" fn end_thread(_: libc::c_int) {
    // SAFETY: an integer; the process goes on.
    unsafe { libc::syscall(libc::SYS_exit, 0) };
}

/// Goes on in another thread after its first has ended: to the system the process then looks like a zombie.
pub fn leaderless() {
    let room = Room::parents();
    let page = Page::open(&room, "page");
    let me = open(&room).join().unwrap();
    let mut tx = me.producer::<u64>("ticks").unwrap();
    let go_on = move || {
        let first = std::process::id() as i32;
        // SAFETY: integers only; the first thread has this process's number, and waits for the others.
        unsafe { libc::syscall(libc::SYS_tgkill, first, first, libc::SIGUSR1) };
        page.set(READY, me.id().get().into());
        let mut next = 0;
        loop {
            next += u64::from(tx.push(next).is_ok());
            std::thread::sleep(Duration::from_micros(200));
        }
    };
    let handler = end_thread as extern "C" fn(libc::c_int) as usize;
    // SAFETY: the handler makes one system call.
    unsafe { libc::signal(libc::SIGUSR1, handler) };
    std::thread::spawn(go_on).join().unwrap();
}

#[test]
fn a_process_whose_first_thread_has_ended_is_alive() {
    let room = Room::new("leaderless");
    let page = Page::create(&room, "page");
    let segment = open(&room);
    let me = segment.join().unwrap();
    let child = child::spawn(&room, "leaderless", &[]);
    until("it holds", || page.get(READY) != 0);
    let its = row(&page, READY);
    until("its first thread is a zombie", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.pid())).unwrap();
        stat.rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('Z'))
    });
    let mut rx = me.consumer::<u64>("ticks").unwrap();
    let mut asked = 0;
    until("it goes on", || {
        let stranger = SharedSegment::open(NAME, &room.options()).unwrap();
        assert_eq!(
            (segment.life(its), stranger.life(its)),
            (Life::Alive, Life::Alive)
        );
        assert_eq!(taken(me.producer::<u64>("ticks")), Some(its));
        asked += 3;
        rx.pop() >= Some(300)
    });
    let start = Instant::now();
    child.kill();
    child.zombie();
    let took = until_within(SECOND, "it is seen dead", || {
        segment.life(its) == Life::Dead
    });
    assert!(start.elapsed() >= took && rx.is_abandoned());
    println!("without its first thread: asked {asked} times, alive; killed: dead within {took:?}");
}
