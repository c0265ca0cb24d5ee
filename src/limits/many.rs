//! The ends of a ring of many: cloned and sent, never shared; and what a receiver lends.

#![forbid(unsafe_code)]

/// # An end belongs to one thread at a time; a clone is another end
///
/// ```
/// # use ringpad::*;
/// fn sent<T: Send + Clone>() {}
/// sent::<mpmc::Sender<'static, u64>>();
/// sent::<mpmc::Receiver<'static, u64>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<mpmc::Sender<'static, u64>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<mpmc::Receiver<'static, u64>>();
/// ```
/// What a receiver holds is not cloned, or there would be two of one message:
/// ```compile_fail,E0599
/// # use ringpad::*;
/// fn cloned(taken: mpmc::Taken<'_, '_, u64>) { let twin = taken.clone(); }
/// ```
pub mod ends {}

/// # A taken message borrows its receiver, and is acknowledged once
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = mpmc::Mpmc::<u64>::init(Region::from_mut(room.as_mut())?, &mpmc::Config::new(4))?;
/// # let (mut tx, mut rx) = (ring.bare_sender()?, ring.bare_receiver()?);
/// tx.try_send_slice(&[1, 2]);
/// let taken = rx.try_take().unwrap();
/// let one = taken.acknowledge();
/// let two = rx.try_recv();
/// assert_eq!((one, two), (1, Some(2)));
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = mpmc::Mpmc::<u64>::init(Region::from_mut(room.as_mut())?, &mpmc::Config::new(4))?;
/// # let (mut tx, mut rx) = (ring.bare_sender()?, ring.bare_receiver()?);
/// tx.try_send_slice(&[1, 2]);
/// let taken = rx.try_take().unwrap();
/// let two = rx.try_recv(); // lent
/// let one = taken.acknowledge();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = mpmc::Mpmc::<u64>::init(Region::from_mut(room.as_mut())?, &mpmc::Config::new(4))?;
/// # let (mut tx, mut rx) = (ring.bare_sender()?, ring.bare_receiver()?);
/// tx.try_send_slice(&[1, 2]);
/// let taken = rx.try_take().unwrap();
/// drop(rx); // lent
/// let one = taken.acknowledge();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// # let ring = mpmc::Mpmc::<u64>::init(Region::from_mut(room.as_mut())?, &mpmc::Config::new(4))?;
/// # let (mut tx, mut rx) = (ring.bare_sender()?, ring.bare_receiver()?);
/// tx.try_send_slice(&[1, 2]);
/// let taken = rx.try_take().unwrap();
/// let one = taken.acknowledge();
/// let again = taken.acknowledge(); // moved
/// # Ok::<(), Error>(())
/// ```
pub mod taken {}

/// # Neither an end nor its bell outlives its peer
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<mpmc::Mpmc<u64>>("ring", &mpmc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let mut tx = segment.open::<mpmc::Mpmc<u64>>("ring")?.sender(&me)?;
/// let bell = tx.bell();
/// tx.try_send(1).unwrap();
/// drop(bell);
/// drop(tx);
/// drop(me);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<mpmc::Mpmc<u64>>("ring", &mpmc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let mut tx = segment.open::<mpmc::Mpmc<u64>>("ring")?.sender(&me)?;
/// drop(me); // borrowed by tx
/// tx.try_send(1).unwrap();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<mpmc::Mpmc<u64>>("ring", &mpmc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// # let me = segment.join(&Identity::default(), &NoProof)?;
/// let bell = segment.open::<mpmc::Mpmc<u64>>("ring")?.receiver(&me)?.bell();
/// drop(me); // borrowed by the bell
/// let ends = [bell];
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let ring = mpmc::Mpmc::<u64>::init(Region::from_mut(room.as_mut())?, &mpmc::Config::new(4))?;
/// let mut tx = ring.bare_sender()?;
/// drop(ring);
/// drop(room); // borrowed by tx
/// tx.try_send(1).unwrap();
/// # Ok::<(), Error>(())
/// ```
pub mod peers {}
