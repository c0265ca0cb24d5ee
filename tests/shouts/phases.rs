//! What is written, and for whom: one channel a phase, with the rule that its readers are held to.

use ringpad::mailslot::reliable::Reliable;
use ringpad::mailslot::{self, Mailslot, reliable};
use ringpad::notepad::{self, Notepad};
use ringpad::os::Result;
use ringpad::{Plan, mailslot::reliable::Slow};

use super::ledger::Rule;
use super::value::{Item, Large};

/// Slots of each kind, few: laps are common.
const PAGES: u32 = 8;
const SLOTS: u32 = 32;
const SUBSCRIBERS: u32 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    NoteWord,
    NotePair,
    NoteItem,
    NoteLarge,
    NoteBytes,
    MailItem,
    MailBytes,
    SureItem,
    SureBytes,
    /// Controls: slots of the test's own that the ledger must catch.
    NeverOdd,
    PublishFirst,
    Forgetful,
    Skipping,
    Miscounting,
    Overrunning,
    Holding,
}

pub const PHASES: [Phase; 9] = [
    Phase::NoteWord,
    Phase::NotePair,
    Phase::NoteItem,
    Phase::NoteLarge,
    Phase::NoteBytes,
    Phase::MailItem,
    Phase::MailBytes,
    Phase::SureItem,
    Phase::SureBytes,
];

pub const CONTROLS: [Phase; 7] = [
    Phase::NeverOdd,
    Phase::PublishFirst,
    Phase::Forgetful,
    Phase::Skipping,
    Phase::Miscounting,
    Phase::Overrunning,
    Phase::Holding,
];

/// Which kind of channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Note,
    Mail,
    Sure,
}

/// The segment of all phases.
pub fn plan() -> Result<Plan<9>> {
    let plan = Plan::new().peers(8)?;
    let notes = notepad::Config::new().slots(PAGES);
    let plan = plan.channel::<Notepad<u32>>("NoteWord", &notes)?;
    let plan = plan.channel::<Notepad<u64>>("NotePair", &notes)?;
    let plan = plan.channel::<Notepad<Item>>("NoteItem", &notes)?;
    let plan = plan.channel::<Notepad<Large>>("NoteLarge", &notes)?;
    let texts = notepad::Config::bytes(256).slots(PAGES);
    let plan = plan.channel::<Notepad<[u8]>>("NoteBytes", &texts)?;
    let mail = mailslot::Config::new(SLOTS);
    let plan = plan.channel::<Mailslot<Item>>("MailItem", &mail)?;
    let mail = mailslot::Config::bytes(SLOTS, 256);
    let plan = plan.channel::<Mailslot<[u8]>>("MailBytes", &mail)?;
    let sure = reliable::Config::new(SLOTS, SUBSCRIBERS);
    let plan = plan.channel::<Reliable<Item>>("SureItem", &sure)?;
    let sure = reliable::Config::bytes(SLOTS, 256, SUBSCRIBERS)
        .lag(SLOTS / 2)
        .slow(Slow::Wait);
    Ok(plan.channel::<Reliable<[u8]>>("SureBytes", &sure)?)
}

impl Phase {
    pub fn name(self) -> String {
        format!("{self:?}")
    }

    pub fn named(name: &str) -> Self {
        let mut all = PHASES.into_iter().chain(CONTROLS);
        all.find(|phase| phase.name() == name).expect("a phase")
    }

    pub fn kind(self) -> Kind {
        match self {
            Phase::MailItem | Phase::MailBytes | Phase::Skipping | Phase::Miscounting => Kind::Mail,
            Phase::SureItem | Phase::SureBytes | Phase::Overrunning | Phase::Holding => Kind::Sure,
            _ => Kind::Note,
        }
    }

    /// Slots of its channel.
    pub fn slots(self) -> u64 {
        match self {
            // One: every write is over what is being read.
            Phase::NeverOdd | Phase::PublishFirst => 1,
            phase if phase.kind() == Kind::Note => PAGES.into(),
            _ => SLOTS.into(),
        }
    }

    /// What reader `index` is held to: 0 only looks.
    pub fn rule(self, index: usize) -> Rule {
        match self.kind() {
            Kind::Note if self == Phase::NoteWord => Rule::Latest(None),
            Kind::Note => Rule::Latest(Some(self.slots())),
            Kind::Sure if index > 0 => Rule::All,
            _ => Rule::Each(self.slots()),
        }
    }

    /// Who reads: one that only looks, and one or two that joined.
    pub fn readers(self) -> usize {
        match self.kind() {
            Kind::Sure => 3,
            _ => 2,
        }
    }

    /// Some controls have only subscribers with cursors.
    pub fn control_without_looker(self) -> bool {
        CONTROLS.contains(&self) && self.kind() == Kind::Sure
    }
}
