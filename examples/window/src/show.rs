//! The loop: the newest picture into the window, asleep while there is nothing to do.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Failure;
use super::feed::{Feed, News};
use super::pixels::paint;
use super::screen::{Display, Happened, Screen};
use super::screenshot;
use super::y4m::Header;

/// How long a producer is waited for, the first or the next.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often the title is renewed, and it is asked whether the producer still lives.
const TICK: Duration = Duration::from_secs(1);

/// Said if the first picture takes long.
const WAITING: &str = "waiting for a picture (a producer without --lossy waits for other viewers)";

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wishes<'a> {
    /// Name of the shared memory.
    pub name: &'a str,
    /// Close after so many pictures; `None` is no limit.
    pub frames: Option<u64>,
    /// Save what the window shows at the end.
    pub screenshot: Option<&'a Path>,
}

/// What was shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Pictures.
    pub frames: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// Pictures whose frames were used again before they were looked at.
    pub stale: u64,
    /// Pictures that were skipped for newer ones.
    pub missed: u64,
}

/// Shows pictures until the window is closed, the producer ends, or there were enough.
pub fn show(display: Display, wishes: &Wishes) -> Result<Shown, Failure> {
    let mut feed = Feed::open(wishes.name, PATIENCE)?;
    let mut producer = Producer::new();
    let mut patient = false;
    // A picture says how large the window should be.
    let size = loop {
        let mut size = None;
        let news = feed.newest(|video, _| {
            size = Some((video.width, video.height));
            Ok(())
        })?;
        match (size, news) {
            (Some(size), _) => break size,
            (None, News::End | News::Failed) => {
                return Err(Failure::new("the producer ended before its first picture"));
            }
            (None, _) => {
                let begin = Instant::now();
                feed.sleep(None, TICK)?;
                producer.check(&feed)?;
                if !patient && begin.elapsed() >= TICK {
                    patient = true;
                    eprintln!("window: {WAITING}");
                }
            }
        }
    };
    let mut window = Window::open(display, size)?;
    let mut news = if feed.again(|video, picture| window.paint(video, picture))? {
        News::Picture
    } else {
        News::Nothing
    };
    let (mut shown, begin) = (Shown::default(), Instant::now());
    let mut title = Title::new(wishes.name);
    loop {
        if news == News::Picture {
            window.draw()?;
            shown.frames += 1;
            shown.seconds = begin.elapsed().as_secs_f64();
        }
        let happened = window.screen.happened()?;
        let enough = wishes.frames == Some(shown.frames);
        let last = matches!(news, News::End | News::Failed);
        if happened == Happened::Closed || enough || last {
            break;
        }
        if happened == Happened::Uncovered {
            // Of another size perhaps. If the frame is used again there will be a newer one.
            feed.again(|video, picture| window.paint(video, picture))?;
            window.draw()?;
        }
        if let Some(text) = title.due(shown.frames, feed.stale, producer.gone.is_some()) {
            window.screen.title(&text)?;
        }
        if news == News::Nothing && happened == Happened::Nothing {
            feed.sleep(Some(window.screen.as_fd()), TICK)?;
            producer.check(&feed)?;
        }
        news = feed.newest(|video, picture| window.paint(video, picture))?;
    }
    (shown.stale, shown.missed) = (feed.stale, feed.missed);
    if let Some(path) = wishes.screenshot {
        screenshot::save(&window.screen, &window.pixels, window.size, path)?;
    }
    match news {
        News::Failed => Err(Failure::new("the producer failed")),
        _ => Ok(shown),
    }
}

/// The window and what is to be seen in it.
struct Window {
    screen: Screen,
    pixels: Vec<u8>,
    size: (u16, u16),
}

impl Window {
    fn open(display: Display, picture: (u32, u32)) -> Result<Self, Failure> {
        Ok(Self {
            screen: display.window(picture)?,
            pixels: Vec::new(),
            size: (0, 0),
        })
    }

    /// Makes pixels of a picture, as many as the window has now.
    fn paint(&mut self, video: &Header, picture: &[u8]) -> Result<(), Failure> {
        self.size = self.screen.size();
        let layout = self.screen.layout();
        paint(video, picture, self.size, layout, &mut self.pixels)
    }

    fn draw(&self) -> Result<(), Failure> {
        if self.pixels.is_empty() {
            return Ok(()); // nothing came in time yet
        }
        self.screen.draw(&self.pixels, self.size)
    }
}

/// Whether somebody produces, asked once a tick, since the system has to be asked.
struct Producer {
    asked: Instant,
    /// Since when nobody does; at first nobody has to.
    gone: Option<Instant>,
}

impl Producer {
    fn new() -> Self {
        let now = Instant::now();
        Self {
            asked: now,
            gone: Some(now),
        }
    }

    /// An error once nobody has produced for too long.
    fn check(&mut self, feed: &Feed) -> Result<(), Failure> {
        let now = Instant::now();
        if now - self.asked < TICK {
            return Ok(());
        }
        self.asked = now;
        if feed.is_alive() {
            self.gone = None;
            return Ok(());
        }
        if now - *self.gone.get_or_insert(now) < PATIENCE {
            return Ok(());
        }
        let text = format!("nobody has produced for {} s", PATIENCE.as_secs());
        Err(Failure::new(text))
    }
}

/// What stands above the window, renewed once a second.
struct Title<'a> {
    name: &'a str,
    /// When it was last written, and how many pictures there had been.
    last: Option<(Instant, u64)>,
}

impl<'a> Title<'a> {
    fn new(name: &'a str) -> Self {
        Self { name, last: None }
    }

    fn due(&mut self, frames: u64, stale: u64, gone: bool) -> Option<String> {
        let now = Instant::now();
        let rate = match self.last {
            Some((when, _)) if now - when < TICK => return None,
            Some((when, before)) => (frames - before) as f64 / (now - when).as_secs_f64(),
            None => 0.0,
        };
        self.last = Some((now, frames));
        let name = self.name;
        let waiting = if gone { ", waiting for a producer" } else { "" };
        Some(format!(
            "{name}: {rate:.1} frames/s, {stale} stale{waiting}"
        ))
    }
}
