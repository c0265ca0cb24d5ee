//! Children in other namespaces: of process numbers, of mounts, with their own `/proc`, an empty one, or one that hides.
//! A user namespace comes first where it may, so that no privilege is needed. Where the kernel refuses, that is said.

use std::ffi::CStr;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::common::child::{self, Child};
use crate::common::page::Page;
use crate::common::room::Room;

/// What a namespace's process finds at `/proc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proc {
    /// What was there before: in a new space of process numbers another space's.
    Outer,
    /// Its own space's.
    Own,
    /// An empty directory.
    Empty,
    /// One that shows nobody's processes to others. For root alone.
    Hiding,
}

/// Words of the page: the first process of each space, as this side numbers it.
pub const PROCESS: usize = 64;

fn check(answer: i32) -> io::Result<()> {
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn mount(kind: &CStr, at: &CStr, flags: libc::c_ulong, options: Option<&CStr>) -> io::Result<()> {
    let data = options.map_or(std::ptr::null(), |options| options.as_ptr().cast());
    // SAFETY: C strings that live through the call.
    check(unsafe { libc::mount(kind.as_ptr(), at.as_ptr(), kind.as_ptr(), flags, data) })
}

fn write(path: &str, text: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .open(path)?
        .write_all(text.as_bytes())
}

/// Has the command begin in new namespaces: a user's too, in which it is root, if `user`.
fn unshared(command: &mut Command, flags: i32, user: bool) {
    let flags = flags | if user { libc::CLONE_NEWUSER } else { 0 };
    let who = |id: u32| format!("0 {id} 1");
    let uid = who(rustix::process::geteuid().as_raw());
    let gid = who(rustix::process::getegid().as_raw());
    let enter = move || {
        // SAFETY: flags only; a forked child has one thread.
        check(unsafe { libc::unshare(flags) })?;
        if user {
            write("/proc/self/setgroups", "deny")?;
            write("/proc/self/uid_map", &uid)?;
            write("/proc/self/gid_map", &gid)?;
        }
        // SAFETY: integers only. New rights may have taken it away.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })
    };
    // SAFETY: the crate's test programs fork between tests' threads on glibc and musl, whose heaps a child may use.
    unsafe { command.pre_exec(enter) };
}

/// Has the command find that at `/proc`.
fn with_proc(command: &mut Command, proc: Proc) {
    let change = move || {
        if proc == Proc::Outer {
            return Ok(());
        }
        mount(c"none", c"/", libc::MS_REC | libc::MS_PRIVATE, None)?;
        match proc {
            Proc::Empty => mount(c"tmpfs", c"/proc", 0, None),
            Proc::Hiding => {
                // Group 0, by default, sees everybody; so does who may trace everybody.
                mount(c"proc", c"/proc", 0, Some(c"hidepid=2,gid=54321"))?;
                give_up_rights()
            }
            _ => mount(c"proc", c"/proc", 0, None),
        }
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(change) };
}

/// Root's rights, for this process and what it becomes; it stays the owner of root's files.
fn give_up_rights() -> io::Result<()> {
    const NOROOT_LOCKED: libc::c_ulong = 3;
    // SAFETY: integers only.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, NOROOT_LOCKED) })?;
    // _LINUX_CAPABILITY_VERSION_3, and this process; then no capability at all.
    let header = [0x2008_0522_u32, 0];
    let none = [0_u32; 6];
    // SAFETY: the header and the two triples of words that this version has.
    let answer = unsafe { libc::syscall(libc::SYS_capset, header.as_ptr(), none.as_ptr()) };
    check(answer as i32)
}

/// Has the command be the first process of the new space of process numbers, and its guard hold on outside: with the guard
/// ends the space. The guard tells the first one's number here through that word.
fn first_of_space(command: &mut Command, page: &Page, which: usize) {
    let tell = std::ptr::from_ref(page.word(PROCESS + which)) as usize;
    let become_first = move || {
        // SAFETY: the child goes on to its program, the guard makes system calls only.
        match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            // SAFETY: integers only.
            0 => check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }),
            pid => {
                // SAFETY: the page is mapped until the spawn returns, which waits for what is closed below.
                let word = unsafe { &*(tell as *const AtomicU64) };
                word.store(pid as u64, Ordering::Release);
                // SAFETY: no descriptor is used here again.
                unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
                let mut status = 0;
                // SAFETY: a child of this process and a place for its status.
                while unsafe { libc::waitpid(pid, &raw mut status, 0) } != pid {}
                // SAFETY: ends the guard as the first one ended.
                unsafe { libc::_exit(i32::from(status != 0)) }
            }
        }
    };
    // SAFETY: system calls only.
    unsafe { command.pre_exec(become_first) };
}

/// Spawns a command in new namespaces: with a user's own if that may be had, else by right of root.
fn spawn(dressed: impl Fn(bool) -> Command, proc: Proc) -> io::Result<Child> {
    let root = rustix::process::geteuid().is_root();
    let ways: &[bool] = match (proc, root) {
        // To hide processes from root it must be the real one.
        (Proc::Hiding, _) => &[false],
        (_, true) => &[true, false],
        _ => &[true],
    };
    let mut last = io::ErrorKind::Unsupported.into();
    for &user in ways {
        match dressed(user).spawn() {
            Ok(child) => return Ok(Child::of(child)),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn or_say_so(found: io::Result<Child>, what: &str, proc: Proc) -> Option<Child> {
    if let Err(error) = &found {
        println!("SKIPPED: {what}, {proc:?} at /proc: the kernel refuses ({error})");
    }
    found.ok()
}

/// Plays a role with another `/proc`, in the same space of process numbers; none, and said so, where that is refused.
pub fn spawn_with_proc(room: &Room, role: &str, proc: Proc) -> Option<Child> {
    let dressed = |user| {
        let mut command = child::command(room, role, &[]);
        unshared(&mut command, libc::CLONE_NEWNS, user);
        with_proc(&mut command, proc);
        command
    };
    or_say_so(spawn(dressed, proc), role, proc)
}

/// Plays a role as the first process of a new space of process numbers: number 1 there; `which` is the word it is given.
/// The child that is answered is its guard; none, and said so, where that is refused.
pub fn spawn_in_space(
    room: &Room,
    page: &Page,
    role: &str,
    which: usize,
    proc: Proc,
) -> Option<Child> {
    let dressed = |user| {
        let mut command = child::command(room, role, &[&which]);
        unshared(&mut command, libc::CLONE_NEWPID | libc::CLONE_NEWNS, user);
        first_of_space(&mut command, page, which);
        with_proc(&mut command, proc);
        command
    };
    or_say_so(
        spawn(dressed, proc),
        &format!("{role} in a new space"),
        proc,
    )
}
