//! How fast frames go: read from the command line, and when each is due.

use std::str::FromStr;

/// How fast frames are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fps {
    /// So many frames in so many seconds.
    Rate(u32, u32),
    /// Without waiting.
    Max,
}

impl Fps {
    /// When frame `number` is due, in nanoseconds after frame 0; never late by adding up.
    pub fn due_ns(self, number: u64) -> Option<u64> {
        let Self::Rate(frames, seconds) = self else {
            return None;
        };
        let ns = u128::from(number) * u128::from(seconds) * 1_000_000_000;
        Some(u64::try_from(ns / u128::from(frames.max(1))).unwrap_or(u64::MAX))
    }
}

/// `max`, `60`, `29.97` or `30000/1001`.
impl FromStr for Fps {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self::Max);
        }
        let in_range = |&(frames, seconds): &(u32, u32)| {
            frames > 0 && seconds > 0 && u64::from(frames) <= 1_000_000 * u64::from(seconds)
        };
        match fraction(text).filter(in_range) {
            Some((frames, seconds)) => Ok(Self::Rate(frames, seconds)),
            None => Err(
                "wanted max, or frames a second above 0 and up to 1000000, such as 60, 29.97 or 30000/1001",
            ),
        }
    }
}

fn fraction(text: &str) -> Option<(u32, u32)> {
    if let Some((frames, seconds)) = text.split_once(['/', ':']) {
        return Some((number(frames)?, number(seconds)?));
    }
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let scale = match (text.len() - whole.len()).saturating_sub(1) {
        places @ 0..=3 => 10_u32.pow(places as u32),
        _ => return None,
    };
    let frames = number(whole)?.checked_mul(scale)?;
    Some((frames.checked_add(number(part)?)?, scale))
}

/// Digits alone: no sign, which `parse` would take.
fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        for (text, rate) in [
            ("60", Fps::Rate(60, 1)),
            ("29.97", Fps::Rate(2997, 100)),
            ("30000/1001", Fps::Rate(30000, 1001)),
            ("30000:1001", Fps::Rate(30000, 1001)),
            ("1000000", Fps::Rate(1_000_000, 1)),
            ("max", Fps::Max),
        ] {
            assert_eq!(text.parse(), Ok(rate));
        }
        #[rustfmt::skip]
        let bad = ["", "0", ".", "-1", "0.0", "1e3", "1/0", "/", "2000000", "1.2345", "+5", "maximum", "9999999.999"];
        for bad in bad {
            let said = bad.parse::<Fps>().unwrap_err();
            assert!(said.contains("29.97"), "{bad}");
        }
    }

    #[test]
    fn frames_are_due_without_drift() {
        let rate = Fps::Rate(30000, 1001);
        assert_eq!(
            (rate.due_ns(0), rate.due_ns(1)),
            (Some(0), Some(33_366_666))
        );
        assert_eq!(rate.due_ns(30000), Some(1_001_000_000_000));
        assert_eq!(
            (rate.due_ns(u64::MAX), Fps::Max.due_ns(5)),
            (Some(u64::MAX), None)
        );
    }
}
