//! Descriptors that a partner inherits: nothing of theirs has a name, so nothing stays behind.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// The numbers by which the partner finds them. They must have been made without CLOEXEC.
pub fn numbers(fds: &[OwnedFd]) -> String {
    let numbers: Vec<String> = fds.iter().map(|fd| fd.as_raw_fd().to_string()).collect();
    numbers.join(",")
}

/// In the partner: what [`numbers`] named. Called once.
pub fn claim<const N: usize>(numbers: &str) -> [OwnedFd; N] {
    let fds = numbers.split(',').map(|number| {
        let number: RawFd = number.parse().expect("a descriptor's number");
        // SAFETY: the parent left the descriptor open for this process, and nothing else here uses its number.
        unsafe { OwnedFd::from_raw_fd(number) }
    });
    fds.collect::<Vec<_>>()
        .try_into()
        .expect("as many descriptors as were made")
}

/// One more descriptor of the same file, for an end that is given away.
pub fn another(fd: &OwnedFd) -> OwnedFd {
    fd.try_clone().expect("a descriptor")
}
