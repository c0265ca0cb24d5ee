//! Who starts the decoder, notices its death, gives back what it held, and starts the next. All that may take its time is done here.

use std::fs::File;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use ringpad::os::OwnedPeer;

use super::engine::Link;
use super::system::{self, Watched};
use super::{Failure, Run, handing};

/// How often the rarer things are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Before the next decoder starts, if this one died before anything came of it; the more of them, the longer.
const PAUSE: [Duration; 2] = [Duration::from_millis(10), Duration::from_secs(1)];
/// So long a decoder has to leave.
const LEAVING: Duration = Duration::from_secs(2);

/// What happened to decoders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Kept {
    pub deaths: u32,
    pub kills: u32,
    pub stuck: u32,
}

/// Keeps a decoder running.
pub struct Keeper<'a> {
    role: &'a Run,
    name: &'a str,
    clip: Option<&'a File>,
    me: &'a OwnedPeer,
    link: &'a Link,
    decoder: Option<Decoder>,
    born: u32,
    pub kept: Kept,
    next_start: Instant,
    pause: Duration,
    next_kill: Option<Instant>,
}

/// A process that runs, or has just died.
struct Decoder {
    child: Child,
    end: Watched,
    number: u32,
    /// Since when it should have shown something new, by the link's clock.
    since: u64,
    killed: bool,
}

impl Decoder {
    fn kill(&mut self, link: &Link) -> Result<(), Failure> {
        self.killed = true;
        link.died(self.number);
        Ok(self.child.kill()?)
    }
}

impl<'a> Keeper<'a> {
    pub fn new(
        role: &'a Run,
        name: &'a str,
        clip: Option<&'a File>,
        me: &'a OwnedPeer,
        link: &'a Link,
    ) -> Self {
        let now = Instant::now();
        Self {
            role,
            name,
            clip,
            me,
            link,
            decoder: None,
            born: 0,
            kept: Kept::default(),
            next_start: now,
            pause: Duration::ZERO,
            next_kill: role.kill_every.map(|every| now + every),
        }
    }

    /// Sees to it that there is a decoder, for a moment at most.
    pub fn step(&mut self) -> Result<(), Failure> {
        let now = Instant::now();
        let Some(decoder) = &mut self.decoder else {
            if now >= self.next_start {
                self.decoder = Some(self.start()?);
            } else {
                std::thread::sleep((self.next_start - now).min(LOOK));
            }
            return Ok(());
        };
        if decoder.end.has_ended(LOOK)? {
            let status = decoder.child.wait()?;
            return self.bury(status);
        }
        if decoder.killed {
            return Ok(()); // it takes its time
        }
        let came = self.link.of.load(Relaxed) == decoder.number;
        if let (Some(due), Some(every)) = (self.next_kill, self.role.kill_every) {
            if came && now >= due {
                self.kept.kills += 1;
                self.next_kill = Some(now + every);
                return decoder.kill(self.link);
            }
        }
        // Of one that plays something should come; if not, it hangs, or was stopped.
        if !self.link.playing.load(Relaxed) {
            decoder.since = self.link.now();
        }
        let last = self.link.fresh.load(Relaxed).max(decoder.since);
        let silent = self.link.now().saturating_sub(last);
        if Duration::from_nanos(silent) > self.role.patience {
            self.kept.stuck += 1;
            return decoder.kill(self.link);
        }
        Ok(())
    }

    fn start(&mut self) -> Result<Decoder, Failure> {
        self.born += 1;
        let number = self.born;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["decode", self.name, "--number", &number.to_string()]);
        if let Some(input) = &self.role.input {
            command.arg("--input").arg(input);
        }
        if let Some(how) = self.role.careless_decoder() {
            command.args(["--careless", how]);
        }
        command.stdin(match self.clip {
            Some(clip) => clip.try_clone()?.into(),
            None => Stdio::null(),
        });
        // Out of reach of the terminal's Ctrl-C, which asks the engine.
        system::apart(command.stdout(Stdio::null()));
        let child = match self.role.distrust {
            true => handing::start(self.me.segment(), &mut command)?,
            false => command.spawn()?,
        };
        let end = Watched::of(&child)?;
        self.link.born.store(number, Relaxed);
        Ok(Decoder {
            child,
            end,
            number,
            since: self.link.now(),
            killed: false,
        })
    }

    /// A decoder is dead: what it held is given back at once, and the next one starts at once, unless they die at once.
    fn bury(&mut self, status: ExitStatus) -> Result<(), Failure> {
        let Some(decoder) = self.decoder.take() else {
            return Ok(());
        };
        if system::gave_up(status) {
            // It has said why, and the next one would say the same.
            return Err(Failure(format!("the decoder gave up: {status}")));
        }
        self.kept.deaths += 1;
        self.link.died(decoder.number);
        self.me.reap()?;
        let [least, most] = PAUSE;
        self.pause = match self.link.of.load(Relaxed) == decoder.number {
            true => Duration::ZERO,
            false => (2 * self.pause).clamp(least, most),
        };
        self.next_start = Instant::now() + self.pause;
        Ok(())
    }

    /// The process number of the decoder, if there is one.
    pub fn pid(&self) -> Option<u32> {
        Some(self.decoder.as_ref()?.child.id())
    }

    /// Sends the decoder home, and gives back what it may have held.
    pub fn end(&mut self) -> Result<(), Failure> {
        if let Some(mut decoder) = self.decoder.take() {
            system::ask_to_end(&decoder.child);
            let leaves = decoder.end.has_ended(LEAVING)?;
            if !leaves {
                decoder.child.kill()?;
            }
            // One that was killed just before counts too.
            let killed = system::was_killed(decoder.child.wait()?);
            self.kept.deaths += u32::from(leaves && killed);
        }
        self.me.reap()?;
        Ok(())
    }
}
