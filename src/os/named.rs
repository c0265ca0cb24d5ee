//! Segments with a name: open or create, found by others, removed by the last one out.
//!
//! # Protocol
//!
//! ```text
//! open    lock the creator byte of NAME.lock; is NAME.lock still that file? else again
//!         NAME.seg READY, of this plan, and somebody holds byte 40: attach
//!         otherwise mark it RETIRED, unlink it and its FIFOs, build under a temporary name:
//!         reserve every byte, initialise, make the FIFOs, rename
//!         share byte 40; let the creator byte go
//! leave   lock the creator byte, make byte 40 exclusive: nobody else has it: unlink all
//! ```
//! A living segment that is not what the caller wants is an error and is not touched.
//!
//! # What a crash at each step leaves
//!
//! A creator: at most one temporary file and some FIFOs, under a free lock; the next creator removes them.
//! The last one out: some of the files; the next opener finds nobody holding byte 40 and builds anew.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use super::bells::Bells;
use super::error::Doing;
use super::linux::bell::{Bell, make_fifo};
use super::linux::directory::{self, Create, Permissions};
use super::linux::lock;
use super::linux::memory::reserve;
use super::options::Options;
use super::shared::{self, Seats, SharedSegment, Trust};
use super::{Error, Result};
use crate::{PeerId, Plan, Segment};

/// The byte that a creator or leaver locks; rows are 1 to 32.
const CREATOR: u64 = 0;
/// The byte that everyone who has the segment open shares.
const OPEN: u64 = 40;
/// How long the last one out waits for others who are just opening.
const LEAVING: Duration = Duration::from_millis(200);

/// A named segment's directory, names and lock.
#[derive(Debug)]
pub(super) struct Names {
    name: String,
    dir: OwnedFd,
    permissions: Permissions,
    /// The lock file: holds the creator byte while creating, the open byte while open.
    hold: OwnedFd,
}

fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() || name.len() > 64 || name.starts_with('.') || !name.bytes().all(good) {
        return Err(Error::BadName(name.into()));
    }
    Ok(())
}

/// Sleeps a little longer each time, up to 5 ms: a byte lock has no wake-up of its own that a deadline could bound.
struct Backoff(Duration);

impl Backoff {
    fn pause(&mut self, deadline: Instant, waiting: impl FnOnce() -> String) -> Result<()> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::TimedOut { waiting: waiting() });
        }
        std::thread::sleep(self.0.min(left));
        self.0 = (self.0 * 2).min(Duration::from_millis(5));
        Ok(())
    }
}

/// So long from now; for ever means a year.
fn soon(patience: Duration) -> Instant {
    let now = Instant::now();
    let year = Duration::from_secs(365 * 24 * 3600);
    now.checked_add(patience).unwrap_or_else(|| now + year)
}

/// A fresh backoff.
fn backoff() -> Backoff {
    Backoff(Duration::from_micros(50))
}

/// What was found under a name.
enum Found {
    Nothing,
    /// Files that nobody holds, with the segment if it could be attached.
    Stale(
        Option<Segment<'static>>,
        Option<super::linux::memory::Mapping>,
    ),
    Alive(Segment<'static>, super::linux::memory::Mapping),
}

impl Names {
    /// Locks the name's creator byte, on the lock file that the path really names.
    fn lock(name: &str, create: Create, options: &Options, deadline: Instant) -> Result<Self> {
        check_name(name)?;
        let path = options.path();
        let permissions = options.permissions;
        let make = create != Create::Never;
        let dir = match directory::private(&path, make, &permissions) {
            Err(error) if !make && error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Self::missing(name));
            }
            other => other.doing(|| format!("opening the directory {}", path.display()))?,
        };
        let file = format!("{name}.lock");
        let mut backoff = backoff();
        loop {
            let hold = match directory::open_file(dir.as_fd(), &file, true, create, &permissions) {
                Err(error) if !make && error.kind() == std::io::ErrorKind::NotFound => {
                    return Err(Self::missing(name));
                }
                other => other.doing(|| format!("opening {file}"))?,
            };
            let doing = || format!("locking {file}");
            while !lock::try_exclusive(hold.as_fd(), CREATOR).doing(doing)? {
                backoff.pause(deadline, || format!("the creator lock of segment {name:?}"))?;
            }
            if directory::same_file(dir.as_fd(), &file, hold.as_fd()).doing(doing)? {
                return Ok(Self {
                    name: name.into(),
                    dir,
                    permissions,
                    hold,
                });
            }
        }
    }

    fn missing(name: &str) -> Error {
        Error::NoSegment {
            name: name.into(),
            stale: false,
        }
    }

    fn lock_name(&self) -> String {
        format!("{}.lock", self.name)
    }

    fn memory_name(&self) -> String {
        format!("{}.seg", self.name)
    }

    fn bell_name(&self, id: u128, row: PeerId) -> String {
        format!("{}.{id:032x}.{}.bell", self.name, row.get())
    }

    /// Another description of the lock file.
    pub(super) fn open_lock(&self) -> Result<OwnedFd> {
        let name = self.lock_name();
        let doing = || format!("opening {name}");
        let file = directory::open_file(
            self.dir.as_fd(),
            &name,
            true,
            Create::Never,
            &self.permissions,
        );
        let file = file.doing(doing)?;
        // The name may by now be another segment's; this one's locks lie in the file that is held.
        if directory::same_file(self.dir.as_fd(), &name, self.hold.as_fd()).doing(doing)? {
            return Ok(file);
        }
        Err(Error::NoSegment {
            name: self.name.clone(),
            stale: true,
        })
    }

    fn is_open_somewhere(&self, ask: BorrowedFd<'_>) -> Result<bool> {
        lock::held_at_all(ask, OPEN).doing(|| format!("asking who has {} open", self.name))
    }

    /// Looks at what lies under the name. Whoever holds the creator byte looks alone.
    fn find(&self, ask: BorrowedFd<'_>, options: &Options) -> Result<Found> {
        let name = self.memory_name();
        let file = directory::open_file(
            self.dir.as_fd(),
            &name,
            true,
            Create::Never,
            &self.permissions,
        );
        let file = match file {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Found::Nothing);
            }
            other => other.doing(|| format!("opening {name}"))?,
        };
        let alive = self.is_open_somewhere(ask)?;
        let facts = directory::check_file(file.as_fd(), &name, &self.permissions);
        let len = facts.doing(|| format!("looking at {name}"))?.len;
        let why = |why| Error::Incompatible {
            name: self.name.clone(),
            why,
        };
        let least = crate::CACHE_LINE as u64;
        if len < least {
            let short = crate::Error::TooSmall {
                want: least,
                found: len,
            };
            return if alive {
                Err(why(short))
            } else {
                Ok(Found::Stale(None, None))
            };
        }
        let mapping = shared::map(file.as_fd(), len, options)?;
        let segment = shared::attach(&mapping, Trust::Cooperative);
        match segment {
            Ok(segment) if alive => Ok(Found::Alive(segment, mapping)),
            Ok(segment) => Ok(Found::Stale(Some(segment), Some(mapping))),
            Err(error) if alive => Err(why(error)),
            Err(_) => Ok(Found::Stale(None, None)),
        }
    }

    /// Removes everything of this name but the lock file. The creator byte is held and nobody has it open.
    fn clear(&self) -> Result<()> {
        let doing = || format!("clearing away the files of {}", self.name);
        let prefix = format!("{}.", self.name);
        for file in directory::list(self.dir.as_fd()).doing(doing)? {
            let file = file.doing(doing)?;
            if file.strip_prefix(&prefix).is_some_and(is_ours) {
                directory::unlink(self.dir.as_fd(), &file).doing(doing)?;
            }
        }
        Ok(())
    }

    /// Builds a new segment beside whatever was there, and renames it into place.
    fn build<const N: usize>(
        &self,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<(Segment<'static>, super::linux::memory::Mapping)> {
        self.clear()?;
        let plan = plan.clone().id(random_id()?);
        let len = plan.layout()?.size() as u64;
        let temporary = format!("{}.{:032x}.tmp", self.name, plan.id);
        let file = directory::open_file(
            self.dir.as_fd(),
            &temporary,
            true,
            Create::New,
            &self.permissions,
        );
        let file = file.doing(|| format!("creating {temporary}"))?;
        let built = self.fill(&file, len, &plan, options);
        let named = built.and_then(|built| {
            let name = self.memory_name();
            let doing = || format!("naming {name}");
            directory::rename(self.dir.as_fd(), &temporary, &name).doing(doing)?;
            Ok(built)
        });
        if named.is_err() {
            // What could not be finished is not left lying about.
            let _ = self.clear();
        }
        named
    }

    fn fill<const N: usize>(
        &self,
        file: &OwnedFd,
        len: u64,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<(Segment<'static>, super::linux::memory::Mapping)> {
        reserve(file.as_fd(), len).doing(|| format!("reserving {len} bytes for {}", self.name))?;
        let mapping = shared::map(file.as_fd(), len, options)?;
        let segment = shared::init(&mapping, plan)?;
        for row in (1..=plan.peers).filter_map(PeerId::new) {
            let fifo = self.bell_name(plan.id, row);
            make_fifo(self.dir.as_fd(), &fifo, &self.permissions)
                .doing(|| format!("making {fifo}"))?;
        }
        Ok((segment, mapping))
    }

    fn bells(&self, segment: &Segment<'_>) -> Result<Bells> {
        let rows = (1..=segment.peers()).filter_map(PeerId::new);
        let bells = rows.map(|row| {
            let fifo = self.bell_name(segment.id(), row);
            Bell::fifo(self.dir.as_fd(), &fifo, &self.permissions)
                .doing(|| format!("opening {fifo}"))
        });
        Ok(Bells::new(bells.collect::<Result<_>>()?))
    }

    /// Counts this party among those who have the segment open, and lets the creator byte go.
    fn settle(
        self,
        segment: Segment<'static>,
        mapping: super::linux::memory::Mapping,
        ask: OwnedFd,
    ) -> Result<SharedSegment> {
        let doing = || format!("locking {}", self.lock_name());
        let bells = self.bells(&segment)?;
        if !lock::try_shared(self.hold.as_fd(), OPEN).doing(doing)? {
            return Err(Error::TimedOut {
                waiting: format!("the open lock of segment {:?}", self.name),
            });
        }
        lock::release(self.hold.as_fd(), CREATOR).doing(doing)?;
        let seats = Seats::Named(self);
        Ok(SharedSegment::assemble(
            mapping,
            segment,
            ask,
            bells,
            seats,
            Trust::Cooperative,
        ))
    }

    /// The last one out removes the files.
    pub(super) fn let_go(&self, id: u128, peers: u32) {
        let deadline = soon(LEAVING);
        let mut backoff = backoff();
        while !lock::try_exclusive(self.hold.as_fd(), CREATOR).unwrap_or(false) {
            // Whoever opens it now keeps it; `collect` finds what is left otherwise.
            if backoff.pause(deadline, String::new).is_err() {
                return;
            }
        }
        let lock_name = self.lock_name();
        let ours = directory::same_file(self.dir.as_fd(), &lock_name, self.hold.as_fd());
        if !ours.unwrap_or(false) || !lock::try_exclusive(self.hold.as_fd(), OPEN).unwrap_or(false)
        {
            let _ = lock::release(self.hold.as_fd(), CREATOR);
            return;
        }
        let _ = directory::unlink(self.dir.as_fd(), &self.memory_name());
        for row in (1..=peers).filter_map(PeerId::new) {
            let _ = directory::unlink(self.dir.as_fd(), &self.bell_name(id, row));
        }
        let _ = directory::unlink(self.dir.as_fd(), &lock_name);
    }
}

/// True of the rest of a file name that this crate makes behind `NAME.`: never of another segment's files.
fn is_ours(rest: &str) -> bool {
    let id = |text: &str| text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match rest.split('.').collect::<Vec<_>>()[..] {
        ["seg"] => true,
        [number, "tmp"] => id(number),
        [number, row, "bell"] => {
            id(number) && row.parse().is_ok_and(|row| PeerId::new(row).is_some())
        }
        _ => false,
    }
}

fn random_id() -> Result<u128> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while filled < bytes.len() {
        let rest = &mut bytes[filled..];
        let got = rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty());
        filled += got
            .map_err(std::io::Error::from)
            .doing(|| "drawing a random number".into())?;
    }
    Ok(u128::from_le_bytes(bytes))
}

impl SharedSegment {
    /// Opens the segment of this name, or creates it by the plan if there is none that anybody alive has open.
    ///
    /// Left-overs of the dead are replaced; nothing is cleaned up by hand.
    ///
    /// # Errors
    ///
    /// [`Error::Incompatible`] if a living segment differs from the plan (it is not touched), [`Error::BadName`],
    /// [`Error::TimedOut`] while others keep creating, [`Error::Io`]: among others when memory is short, now and never later.
    pub fn open_or_create<const N: usize>(
        name: &str,
        plan: &Plan<N>,
        options: &Options,
    ) -> Result<Self> {
        let deadline = soon(options.patience);
        let names = Names::lock(name, Create::IfMissing, options, deadline)?;
        let ask = names.open_lock()?;
        match names.find(ask.as_fd(), options)? {
            Found::Alive(segment, mapping) => {
                segment.check(plan).map_err(|why| Error::Incompatible {
                    name: name.into(),
                    why,
                })?;
                names.settle(segment, mapping, ask)
            }
            found => {
                if let Found::Stale(Some(old), _mapping) = found {
                    old.retire()?;
                }
                let (segment, mapping) = names.build(plan, options)?;
                names.settle(segment, mapping, ask)
            }
        }
    }

    /// Opens the segment of this name.
    ///
    /// # Errors
    ///
    /// [`Error::NoSegment`] if there is none, or only what the dead left; [`Error::Incompatible`], [`Error::BadName`],
    /// [`Error::TimedOut`], [`Error::Io`].
    pub fn open(name: &str, options: &Options) -> Result<Self> {
        Self::open_before(name, options, soon(options.patience))
    }

    fn open_before(name: &str, options: &Options, deadline: Instant) -> Result<Self> {
        let names = Names::lock(name, Create::Never, options, deadline)?;
        let ask = names.open_lock()?;
        match names.find(ask.as_fd(), options)? {
            Found::Alive(segment, mapping) => names.settle(segment, mapping, ask),
            found => Err(Error::NoSegment {
                name: name.into(),
                stale: !matches!(found, Found::Nothing),
            }),
        }
    }

    /// Opens the segment of this name as soon as somebody has created it.
    ///
    /// # Errors
    ///
    /// [`Error::TimedOut`] at the deadline, and what [`SharedSegment::open`] answers.
    pub fn open_wait(name: &str, deadline: Instant, options: &Options) -> Result<Self> {
        let mut backoff = backoff();
        loop {
            match Self::open_before(name, options, deadline) {
                Err(Error::NoSegment { .. }) => {
                    backoff.pause(deadline, || format!("segment {name:?} to be created"))?;
                }
                other => return other,
            }
        }
    }
}

/// One name in a directory of segments, as [`list`] found it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The segment's name.
    pub name: String,
    /// Bytes of its memory; `None` if there is a lock file only: somebody died while creating it, or is creating it now.
    pub bytes: Option<u64>,
    /// Somebody has it open, or is just creating or leaving it. What is not alive, [`collect`] removes.
    pub alive: bool,
}

/// The segments in the options' directory, by name. Takes no lock and opens none of them, so it disturbs nobody;
/// what it says of a name was true when it looked.
///
/// # Errors
///
/// [`Error::Io`] if the directory or a file in it cannot be read, or is not what its permissions should be.
pub fn list(options: &Options) -> Result<Vec<Listed>> {
    let path = options.path();
    let doing = || format!("reading the directory {}", path.display());
    let dir = match directory::private(&path, false, &options.permissions) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.doing(doing)?,
    };
    // Names may go while we look.
    let open = |file: &str| match directory::open_file(
        dir.as_fd(),
        file,
        false,
        Create::Never,
        &options.permissions,
    ) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some).doing(|| format!("opening {file}")),
    };
    let mut listed = Vec::new();
    for file in directory::list(dir.as_fd()).doing(doing)? {
        let file = file.doing(doing)?;
        let Some(name) = file
            .strip_suffix(".lock")
            .filter(|name| check_name(name).is_ok())
        else {
            continue;
        };
        let Some(ask) = open(&file)? else { continue };
        let held = |byte| lock::held_at_all(ask.as_fd(), byte).doing(|| format!("asking {file}"));
        let alive = held(OPEN)? || held(CREATOR)?;
        let memory = open(&format!("{name}.seg"))?;
        let bytes = memory.map(|memory| directory::len(memory.as_fd()));
        listed.push(Listed {
            name: name.to_owned(),
            bytes: bytes
                .transpose()
                .doing(|| format!("looking at {name}.seg"))?,
            alive,
        });
    }
    listed.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listed)
}

/// Removes what the dead left of every segment in the options' directory; returns the names. Living segments are not
/// touched.
///
/// # Errors
///
/// [`Error::Io`] if the directory cannot be read.
pub fn collect(options: &Options) -> Result<Vec<String>> {
    let path = options.path();
    let doing = || format!("reading the directory {}", path.display());
    let dir = match directory::private(&path, false, &options.permissions) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.doing(doing)?,
    };
    let mut collected = Vec::new();
    for file in directory::list(dir.as_fd()).doing(doing)? {
        let file = file.doing(doing)?;
        let Some(name) = file.strip_suffix(".lock") else {
            continue;
        };
        let deadline = soon(LEAVING);
        // Somebody is opening it, or it is gone already: not for us.
        let Ok(names) = Names::lock(name, Create::Never, options, deadline) else {
            continue;
        };
        let ask = names.open_lock()?;
        if !names.is_open_somewhere(ask.as_fd())? {
            names.clear()?;
            directory::unlink(dir.as_fd(), &file).doing(doing)?;
            collected.push(name.to_owned());
        }
    }
    Ok(collected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_crate_s_names_are_cleared_away() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(is_ours("seg"));
        assert!(is_ours(&format!("{id}.tmp")));
        assert!(is_ours(&format!("{id}.32.bell")));
        // "a" must not clear the files of "a.b", nor its lock.
        for other in ["lock", "b.seg", "b.lock", "x.tmp", "1.bell"] {
            assert!(!is_ours(other), "{other}");
        }
        assert!(!is_ours(&format!("{id}.33.bell")));
        assert!(!is_ours(&format!("b.{id}.1.bell")));
    }

    #[test]
    fn a_list_tells_the_living_from_what_the_dead_left() {
        let name = format!("ringpad-list-{}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        // Group write, so that whatever the umask lets `write` below make is taken for ours.
        let options = Options::new().directory(&directory).mode(0o660);
        assert_eq!(list(&options).unwrap(), [], "no directory, no segments");
        let plan = Plan::<0>::new().peers(2).unwrap();
        let living = SharedSegment::open_or_create("living", &plan, &options).unwrap();
        // What one killed while creating leaves, and one killed later; and what is none of ours.
        for (file, bytes) in [
            ("begun.lock", 0),
            ("left.lock", 0),
            ("left.seg", 4096),
            ("a b.lock", 0),
        ] {
            std::fs::write(directory.join(file), vec![0; bytes]).unwrap();
        }
        let found = |name: &str, bytes, alive| Listed {
            name: name.into(),
            bytes,
            alive,
        };
        let mut want = vec![
            found("begun", None, false),
            found("left", Some(4096), false),
            found("living", Some(living.len_bytes() as u64), true),
        ];
        assert_eq!(list(&options).unwrap(), want);
        collect(&options).unwrap();
        assert_eq!(list(&options).unwrap(), want.split_off(2));
        drop(living);
        assert_eq!(list(&options).unwrap(), []);
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn names_are_checked() {
        assert!(check_name("camera-1.left_eye").is_ok());
        let long = "x".repeat(65);
        for bad in ["", ".hidden", "a/b", "..", "ä", "a b", &long] {
            assert!(matches!(check_name(bad), Err(Error::BadName(_))), "{bad}");
        }
    }
}
