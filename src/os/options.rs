//! How a segment is made and opened.

#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::time::Duration;

use super::shared::Trust;
use super::system;

/// How a segment is made and opened. The defaults suit processes of one user.
///
#[cfg_attr(unix, doc = "```")]
#[cfg_attr(not(unix), doc = "```ignore")]
/// use ringpad::os::Options;
/// let team = Options::new().directory("/dev/shm/camera").mode(0o660).prefault(true);
/// ```
#[derive(Clone, Debug)]
pub struct Options {
    directory: Option<PathBuf>,
    /// Who may use what is made, and the most that what is found may allow.
    pub(super) permissions: system::Permissions,
    pub(super) prefault: bool,
    pub(super) lock_memory: bool,
    pub(super) huge_pages: bool,
    pub(super) patience: Duration,
    pub(super) trust: Trust,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// A private directory, mode 0600, memory reserved but not prefaulted, 5 s of patience.
    pub fn new() -> Self {
        Self {
            directory: None,
            permissions: system::Permissions::default(),
            prefault: false,
            lock_memory: false,
            huge_pages: false,
            patience: Duration::from_secs(5),
            trust: Trust::Cooperative,
        }
    }

    /// Where named segments lie. By default `$RINGPAD_DIR`. Without it: on Linux `/dev/shm/ringpad-UID`; on macOS `ringpad-UID` in the
    /// user's cache directory; on FreeBSD `/tmp/ringpad-UID`; on Android `$TMPDIR/ringpad-UID`, or nowhere if there is no `TMPDIR`;
    /// on Windows in no file: in the page file.
    pub fn directory(mut self, path: impl Into<PathBuf>) -> Self {
        self.directory = Some(path.into());
        self
    }

    /// Names that all sessions of the machine see, and not this one's alone: for segments of the page file, whose makers need the privilege
    /// SeCreateGlobalPrivilege for it. Files are seen by all sessions, and need none.
    #[cfg(windows)]
    pub fn global(mut self, yes: bool) -> Self {
        self.permissions.global = yes;
        self
    }

    /// Permission bits of the files, by default 0600. The directory gets the same with the matching
    /// search bits; found ones that allow more are refused.
    #[cfg(unix)]
    pub fn mode(mut self, mode: u32) -> Self {
        self.permissions.mode = mode & 0o777;
        self
    }

    /// The user who must own the files; files made here are given to it (which takes privilege unless it is
    /// the caller). By default the caller.
    #[cfg(unix)]
    pub fn owner(mut self, uid: u32) -> Self {
        self.permissions.owner = Some(uid);
        self
    }

    /// The group that files made here are given to.
    #[cfg(unix)]
    pub fn group(mut self, gid: u32) -> Self {
        self.permissions.group = Some(gid);
        self
    }

    /// Maps every page at once instead of on first touch.
    pub fn prefault(mut self, yes: bool) -> Self {
        self.prefault = yes;
        self
    }

    /// Keeps the memory from being swapped out.
    pub fn lock_memory(mut self, yes: bool) -> Self {
        self.lock_memory = yes;
        self
    }

    /// Maps in huge pages of 2 MiB, as far as the system has them; [`SharedSegment::huge_bytes`](super::SharedSegment::huge_bytes) tells how
    /// far. Whoever opens a segment asks for its own mapping. A frame pool aligned to 2 MiB then wastes no part of one. Needs no setting of the
    /// system's from Linux 6.1 on, and takes about 0.1 ms a page once.
    pub fn huge_pages(mut self, yes: bool) -> Self {
        self.huge_pages = yes;
        self
    }

    /// Makes an anonymous segment whose other parties may write anything: its bytes are copied here too, never lent, so it
    /// may be sent to anybody. With a named segment it is an error: its file is not sealed.
    pub fn distrusted(mut self, yes: bool) -> Self {
        self.trust = if yes {
            Trust::Distrusted
        } else {
            Trust::Cooperative
        };
        self
    }

    /// How long to wait for others who are creating or opening the same segment.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The directory that somebody has chosen.
    pub(super) fn chosen(&self) -> Option<PathBuf> {
        let variable = || std::env::var_os("RINGPAD_DIR").filter(|path| !path.is_empty());
        self.directory
            .clone()
            .or_else(|| variable().map(PathBuf::from))
    }

    /// The directory in use.
    #[cfg(unix)]
    pub(super) fn path(&self) -> PathBuf {
        self.chosen().unwrap_or_else(system::default_directory)
    }
}
