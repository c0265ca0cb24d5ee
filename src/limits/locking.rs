//! What is locked is unlocked: guards and keys.

#![forbid(unsafe_code)]

/// # A guard has its key, and a key its peer
///
/// ```
/// # use ringpad::{*, lock::{Config, Locked}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<Locked<u64>>("lock", &Config::new())?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// let me = segment.join(&Identity::default(), &NoProof)?;
/// let mut key = segment.open::<Locked<u64>>("lock")?.key(&me)?;
/// let mut guard = key.try_lock().unwrap().into_guard();
/// guard.set(&1);
/// drop(guard);
/// assert_eq!(key.try_lock().unwrap().into_guard().get(), 1);
/// drop(key);
/// drop(me);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::{*, lock::{Config, Locked}};
/// # let mut room = AlignedBytes::<1024>::new();
/// # let lock = Locked::<u64>::init(Region::from_mut(room.as_mut())?, &Config::new())?;
/// let mut key = lock.bare_key()?;
/// let mut guard = key.try_lock().unwrap().into_guard();
/// let again = key.try_lock(); // lent to the guard
/// guard.set(&1);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::{*, lock::{Config, Locked}};
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<Locked<u64>>("lock", &Config::new())?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// let me = segment.join(&Identity::default(), &NoProof)?;
/// let mut key = segment.open::<Locked<u64>>("lock")?.key(&me)?;
/// drop(me); // borrowed
/// drop(key.try_lock());
/// # Ok::<(), Error>(())
/// ```
/// A lock alone has no value:
/// ```
/// # use ringpad::{*, lock::{Config, Lock}};
/// # let mut room = AlignedBytes::<1024>::new();
/// # let lock = Lock::init(Region::from_mut(room.as_mut())?, &Config::new())?;
/// let mut key = lock.bare_key()?;
/// key.try_lock().unwrap().into_guard().mark_consistent();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0080
/// # use ringpad::{*, lock::{Config, Lock}};
/// # let mut room = AlignedBytes::<1024>::new();
/// # let lock = Lock::init(Region::from_mut(room.as_mut())?, &Config::new())?;
/// let mut key = lock.bare_key()?;
/// key.try_lock().unwrap().into_guard().set(&());
/// # Ok::<(), Error>(())
/// ```
pub mod guards {}
