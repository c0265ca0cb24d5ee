//! How a contender looks: the same in all plots of a run, and told apart without colours as well.

use plotters::style::RGBColor;

use super::super::{is_floor, is_ringpad};

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Marker {
    None,
    Circle,
    Square,
    Triangle,
    Diamond,
    Cross,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    pub colour: RGBColor,
    pub width: u32,
    pub marker: Marker,
    /// Between processes; threads are solid.
    pub dashed: bool,
}

const RINGPAD: [RGBColor; 4] = [
    RGBColor(0xD5, 0x5E, 0x00),
    RGBColor(0xE6, 0x9F, 0x00),
    RGBColor(0xB0, 0x20, 0x20),
    RGBColor(0xF0, 0x7F, 0x5F),
];
const FLOORS: [RGBColor; 3] = [
    RGBColor(0x55, 0x55, 0x55),
    RGBColor(0x99, 0x99, 0x99),
    RGBColor(0xBB, 0xBB, 0xBB),
];
/// Told apart by those who see no red or no green; reds and oranges are ringpad's.
const PEERS: [RGBColor; 8] = [
    RGBColor(0x00, 0x72, 0xB2),
    RGBColor(0x00, 0x9E, 0x73),
    RGBColor(0xCC, 0x79, 0xA7),
    RGBColor(0x56, 0xB4, 0xE9),
    RGBColor(0x33, 0x22, 0x88),
    RGBColor(0x99, 0x99, 0x33),
    RGBColor(0x88, 0x22, 0x55),
    RGBColor(0x00, 0x00, 0x00),
];
const MARKERS: [Marker; 5] = [
    Marker::Square,
    Marker::Triangle,
    Marker::Diamond,
    Marker::Cross,
    Marker::Circle,
];

/// The contender without where it runs, and whether that is in two processes.
fn family(contender: &str) -> (&str, bool) {
    match contender.strip_suffix(" processes") {
        Some(family) => (family, true),
        None => (
            contender.strip_suffix(" threads").unwrap_or(contender),
            false,
        ),
    }
}

/// Families in the order of their appearance: floors, ringpad's and peers.
pub struct Styles([Vec<String>; 3]);

impl Styles {
    pub fn of<'a>(contenders: impl Iterator<Item = &'a str>) -> Self {
        let mut kinds: [Vec<String>; 3] = Default::default();
        for contender in contenders {
            let family = family(contender).0;
            let kind = &mut kinds[kind(contender)];
            if !kind.iter().any(|known| known == family) {
                kind.push(family.into());
            }
        }
        Self(kinds)
    }

    pub fn style(&self, contender: &str) -> Style {
        let (family, dashed) = family(contender);
        let kind = kind(contender);
        let at = self.0[kind]
            .iter()
            .position(|known| known == family)
            .unwrap_or(0);
        let (colours, width, marker) = match kind {
            0 => (&FLOORS[..], 2, Marker::None),
            1 => (&RINGPAD[..], 4, Marker::Circle),
            // Colours and markers come round at different times: 40 peers look different.
            _ => (&PEERS[..], 2, MARKERS[at % MARKERS.len()]),
        };
        Style {
            colour: colours[at % colours.len()],
            width,
            marker,
            dashed,
        }
    }
}

fn kind(contender: &str) -> usize {
    match (is_floor(contender), is_ringpad(contender)) {
        (true, _) => 0,
        (_, true) => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_look_different_and_ringpad_is_thicker() {
        let peers = (0..40).map(|n| format!("peer{n} threads"));
        let mut names: Vec<String> = peers.collect();
        names.extend(
            ["ringpad threads", "ringpad ringing threads", "floor: copy"].map(String::from),
        );
        names.extend(["ringpad processes", "peer7 processes"].map(String::from));
        let styles = Styles::of(names.iter().map(String::as_str));
        let all: Vec<Style> = names.iter().map(|name| styles.style(name)).collect();
        for (at, style) in all.iter().enumerate() {
            assert!(
                !all[..at].contains(style),
                "{} looks like another",
                names[at]
            );
        }
        let (threads, processes) = (
            styles.style("peer7 threads"),
            styles.style("peer7 processes"),
        );
        assert_eq!(
            processes,
            Style {
                dashed: true,
                ..threads
            }
        );
        assert!(styles.style("ringpad threads").width > threads.width);
    }
}
