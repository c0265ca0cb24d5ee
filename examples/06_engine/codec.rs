//! A video codec as small as one can be: runs, and what differs from the picture before.
//!
//! A packet is a row of tokens, each a byte that says what, a length, and what belongs to it. Key packets know no `SKIP`, so that they need no
//! picture before them; the others are applied in place, onto the bytes of the picture before.
//!
//! What is read comes from a file, so every length is looked at before it is used: a broken packet is an error, whatever it says.

/// Leaves so many bytes as they are.
const SKIP: u8 = 0;
/// So many times the byte that follows.
const RUN: u8 = 1;
/// So many bytes, which follow.
const COPY: u8 = 2;

/// A skip or a run shorter than this costs more than the bytes.
const LEAST: usize = 8;
/// Bytes that are compared at once.
const CHUNK: usize = 64;

/// Encodes a picture: by itself, or as what has changed since `before`, of the same size.
pub fn encode(before: Option<&[u8]>, picture: &[u8]) -> Vec<u8> {
    let mut packet = Vec::new();
    let (mut at, mut plain) = (0, 0);
    while at < picture.len() {
        let same = before.map_or(0, |before| equal(&before[at..], &picture[at..]));
        let (what, len) = match same {
            LEAST.. => (SKIP, same),
            _ => (RUN, run(&picture[at..])),
        };
        if len < LEAST {
            at += 1;
            continue;
        }
        copy(&mut packet, &picture[plain..at]);
        token(&mut packet, what, len);
        if what == RUN {
            packet.push(picture[at]);
        }
        at += len;
        plain = at;
    }
    copy(&mut packet, &picture[plain..]);
    packet
}

/// How many bytes the two have in common.
fn equal(one: &[u8], other: &[u8]) -> usize {
    let chunks = one.chunks(CHUNK).zip(other.chunks(CHUNK));
    let whole = chunks.take_while(|(one, other)| one == other).count() * CHUNK;
    let whole = whole.min(one.len());
    let rest = one[whole..].iter().zip(&other[whole..]).take(CHUNK);
    whole + rest.take_while(|(one, other)| one == other).count()
}

/// How many bytes are as the first.
fn run(bytes: &[u8]) -> usize {
    // As many as differ from themselves moved by one, and the last.
    1 + equal(bytes, bytes.get(1..).unwrap_or_default())
}

fn token(packet: &mut Vec<u8>, what: u8, len: usize) {
    packet.push(what);
    packet.extend((len as u32).to_le_bytes());
}

fn copy(packet: &mut Vec<u8>, bytes: &[u8]) {
    if !bytes.is_empty() {
        token(packet, COPY, bytes.len());
        packet.extend(bytes);
    }
}

/// Applies a packet to the bytes of the picture before, or if it is a `key` one to any. `None` of a packet that does not fill
/// `picture` to the byte; what was done until then stays.
pub fn apply(packet: &[u8], key: bool, mut picture: &mut [u8]) -> Option<()> {
    let mut rest = packet;
    while let Some((&what, after)) = rest.split_first() {
        let (len, after) = after.split_first_chunk()?;
        let len = u32::from_le_bytes(*len) as usize;
        let (part, behind) = picture.split_at_mut_checked(len)?;
        rest = match what {
            SKIP if !key => after,
            RUN => {
                let (&byte, after) = after.split_first()?;
                part.fill(byte);
                after
            }
            COPY => {
                let (bytes, after) = after.split_at_checked(len)?;
                part.copy_from_slice(bytes);
                after
            }
            _ => return None,
        };
        picture = behind;
    }
    picture.is_empty().then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes with runs, noise and pieces in common, by a small generator.
    fn picture(seed: u32) -> Vec<u8> {
        let mut word = seed;
        let mut bytes = vec![0; 1000];
        for (at, byte) in bytes.iter_mut().enumerate() {
            word = word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = match at / 100 % 3 {
                0 => (word >> 24) as u8,
                1 => seed as u8,
                _ => 7,
            };
        }
        bytes
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let pictures: Vec<_> = (0..20).map(picture).collect();
        let mut shown = vec![0xaa; 1000];
        for (number, picture) in pictures.iter().enumerate() {
            let key = number % 7 == 0;
            let before = (!key).then(|| &pictures[number - 1][..]);
            let packet = encode(before, picture);
            assert_eq!(apply(&packet, key, &mut shown), Some(()));
            assert_eq!(&shown, picture, "{number}");
        }
        assert!(
            encode(Some(&pictures[0]), &pictures[0]).len() == 5,
            "one skip"
        );
        assert!(encode(None, &[9; 100_000]).len() == 6, "one run");
    }

    #[test]
    fn short_and_odd_ones_too() {
        for len in 0..200 {
            let (before, now) = (&picture(1)[..len], &picture(2)[..len]);
            for before in [None, Some(before), Some(now)] {
                let packet = encode(before, now);
                let mut shown = before.unwrap_or(&[0; 200][..len]).to_vec();
                assert_eq!(apply(&packet, before.is_none(), &mut shown), Some(()));
                assert_eq!(shown, now);
            }
        }
    }

    #[test]
    fn broken_packets_are_refused_without_a_panic() {
        let (before, now) = (picture(1), picture(2));
        for key in [true, false] {
            let packet = encode((!key).then_some(&before), &now);
            for cut in 0..packet.len() {
                assert_eq!(apply(&packet[..cut], key, &mut before.clone()), None);
            }
            for at in 0..packet.len() {
                let mut packet = packet.clone();
                packet[at] ^= 0xff;
                apply(&packet, key, &mut before.clone());
            }
            assert_eq!(apply(&packet, key, &mut [0; 999]), None);
            assert_eq!(apply(&packet, key, &mut [0; 1001]), None);
        }
        // A key packet that leaves bytes of whatever was there before.
        assert_eq!(apply(&[SKIP, 4, 0, 0, 0], true, &mut [0; 4]), None);
        assert_eq!(apply(&[SKIP, 4, 0, 0, 0], false, &mut [0; 4]), Some(()));
    }
}
