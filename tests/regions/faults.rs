//! Whether something is the end of the process that does it.

/// Does it in a forked child.
#[cfg(unix)]
pub fn faults(_: &str, work: impl FnOnce()) -> Option<bool> {
    // SAFETY: the child touches mapped memory and ends at once; it takes no lock and allocates nothing.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no child");
    if pid == 0 {
        work();
        // SAFETY: ends this child without running what belongs to the parent.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: a child of ours, not waited for yet.
    let ended = unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(ended, pid);
    Some(libc::WIFSIGNALED(status) && libc::WTERMSIG(status) == libc::SIGSEGV)
}

/// Does it in this program started again, which runs the same `test` as far as to here; `None` there of its earlier calls. Each call of a
/// test has a name of its own by what stands behind a `#`.
#[cfg(windows)]
pub fn faults(test: &str, work: impl FnOnce()) -> Option<bool> {
    const WHICH: &str = "RINGPAD_TEST_FAULTS";
    match std::env::var(WHICH) {
        Ok(wanted) if wanted == test => {
            work();
            std::process::exit(0);
        }
        Ok(_) => return None, // an earlier call of the same test
        Err(_) => {}
    }
    let name = test.split('#').next().expect("a name");
    let mut again = std::process::Command::new(std::env::current_exe().expect("this program"));
    let again = again.args(["--exact", name, "--test-threads=1"]);
    let output = again.env(WHICH, test).output().expect("this program again");
    let code = output.status.code();
    let fault = windows_sys::Win32::Foundation::EXCEPTION_ACCESS_VIOLATION;
    assert!(code == Some(0) || code == Some(fault), "{output:?}");
    Some(code == Some(fault))
}
