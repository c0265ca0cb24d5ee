//! The engine and its decoder, from the beginning to the report.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ringpad::Error as RegionError;
use ringpad::os::{Error, Options, OwnedPeer, SharedSegment, collect};

use super::counts::Report;
use super::engine::{Engine, Link};
use super::keeper::Keeper;
use super::shared::{COMMANDS, FRAMES, Wish, picture_bytes, plan};
use super::{Failure, Run, clip, stop, system};

/// Without a terminal and a limit, an engine ends after so many seconds.
const BRIEF: f64 = 5.0;
/// How often a terminal is told how it goes.
const SECOND: Duration = Duration::from_secs(1);

/// Runs until it is told to stop, or for so long as the options say.
pub fn run(role: &Run) -> Result<ExitCode, Failure> {
    let progress = Progress::new(role.json);
    let name = role.name();
    let (width, height) = role.size;
    let clip = match role.input {
        None => Some(memory_file(&clip::make(width, height, role.fps))?),
        Some(_) => None,
    };
    let frame_bytes = u32::try_from(picture_bytes(width, height))?;
    // Every page is there before the first tick: the loop is not to wait for any.
    let options = Options::new().prefault(true);
    let plan = plan(frame_bytes)?;
    // Engines that were killed had names of their own: nobody else would ever find what they left.
    collect(&Options::new())?;
    let segment = match role.distrust {
        true => SharedSegment::anonymous(&plan, &options.distrusted(true))?,
        false => SharedSegment::open_or_create(&name, &plan, &options)?,
    };
    let me = segment.join()?;
    let (send, wishes) = channel();
    let commands = me.producer(COMMANDS);
    let commands = commands.map_err(|error| refused(&me, &name, error))?;
    let engine = Engine::new(&me, role.hz, commands, wishes, role.is_waiting())?;

    let link = Arc::new(Link::new());
    let begin = Instant::now();
    let looping = {
        let link = link.clone();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || engine.run(&link))?
    };
    std::thread::spawn(move || listen(&send));
    let mut keeper = Keeper::new(role, &name, clip.as_ref(), &me, &link);
    let brief = if progress.is_shown() && io::stdout().is_terminal() {
        0.0
    } else {
        BRIEF
    };
    let most = Some(role.seconds.unwrap_or(brief)).filter(|&seconds| seconds > 0.0);
    let over = || most.is_some_and(|most| begin.elapsed().as_secs_f64() >= most);
    let mut next_word = begin;
    let mut done = Ok(());
    while done.is_ok() && !over() && !stop::asked() && !looping.is_finished() {
        done = keeper.step();
        if Instant::now() >= next_word {
            next_word += SECOND;
            progress.say(&link, &keeper);
        }
    }
    link.stop.store(true, Relaxed);
    let counts = match looping.join() {
        Ok(counts) => counts?,
        Err(panic) => std::panic::resume_unwind(panic),
    };
    let seconds = begin.elapsed().as_secs_f64();
    keeper.end()?;
    drop(progress);
    done?;

    let pool = me.frame_user(FRAMES)?;
    let kept = keeper.kept;
    let report = Report {
        counts,
        seconds,
        hz: role.hz,
        deaths: kept.deaths,
        kills: kept.kills,
        stuck: kept.stuck,
        given_back: me.segment().reaped().frames,
        frames: pool.frames(),
        free: pool.free(),
        frame_bytes: pool.frame_bytes(),
    };
    let text = match role.json {
        true => format!("{}\n", report.to_json()),
        false => report.to_text(),
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(match report.is_good() {
        true => ExitCode::SUCCESS,
        false => system::failed(),
    })
}

/// Why there is to be no engine here: perhaps since there is one.
fn refused(me: &OwnedPeer, name: &str, error: Error) -> Failure {
    if let Some(RegionError::EndpointTaken { by }) = error.region() {
        if let Some(other) = me.segment().occupant(*by) {
            return Failure(format!("{name} has an engine, pid {}", other.pid));
        }
    }
    error.into()
}

/// A file in memory, gone with the last who has it.
fn memory_file(bytes: &[u8]) -> io::Result<File> {
    let mut file = system::memory_file()?;
    file.write_all(bytes)?;
    Ok(file)
}

/// Hears what whoever sits at the keyboard wishes, to the end of the input.
fn listen(send: &Sender<Wish>) {
    let keyboard = io::stdin();
    // In the background of a shell a look at the keyboard would stop the process.
    if keyboard.is_terminal() && system::is_in_background() {
        return;
    }
    for line in keyboard.lock().lines().map_while(Result::ok) {
        match wish(&line) {
            Some(wish) => _ = send.send(wish),
            None => eprintln!("06_engine: wanted play, pause or seek FRAME"),
        }
    }
}

fn wish(line: &str) -> Option<Wish> {
    let mut words = line.split_whitespace();
    let wish = match (words.next()?, words.next()) {
        ("play", None) => Wish::Play,
        ("pause", None) => Wish::Pause,
        ("seek", Some(frame)) => Wish::Seek(frame.parse().ok()?),
        _ => return None,
    };
    words.next().is_none().then_some(wish)
}

/// A line on a terminal, and nothing in a pipe.
struct Progress(Option<ProgressBar>);

impl Progress {
    fn new(quiet: bool) -> Self {
        let shown = !quiet && io::stderr().is_terminal();
        Self(shown.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {wide_msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        }))
    }

    fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    fn say(&self, link: &Link, keeper: &Keeper<'_>) {
        let Some(bar) = &self.0 else { return };
        let decoder = keeper.pid().map(|pid| format!("kill -9 {pid}"));
        let decoder = decoder.as_deref().unwrap_or("no decoder");
        let of = |word: &std::sync::atomic::AtomicU64| word.load(Relaxed);
        let (ticks, missed) = (of(&link.ticks), of(&link.missed));
        let (shown, torn) = (of(&link.shown), of(&link.torn));
        let deaths = keeper.kept.deaths;
        bar.set_message(format!(
            "{ticks} ticks, {missed} missed; {shown} pictures, {torn} torn; {deaths} decoders died; {decoder}"
        ));
        bar.tick();
    }
}

/// The line is taken away, whichever way the run ends.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wishes_are_read_and_the_rest_is_not() {
        assert_eq!(wish(" play "), Some(Wish::Play));
        assert_eq!(wish("pause"), Some(Wish::Pause));
        assert_eq!(wish("seek 12"), Some(Wish::Seek(12)));
        for bad in ["", "seek", "seek -1", "play 2", "seek 1 2", "stop"] {
            assert_eq!(wish(bad), None, "{bad}");
        }
    }
}
