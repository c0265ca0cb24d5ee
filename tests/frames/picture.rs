//! What is in a frame: all of it follows from whose it is and which.

/// Half of a picture's name.
const NUMBERS: u32 = 40;
pub const FRAME_BYTES: u32 = 4096;
const WORD: usize = size_of::<u64>();

pub fn name(publisher: usize, number: u64) -> u64 {
    (publisher as u64 + 1) << NUMBERS | number
}

/// Whose, and which.
pub fn parts(name: u64) -> (usize, u64) {
    let publisher = (name >> NUMBERS) as usize;
    (publisher.wrapping_sub(1), name & ((1 << NUMBERS) - 1))
}

/// Bytes of this one.
pub fn bytes(number: u64) -> u32 {
    let words = FRAME_BYTES as u64 / WORD as u64;
    ((1 + number % words) * WORD as u64) as u32
}

fn word(name: u64, index: usize) -> u64 {
    let mixed = (name ^ (index as u64) << 17).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    if index == 0 {
        name
    } else {
        mixed ^ mixed >> 29
    }
}

pub fn draw(name: u64, into: &mut [u8]) {
    for (index, word_bytes) in into.chunks_exact_mut(WORD).enumerate() {
        word_bytes.copy_from_slice(&word(name, index).to_le_bytes());
    }
}

/// The picture's name; `None` if the bytes are not those of one picture.
pub fn whole(bytes: &[u8]) -> Option<u64> {
    let words = || bytes.chunks_exact(WORD);
    let name = u64::from_le_bytes(words().next()?.try_into().ok()?);
    let all = words().enumerate();
    let is_whole = |(index, found): (usize, &[u8])| found == word(name, index).to_le_bytes();
    (self::bytes(parts(name).1) as usize == bytes.len() && all.into_iter().all(is_whole))
        .then_some(name)
}

#[test]
fn control_a_picture_of_two_is_torn() {
    let [one, two] = [(0, 511), (1, 1023)].map(|(publisher, number)| {
        let mut picture = vec![0; bytes(number) as usize];
        draw(name(publisher, number), &mut picture);
        picture
    });
    assert_eq!(whole(&one), Some(name(0, 511)));
    for cut in [2, 8, 9, 2048, one.len() - 1] {
        let mut torn = one.clone();
        torn[cut..].copy_from_slice(&two[cut..]);
        assert_eq!(whole(&torn), None, "from byte {cut} on");
    }
    assert_eq!(whole(&one[..64]), None, "another length");
    assert_eq!(whole(&[]), None);
}
