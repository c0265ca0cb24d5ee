//! The loop: the newest picture into the window, asleep while there is nothing to do.

use std::os::fd::AsFd;
use std::path::Path;
use std::time::{Duration, Instant};

use super::Failure;
use super::feed::{Feed, News};
use super::pixels::paint;
use super::screen::{Display, Happened, Screen};
use super::screenshot;

/// How long a producer is waited for, the first or the next.
const PATIENCE: Duration = Duration::from_secs(10);
/// So often the title is renewed, and it is asked whether the producer still lives.
const TICK: Duration = Duration::from_secs(1);

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
}

/// Shows pictures until the window is closed, the producer ends, or there were enough.
pub fn show(display: Display, wishes: &Wishes) -> Result<Shown, Failure> {
    let mut feed = Feed::open(wishes.name, PATIENCE)?;
    let mut producer = Producer::default();
    let mut news = feed.newest()?;
    while news == News::Nothing {
        feed.sleep(None, TICK)?;
        producer.check(&feed)?;
        news = feed.newest()?;
    }
    // A picture says how large the window should be.
    let Some((video, _)) = feed.picture() else {
        return Err(Failure::new("the producer ended before its first picture"));
    };
    let mut window = Window::open(display, (video.width, video.height))?;
    let (mut shown, begin) = (Shown::default(), Instant::now());
    let mut title = Title::new(wishes.name);
    loop {
        let happened = window.screen.happened()?;
        let last = matches!(news, News::End | News::Failed);
        if happened == Happened::Closed || last {
            break;
        }
        let is_new = news == News::Picture;
        if is_new || happened == Happened::Uncovered {
            window.draw(&feed)?;
        }
        if is_new {
            shown.frames += 1;
            shown.seconds = begin.elapsed().as_secs_f64();
            if wishes.frames == Some(shown.frames) {
                break;
            }
        }
        if let Some(text) = title.due(shown.frames, feed.stale, producer.is_gone()) {
            window.screen.title(&text)?;
        }
        if !is_new && happened == Happened::Nothing {
            feed.sleep(Some(window.screen.as_fd()), TICK)?;
            producer.check(&feed)?;
        }
        news = feed.newest()?;
    }
    shown.stale = feed.stale;
    if let Some(path) = wishes.screenshot {
        screenshot::save(&window.screen, &window.pixels, window.drawn, path)?;
    }
    match news {
        News::Failed => Err(Failure::new("the producer failed")),
        _ => Ok(shown),
    }
}

/// The window and what was last drawn into it.
struct Window {
    screen: Screen,
    pixels: Vec<u8>,
    drawn: (u16, u16),
}

impl Window {
    fn open(display: Display, picture: (u32, u32)) -> Result<Self, Failure> {
        Ok(Self {
            screen: display.window(picture)?,
            pixels: Vec::new(),
            drawn: (0, 0),
        })
    }

    /// Draws the picture as large as the window is now.
    fn draw(&mut self, feed: &Feed) -> Result<(), Failure> {
        if let Some((video, picture)) = feed.picture() {
            self.drawn = self.screen.size();
            let layout = self.screen.layout();
            paint(video, picture, self.drawn, layout, &mut self.pixels)?;
        }
        self.screen.draw(&self.pixels, self.drawn)
    }
}

/// Whether somebody produces, and since when nobody does; at first nobody has to.
struct Producer(Option<Instant>);

impl Default for Producer {
    fn default() -> Self {
        Self(Some(Instant::now()))
    }
}

impl Producer {
    fn is_gone(&self) -> bool {
        self.0.is_some()
    }

    /// An error once nobody has produced for too long.
    fn check(&mut self, feed: &Feed) -> Result<(), Failure> {
        if feed.is_alive() {
            self.0 = None;
            return Ok(());
        }
        if self.0.get_or_insert_with(Instant::now).elapsed() < PATIENCE {
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
