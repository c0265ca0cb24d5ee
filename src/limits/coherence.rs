//! Cores without coherent caches: what does not reach through a cache does not compile.

#![forbid(unsafe_code)]

/// # Only kinds of loads and stores
///
/// ```
/// # use ringpad::*;
/// fn make<'m, C: Incoherent<'m>>(_: C::Config) {}
/// make::<spsc::Spsc<u32>>(spsc::Config::new(8));
/// make::<bytes::Bytes>(bytes::Config::records(64));
/// make::<notepad::Notepad<[u8]>>(notepad::Config::bytes(8));
/// make::<mailslot::Mailslot<u64>>(mailslot::Config::new(8));
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn make<'m, C: Incoherent<'m>>(_: C::Config) {}
/// make::<mpmc::Mpmc<u32>>(mpmc::Config::new(8)); // exchanges
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn make<'m, C: Incoherent<'m>>(_: C::Config) {}
/// make::<lock::Lock>(lock::Config::new()); // claims
/// ```
/// ```compile_fail,E0277
/// # use ringpad::*;
/// fn make<'m, C: Incoherent<'m>>(_: C::Config) {}
/// make::<mailslot::reliable::Reliable<u32>>(mailslot::reliable::Config::new(8, 1)); // cursors
/// ```
pub mod exchanges {}

/// # Lines have one writer
///
/// And an end with caches to maintain does so for good.
///
/// ```
/// # use ringpad::*;
/// # struct Dcache<const LINE: usize>;
/// # unsafe impl<const LINE: usize> CacheMaintenance for Dcache<LINE> {
/// #     const LINE: usize = LINE;
/// #     unsafe fn clean(&self, _: *const u8, _: usize) {}
/// #     unsafe fn invalidate(&self, _: *const u8, _: usize) {}
/// # }
/// # let mut room = AlignedBytes::<1024>::new();
/// # let region = Region::from_mut(room.as_mut())?;
/// let by = unsafe { Maintained::new(Dcache::<32>) };
/// let ring: spsc::Spsc<u32> = by.init(region, &spsc::Config::new(8))?;
/// let tx = ring.maintained_producer(by)?;
/// # Ok::<(), Error>(())
/// ```
/// ```compile_fail,E0080
/// # use ringpad::*;
/// # struct Dcache<const LINE: usize>;
/// # unsafe impl<const LINE: usize> CacheMaintenance for Dcache<LINE> {
/// #     const LINE: usize = LINE;
/// #     unsafe fn clean(&self, _: *const u8, _: usize) {}
/// #     unsafe fn invalidate(&self, _: *const u8, _: usize) {}
/// # }
/// let by = unsafe { Maintained::new(Dcache::<256>) }; // two writers would meet in it
/// ```
/// ```compile_fail,E0599
/// # use ringpad::*;
/// # struct Dcache<const LINE: usize>;
/// # unsafe impl<const LINE: usize> CacheMaintenance for Dcache<LINE> {
/// #     const LINE: usize = LINE;
/// #     unsafe fn clean(&self, _: *const u8, _: usize) {}
/// #     unsafe fn invalidate(&self, _: *const u8, _: usize) {}
/// # }
/// # let mut room = AlignedBytes::<1024>::new();
/// # let region = Region::from_mut(room.as_mut())?;
/// let by = unsafe { Maintained::new(Dcache::<32>) };
/// let ring: spsc::Spsc<u32> = by.init(region, &spsc::Config::new(8))?;
/// let tx = ring.maintained_producer(by)?.waking(|| ()); // which would clean nothing
/// # Ok::<(), Error>(())
/// ```
pub mod lines {}
