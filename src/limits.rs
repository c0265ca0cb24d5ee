//! What safe code must not be able to do: each line that must not compile, beside its twin that does.
//!
//! Compiled by rustdoc alone (`cargo test --doc`). The twin shows that nothing but the forbidden line is at fault;
//! the error codes are checked by a nightly compiler.

#![forbid(unsafe_code)]

pub mod calling;
pub mod coherence;
pub mod framing;
pub mod lending;
pub mod locking;
pub mod many;

/// # A token is linear
///
/// `split_at`, `init` and `attach` take it, and it is neither copied nor cloned.
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let moved = region;
/// let (head, tail) = moved.split_at(128)?;
/// let ring = spsc::Spsc::<u64>::init(tail, &spsc::Config::new(4))?;
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let moved = region;
/// let (head, tail) = region.split_at(128)?; // moved
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let again = region.clone();
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0382
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let ring = spsc::Spsc::<u64>::init(region, &spsc::Config::new(4))?;
/// let again = spsc::Spsc::<u64>::attach(region)?; // moved into init
/// # Ok::<(), Error>(())
/// ```
pub mod tokens {}

/// # Handles borrow the bytes
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let (mut tx, rx) = spsc::Spsc::<u64>::init(region, &spsc::Config::new(4))?.split()?;
/// tx.push(1).unwrap();
/// drop((tx, rx));
/// room.as_mut()[600] = 7;
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0499
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let (mut tx, rx) = spsc::Spsc::<u64>::init(region, &spsc::Config::new(4))?.split()?;
/// room.as_mut()[600] = 7; // borrowed by both ends
/// tx.push(1).unwrap();
/// # Ok::<(), Error>(())
/// ```
/// `split` takes the handle, so there is one end of each sort:
/// ```compile_fail,E0382
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<1024>::new();
/// let region = Region::from_mut(room.as_mut())?;
/// let ring = spsc::Spsc::<u64>::init(region, &spsc::Config::new(4))?;
/// let ends = ring.split()?;
/// let again = ring.split()?; // moved
/// # Ok::<(), Error>(())
/// ```
pub mod handles {}

/// # An endpoint does not outlive its peer, nor a peer its oracle
///
/// ```
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// let proof = Box::new(NoProof);
/// let me = segment.join(&Identity::default(), &*proof)?;
/// let tx = segment.open::<spsc::Spsc<u64>>("ring")?.producer(&me)?;
/// drop(tx);
/// drop(me);
/// drop(proof);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// let proof = Box::new(NoProof);
/// let me = segment.join(&Identity::default(), &*proof)?;
/// let tx = segment.open::<spsc::Spsc<u64>>("ring")?.producer(&me)?;
/// drop(me); // borrowed by tx
/// drop(tx);
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0505
/// # use ringpad::*;
/// # let mut room = AlignedBytes::<4096>::new();
/// # let plan = Plan::<1>::new().channel::<spsc::Spsc<u64>>("ring", &spsc::Config::new(4))?;
/// # let segment = Segment::init(Region::from_mut(room.as_mut())?, &plan)?;
/// let proof = Box::new(NoProof);
/// let me = segment.join(&Identity::default(), &*proof)?;
/// drop(proof); // borrowed by me
/// drop(me);
/// # Ok::<(), Error>(())
/// ```
pub mod peers {}

/// # An end belongs to one thread at a time
///
/// ```
/// # use ringpad::*;
/// fn sent<T: Send>() {}
/// sent::<spsc::Producer<'static, u64>>();
/// sent::<spsc::Consumer<'static, u64>>();
/// sent::<bytes::Producer<'static>>();
/// sent::<bytes::Consumer<'static>>();
/// fn moved(tx: spsc::Producer<'static, u64>) -> spsc::Producer<'static, u64> { tx }
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<spsc::Producer<'static, u64>>();
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn shared<T: Sync>() {}
/// shared::<bytes::Consumer<'static>>();
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// fn cloned(tx: &spsc::Producer<'static, u64>) -> spsc::Producer<'static, u64> { (*tx).clone() }
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// fn cloned(rx: &bytes::Consumer<'static>) -> bytes::Consumer<'static> { (*rx).clone() }
/// ```
pub mod ends {}

/// # Kinds are this crate's own
///
/// A user names and uses them, but implements none: `Channel` asks for a trait that nobody outside can name.
///
/// ```
/// # use ringpad::*;
/// fn bytes_of<'m, C: Channel<'m>>(config: &C::Config) -> usize { C::layout(config).unwrap().size() }
/// assert_eq!(bytes_of::<spsc::Spsc<u64>>(&spsc::Config::new(16)), 640);
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// struct Mine;
/// impl Channel<'_> for Mine { const KIND: Kind = Kind::Spsc; }
/// ```
/// ```compile_fail,E0603
/// # use ringpad::*;
/// struct Mine;
/// impl ringpad::segment::header::sealed::Sealed<'_> for Mine {}
/// ```
/// Nor a way to wake: an endpoint calls it between its own steps.
/// ```compile_fail,E0277
/// # use ringpad::*;
/// struct Loud;
/// impl Wake for Loud {}
/// ```
pub mod kinds {}

/// # Whoever says that somebody is dead says `unsafe`
///
/// ```
/// # use ringpad::*;
/// struct Careful;
/// // SAFETY: never says Dead.
/// unsafe impl Liveness for Careful { fn state(&self, _: PeerId) -> Life { Life::Unknown } }
/// // SAFETY: nobody holds the other side.
/// let gone = unsafe { Evicted::new(PeerId::BARE) };
/// ```
/// ```compile_fail,E0200
/// # use ringpad::*;
/// struct Careless;
/// impl Liveness for Careless { fn state(&self, _: PeerId) -> Life { Life::Dead } }
/// ```
/// ```compile_fail,E0133
/// # use ringpad::*;
/// let gone = Evicted::new(PeerId::BARE);
/// ```
/// So does whoever says what bytes are:
/// ```compile_fail,E0133
/// # use ringpad::*;
/// let region = Region::new(core::ptr::null_mut(), 0);
/// ```
/// ```compile_fail,E0133
/// # use ringpad::*;
/// let region = Region::distrusted(core::ptr::null_mut(), 0);
/// ```
pub mod deaths {}

/// # Only plain data lies in a region
///
/// ```
/// fn lies<T: ringpad::Pod>() {}
/// lies::<u8>();
/// lies::<[u64; 3]>();
/// #[derive(Clone, Copy)]
/// #[repr(C)]
/// struct Full { a: u32, b: u32 }
/// // SAFETY: two u32 without padding.
/// unsafe impl bytemuck::Zeroable for Full {}
/// // SAFETY: any bits are two u32.
/// unsafe impl bytemuck::Pod for Full {}
/// lies::<Full>();
/// ```
/// Not every byte is a bool, a char or a reference:
/// ```compile_fail,E0277
/// fn lies<T: ringpad::Pod>() {}
/// lies::<bool>();
/// ```
/// ```compile_fail,E0277
/// fn lies<T: ringpad::Pod>() {}
/// lies::<char>();
/// ```
/// ```compile_fail,E0277
/// fn lies<T: ringpad::Pod>() {}
/// lies::<&'static u8>();
/// ```
/// Padding has no value, and a struct is not plain data unless its author says so:
/// ```compile_fail,E0277
/// fn lies<T: ringpad::Pod>() {}
/// #[derive(Clone, Copy)]
/// #[repr(C)]
/// struct Padded { a: u8, b: u32 }
/// lies::<Padded>();
/// ```
/// ```compile_fail,E0277
/// fn lies<T: ringpad::Pod>() {}
/// lies::<(u8, u32)>();
/// ```
pub mod data {}
