//! For tests: a death at a step of a frame, and a frame that is not what its checksum says.

use super::system;

/// Steps of a frame's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The producer has it, and has drawn it.
    Drawn,
    /// It is published, and nobody was told.
    Published,
    /// One of those for whom it is kept was told.
    First,
    /// Everybody was told, and it is not counted.
    Told,
    /// It is counted.
    Counted,
    /// The recorder has written half of it.
    Half,
    /// All of it.
    Written,
    /// And its ticket is removed.
    Popped,
}

impl Step {
    const ALL: [(&'static str, Self); 8] = [
        ("drawn", Self::Drawn),
        ("published", Self::Published),
        ("first", Self::First),
        ("told", Self::Told),
        ("counted", Self::Counted),
        ("half", Self::Half),
        ("written", Self::Written),
        ("popped", Self::Popped),
    ];
}

/// Where to stop: at a step of the frame of this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt(pub Step, pub u64);

impl std::str::FromStr for Halt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, frame) = text.split_once(':').ok_or("wanted STEP:N")?;
        let step = Step::ALL.iter().find(|(known, _)| *known == name);
        let (_, step) = step.ok_or_else(|| format!("no step is called {name}"))?;
        Ok(Self(*step, frame.parse().map_err(|e| format!("{e}"))?))
    }
}

/// Stops (by SIGSTOP) if it is to be here: whoever waits for that kills then.
pub fn pass(halt: Option<Halt>, step: Step, sequence: u64) {
    if halt == Some(Halt(step, sequence)) {
        system::stop_here();
    }
}

/// What a producer is to do wrong.
#[derive(Clone, Copy, Debug, Default)]
pub struct Controls {
    /// This frame's pixels are not what its checksum says.
    pub spoil: Option<u64>,
    /// Stop here.
    pub halt: Option<Halt>,
}
