//! Values that say which write they are of, and show whether they are whole.

use crate::common::sweep::message;

pub use crate::common::sweep::message::Item;

/// A value much larger than a line.
pub type Large = [u32; 256];

/// Most bytes of any value.
pub const MOST: usize = size_of::<Large>();

/// What a value says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// Whose write it is, if there was room to say so.
    pub life: Option<u32>,
    /// Low bits of the write's number.
    pub number: u64,
    /// How many bits.
    pub bits: u32,
}

fn check(value: u64) -> u32 {
    crc32fast::hash(&value.to_le_bytes())
}

/// 24 bits of number, 8 of a checksum.
pub fn word(n: u64) -> u32 {
    let n = n as u32 & 0xff_ffff;
    n | check(n.into()) << 24
}

pub fn read_word(word: u32) -> Result<Said, String> {
    let number = word & 0xff_ffff;
    if check(number.into()) << 24 != word & !0xff_ffff {
        return Err(format!("torn: {word:#x}"));
    }
    Ok(Said {
        life: None,
        number: number.into(),
        bits: 24,
    })
}

/// 32 bits of number, 16 of life, 16 of a checksum.
pub fn pair(life: u32, n: u64) -> u64 {
    let low = (n & 0xffff_ffff) << 16 | u64::from(life & 0xffff);
    low | u64::from(check(low)) << 48
}

pub fn read_pair(pair: u64) -> Result<Said, String> {
    let low = pair & 0xffff_ffff_ffff;
    if u64::from(check(low)) << 48 != pair & !0xffff_ffff_ffff {
        return Err(format!("torn: {pair:#x}"));
    }
    Ok(Said {
        life: Some(low as u32 & 0xffff),
        number: low >> 16,
        bits: 32,
    })
}

/// Fills bytes of a message's length, 24 at least and a multiple of four.
pub fn fill(life: u32, n: u64, bytes: &mut [u8]) {
    message::write(life, n as u32, (n >> 32) as u32, bytes, || {});
}

pub fn read(bytes: &[u8]) -> Result<Said, String> {
    let message = message::read(bytes)?;
    Ok(Said {
        life: Some(message.life),
        number: u64::from(message.position) << 32 | u64::from(message.n),
        bits: 64,
    })
}

#[test]
fn control_a_value_with_one_wrong_bit_is_torn() {
    for bit in 0..32 {
        assert!(read_word(word(77) ^ 1 << bit).is_err());
    }
    for bit in 0..64 {
        assert!(read_pair(pair(3, 77) ^ 1 << bit).is_err());
    }
    let mut bytes = [0; 64];
    fill(3, 77, &mut bytes);
    assert_eq!(
        read(&bytes).map(|said| (said.life, said.number)),
        Ok((Some(3), 77))
    );
    for bit in 0..512 {
        let mut torn = bytes;
        torn[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&torn).is_err());
    }
    let mut other = [0; 64];
    fill(4, 78, &mut other);
    for cut in (4..64).step_by(4) {
        let mut torn = bytes;
        torn[..cut].copy_from_slice(&other[..cut]);
        assert!(read(&torn).is_err(), "half of two, cut at {cut}");
    }
}
