//! What may be wrong behind a kill: how often it was, and what the first was.

use std::fmt;

#[derive(Clone, Debug, Default)]
pub struct Faults {
    pub stuck: u64,
    pub torn: u64,
    pub lost: u64,
    pub repeated: u64,
    pub uncommitted: u64,
    first: Option<String>,
}

impl Faults {
    fn say(&mut self, what: String) {
        self.first.get_or_insert(what);
    }

    pub fn stuck(&mut self, what: String) {
        self.stuck += 1;
        self.say(what);
    }

    pub fn torn(&mut self, what: String) {
        self.torn += 1;
        self.say(what);
    }

    pub fn lost(&mut self, what: String) {
        self.lost += 1;
        self.say(what);
    }

    pub fn repeated(&mut self, what: String) {
        self.repeated += 1;
        self.say(what);
    }

    pub fn uncommitted(&mut self, what: String) {
        self.uncommitted += 1;
        self.say(what);
    }

    /// The same, and the first says where it was.
    pub fn at(mut self, place: impl fmt::Display) -> Self {
        self.first = self.first.map(|what| format!("{place}: {what}"));
        self
    }

    pub fn add(&mut self, other: Faults) {
        self.stuck += other.stuck;
        self.torn += other.torn;
        self.lost += other.lost;
        self.repeated += other.repeated;
        self.uncommitted += other.uncommitted;
        if let Some(what) = other.first {
            self.say(what);
        }
    }

    /// What was first found, if anything was.
    pub fn first(&self) -> Option<&str> {
        self.first.as_deref()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            stuck,
            torn,
            lost,
            repeated,
            uncommitted,
            ..
        } = self;
        write!(
            f,
            "{stuck} stuck, {torn} torn, {lost} lost, {repeated} repeated, {uncommitted} uncommitted"
        )
    }
}
