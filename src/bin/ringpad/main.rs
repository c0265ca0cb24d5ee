//! `ringpad`: looks at named segments, gives back what the dead held, and removes what they left.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use ringpad::os::{self, Options, SharedSegment};
use ringpad::{Life, PeerId, Reaped};

/// Looks at the shared-memory segments of this machine.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
struct Arguments {
    /// Where the segments lie [default: $RINGPAD_DIR, else by system: Linux /dev/shm/ringpad-UID, macOS ringpad-UID in the user's cache
    /// directory, FreeBSD /tmp/ringpad-UID, Android $TMPDIR/ringpad-UID, Windows no files]
    #[arg(long, global = true, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Permission bits, in octal, that their files may have at most
    #[cfg(unix)]
    #[arg(long, global = true, value_name = "MODE", default_value = "600", value_parser = mode)]
    mode: u32,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The segments in the directory, their sizes, and whether anybody alive has them open
    List,
    /// One living segment: its peers, its channels, and what was given back for the dead
    Show {
        /// The segment's name
        name: String,
    },
    /// Gives back what the dead peers of a living segment held, and prints it
    Reap {
        /// The segment's name
        name: String,
    },
    /// Removes the files of segments that nobody alive has open, and prints their names
    Collect,
}

#[cfg(unix)]
fn mode(text: &str) -> Result<u32, String> {
    match u32::from_str_radix(text, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err("wanted octal permission bits, such as 660".into()),
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments, &mut io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read our output has seen enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("ringpad: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut options = Options::new();
    #[cfg(unix)]
    {
        options = options.mode(arguments.mode);
    }
    if let Some(dir) = arguments.dir {
        // The default directory appears with the first segment; one that was asked for by name should be there.
        if !dir.is_dir() {
            return Err(format!("{} is not a directory", dir.display()).into());
        }
        options = options.directory(dir);
    }
    match arguments.command {
        Command::List => list(&options, out)?,
        Command::Show { name } => show(&name, &options, out)?,
        Command::Reap { name } => reap(&name, &options, out)?,
        Command::Collect => collect(&options, out)?,
    }
    Ok(out.flush()?)
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn list(options: &Options, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let segments = os::list(options)?;
    let width = column("NAME", segments.iter().map(|segment| segment.name.len()));
    writeln!(out, "{:width$}  {:>12}  STATE", "NAME", "BYTES")?;
    for segment in segments {
        let bytes = segment.bytes.map_or("-".into(), |bytes| bytes.to_string());
        let state = if segment.alive { "alive" } else { "stale" };
        writeln!(out, "{:width$}  {bytes:>12}  {state}", segment.name)?;
    }
    Ok(())
}

fn show(name: &str, options: &Options, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let segment = SharedSegment::open(name, options)?;
    writeln!(out, "segment   {name}")?;
    writeln!(out, "id        {:032x}", segment.id())?;
    writeln!(out, "bytes     {}", segment.len_bytes())?;
    writeln!(out, "peer rows {}", segment.peers())?;
    writeln!(out, "reaped    {}", told(&segment.reaped()))?;

    writeln!(out, "\nPEER         PID  LIFE")?;
    let dead = segment.dead();
    for peer in (1..=segment.peers()).filter_map(PeerId::new) {
        let Some(identity) = segment.occupant(peer) else {
            if dead.contains(&peer) {
                // Whoever died there was joining, or reaping another.
                writeln!(out, "{:<4}  {:>10}  dead", peer.get(), "-")?;
            }
            continue;
        };
        let life = match segment.life(peer) {
            Life::Alive => "alive",
            Life::Dead => "dead",
            Life::Unknown => "unknown",
        };
        writeln!(out, "{:<4}  {:>10}  {life}", peer.get(), identity.pid)?;
    }

    let channels: Vec<_> = segment.entries().collect();
    let width = column("CHANNEL", channels.iter().map(|entry| entry.name.len()));
    writeln!(
        out,
        "\n{:width$}  {:<8}  {:>12}  {:>12}",
        "CHANNEL", "KIND", "OFFSET", "BYTES"
    )?;
    for entry in channels {
        let kind = entry.kind.map_or("?".into(), |kind| format!("{kind:?}"));
        let (name, offset, len) = (entry.name, entry.offset, entry.len);
        writeln!(out, "{name:width$}  {kind:<8}  {offset:>12}  {len:>12}")?;
    }
    Ok(())
}

fn reap(name: &str, options: &Options, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let segment = SharedSegment::open(name, options)?;
    // Joining in a dead one's row gives back what all of them held: only the counters tell. Another's pass beside this one is in them too.
    let before = segment.reaped();
    let me = segment.join()?;
    me.reap()?;
    writeln!(out, "{}", told(&segment.reaped().since(&before)))?;
    Ok(())
}

/// What was given back, in the order of the counters.
fn told(reaped: &Reaped) -> String {
    let Reaped {
        peers,
        ends,
        slots,
        messages,
        locks,
        ..
    } = reaped;
    format!("{peers} peers, {ends} ends, {slots} slots, {messages} messages, {locks} locks")
}

fn collect(options: &Options, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    for name in os::collect(options)? {
        writeln!(out, "{name}")?;
    }
    Ok(())
}

/// How wide a column is whose title and cells have these lengths.
fn column(title: &str, cells: impl Iterator<Item = usize>) -> usize {
    cells.fold(title.len(), usize::max)
}
