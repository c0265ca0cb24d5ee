//! What is shown: on a terminal a few lines that are drawn over again, otherwise a line a second.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use ringpad::Reaped;

use super::crew::Alive;
use super::system;
use super::tally::{Tally, WINDOW};

const CUT_LINES: &str = "\x1b[?7l";
const WRAP_LINES: &str = "\x1b[?7h";
const CLEAR_BELOW: &str = "\x1b[J";
const CLEAR_LINE: &str = "\x1b[K";
const DIM: &str = "\x1b[2m";
const BOLD: &str = "\x1b[1m";
const GREEN: &str = "\x1b[32m";
const RED: &str = "\x1b[31m";
const PLAIN: &str = "\x1b[0m";

/// Over how long the rate is counted, and how often a line is printed.
const SECOND: Duration = Duration::from_secs(1);

/// What there is to see.
pub struct Sight<'a> {
    pub name: &'a str,
    pub alive: &'a Alive,
    pub sent: u64,
    pub under_way: u64,
    pub lost: u64,
    pub tally: &'a Tally,
    pub reaped: Reaped,
}

impl Sight<'_> {
    fn counts(&self) -> String {
        let Tally { done, again, .. } = self.tally;
        let (sent, lost) = (self.sent, self.lost);
        format!("{sent} sent, {done} done, {again} came again, {lost} lost")
    }

    fn sum(&self) -> String {
        let (sum, expected) = (self.tally.sum, self.tally.expected());
        match self.tally.adds_up() {
            true => format!("sum {sum} ok"),
            false if sum != expected => format!("sum {sum} is WRONG, it must be {expected}"),
            false => format!("sum {sum} ok, but the COUNTS do not add up"),
        }
    }

    fn reaped(&self) -> String {
        let Reaped {
            peers,
            ends,
            slots,
            messages,
            ..
        } = self.reaped;
        format!("{peers} killed: {ends} ends, {slots} slots, {messages} messages given back")
    }
}

/// The lines on a terminal, or one after another.
pub struct Screen {
    /// Standard output without a buffer: a drawing is one write, so that no kill comes between its parts.
    out: File,
    live: bool,
    /// Lines that are drawn, above the cursor.
    drawn: usize,
    text: String,
    /// When and what was counted for the rate, and what it was.
    counted: Option<(Instant, u64)>,
    rate: f64,
}

impl Screen {
    pub fn new() -> io::Result<Self> {
        let out = system::output()?;
        let dumb = std::env::var_os("TERM").is_some_and(|kind| kind == "dumb");
        let live = !dumb && out.is_terminal();
        Ok(Self {
            out,
            live,
            drawn: 0,
            text: String::new(),
            counted: None,
            rate: 0.0,
        })
    }

    /// Whether it is a terminal.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Says something that stays: above the lines, or on standard error.
    pub fn note(&mut self, text: &str) {
        if self.live {
            self.rewind();
            let _ = writeln!(self.text, "{CLEAR_BELOW}{text}"); // a string takes everything
            self.put();
            self.drawn = 0;
        } else {
            eprintln!("{text}");
        }
    }

    /// Draws the lines anew; or prints one, if it is time.
    pub fn draw(&mut self, sight: &Sight<'_>) {
        let (now, done) = (Instant::now(), sight.tally.done);
        let (since, before) = *self.counted.get_or_insert((now, done));
        let first = since == now;
        if now - since >= SECOND {
            self.rate = done.saturating_sub(before) as f64 / (now - since).as_secs_f64();
            self.counted = Some((now, done));
        } else if !first && !self.live {
            return;
        }
        let rate = self.rate;
        let board = std::process::id();
        let boss = sight.alive.boss.map(|pid| pid.to_string());
        let boss = boss.as_deref().unwrap_or("none");
        let workers = sight.alive.workers.iter().map(u32::to_string);
        let workers = workers.collect::<Vec<_>>().join(" ");
        let (counts, sum, reaped) = (sight.counts(), sight.sum(), sight.reaped());
        if !self.live {
            self.text = format!(
                "{counts}; {sum}; {rate:.0}/s; {reaped}; board {board}, boss {boss}, workers {workers}\n"
            );
            self.put();
            return;
        }
        self.rewind();
        self.drawn = 0;
        // Each drawing leaves the terminal as it was: who may be killed cannot tidy up later.
        self.text.push_str(CUT_LINES);
        self.line(
            "",
            format_args!(
                "{BOLD}{}{PLAIN}  {DIM}kill -9 any of these; Ctrl-C ends all in order{PLAIN}",
                sight.name
            ),
        );
        self.line(
            "board",
            format_args!("{GREEN}{board}{PLAIN}  {DIM}this one; killed, start it again{PLAIN}"),
        );
        self.line("boss", format_args!("{GREEN}{boss}{PLAIN}"));
        self.line("workers", format_args!("{GREEN}{workers}{PLAIN}"));
        self.line("jobs", format_args!("{counts}"));
        self.line(
            "under way",
            format_args!(
                "{} of {WINDOW} at most; {rate:.0} done a second",
                sight.under_way
            ),
        );
        let colour = if sight.tally.adds_up() { GREEN } else { RED };
        self.line("", format_args!("{colour}{sum}{PLAIN}"));
        self.line("reaped", format_args!("{reaped}"));
        self.text.push_str(CLEAR_BELOW);
        self.text.push_str(WRAP_LINES);
        self.put();
    }

    /// The last word.
    pub fn end(&mut self, sight: &Sight<'_>) {
        if self.live {
            self.draw(sight);
        }
        let (name, counts, sum) = (sight.name, sight.counts(), sight.sum());
        self.text = format!("{name}: {counts}; {sum}; {}\n", sight.reaped());
        self.put();
    }

    /// A terminal or pipe that is gone is no reason to fail.
    fn put(&mut self) {
        let _ = self.out.write_all(self.text.as_bytes());
    }

    fn line(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{DIM}{name:>9}{PLAIN}  {value}{CLEAR_LINE}");
        self.drawn += 1;
    }

    /// Goes up to the first line that is drawn.
    fn rewind(&mut self) {
        self.text.clear();
        if self.drawn > 0 {
            let _ = write!(self.text, "\r\x1b[{}A", self.drawn);
        }
    }
}
