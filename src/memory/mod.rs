//! What the bytes are, and the only code that touches them.
//!
//! Everything above this room works on checked offsets, named edges and copied values.

pub(crate) mod copy;
pub(crate) mod layout;
pub(crate) mod liveness;
pub(crate) mod maintenance;
pub(crate) mod order;
pub(crate) mod prefetch;
pub(crate) mod racing;
pub(crate) mod region;
pub(crate) mod span;
pub(crate) mod sync;
#[cfg(all(test, not(ringpad_loom)))]
pub(crate) mod testing;
mod wide;
pub(crate) mod words;

/// A value that may lie in a region: any bit pattern is valid, no byte is padding, nothing is borrowed.
///
/// Implemented for every type that bytemuck calls [`NoUninit`](bytemuck::NoUninit) and
/// [`AnyBitPattern`](bytemuck::AnyBitPattern): integers, floats, arrays of them, and `repr(C)` structs
/// for which the user says so.
///
/// ```
/// fn lies_in_a_region<T: ringpad::Pod>() {}
/// lies_in_a_region::<u64>();
/// lies_in_a_region::<[f32; 100]>();
/// ```
pub trait Pod: bytemuck::NoUninit + bytemuck::AnyBitPattern + 'static {}
impl<T: bytemuck::NoUninit + bytemuck::AnyBitPattern + 'static> Pod for T {}
