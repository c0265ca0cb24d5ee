//! A chat of several terminals: everybody has a mailslot to speak through, and listens to everybody's.
//!
//! ```text
//! cargo run --example 04_chat -- --name alice           in one terminal
//! cargo run --example 04_chat -- --name bob             in the next, up to 8 of them; Ctrl-D or Ctrl-C leaves
//! echo hello | 04_chat --name carol                     says so to whoever is there, and leaves
//! 04_chat --name dave </dev/null                        shows the last lines, and leaves
//! 04_chat --room cellar --name alice                    another room
//! ```
//!
//! Try this: `kill -9` one of them, and watch the others at that moment; then join again: the dead one's voice is free. Stop
//! one with Ctrl-Z, paste a long text into another, and let it go on (`fg`): it says how many lines it missed.
//!
//! What to notice:
//!
//! - A mailslot has one publisher and any number of listeners. Eight speakers are eight mailslots, "voice-1" to "voice-8"; each
//!   participant claims the first that nobody alive has. So nobody ever waits for a lock of somebody else, or for a dead one.
//! - Why not rings: a ring has one consumer, so 8 who hear each other take 56 of them, every line is sent 7 times, and a full
//!   ring makes its speaker wait for the slowest listener. A mailslot's publisher writes once and does not know who listens;
//!   who is too slow loses the oldest lines, and is told how many.
//! - What was said stays until it is overwritten: newcomers begin with the oldest line that is still there, and who speaks
//!   need not stay until it was heard. The room lasts as long as anybody is in it.
//! - One `Waiter` sleeps on all eight bells, and on the lives of the other processes: no time is spent while nobody speaks,
//!   and a `kill -9` is noticed at once, proven by the system. There is no time-out anywhere.
//! - Every mailslot keeps its own order. What is said through two of them has none but the time that each line carries.
//!
//! | file | what |
//! |---|---|
//! | `room` | all that knows ringpad: entering, the voice, the ears |
//! | `message` | what is said, as bytes |

mod message;
mod room;
#[cfg_attr(not(windows), path = "../common/stop.rs")]
#[cfg_attr(windows, path = "../common/stop_windows.rs")]
mod stop;
#[cfg_attr(not(windows), path = "../common/system.rs")]
#[cfg_attr(windows, path = "../common/system_windows.rs")]
mod system;

use std::fmt;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::thread;

use clap::Parser;

use message::{NAME_MOST, monotonic_ns};
use room::{Event, Heard, Room, Voice};

/// Talks with other terminals of this user, through shared memory.
#[derive(Debug, Parser)]
#[command(name = "04_chat")]
struct CommandLine {
    /// What others call you [default: this user's name].
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Which room to enter; it is there as long as anybody is in it.
    #[arg(long, default_value = "lobby")]
    room: String,
}

fn name(text: &str) -> Result<String, String> {
    let good = (1..=NAME_MOST).contains(&text.len()) && !text.contains(char::is_control);
    let wanted = || format!("wanted 1 to {NAME_MOST} bytes without control characters");
    good.then(|| text.to_owned()).ok_or_else(wanted)
}

/// Why one cannot chat, in words for people.
#[derive(Debug)]
struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

fn main() -> ExitCode {
    match chat(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("04_chat: {failure}");
            system::failed()
        }
    }
}

fn chat(line: &CommandLine) -> Result<(), Failure> {
    stop::catch()?;
    let user = || std::env::var("USER").ok().and_then(|user| name(&user).ok());
    let me = line.name.clone().or_else(user);
    let me = me.unwrap_or_else(|| format!("guest-{}", std::process::id()));
    let mut shown = Shown::new();

    let (voice, mut room) = Room::enter(&line.room, &me)?;
    let number = voice.number();
    // What was said before, and who is here.
    for heard in room.listen()? {
        shown.heard(&heard)?;
    }
    let here = match &*room.others().join(", ") {
        "" => "nobody else".to_owned(),
        others => others.to_owned(),
    };
    shown.notice(&format!(
        "you are {me}, voice {number} of room {}; here: {here}",
        line.room
    ))?;

    // Ends are Send: this thread only listens, that one only reads and speaks. Signals are for the one that reads.
    let speaker = thread::spawn(move || speak(voice));
    stop::leave_to_other_threads()?;
    while !room.is_over() {
        for heard in room.sleep()? {
            shown.heard(&heard)?;
        }
    }
    shown.end()?;
    // Its end of the segment goes before the process does, so that the last one out clears all away.
    let said = speaker
        .join()
        .map_err(|_| Failure("the thread that speaks panicked".into()))??;
    if said > 0 && room.others().is_empty() {
        shown.notice("nobody else is here: what you said goes with the room")?;
    }
    Ok(())
}

/// Says every line of standard input, and goodbye after the last one, when asked to stop, or when it cannot be read: the other thread
/// hears that, as everyone does, and ends. Answers how many they were.
fn speak(mut voice: Voice) -> Result<u64, Failure> {
    stop::interrupt_here()?;
    let said = say_lines(&mut voice);
    stop::interrupt_no_more();
    voice.leave()?;
    said
}

fn say_lines(voice: &mut Voice) -> Result<u64, Failure> {
    /// A line that is longer is said in parts.
    const LONG: usize = 4096;
    let (mut input, mut line, mut said) = (io::stdin().lock(), Vec::new(), 0);
    loop {
        let read = match input.fill_buf() {
            // The end, or Ctrl-D. What nobody ended with a newline is a line too.
            Ok([]) => break,
            Ok(bytes) => bytes,
            Err(_) if stop::asked() => break,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error.into()),
            Err(_) => continue,
        };
        let end = read.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(read.len(), |at| at + 1);
        line.extend_from_slice(&read[..taken]);
        input.consume(taken);
        if end.is_some() || line.len() > LONG {
            said += voice.say(&String::from_utf8_lossy(&line))?;
            line.clear();
        }
    }
    said += voice.say(&String::from_utf8_lossy(&line))?;
    Ok(said)
}

/// What is shown: lines on standard output, with some colour if that is a terminal.
struct Shown {
    terminal: bool,
}

impl Shown {
    /// Older than this, a line is shown with its age.
    const OLD: u64 = 60;

    fn new() -> Self {
        let terminal = io::stdout().is_terminal();
        Self { terminal }
    }

    fn heard(&mut self, heard: &Heard) -> io::Result<()> {
        let Heard { name, at_ns, event } = heard;
        let seconds = monotonic_ns().saturating_sub(*at_ns) / 1_000_000_000;
        let age = match seconds {
            0..=Self::OLD => String::new(),
            _ => format!(" ({} min ago)", seconds.div_ceil(60)),
        };
        match event {
            Event::Said(text) if self.terminal => {
                self.put(&format!("\x1b[1m{name}\x1b[0m{age}: {text}"))
            }
            Event::Said(text) => self.put(&format!("{name}{age}: {text}")),
            Event::Came => self.notice(&format!("{name} came{age}")),
            Event::Left => self.notice(&format!("{name} left{age}")),
            Event::Killed => self.notice(&format!("{name} is gone without a word: killed")),
            Event::Missed(1) => self.notice(&format!("1 line of {name} missed")),
            Event::Missed(lost) => self.notice(&format!("{lost} lines of {name} missed")),
            Event::Nonsense => self.notice(&format!("{name} said what no chat says")),
        }
    }

    fn notice(&mut self, text: &str) -> io::Result<()> {
        if self.terminal {
            self.put(&format!("\x1b[2m* {text}\x1b[0m"))
        } else {
            self.put(&format!("* {text}"))
        }
    }

    /// The terminal has written ^C where the next prompt begins.
    fn end(&mut self) -> io::Result<()> {
        if self.terminal && stop::asked() {
            writeln!(io::stdout())?;
        }
        Ok(())
    }

    fn put(&mut self, text: &str) -> io::Result<()> {
        // A line that is just being typed is no longer seen, but it is still there: the terminal keeps it until Enter.
        let begin = if self.terminal { "\r\x1b[K" } else { "" };
        let mut out = io::stdout().lock();
        writeln!(out, "{begin}{text}")?;
        out.flush()
    }
}
