//! Segments without a name: a sealed memfd, handed down to a child (`inherit`) or over a Unix socket.
//!
//! # Protocol
//!
//! Row locks lie on the memory's own bytes. Whoever gets the segment gets two fresh descriptions of it: one to map
//! and to ask through, which never holds a lock, and one for its own row's lock; and both ends of every pipe.
//!
//! # What a crash leaves
//!
//! Nothing: the memory goes with its last descriptor.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::bell::Bell;
use super::bells::Bells;
use super::directory;
use super::inherit::{Outgoing, take, wanted};
use super::names::random_id;
use super::platform::lock::{LockFile, reopen};
use super::platform::memory::{is_shared_memory, memfd, seal, seals};
use super::platform::socket;
use super::seats::{Ask, Seat, Seats};
use crate::Plan;
use crate::os::error::Doing;
use crate::os::options::Options;
use crate::os::shared::{self, Access, SharedSegment, Trust};
use crate::os::{Error, Result};

/// What begins a message over a socket, and the number of its format.
const GREETING: [u8; 8] = *b"rp-pass\x01";
/// Bytes of a message: the greeting and the number of rows.
const MESSAGE: usize = 12;

/// How the variable of a hand-down begins: whether the other parties keep to the protocol.
const COOPERATIVE: &str = "cooperative:";
const DISTRUSTED: &str = "distrusted:";

/// The descriptors that one receiver needs.
struct Parcel {
    memory: OwnedFd,
    seat: Option<OwnedFd>,
    bells: Vec<OwnedFd>,
}

/// The memory, whose bytes are locked, and descriptions for that: handed down ones, then re-opened ones.
#[derive(Debug)]
pub(in crate::os) struct Rows {
    memory: OwnedFd,
    spare: Mutex<Vec<Seat>>,
}

impl Rows {
    fn spare(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seat(&self) -> Result<Seat> {
        let spare = self.spare().pop();
        match spare {
            Some(seat) => Ok(seat),
            None => reopen(self.memory.as_fd())
                .map(|fd| Seat(LockFile(fd)))
                .doing(|| "opening the memory anew for a lock".into()),
        }
    }

    pub(super) fn give_back(&self, seat: Seat) {
        self.spare().push(seat);
    }
}

impl SharedSegment {
    /// Makes a segment that has no name: its peers are this process's threads, the children it hands it down to,
    /// and whoever gets it over a socket.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]: among others when memory is short, now and never later; and the plan's own errors.
    pub fn anonymous<const N: usize>(plan: &Plan<N>, options: &Options) -> Result<Self> {
        let id = random_id().doing(|| "drawing a random number".into())?;
        let plan = plan.clone().id(id);
        let len = plan.layout()?.size() as u64;
        let memory = memfd("ringpad", len).doing(|| format!("reserving {len} anonymous bytes"))?;
        seal(memory.as_fd()).doing(|| "sealing the memory".into())?;
        let mapping = shared::map(memory.as_fd(), len, options, Access::ReadWrite)?;
        let trust = options.trust;
        let segment = shared::init(&mapping, &plan, trust)?;
        let wary = trust == Trust::Distrusted;
        let bells = (0..plan.peers).map(|_| Bell::pipe(wary).doing(|| "making a doorbell".into()));
        let bells = Bells::new(bells.collect::<Result<_>>()?);
        let ask = reopen(memory.as_fd()).doing(|| "opening the memory anew".into())?;
        let seats = Seats::Anonymous(Rows {
            memory,
            spare: Mutex::new(Vec::new()),
        });
        Ok(Self::assemble(
            mapping,
            segment,
            Ask(LockFile(ask)),
            bells,
            seats,
            trust,
        ))
    }

    fn memory(&self) -> Result<BorrowedFd<'_>> {
        match &self.inner.seats {
            Seats::Anonymous(rows) => Ok(rows.memory.as_fd()),
            Seats::Named(_) => Err(Error::BadHandoff(
                "a named segment is opened by its name; only an anonymous one is handed over"
                    .into(),
            )),
        }
    }

    /// What a child needs: two fresh descriptions of the memory, and the pipes.
    pub(super) fn outgoing(&self) -> Result<Outgoing<'_>> {
        let (memory, seat, bells) = self.fresh()?;
        Ok(Outgoing {
            word: match self.is_distrusted() {
                true => DISTRUSTED,
                false => COOPERATIVE,
            },
            own: vec![memory, seat],
            lent: bells,
            tail: OsString::new(),
        })
    }

    /// The segment that a parent handed down by this text.
    pub(super) fn incoming(text: &OsStr) -> Result<Self> {
        let wanted = || wanted(text, "descriptors as their parent described them");
        let known = text.to_str().ok_or_else(wanted)?;
        // A segment whose bytes a stranger may write is not lent to a child either.
        let (trust, list) = match (
            known.strip_prefix(COOPERATIVE),
            known.strip_prefix(DISTRUSTED),
        ) {
            (Some(list), _) => (Trust::Cooperative, list),
            (_, Some(list)) => (Trust::Distrusted, list),
            _ => return Err(wanted()),
        };
        let mut owned = take(text, list, 2..=socket::MAX_FDS)?.into_iter();
        let (Some(memory), seat) = (owned.next(), owned.next()) else {
            return Err(Error::BadHandoff("no memory".into()));
        };
        let parcel = Parcel {
            memory,
            seat,
            bells: owned.collect(),
        };
        parcel.open(trust)
    }

    /// Two fresh descriptions of the memory, and the pipes.
    fn fresh(&self) -> Result<(OwnedFd, OwnedFd, Vec<BorrowedFd<'_>>)> {
        let memory = self.memory()?;
        let anew = || reopen(memory).doing(|| "opening the memory anew".into());
        Ok((anew()?, anew()?, self.inner.bells.ends().collect()))
    }

    /// Sends a distrusted segment over a Unix socket, to a process that this one need not have started.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, and for one whose bytes are lent here: make it with
    /// [`Options::distrusted`], or use [`SharedSegment::send_trusted`]. [`Error::Io`].
    pub fn send(&self, to: &UnixStream) -> Result<()> {
        self.check_distrusted()?;
        self.pass(to)
    }

    /// Sends the segment over a Unix socket to a process that keeps to the protocol.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, [`Error::Io`].
    ///
    /// # Safety
    ///
    /// As [`Region::new`](crate::Region::new): whoever gets it touches the memory only through this crate.
    pub unsafe fn send_trusted(&self, to: &UnixStream) -> Result<()> {
        self.pass(to)
    }

    fn check_distrusted(&self) -> Result<()> {
        self.memory()?;
        if self.is_distrusted() {
            return Ok(());
        }
        Err(Error::BadHandoff(
            "bytes of a cooperative segment are lent here, so who gets it must be trusted".into(),
        ))
    }

    fn pass(&self, to: &UnixStream) -> Result<()> {
        let (memory, seat, bells) = self.fresh()?;
        let mut fds = vec![memory.as_fd(), seat.as_fd()];
        fds.extend(bells);
        let mut message = [0; MESSAGE];
        message[..8].copy_from_slice(&GREETING);
        message[8..].copy_from_slice(&(self.inner.bells.len() as u32).to_le_bytes());
        socket::send(to.as_fd(), &message, &fds).doing(|| "sending the segment".into())
    }

    /// Receives a segment whose sender need not be trusted: its bytes are copied, never lent.
    ///
    /// # Errors
    ///
    /// [`Error::NotSealed`], [`Error::BadHandoff`], [`Error::Io`].
    pub fn receive(from: &UnixStream) -> Result<Self> {
        Parcel::receive(from)?.open(Trust::Distrusted)
    }

    /// Receives a segment whose sender and other peers keep to the protocol: its bytes may be lent.
    ///
    /// # Errors
    ///
    /// As [`SharedSegment::receive`].
    ///
    /// # Safety
    ///
    /// As [`Region::new`](crate::Region::new): every other party of the segment touches it only through this crate.
    pub unsafe fn receive_trusted(from: &UnixStream) -> Result<Self> {
        Parcel::receive(from)?.open(Trust::Cooperative)
    }

    /// A segment over the memory alone, distrusted and without doorbells: its peers poll. `memory` must be a
    /// description of this process's own, and joining needs `/proc` to open another.
    ///
    /// # Errors
    ///
    /// [`Error::NotSealed`], and what attaching answers.
    pub fn from_fd(memory: OwnedFd) -> Result<Self> {
        let parcel = Parcel {
            memory,
            seat: None,
            bells: Vec::new(),
        };
        parcel.open(Trust::Distrusted)
    }

    /// The memory of a distrusted anonymous segment, as a description of its own. Closing the segment does not take it
    /// away.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, and for one whose bytes are lent here: make it with
    /// [`Options::distrusted`], or use [`SharedSegment::into_fd_trusted`]. [`Error::Io`].
    pub fn into_fd(self) -> Result<OwnedFd> {
        self.check_distrusted()?;
        reopen(self.memory()?).doing(|| "opening the memory anew".into())
    }

    /// The memory of an anonymous segment whose bytes may be lent, as a description of its own.
    ///
    /// # Errors
    ///
    /// [`Error::BadHandoff`] for a named segment, [`Error::Io`].
    ///
    /// # Safety
    ///
    /// As [`Region::new`](crate::Region::new): whoever gets the descriptor touches the memory only through this crate.
    pub unsafe fn into_fd_trusted(self) -> Result<OwnedFd> {
        reopen(self.memory()?).doing(|| "opening the memory anew".into())
    }
}

impl Bells {
    /// Both ends of every row, in order.
    fn ends(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.0
            .iter()
            .flat_map(|bell| [bell.read_fd(), bell.write_fd()])
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl Parcel {
    fn receive(from: &UnixStream) -> Result<Self> {
        let mut message = [0; MESSAGE];
        let (len, fds) = socket::recv(from.as_fd(), &mut message, socket::MAX_FDS)
            .doing(|| "receiving a segment".into())?;
        let bad = |what: String| Err(Error::BadHandoff(what));
        if len != MESSAGE || message[..8] != GREETING {
            return bad(format!(
                "message of {len} bytes begins {:?}",
                message[..8].escape_ascii().to_string()
            ));
        }
        let rows = u32::from_le_bytes([message[8], message[9], message[10], message[11]]);
        let want = u64::from(rows) * 2 + 2;
        if fds.len() as u64 != want {
            return bad(format!(
                "{} descriptors for {rows} rows; wanted {want}",
                fds.len()
            ));
        }
        let mut fds = fds.into_iter();
        let (Some(memory), seat) = (fds.next(), fds.next()) else {
            return bad("no memory".into());
        };
        Ok(Self {
            memory,
            seat,
            bells: fds.collect(),
        })
    }

    fn open(self, trust: Trust) -> Result<SharedSegment> {
        let sealed = seals(self.memory.as_fd()).doing(|| "asking for the memory's seals".into())?;
        if !sealed.shrink {
            return Err(Error::NotSealed);
        }
        // A hole in huge pages that have run out is SIGBUS; in these it takes memory anew.
        let plain = is_shared_memory(self.memory.as_fd());
        if !plain.doing(|| "asking what kind of memory it is".into())? {
            return Err(Error::BadHandoff("the memory is not of plain pages".into()));
        }
        if let Some(seat) = &self.seat {
            // Locks in another file would prove nothing to the other peers.
            let file =
                |fd: &OwnedFd| rustix::fs::fstat(fd).map(|found| (found.st_dev, found.st_ino));
            if file(seat).ok() != file(&self.memory).ok() {
                return Err(Error::BadHandoff("memory and seat are two files".into()));
            }
        }
        let len = directory::len(self.memory.as_fd()).doing(|| "measuring the memory".into())?;
        let mapping = shared::map(self.memory.as_fd(), len, &Options::new(), Access::ReadWrite)?;
        let segment = shared::attach(&mapping, trust)?;
        let mut ends = self.bells.into_iter();
        let mut bells = Vec::new();
        while let (Some(read), Some(write)) = (ends.next(), ends.next()) {
            let bell = Bell::from_ends(read, Some(write), trust == Trust::Distrusted);
            bells.push(bell.map_err(|error| Error::BadHandoff(format!("doorbell: {error}")))?);
        }
        if !bells.is_empty() && bells.len() as u32 != segment.peers() {
            return Err(Error::BadHandoff(format!(
                "{} doorbells for {} rows",
                bells.len(),
                segment.peers()
            )));
        }
        // The description that is asked through never holds a lock: rows are locked through others.
        let ask = match &self.seat {
            Some(_) => self.memory.try_clone(),
            // Not fresh from a parent or sender: whoever gave it may hold a lock through it.
            None => reopen(self.memory.as_fd()).or_else(|_| self.memory.try_clone()),
        };
        let ask = ask.doing(|| "copying a descriptor".into())?;
        let spare = self.seat.into_iter().map(|seat| Seat(LockFile(seat)));
        let seats = Seats::Anonymous(Rows {
            memory: self.memory,
            spare: Mutex::new(spare.collect()),
        });
        Ok(SharedSegment::assemble(
            mapping,
            segment,
            Ask(LockFile(ask)),
            Bells::new(bells),
            seats,
            trust,
        ))
    }
}
