//! A creator, and one who leaves, killed at each system call; a creator at scattered instructions too.

use std::cell::{Cell, RefCell};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::{Duration, Instant};

use ringpad::os::{self, Options, SharedSegment};

use crate::common::room::Room;
use crate::common::tracer::{BEGIN, END, Kill, Points, Sweep, Tally, mark};
use crate::common::{child, is_root, number};
use crate::{create, leave, works};

/// The segment that is made and killed over.
const SWEPT: &str = "swept";
/// The segment of a living bystander in the same directory; a name that begins like the other.
const OTHER: &str = "swept.other";
/// What a [`maker`] may do: create, or leave what it has created.
const CREATES: &str = "creates";
const LEAVES: &str = "leaves";

/// Opens or creates, and is killed at it; or does what the word says.
pub fn maker() {
    let room = Room::parents();
    let (options, does) = (options(&room, &child::word(1)), child::word(0));
    if does == LEAVES {
        let open = create(SWEPT, &options).unwrap();
        mark(BEGIN);
        drop(open);
        mark(END);
    }
    mark(BEGIN);
    match &does[..] {
        // What no creator does, for the controls.
        "litters" => std::fs::write(room.file("swept.1.tmp"), "").unwrap(),
        "tramples" => {
            let other = OpenOptions::new()
                .append(true)
                .open(room.file("swept.other.seg"));
            other.unwrap().write_all(b"x").unwrap();
        }
        _ => {}
    }
    let made = create(SWEPT, &options);
    mark(END);
    panic!("killed at the mark at the latest: {made:?}");
}

/// Those of the room, for a group if one is given.
fn options(room: &Room, gid: &str) -> Options {
    let options = room.options();
    match gid.parse() {
        Ok(gid) => options.mode(0o660).group(gid),
        Err(_) => options,
    }
}

/// What there is of the segment before the creator comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Not even the directory.
    Nothing,
    /// What its last user left, who was killed.
    Stale,
    /// A living user.
    Living,
    /// A living user whose files somebody has removed: its segment is nobody's who comes now.
    Removed,
}

/// A directory in which creators are killed, and the living users there.
struct Scene {
    room: Room,
    before: Before,
    gid: &'static str,
    other: RefCell<Option<SharedSegment>>,
    living: RefCell<Option<User>>,
    longest: Cell<Duration>,
}

impl Scene {
    fn new(before: Before) -> Self {
        Self {
            room: Room::new("swept"),
            before,
            gid: "",
            other: RefCell::default(),
            living: RefCell::default(),
            longest: Cell::default(),
        }
    }

    /// Sets up for one creator.
    fn set(&self) {
        let options = options(&self.room, self.gid);
        if self.before == Before::Nothing {
            let _ = std::fs::remove_dir(self.room.segments());
            return;
        }
        self.other
            .borrow_mut()
            .get_or_insert_with(|| create(OTHER, &options).unwrap());
        match self.before {
            Before::Nothing => {}
            Before::Stale => leave(&self.room, SWEPT),
            Before::Living | Before::Removed => {
                let segment = create(SWEPT, &options).unwrap();
                *self.living.borrow_mut() = Some(User::of(segment));
            }
        }
        if self.before == Before::Removed {
            for file in self.files() {
                std::fs::remove_file(self.room.file(&file)).unwrap();
            }
        }
    }

    /// The files of the swept segment, or what of them was left.
    fn files(&self) -> Vec<String> {
        let mut files = self.room.files();
        files.retain(|file| !file.starts_with(OTHER));
        files
    }

    /// The bystander's segment, byte by byte.
    fn bystander(&self) -> Vec<u8> {
        std::fs::read(self.room.file(&format!("{OTHER}.seg"))).unwrap_or_default()
    }

    /// Sweeps a process that `does` this; after each kill either the next creator comes at once, or somebody collects
    /// before.
    fn sweep(&self, does: &str, points: Points, collects: fn(&Kill) -> bool) -> Tally<String> {
        let tally = self.try_sweep(does, points, collects);
        let (before, longest) = (self.before, self.longest.get());
        let tally = tally.unwrap_or_else(|why| panic!("{does}, {before:?}: {why}"));
        println!("{does}, {before:?}: {tally}, the next within {longest:.1?}");
        tally
    }

    fn try_sweep(
        &self,
        does: &str,
        points: Points,
        collects: fn(&Kill) -> bool,
    ) -> Result<Tally<String>, String> {
        let bytes = RefCell::new(Vec::new());
        let make = || {
            self.set();
            bytes.replace(self.bystander());
            child::command(&self.room, "maker", &[&does, &self.gid])
        };
        Sweep::at(points).executed(make, |kill| {
            let left = self.left();
            if bytes.borrow()[..] != self.bystander() {
                return Err("the bystander's segment was written".into());
            }
            let collects = collects(kill);
            let checked = self.check(collects);
            checked.map_err(|why| format!("{why} (left: {left}; collects: {collects})"))?;
            Ok(left)
        })
    }

    /// What the killed one left, in words.
    fn left(&self) -> String {
        let files = self.files();
        let of = |end: &str| files.iter().filter(|file| file.ends_with(end)).count();
        let kinds = ["lock", "seg", "tmp", "bell"].map(|end| (end, of(end)));
        let found: Vec<_> = kinds
            .iter()
            .filter(|(_, many)| *many > 0)
            .map(|(end, many)| format!("{many} {end}"))
            .collect();
        match (self.room.segments().exists(), found.is_empty()) {
            (false, _) => "no directory".into(),
            (true, true) => "nothing".into(),
            (true, false) => found.join(" "),
        }
    }

    fn check(&self, collects: bool) -> Result<(), String> {
        let options = options(&self.room, self.gid);
        let text = |error: os::Error| error.to_string();
        let mut living = self.living.take();
        let shared = living.as_ref().filter(|_| self.before == Before::Living);
        let shared = shared.map(|living| living.segment.clone());
        let listed = |name: &str| -> Result<Vec<bool>, String> {
            let list = os::list(&options).map_err(text)?;
            let list = list.iter().filter(|listed| listed.name == name);
            Ok(list.map(|listed| listed.alive).collect())
        };
        if listed(SWEPT)?.contains(&true) != shared.is_some() {
            return Err("the killed one counts as a user".into());
        }
        if collects {
            let gone = os::collect(&options).map_err(text)?;
            if gone.iter().any(|name| name != SWEPT) {
                return Err(format!("collected {gone:?}"));
            }
            if shared.is_none() && !(self.files().is_empty() && listed(SWEPT)?.is_empty()) {
                return Err(format!("not collected: {:?}", self.room.files()));
            }
        }
        let start = Instant::now();
        let next = create(SWEPT, &options).map_err(text)?;
        self.longest.set(self.longest.get().max(start.elapsed()));
        let second = SharedSegment::open(SWEPT, &options).map_err(text)?;
        let ids: Vec<_> = [&next, &second].into_iter().chain(&shared).collect();
        if ids.iter().any(|one| one.id() != next.id()) {
            return Err("two segments of one name".into());
        }
        let files = self.files();
        if listed(SWEPT)? != [true] || files.len() != crate::FILES {
            return Err(format!("lock, memory, three bells: {files:?}"));
        }
        if let Some(living) = &mut living {
            living.goes_on()?;
        }
        if shared.is_none() {
            works(&next);
            // Must not take the other's files along.
            drop(living.take());
            let third = SharedSegment::open(SWEPT, &options).map_err(text)?;
            if third.id() != next.id() {
                return Err("who left took the new one's files along".into());
            }
        }
        drop((next, second, shared, living));
        self.rest()
    }

    /// Everyone but the bystander has left.
    fn rest(&self) -> Result<(), String> {
        if let Some(other) = &*self.other.borrow() {
            works(other);
        }
        let beside = self.room.path().join(".seg.new").exists();
        match self.files() {
            files if files.is_empty() && !beside => Ok(()),
            files => Err(format!("left at the end: {files:?}, .seg.new: {beside}")),
        }
    }
}

/// A living user of the swept segment, with a message under way.
struct User {
    segment: SharedSegment,
    tx: os::Producer<u64>,
    rx: os::Consumer<u64>,
}

impl User {
    fn of(segment: SharedSegment) -> Self {
        let me = segment.join().unwrap();
        let mut tx = me.producer("ticks").unwrap();
        tx.push(41).unwrap();
        let rx = me.consumer("ticks").unwrap();
        Self { segment, tx, rx }
    }

    /// Nobody touched it: what was under way is there, and more gets through.
    fn goes_on(&mut self) -> Result<(), String> {
        self.tx
            .push(42)
            .map_err(|_| "the living user's ring is full")?;
        match [self.rx.pop(), self.rx.pop(), self.rx.pop()] {
            [Some(41), Some(42), None] => Ok(()),
            found => Err(format!("the living user's messages: {found:?}")),
        }
    }
}

const ALL: [Before; 4] = [
    Before::Nothing,
    Before::Stale,
    Before::Living,
    Before::Removed,
];

#[test]
fn a_creator_killed_at_any_system_call_stops_nobody() {
    let mut kills = 0;
    for before in ALL {
        for collects in [|_: &Kill| false, |_: &Kill| true] {
            let tally = Scene::new(before).sweep(CREATES, Points::Edges, collects);
            let wanted = if before == Before::Living { 1 } else { 4 };
            assert!(tally.outcomes.len() >= wanted, "{:?}", tally.outcomes);
            kills += tally.kills;
        }
    }
    println!("{kills} creators killed at system calls");
}

#[test]
fn a_creator_for_a_group_killed_at_any_system_call_stops_nobody() {
    if is_root() {
        for before in [Before::Nothing, Before::Removed] {
            let gid = "65534";
            let scene = Scene {
                gid,
                ..Scene::new(before)
            };
            let tally = scene.sweep(CREATES, Points::Edges, |kill| kill.number % 2 == 1);
            assert!(tally.outcomes.len() >= 4, "{:?}", tally.outcomes);
        }
    }
}

#[test]
fn one_who_leaves_killed_at_any_system_call_stops_nobody() {
    for before in [Before::Nothing, Before::Stale, Before::Living] {
        for collects in [|_: &Kill| false, |_: &Kill| true] {
            let tally = Scene::new(before).sweep(LEAVES, Points::Edges, collects);
            let wanted = if before == Before::Living { 1 } else { 6 };
            assert!(tally.outcomes.len() >= wanted, "{:?}", tally.outcomes);
        }
    }
}

#[test]
fn control_what_a_creator_must_not_leave_is_found() {
    for (fault, said) in [("litters", "three bells"), ("tramples", "bystander")] {
        let scene = Scene::new(Before::Stale);
        let found = scene.try_sweep(fault, Points::Edges, |_| false);
        let why = found.expect_err(fault);
        println!("a creator that {fault} is caught: {why}");
        assert!(why.contains(said), "{why}");
    }
}

#[test]
fn a_creator_killed_at_scattered_instructions_stops_nobody() {
    let all = number("RINGPAD_CREATOR_KILLS", 500);
    let (start, mut done) = (Instant::now(), 0);
    for before in ALL {
        // Unoptimised it makes 250,000 to 750,000 instructions: too many to be surveyed each time.
        let (kills, reach) = (all.div_ceil(ALL.len() as u64), 4096);
        let points = Points::Scattered { kills, reach };
        let tally = Scene::new(before).sweep(CREATES, points, |kill| kill.number % 2 == 1);
        done += tally.kills;
    }
    println!(
        "{done} creators killed at scattered instructions, {:.1?}",
        start.elapsed()
    );
}
