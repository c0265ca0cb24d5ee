//! The live view: a few lines that are drawn over again, with escape sequences that every terminal knows.
//!
//! Only if standard output is a terminal. Otherwise nothing is drawn, and what happens (a sensor came or died) is said on
//! standard error, a line each, so that standard output has the report alone.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::notes::{Reading, monotonic_ns};
use super::view::{Sight, Who};

const HIDE_CURSOR_AND_CUT_LINES: &str = "\x1b[?25l\x1b[?7l";
const SHOW_CURSOR_AND_WRAP_LINES: &str = "\x1b[?7h\x1b[?25h";
const CLEAR_BELOW: &str = "\x1b[J";
const CLEAR_LINE: &str = "\x1b[K";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Columns of a bar.
const WIDTH: usize = 41;
/// Over how long rates are counted.
const RATES: Duration = Duration::from_millis(500);

/// The lines on a terminal, or nothing.
pub struct Screen {
    live: bool,
    /// Lines that are drawn, above the cursor.
    drawn: usize,
    text: String,
    /// When and what was counted for the rates, and what they were.
    counted: (Instant, [u64; 2]),
    rates: [f64; 2],
}

impl Screen {
    /// On a terminal, unless it is to be `quiet`.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        let live = !quiet && !dumb && std::io::stdout().is_terminal();
        if live {
            put(HIDE_CURSOR_AND_CUT_LINES);
        }
        Self {
            live,
            drawn: 0,
            text: String::new(),
            counted: (Instant::now(), [0; 2]),
            rates: [0.0; 2],
        }
    }

    /// Whether anybody sees it.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Says something that stays: above the lines, or on standard error.
    pub fn note(&mut self, text: &str) {
        if self.live {
            self.rewind();
            let _ = writeln!(self.text, "{CLEAR_BELOW}{text}"); // a string takes everything
            put(&self.text);
            self.drawn = 0;
        } else {
            eprintln!("{text}");
        }
    }

    /// Draws the lines anew.
    pub fn draw(&mut self, sight: &Sight<'_>) {
        if !self.live {
            return;
        }
        self.count([sight.counts.writes, sight.counts.reads]);
        self.rewind();
        self.drawn = 0;
        let name = sight.name;
        self.line(
            "",
            format_args!(
                "{BOLD}{name}{PLAIN}  {DIM}opened for reading alone; Ctrl-C ends the view{PLAIN}"
            ),
        );
        match sight.who {
            Who::Nobody => self.line("sensor", format_args!("nobody writes")),
            Who::Alive { peer, pid } => {
                self.line(
                    "sensor",
                    format_args!("pid {pid}, {peer}, {GREEN}alive{PLAIN}"),
                );
            }
            Who::Dead { peer, pid } => {
                self.line(
                    "sensor",
                    format_args!(
                        "pid {pid}, {peer}, {RED}dead{PLAIN}; what it wrote last is stale"
                    ),
                );
            }
        }
        self.line("status", format_args!("{}", sight.status));
        self.line("state", format_args!("{}", sight.state));
        let [writes, reads] = self.rates;
        let counts = sight.counts;
        self.line(
            "sensor writes",
            format_args!("{writes:>9.0} a second  {:>12} in all", counts.writes),
        );
        self.line(
            "view reads",
            format_args!(
                "{reads:>9.0} a second  {:>12} in all  {DIM}pid {}{PLAIN}",
                counts.reads,
                std::process::id()
            ),
        );
        self.line(
            "",
            format_args!("{:>9} lapped    {:>12} torn", counts.lapped, counts.torn),
        );
        match &sight.last {
            Some(last) => self.reading(last),
            None => self.line("", format_args!("nothing was written yet")),
        }
        self.text.push_str(CLEAR_BELOW);
        put(&self.text);
    }

    fn reading(&mut self, last: &Reading) {
        let age = monotonic_ns().saturating_sub(last.at_ns);
        self.line(
            "age",
            format_args!(
                "{:>9}  {DIM}of number {} by pid {}{PLAIN}",
                short(age),
                last.number,
                last.pid
            ),
        );
        let warm = bar((last.temperature - 22.0) / 6.0);
        self.line(
            "temperature",
            format_args!("{:>6.1} °C {warm}", last.temperature),
        );
        for (axis, value) in ["x", "y", "z"].into_iter().zip(last.acceleration) {
            let bar = bar(value / 2.0);
            self.line(axis, format_args!("{value:>6.2} g  {bar}"));
        }
    }

    fn line(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{DIM}{name:>13}{PLAIN}  {value}{CLEAR_LINE}");
        self.drawn += 1;
    }

    /// Goes up to the first line that is drawn.
    fn rewind(&mut self) {
        self.text.clear();
        if self.drawn > 0 {
            let _ = write!(self.text, "\r\x1b[{}A", self.drawn);
        }
    }

    fn count(&mut self, now: [u64; 2]) {
        let (since, before) = self.counted;
        let took = since.elapsed();
        if took >= RATES {
            let rate = |i: usize| now[i].saturating_sub(before[i]) as f64 / took.as_secs_f64();
            self.rates = [rate(0), rate(1)];
            self.counted = (Instant::now(), now);
        }
    }
}

/// The terminal is left as it was found, whichever way the view ends.
impl Drop for Screen {
    fn drop(&mut self) {
        if self.live {
            put(SHOW_CURSOR_AND_WRAP_LINES);
        }
    }
}

/// In one piece, so that no half is ever seen. A terminal that is gone is no reason to fail.
fn put(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// A bar from the middle, to the left for -1, to the right for 1.
fn bar(value: f32) -> String {
    let middle = WIDTH / 2;
    let reach = (value.clamp(-1.0, 1.0) * middle as f32).round() as isize;
    let end = middle.saturating_add_signed(reach);
    let filled = middle.min(end)..=middle.max(end);
    let column = |at| match at {
        _ if at == middle => '│',
        _ if filled.contains(&at) => '█',
        _ => '·',
    };
    (0..WIDTH).map(column).collect()
}

/// A time of three or four digits.
fn short(ns: u64) -> String {
    match ns {
        0..10_000 => format!("{ns} ns"),
        10_000..10_000_000 => format!("{} us", ns / 1_000),
        10_000_000..10_000_000_000 => format!("{} ms", ns / 1_000_000),
        _ => format!("{} s", ns / 1_000_000_000),
    }
}
