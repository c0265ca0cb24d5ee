//! The generated moving picture: waves of colour, a ball that bounces, and the frame's number.
//!
//! It stands in for a camera, so it is drawn straight into the memory it is shared from, it costs
//! little beside the sharing that is to be measured, and it is the same on every run (no floating
//! point). No two frames one after the other are alike: a viewer shown an old one would notice.
//!
//! The waves are sums of a table over columns and one over rows, each row moved sideways by a
//! third: one addition a sample, which the compiler makes into vector code. The ball is copied row
//! by row from one painted beforehand. Colour may be sampled in any of the ways y4m knows.

use super::y4m::Header;

/// The waves come round after this many samples, and after twice as many frames.
const PERIOD: usize = 512;

/// Digits of 3 by 5 blocks: five rows of three bits, the leftmost highest.
const DIGITS: [[u8; 5]; 10] = [
    [7, 5, 5, 5, 7],
    [2, 6, 2, 2, 7],
    [7, 1, 7, 4, 7],
    [7, 1, 3, 1, 7],
    [5, 5, 7, 1, 1],
    [7, 4, 7, 1, 7],
    [7, 4, 7, 5, 7],
    [7, 1, 1, 2, 2],
    [7, 5, 7, 5, 7],
    [7, 5, 7, 1, 7],
];

/// How one plane looks: limited-range samples, 16 to 235 (240 for colour).
#[derive(Clone, Copy, Debug)]
struct Look {
    /// The lowest sample of the waves.
    low: u8,
    /// The heights of the waves over columns and over rows, halved.
    across: usize,
    down: usize,
    /// How many samples the waves move in a frame.
    speed: usize,
    /// The ball at its rim, and how much brighter it is at its brightest.
    rim: u8,
    shine: usize,
    /// The number and the panel behind it.
    ink: u8,
    paper: u8,
}

#[rustfmt::skip]
const LOOKS: [Look; 3] = [
    Look { low: 40, across: 36, down: 30, speed: 3, rim: 70, shine: 160, ink: 235, paper: 28 },
    Look { low: 60, across: 36, down: 34, speed: 2, rim: 64, shine: 24, ink: 128, paper: 128 },
    Look { low: 58, across: 30, down: 40, speed: 5, rim: 204, shine: 0, ink: 128, paper: 128 },
];

/// Draws pictures of one size; made once, as it holds the tables.
#[derive(Debug)]
pub struct Painter {
    header: Header,
    planes: [Plane; 3],
}

impl Painter {
    /// A painter of pictures as `header` describes them.
    pub fn new(header: &Header) -> Self {
        let shrink = header.chroma.divisors().unwrap_or((1, 1));
        let (whole, colour) = ((header.width, header.height), header.chroma_size());
        let planes = [
            Plane::new(LOOKS[0], whole, (1, 1), radius(whole)),
            Plane::new(LOOKS[1], colour, shrink, radius(whole)),
            Plane::new(LOOKS[2], colour, shrink, radius(whole)),
        ];
        let header = *header;
        Self { header, planes }
    }

    /// Draws frame `number` into `into`.
    ///
    /// # Panics
    ///
    /// Where `into` is not [`Header::frame_bytes`] long.
    pub fn draw(&self, number: u64, into: &mut [u8]) {
        assert_eq!(into.len(), self.header.frame_bytes(), "a frame's bytes");
        let (w, h) = (self.header.width as usize, self.header.height as usize);
        let ball = 2 * radius((self.header.width, self.header.height));
        let (x, y) = (
            bounce(number, 1 + w / 160, w - ball),
            bounce(number, 1 + h / 110, h - ball),
        );
        let (text, block) = (number.to_string(), (h / 90).max(1) * 2);
        let mut rest = &mut *into;
        for plane in &self.planes {
            let (samples, others) = rest.split_at_mut(plane.width * plane.height);
            rest = others;
            if !samples.is_empty() {
                plane.draw_waves((number % (2 * PERIOD as u64)) as usize, samples);
                plane.draw_ball(x / plane.shrink.0, y / plane.shrink.1, samples);
                plane.draw_number(&text, block, samples);
            }
        }
        // So that even a picture too small for its number differs from the one before it.
        if let Some(corner) = into.first_mut() {
            *corner = 16 + (number % 211) as u8;
        }
    }
}

/// One plane's size and tables.
#[derive(Debug)]
struct Plane {
    look: Look,
    width: usize,
    height: usize,
    /// By how much columns and rows are fewer than the picture's.
    shrink: (usize, usize),
    across: Vec<u8>,
    down: Vec<u8>,
    sway: Vec<usize>,
    /// The first column and the samples of each of the ball's rows.
    ball: Vec<(usize, Vec<u8>)>,
}

impl Plane {
    fn new(look: Look, (width, height): (u32, u32), shrink: (u32, u32), radius: usize) -> Self {
        let (width, height) = (width as usize, height as usize);
        let (sx, sy) = (shrink.0 as usize, shrink.1 as usize);
        Self {
            look,
            width,
            height,
            shrink: (sx, sy),
            across: (0..width + PERIOD)
                .map(|x| look.low + wave(x * sx, look.across))
                .collect(),
            down: (0..height + PERIOD)
                .map(|y| wave(y * sy, look.down))
                .collect(),
            sway: (0..height + PERIOD)
                .map(|y| wave(2 * y * sy, 60).into())
                .collect(),
            ball: (0..2 * radius / sy)
                .map(|y| ball_row(look, y * sy, sx, radius))
                .collect(),
        }
    }

    fn draw_waves(&self, frame: usize, samples: &mut [u8]) {
        let moved = frame * self.look.speed;
        for (y, row) in samples.chunks_exact_mut(self.width).enumerate() {
            let down = self.down[y + moved / 2 % PERIOD];
            let left = (moved + self.sway[y + frame % PERIOD]) % PERIOD;
            for (sample, across) in row.iter_mut().zip(&self.across[left..]) {
                *sample = across.wrapping_add(down);
            }
        }
    }

    fn draw_ball(&self, x: usize, y: usize, samples: &mut [u8]) {
        let rows = samples.chunks_exact_mut(self.width).skip(y);
        for (row, (first, ball)) in rows.zip(&self.ball) {
            if let Some(under) = row.get_mut(x + first..x + first + ball.len()) {
                under.copy_from_slice(ball);
            }
        }
    }

    fn draw_number(&self, text: &str, block: usize, samples: &mut [u8]) {
        let digits = text
            .bytes()
            .map(|b| DIGITS[usize::from(b.wrapping_sub(b'0')) % 10]);
        let columns = 4 * text.len() + 1;
        self.fill((1, 1, columns, 7), block, self.look.paper, samples);
        for (n, digit) in digits.enumerate() {
            for (row, bits) in digit.into_iter().enumerate() {
                for column in (0..3).filter(|c| bits & (4 >> c) != 0) {
                    let square = (2 + 4 * n + column, 2 + row, 1, 1);
                    self.fill(square, block, self.look.ink, samples);
                }
            }
        }
    }

    /// Fills the rectangle (column, row, columns, rows), counted in blocks, as far as it is inside.
    fn fill(&self, place: (usize, usize, usize, usize), block: usize, with: u8, to: &mut [u8]) {
        let (bx, by) = (block / self.shrink.0, block / self.shrink.1);
        let (x, y, w, h) = place;
        let (left, right) = ((x * bx).min(self.width), ((x + w) * bx).min(self.width));
        let rows = to.chunks_exact_mut(self.width).skip(y * by).take(h * by);
        rows.for_each(|row| row[left..right].fill(with));
    }
}

/// A wave between 0 and `2 * height`, made of parabolas: whole numbers come out alike everywhere.
fn wave(at: usize, height: usize) -> u8 {
    let (phase, half) = (at % PERIOD, PERIOD / 2);
    let along = phase % half;
    let rise = height * along * (half - along) / (half * half / 4);
    (if phase < half {
        height + rise
    } else {
        height - rise
    })
    .min(255) as u8
}

/// One row of the ball, lit from the upper left.
fn ball_row(look: Look, y: usize, step: usize, radius: usize) -> (usize, Vec<u8>) {
    let square =
        |x: usize, y: usize, cx: usize, cy: usize| x.abs_diff(cx).pow(2) + y.abs_diff(cy).pow(2);
    let inside = |x: &usize| square(x * step, y, radius, radius) < radius * radius;
    let columns = || (0..2 * radius / step).filter(inside);
    let reach = 2 * radius * radius;
    let lit = |x: usize| {
        let dark = square(x * step, y, radius * 2 / 3, radius * 2 / 3).min(reach);
        look.rim + (look.shine * (reach - dark) / reach) as u8
    };
    (columns().next().unwrap_or(0), columns().map(lit).collect())
}

/// The ball's radius: even, so that it is whole in every plane.
fn radius((width, height): (u32, u32)) -> usize {
    (width.min(height) / 6) as usize & !1
}

/// Where something is that goes to and fro between 0 and `range`.
fn bounce(frame: u64, speed: usize, range: usize) -> usize {
    let both_ways = (2 * range).max(1);
    let at = (frame % both_ways as u64) as usize * speed % both_ways;
    at.min(both_ways - at).min(range)
}

#[cfg(test)]
mod tests {
    use super::super::y4m::Chroma;
    use super::*;

    #[test]
    fn frames_differ_and_repeat_exactly() {
        for (width, height) in [(1, 1), (2, 3), (31, 17), (64, 48), (1280, 720), (90, 2000)] {
            for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Mono] {
                let header = Header::new(width, height, (60, 1), chroma).unwrap();
                let (painter, again) = (Painter::new(&header), Painter::new(&header));
                let mut last = vec![0; header.frame_bytes()];
                let mut now = last.clone();
                for number in [0, 1, 2, 299, 300, 512, 513, u64::MAX - 1, u64::MAX] {
                    painter.draw(number, &mut now);
                    assert_ne!(now, last, "{width}x{height} {chroma:?} {number}");
                    again.draw(number, &mut last);
                    assert_eq!(now, last);
                    let range = 16..=240;
                    assert!(now.iter().all(|sample| range.contains(sample)));
                }
            }
        }
    }
}
