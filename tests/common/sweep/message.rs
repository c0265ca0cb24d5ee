//! Numbered, checksummed messages.
//!
//! ```text
//! 0 life u32   4 n u32   8 position u32   12 len u32   16.. pseudo-random words   len-4 CRC-32 of all before
//! ```
//! `life` counts the producers, `n` the messages of one, `position` is what the ring's producer said it was.

/// Bytes of a typed item and of a stream's frame.
pub const FIXED: usize = 64;
/// Most bytes of any message.
pub const MOST: usize = 256;

/// A typed item.
pub type Item = [u32; FIXED / 4];

/// What a message says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    pub life: u32,
    pub n: u32,
    pub position: u32,
    pub crc: u32,
}

/// Bytes of the record `n` of `life`: 24 to 252, a multiple of 4.
pub fn length(life: u32, n: u32) -> usize {
    24 + 4 * (mix(life, n, 0) % 58) as usize
}

fn mix(life: u32, n: u32, at: u32) -> u32 {
    let word = life.wrapping_mul(0x9e37_79b9) ^ n.wrapping_mul(0x85eb_ca6b) ^ at;
    (word ^ word >> 15).wrapping_mul(0xc2b2_ae35)
}

/// Writes a message that fills `bytes`, half of it before `midway` is called.
pub fn write(life: u32, n: u32, position: u32, bytes: &mut [u8], midway: impl FnOnce()) {
    let len = bytes.len();
    let head = [life, n, position, len as u32];
    let word = |at: usize| match head.get(at) {
        Some(word) => *word,
        None => mix(life, n, at as u32),
    };
    let words = len / 4 - 1;
    let mut put = |at: usize| bytes[4 * at..][..4].copy_from_slice(&word(at).to_le_bytes());
    (0..words / 2).for_each(&mut put);
    midway();
    (words / 2..words).for_each(&mut put);
    let crc = crc32fast::hash(&bytes[..len - 4]);
    bytes[len - 4..].copy_from_slice(&crc.to_le_bytes());
}

pub fn item(life: u32, n: u32, position: u32) -> Item {
    let mut item = [0; FIXED / 4];
    write(
        life,
        n,
        position,
        bytemuck::cast_slice_mut(&mut item),
        || {},
    );
    item
}

/// Reads a message; an error if it is not whole.
pub fn read(bytes: &[u8]) -> Result<Message, String> {
    let word = |at: usize| {
        let word = bytes.get(at..at + 4).ok_or("shorter than a message")?;
        Ok::<u32, String>(u32::from_le_bytes(word.try_into().expect("4 bytes")))
    };
    let (len, found) = (word(12)? as usize, word(bytes.len().saturating_sub(4))?);
    let crc = crc32fast::hash(&bytes[..bytes.len() - 4]);
    if len != bytes.len() || crc != found {
        return Err(format!(
            "torn: {} bytes say {len}, their CRC is {crc:08x} and they say {found:08x}",
            bytes.len()
        ));
    }
    Ok(Message {
        life: word(0)?,
        n: word(4)?,
        position: word(8)?,
        crc,
    })
}
