//! What comes out of a segment: the newest picture, what is no longer there, and nothing that was made up.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ringpad::Plan;
use ringpad::frames::{Config, FourCc, Frames, Picture, Ticket};
use ringpad::mailslot::{self, Mailslot};
use ringpad::notepad::{self, Notepad};
use ringpad::os::{Error, FrameUser, NotepadWriter, Options, OwnedPeer, Publisher, SharedSegment};
use ringpad_window::feed::{Feed, News};
use ringpad_window::wire::{
    FILM, FILM_BYTES, Film, Notice, POOL, State, TICKETS, Words, monotonic_ns, picture_of,
};
use ringpad_window::y4m::Header;

mod common;
use common::known::header;
use common::until;

const FRAMES: u32 = 2;

/// A producer in this process, which can be told to do wrong.
struct Camera {
    pool: FrameUser,
    tickets: Publisher<Words>,
    film: NotepadWriter<[u8]>,
    video: Header,
    _me: OwnedPeer,
}

impl Camera {
    fn new(name: &str) -> Self {
        let video = header(4, 2);
        let pool = Config::new(FRAMES, video.frame_bytes() as u32);
        let plan = Plan::<3>::new().channel::<Frames>(POOL, &pool).unwrap();
        let plan = plan.channel::<Mailslot<Words>>(TICKETS, &mailslot::Config::new(8));
        let pad = notepad::Config::bytes(FILM_BYTES);
        let plan = plan.unwrap().channel::<Notepad<[u8]>>(FILM, &pad).unwrap();
        let segment = SharedSegment::open_or_create(name, &plan, &Options::new()).unwrap();
        let me = segment.join().unwrap();
        let mut camera = Self {
            pool: me.frame_user(POOL).unwrap(),
            tickets: me.publisher(TICKETS).unwrap(),
            film: me.notepad_writer(FILM).unwrap(),
            video,
            _me: me,
        };
        camera.say(State::Running, 1);
        camera
    }

    fn say(&mut self, state: State, life: u32) {
        let line = b"YUV4MPEG2 W4 H2 F30:1".to_vec();
        let film = Film {
            film: 1,
            life,
            state,
            frames: 0,
            since_ns: monotonic_ns(),
            line,
        };
        self.film.write(&film.encode()).unwrap();
    }

    /// Publishes a picture, every byte of it this, of which this is said.
    fn publish(&self, byte: u8, picture: &Picture, len: usize) -> Ticket {
        let mut loan = self.pool.loan().unwrap();
        loan.bytes_mut().unwrap()[..len].fill(byte);
        loan.set_picture(picture);
        loan.publish(len as u32).unwrap()
    }

    fn good(&self, byte: u8) -> Ticket {
        let picture = picture_of(&self.video, byte.into());
        self.publish(byte, &picture, self.video.frame_bytes())
    }

    fn tell(&mut self, ticket: Ticket) {
        let notice = Notice {
            ticket,
            checksum: 0,
            film: 1,
            life: 1,
        };
        self.tickets.publish(&notice.to_words());
    }
}

/// What the newest picture is filled with, if there is one.
fn newest(feed: &mut Feed) -> Result<(News, Option<u8>), String> {
    let mut byte = None;
    let news = feed.newest(|_, picture| {
        assert!(picture.iter().all(|other| *other == picture[0]));
        byte = Some(picture[0]);
        Ok(())
    });
    news.map(|news| (news, byte)).map_err(|why| why.to_string())
}

/// A segment's name. Nobody is killed here: whoever had it leaves nothing, with no help.
struct Name(String);

impl Drop for Name {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let found = SharedSegment::open(&self.0, &Options::new());
        let Err(Error::NoSegment { stale: false, .. }) = found else {
            panic!("something is left: {found:?}");
        };
    }
}

fn both(test: &str) -> (Name, Camera, Feed) {
    let name = Name(format!("window-{test}-{}", std::process::id()));
    let camera = Camera::new(&name.0);
    let feed = Feed::open(&name.0, Duration::ZERO).unwrap();
    (name, camera, feed)
}

#[test]
fn the_newest_picture_and_what_was_skipped_for_it() {
    let (_name, mut camera, mut feed) = both("newest");
    assert_eq!(newest(&mut feed), Ok((News::Nothing, None)));
    for byte in [1, 2] {
        let ticket = camera.good(byte);
        camera.tell(ticket);
    }
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(2))));
    assert_eq!(newest(&mut feed), Ok((News::Nothing, None)));
    assert_eq!((feed.stale, feed.missed), (0, 1));
    // More than the mailslot holds.
    for byte in 3..30 {
        let ticket = camera.good(byte);
        camera.tell(ticket);
    }
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(29))));
    assert_eq!((feed.stale, feed.missed), (0, 27));
}

#[test]
fn a_frame_that_was_used_again_is_stale() {
    let (_name, mut camera, mut feed) = both("stale");
    let ticket = camera.good(1);
    for byte in 2..2 + FRAMES as u8 {
        camera.good(byte);
    }
    camera.tell(ticket);
    assert_eq!(newest(&mut feed), Ok((News::Nothing, None)));
    assert_eq!((feed.stale, feed.missed), (1, 0));
    // The picture that the window shows can be drawn again for as long as its frame is not.
    let ticket = camera.good(9);
    camera.tell(ticket);
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(9))));
    assert!(feed.again(|_, _| Ok(())).unwrap());
    for byte in 0..FRAMES as u8 {
        camera.good(byte);
    }
    assert!(!feed.again(|_, _| panic!("it is gone")).unwrap());
}

/// While it is looked at it stays, whatever the producer does.
#[test]
fn a_picture_stays_while_it_is_looked_at() {
    let (_name, mut camera, mut feed) = both("stays");
    let ticket = camera.good(7);
    camera.tell(ticket);
    let news = feed.newest(|_, picture| {
        for byte in 0..10 {
            camera.good(byte);
        }
        assert!(picture.iter().all(|byte| *byte == 7));
        Ok(())
    });
    assert_eq!(news.unwrap(), News::Picture);
}

#[test]
fn films_end_once_their_tickets_were_seen() {
    for (state, news) in [(State::Ended, News::End), (State::Failed, News::Failed)] {
        let (_name, mut camera, mut feed) = both("over");
        let ticket = camera.good(5);
        camera.tell(ticket);
        camera.say(state, 1);
        assert_eq!(newest(&mut feed), Ok((News::Picture, Some(5))));
        assert_eq!(newest(&mut feed), Ok((news, None)));
        assert!(feed.is_alive());
        drop(camera);
        assert!(!feed.is_alive());
    }
}

#[test]
fn what_was_made_up_is_refused() {
    let (_name, mut camera, mut feed) = both("made-up");
    let good = picture_of(&camera.video, 0);
    let len = camera.video.frame_bytes();
    let bad = [
        (
            Picture {
                format: FourCc(*b"RGB3"),
                ..good
            },
            len,
            "not known here",
        ),
        (
            Picture {
                format: FourCc(*b"I444"),
                ..good
            },
            len,
            "the length is",
        ),
        (
            Picture {
                width: 1 << 30,
                ..good
            },
            len,
            "out of range",
        ),
        (Picture { height: 0, ..good }, len, "out of range"),
        (Picture { stride: 5, ..good }, len, "the stride is 5"),
        (good, len - 1, "the length is"),
    ];
    for (picture, len, wanted) in bad {
        let ticket = camera.publish(1, &picture, len);
        camera.tell(ticket);
        let said = newest(&mut feed).unwrap_err();
        assert!(said.contains(wanted), "{said}");
    }
    let real = camera.good(1);
    let far = FRAMES + 1000;
    for ticket in [
        Ticket { index: far, ..real },
        Ticket {
            len: u32::MAX,
            ..real
        },
    ] {
        camera.tell(ticket);
        newest(&mut feed).unwrap_err();
    }
    camera.tell(real);
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(1))));
}

/// It wakes for a ticket, for the film's end and for the window, and sleeps else.
#[test]
fn sleeps_end_when_they_should() {
    let (_name, mut camera, mut feed) = both("sleeps");
    let (long, short) = (Duration::from_secs(30), Duration::from_millis(20));
    let begin = Instant::now();
    feed.sleep(None, short).unwrap();
    assert!(begin.elapsed() >= short);

    let ticket = camera.good(1);
    camera.tell(ticket);
    feed.sleep(None, long).unwrap();
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(1))));
    let (readable, writer) = std::os::unix::net::UnixStream::pair().unwrap();
    std::io::Write::write_all(&mut &writer, b"x").unwrap();
    feed.sleep(Some(readable.as_fd()), long).unwrap();
    // What comes while it sleeps wakes it.
    let thread = rustix::thread::gettid().as_raw_nonzero().get();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            until_asleep(thread);
            let ticket = camera.good(2);
            camera.tell(ticket);
        });
        feed.sleep(None, long).unwrap();
    });
    assert_eq!(newest(&mut feed), Ok((News::Picture, Some(2))));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            until_asleep(thread);
            camera.say(State::Ended, 1);
        });
        feed.sleep(None, long).unwrap();
    });
    // What ended before it sleeps keeps it awake.
    feed.sleep(None, long).unwrap();
    assert_eq!(newest(&mut feed), Ok((News::End, None)));
    assert!(begin.elapsed() < long);
}

/// Its only sleep is the feed's.
fn until_asleep(thread: i32) {
    until("the thread sleeps", || {
        let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap();
        stat.rsplit_once(") ")?.1.starts_with('S').then_some(())
    });
}
