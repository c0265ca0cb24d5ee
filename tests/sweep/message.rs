//! Messages that say whose they are and which, and whether they are whole.

pub type Message = [u64; 4];

/// Half of a message's name.
const NUMBERS: u32 = 32;

/// What names a message: who sends it, and its number there.
pub fn name(sender: usize, number: u64) -> u64 {
    ((sender as u64).wrapping_add(1) << NUMBERS) | number
}

/// Who sent it, and which of that one's it is.
pub fn parts(name: u64) -> (usize, u64) {
    let sender = (name >> NUMBERS) as usize;
    (sender.wrapping_sub(1), name & ((1 << NUMBERS) - 1))
}

pub fn message(sender: usize, number: u64) -> Message {
    let name = name(sender, number);
    let a = name.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
    let b = (a ^ name).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    [name, a, b, !(name ^ a.rotate_left(7) ^ b.rotate_left(41))]
}

/// The message's name; `None` if its words are not of one message.
pub fn whole(found: &Message) -> Option<u64> {
    let (sender, number) = parts(found[0]);
    (message(sender, number) == *found).then_some(found[0])
}

#[test]
fn control_a_message_of_two_is_torn() {
    let (a, b) = (message(0, 7), message(3, 8));
    assert_eq!((whole(&a), whole(&[0; 4])), (Some(name(0, 7)), None));
    for cut in 1..4 {
        let mut torn = a;
        torn[cut..].copy_from_slice(&b[cut..]);
        assert_eq!(whole(&torn), None, "from word {cut} on");
    }
}
