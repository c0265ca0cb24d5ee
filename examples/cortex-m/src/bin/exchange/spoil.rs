//! What one run does wrong on purpose, to show that it would be seen.

use core::ptr;

/// What is spoilt, once, in the middle of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spoil {
    /// Nothing.
    Nothing,
    /// A word of an item of SysTick's ring.
    Ring,
    /// A byte of one of its records.
    Record,
    /// A word of its note.
    Note,
    /// A word of its mail.
    Mail,
    /// An item that is left out.
    Lost,
    /// A record that is sent twice.
    Doubled,
    /// A word of main's note.
    BackNote,
    /// A word of main's mail.
    BackMail,
    /// A word of an item of main's ring.
    BackRing,
    /// What nobody knows: it must not pass for nothing.
    Unknown,
}

impl Spoil {
    /// When.
    pub(crate) const AT: u32 = 1_000;

    const NAMES: [(&[u8], Self); 9] = [
        (b"ring", Self::Ring),
        (b"record", Self::Record),
        (b"note", Self::Note),
        (b"mail", Self::Mail),
        (b"lost", Self::Lost),
        (b"doubled", Self::Doubled),
        (b"back-note", Self::BackNote),
        (b"back-mail", Self::BackMail),
        (b"back-ring", Self::BackRing),
    ];

    /// What the emulator's second argument names.
    pub(crate) fn asked() -> Self {
        let mut line = [0u8; 128];
        let block = [line.as_mut_ptr() as usize, line.len() - 1];
        // SAFETY: SYS_GET_CMDLINE writes at most as many bytes as the block says to where it says.
        let refused = unsafe { cortex_m_semihosting::syscall(0x15, &block) };
        // SAFETY: the array is whole; the emulator wrote to it unseen.
        let line = unsafe { ptr::read_volatile(&line) };
        let len = line.iter().position(|byte| *byte == 0).unwrap_or(0);
        let mut words = line[..len].split(|byte| *byte == b' ').skip(1);
        match words.next() {
            _ if refused != 0 => Self::Unknown,
            None | Some(b"") => Self::Nothing,
            Some(word) => Self::NAMES
                .iter()
                .find_map(|(name, spoil)| (*name == word).then_some(*spoil))
                .unwrap_or(Self::Unknown),
        }
    }
}
