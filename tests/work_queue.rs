//! The work queue example under fire: any of its processes is killed at any time, and the numbers add up.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "common/example.rs"]
mod builds;
mod common;
#[cfg(unix)] // Windows has no pseudo terminals of this kind
#[path = "work_queue/terminal.rs"]
mod terminal;

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use common::child::{Child, was_killed};
use common::room::Room;
use common::system::{FAILED, ask_to_end, kill_number as kill};
use common::{Dice, PATIENCE, number, until};
use ringpad::os::SharedSegment;
use ringpad::{Life, PeerId};

const NAME: &str = "queue";

fn command(room: &Room, arguments: &[&str]) -> Command {
    let mut command = Command::new(builds::build("05_work_queue"));
    command.args(arguments).env("RINGPAD_DIR", room.segments());
    command.env("TERM", "xterm").stdin(Stdio::null());
    command
}

/// Who lives in the segment.
#[derive(Debug)]
struct Lives {
    pids: Vec<u32>,
    boss: Option<u32>,
}

impl Lives {
    fn of(segment: &SharedSegment) -> Self {
        let rows = (1..=segment.peers()).filter_map(PeerId::new);
        let alive = rows.filter(|row| segment.life(*row) == Life::Alive);
        let pid = |row| Some(segment.occupant(row)?.pid);
        let boss = segment.notepad_reader::<u64>("sent").unwrap().writer();
        let boss = boss.filter(|row| segment.life(*row) == Life::Alive);
        Self {
            pids: alive.filter_map(pid).collect(),
            boss: boss.and_then(pid),
        }
    }

    /// Waits until all four are here. With the segment, so that it outlives a kill that comes right after.
    fn all(room: &Room) -> (Self, SharedSegment) {
        let mut all = None;
        until("a board, a boss and two workers", || {
            all = SharedSegment::open_read_only(NAME, &room.options())
                .ok()
                .map(|segment| (Self::of(&segment), segment))
                .filter(|(lives, _)| lives.pids.len() >= 4 && lives.boss.is_some());
            all.is_some()
        });
        all.unwrap()
    }

    fn worker(&self, board: u32) -> u32 {
        let other = |pid: &&u32| **pid != board && Some(**pid) != self.boss;
        *self.pids.iter().find(other).expect("a worker")
    }
}

/// What a line says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Said {
    sent: u64,
    done: u64,
    again: u64,
    lost: u64,
    killed: u64,
    ok: bool,
}

impl Said {
    #[track_caller]
    fn of(line: &str) -> Self {
        let line = line.strip_prefix("queue: ").unwrap_or(line);
        let before = |what: &str| {
            let at = line.find(what).unwrap_or_else(|| panic!("{what}: {line}"));
            let text = line[..at].rsplit([' ', ';']).next().unwrap();
            text.parse::<u64>()
                .unwrap_or_else(|_| panic!("{what}: {line}"))
        };
        Self {
            sent: before(" sent, "),
            done: before(" done, "),
            again: before(" came again, "),
            lost: before(" lost; sum "),
            killed: before(" killed: "),
            ok: line.contains(" ok; "),
        }
    }

    /// All is done, once.
    fn adds_up(&self) -> bool {
        self.ok && self.lost == 0 && self.sent == self.done && self.done > 0
    }
}

/// A board in a pipe.
struct Board {
    child: Child,
    said: Receiver<String>,
    complained: Receiver<String>,
}

impl Board {
    fn start(room: &Room, arguments: &[&str]) -> Self {
        let mut command = command(room, &["--name", NAME, "--seconds", "0"]);
        command.args(arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            said: lines_of(child.stdout.take().unwrap()),
            complained: lines_of(child.stderr.take().unwrap()),
            child: Child::of(child),
        }
    }

    fn hear(&self) -> String {
        self.said.recv_timeout(PATIENCE).expect("a line")
    }

    /// Asks it to end; its exit code and last word.
    fn end(mut self) -> (Option<i32>, Said) {
        ask_to_end(self.child.pid());
        let code = self.child.wait_within(2 * PATIENCE).code();
        let said: Vec<_> = self.said.iter().collect();
        println!("{}", said.last().unwrap());
        let complained: Vec<_> = self.complained.iter().collect();
        assert!(complained.is_empty(), "{complained:?}");
        (code, Said::of(said.last().unwrap()))
    }
}

fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        lines.for_each(|line| _ = send.send(line));
    });
    receive
}

#[test]
fn any_process_may_be_killed() {
    let kills = number("RINGPAD_QUEUE_KILLS", 50);
    let (room, mut dice) = (Room::new("queue"), Dice::new());
    println!("RINGPAD_SEED={}", dice.seed());
    let mut board = Board::start(&room, &[]);
    let mut killed = [0; 3];
    let mut before = Said::default();
    for _ in 0..kills {
        let (lives, held) = Lives::all(&room);
        std::thread::sleep(Duration::from_micros(dice.below(100_000)));
        let victim = lives.pids[dice.below(lives.pids.len() as u64) as usize];
        if victim == board.child.pid() {
            // Once in a while another with it: nobody is there to replace it until the next board.
            if dice.below(3) == 0 && kill(lives.worker(victim)) {
                killed[1] += 1;
            }
            board.child.kill();
            let status = board.child.wait();
            assert!(was_killed(status), "{status}");
            drop(held);
            let old = std::mem::replace(&mut board, Board::start(&room, &[]));
            killed[2] += 1;
            for line in old.said.try_iter() {
                let said = Said::of(&line);
                assert!(said.ok && said.lost == 0, "{line}");
                assert!(said.done >= before.done, "{line} after {before:?}");
                before = said;
            }
        } else if kill(victim) {
            killed[usize::from(Some(victim) != lives.boss)] += 1;
            // Not at once: until then it would be chosen again.
            until("a death", || !Lives::of(&held).pids.contains(&victim));
        }
    }
    Lives::all(&room);
    let (code, last) = board.end();
    let [bosses, workers, boards] = killed;
    println!("killed {bosses} bosses, {workers} workers, {boards} boards; {last:?}");
    assert!(code == Some(0) && last.adds_up(), "{code:?}, {last:?}");
    assert!(last.done >= before.done, "{last:?} after {before:?}");
    let all: u64 = killed.iter().sum();
    // What a reaper gave back that was killed before it counted is missing.
    assert!(
        last.killed >= all - all / 8 && last.killed <= all,
        "{last:?}, killed {all}"
    );
    assert_eq!(room.files(), [""; 0]);
}

/// The control: workers that acknowledge too early do lose jobs when they are killed, and the board says so.
#[test]
fn careless_workers_lose_jobs() {
    let room = Room::new("careless");
    // They always have something to do.
    let board = Board::start(&room, &["--careless", "--rate", "1000000"]);
    let stuck = Instant::now();
    let mut before = None;
    // A lost job stops the boss when the window is full: then the sum moves no more.
    loop {
        assert!(stuck.elapsed() < 2 * PATIENCE, "nothing was lost");
        let (lives, _held) = Lives::all(&room);
        kill(lives.worker(board.child.pid()));
        let said = Said::of(&board.hear());
        if before == Some((said.sent, said.done)) {
            break;
        }
        before = Some((said.sent, said.done));
    }
    let (code, last) = board.end();
    assert!(
        code == Some(FAILED) && last.lost > 0 && !last.adds_up(),
        "{last:?}"
    );
}

#[test]
fn another_board_takes_over() {
    let room = Room::new("boards");
    let first = Board::start(&room, &[]);
    let pid = first.child.pid();
    until("something is done", || Said::of(&first.hear()).done > 0);
    let second = Board::start(&room, &[]);
    let waits = second.complained.recv_timeout(PATIENCE).unwrap();
    let want = format!("{NAME} has a board, pid {pid}; waiting for its end");
    assert_eq!(waits, want);
    let last = first.said.try_iter().last();
    let done = last.map_or(1, |line| Said::of(&line).done);
    first.child.kill_and_reap();
    let line = second.hear();
    let board = format!("board {}, ", second.child.pid());
    assert!(
        line.contains(&board) && Said::of(&line).done >= done,
        "{line}"
    );
    let (code, last) = second.end();
    assert!(code == Some(0) && last.adds_up(), "{last:?}");
    assert_eq!(room.files(), [""; 0]);
}

#[test]
fn who_is_not_needed_or_not_understood_is_told_so() {
    let room = Room::new("refused");
    let board = Board::start(&room, &[]);
    let (lives, held) = Lives::all(&room);
    let refused = |arguments: &[&str]| {
        let output = command(&room, arguments).output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), text)
    };
    let taken = format!(
        "05_work_queue: queue has a boss, pid {}\n",
        lives.boss.unwrap()
    );
    assert_eq!(refused(&["boss", NAME]), (Some(FAILED), taken));
    drop(held);
    let (code, text) = refused(&["--name", "no/name"]);
    assert!(code == Some(FAILED) && text.contains("no/name"), "{text}");
    for nonsense in [&["--rate", "0"][..], &["--seconds", "soon"], &["chief"]] {
        let (code, text) = refused(nonsense);
        assert!(
            code == Some(2) && text.contains(nonsense[nonsense.len() - 1]),
            "{text}"
        );
    }
    assert!(board.end().1.adds_up());
}
