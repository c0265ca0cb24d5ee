//! The examples are run as a reader runs them, and say what they should.
#![cfg(all(feature = "std", any(target_os = "linux", windows)))]

#[path = "common/example.rs"]
mod builds;
mod common;

use std::fmt::Debug;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use common::PATIENCE;
use common::child::Child;
use common::system::{self, FAILED};
use serde_json::Value;

/// The example, built now.
fn example(name: &str) -> Command {
    Command::new(builds::build(name))
}

/// A directory for segments, gone with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(test: &str) -> Self {
        let name = format!("ringpad-examples-{}-{test}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    /// The example with these arguments, whose segments lie here.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = example(name);
        command.args(arguments).env("RINGPAD_DIR", &self.0);
        command
    }

    /// Everybody has left, and the last one cleared all away.
    #[track_caller]
    fn is_clear(&self) {
        let left: Vec<_> = std::fs::read_dir(&self.0).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An example that runs beside the test: one talks with it through pipes.
struct Talk {
    child: Child,
    input: Option<ChildStdin>,
    said: Receiver<String>,
    complained: Receiver<String>,
}

impl Talk {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        Self {
            input: child.stdin.take(),
            said: lines_of(child.stdout.take().unwrap()),
            complained: lines_of(child.stderr.take().unwrap()),
            child: Child::of(child),
        }
    }

    fn say(&mut self, line: &str) {
        let mut input = self.input.as_ref().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line of its standard output.
    #[track_caller]
    fn hear(&self) -> String {
        self.said.recv_timeout(PATIENCE).expect("a line")
    }

    /// The next line of its standard error.
    #[track_caller]
    fn note(&self) -> String {
        self.complained.recv_timeout(PATIENCE).expect("a note")
    }

    #[track_caller]
    fn hears<const N: usize>(&self, lines: [&str; N])
    where
        [String; N]: Debug,
    {
        let heard = [(); N].map(|()| self.hear());
        assert_eq!(heard, lines);
    }

    /// Asks it to end, as Ctrl-C or `kill` does.
    fn ask_to_end(&self) {
        system::ask_to_end(self.child.pid());
    }

    /// It ends, successfully, and says nothing more.
    #[track_caller]
    fn ends(mut self) {
        self.input = None;
        let status = self.child.wait();
        let rest: Vec<_> = self.said.iter().chain(self.complained.iter()).collect();
        assert!(status.success() && rest.is_empty(), "{status}, {rest:?}");
    }
}

/// The lines of a pipe, as they come; the channel ends with it.
fn lines_of(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (send, receive) = channel();
    std::thread::spawn(move || {
        let lines = BufReader::new(pipe).lines().map_while(Result::ok);
        lines.for_each(|line| _ = send.send(line));
    });
    receive
}

/// The lines that an example printed; it must succeed and complain of nothing.
#[track_caller]
fn lines(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut complained = String::from_utf8(output.stderr).unwrap();
    // Under Wine a process takes its time to start: who waits for it long enough says so.
    if cfg!(windows) && complained.starts_with("no segment ") && complained.ends_with(" writes\n") {
        complained.clear();
    }
    let code = output.status.code();
    assert_eq!((code, &*complained), (Some(0), ""), "it said:\n{said}");
    said.lines().map(String::from).collect()
}

#[test]
fn hello() {
    let want = [
        "received the numbers 1 to 10 through a ring of 4 slots: their sum is 55",
        "first record, read in place: hello",
        "second record, copied out: world",
    ];
    assert_eq!(lines(example("01_hello")), want);
}

#[test]
fn two_processes() {
    let scratch = Scratch::new("two");
    let lines = lines(scratch.command("02_two_processes", &[]));
    // Process numbers differ from run to run: the children are told apart by them.
    let child = |line: &str| {
        let words = line.strip_prefix("parent: child ").unwrap();
        words.split([' ', ':']).next().unwrap().to_owned()
    };
    let (first, second) = (child(&lines[0]), child(&lines[6]));
    assert_ne!(first, second);
    let want = [
        format!("parent: child {first} says hello"),
        format!("parent: child {first}: 1 squared is 1"),
        format!("parent: child {first}: 2 squared is 4"),
        format!("parent: child {first}: 3 squared is 9"),
        format!("parent: it says \"child {first} works on 4 ...\"; kill -9 {first}"),
        "parent: I am told that the child is dead; the next one takes over".into(),
        format!("parent: child {second} says hello"),
        format!("parent: child {second}: 4 squared is 16"),
        format!("parent: child {second}: 5 squared is 25"),
        format!("parent: child {second}: 6 squared is 36"),
        format!(
            "parent: all 6 answers are here, the child has gone ({})",
            system::end(0)
        ),
    ];
    assert_eq!(lines, want);
    scratch.is_clear();
}

#[test]
fn two_processes_refuses_what_it_does_not_know() {
    let output = example("02_two_processes")
        .arg("nonsense")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("usage: 02_two_processes"), "{text}");
}

#[test]
fn sensor_and_view() {
    let scratch = Scratch::new("sensor");
    let json = lines(scratch.command("03_sensor", &["--seconds", "1", "--json"]));
    let [json] = &json[..] else {
        panic!("one object was wanted: {json:?}");
    };
    let counts: Value = serde_json::from_str(json).unwrap();
    for some in ["writes", "reads", "fresh"] {
        assert!(counts[some].as_u64().unwrap() > 10, "{some}: {counts}");
    }
    assert_eq!((&counts["torn"], &counts["deaths"]), (&0.into(), &0.into()));
    assert_eq!(counts["sensors"], 1);
    scratch.is_clear();

    let text = lines(scratch.command("03_sensor", &["--seconds", "1", "--name", "lab"]));
    assert_eq!(text.len(), 1, "{text:?}");
    assert!(text[0].starts_with("sensor lab: ") && text[0].contains(" 0 torn; "));
    scratch.is_clear();
}

#[test]
fn a_killed_sensor_is_replaced() {
    let scratch = Scratch::new("sensors");
    let view = ["view", "lab", "--seconds", "0", "--json"];
    let view = Talk::start(scratch.command("03_sensor", &view));
    let waits = "no segment \"lab\"; waiting for a sensor: 03_sensor sensor lab";
    assert_eq!(view.note(), waits);

    let sensor = || Talk::start(scratch.command("03_sensor", &["sensor", "lab"]));
    let first = sensor();
    let pid = first.child.pid();
    assert_eq!(view.note(), format!("sensor {pid} writes"));
    let refused = scratch.command("03_sensor", &["sensor", "lab"]).output();
    let refused = refused.unwrap();
    let why = String::from_utf8(refused.stderr).unwrap();
    let want = format!(
        "03_sensor: \"lab\" has a living sensor already, pid {pid}; wanted a name without one\n"
    );
    assert_eq!((refused.status.code(), why), (Some(FAILED), want));

    first.child.kill_and_reap();
    let note = view.note();
    let dead = note.strip_prefix(&format!("sensor {pid} is dead; number "));
    let number = |text: &str| text.split(' ').next().unwrap().parse::<u64>().unwrap();
    let last = number(dead.expect(&note));
    let second = sensor();
    let note = view.note();
    let took_over = format!(
        "sensor {} took over from {pid} and is at number ",
        second.child.pid()
    );
    let goes_on = number(note.strip_prefix(&took_over).expect(&note));
    // The view may have looked before the new one wrote.
    assert!(goes_on >= last, "{goes_on} after {last}");

    second.ask_to_end();
    assert_eq!(view.note(), "the sensor left in order; waiting for another");
    assert!(second.hear().starts_with("sensor lab: "));
    second.ends();
    view.ask_to_end();
    let counts: Value = serde_json::from_str(&view.hear()).unwrap();
    view.ends();
    assert!(counts["reads"].as_u64() > Some(0) && counts["writes"].as_u64() > Some(0));
    let [sensors, deaths, torn] = ["sensors", "deaths", "torn"].map(|name| &counts[name]);
    assert_eq!((sensors, deaths, torn), (&2.into(), &1.into(), &0.into()));
    scratch.is_clear();
}

#[test]
fn frame_share() {
    let scratch = Scratch::new("frames");
    let film = ["--frames", "30", "--size", "64x36", "--fps", "max"];
    let recording = std::env::temp_dir().join(format!("ringpad-frames-{}", std::process::id()));
    let more = ["--recorder", recording.to_str().unwrap(), "--json"];
    let said = scratch.command("frame_share", &[&film[..], &more].concat());
    let said = lines(said);
    let recorded = std::fs::metadata(&recording).unwrap().len();
    std::fs::remove_file(&recording).unwrap();
    let report: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(
        (&report["sent"], &report["received"]),
        (&30.into(), &60.into())
    );
    assert_eq!(report["recorder"]["frames"], 30);
    let header = "YUV4MPEG2 W64 H36 F60:1 Ip C420jpeg\n".len();
    assert_eq!(
        recorded,
        (header + 30 * ("FRAME\n".len() + 64 * 36 * 3 / 2)) as u64
    );
    scratch.is_clear();

    let lossy = scratch.command("frame_share", &[&film[..], &["--lossy"]].concat());
    let text = lines(lossy).join("\n");
    assert!(text.contains("a pool of 10 frames"), "{text}");
    scratch.is_clear();
}

#[test]
fn engine() {
    let scratch = Scratch::new("engine");
    // Under Wine a decoder takes its time to start.
    let [most, each] = [["1", "0.2"], ["6", "1"]][usize::from(cfg!(windows))];
    let short = ["--size", "320x180", "--seconds", most];
    let killed = [&short[..], &["--kill-every", each, "--json"]].concat();
    let json = lines(scratch.command("06_engine", &killed));
    let [json] = &json[..] else {
        panic!("one object was wanted: {json:?}");
    };
    let counts: Value = serde_json::from_str(json).unwrap();
    for some in ["ticks", "shown", "deaths", "recoveries"] {
        assert!(counts[some].as_u64() > Some(0), "{some}: {counts}");
    }
    assert_eq!(
        (&counts["torn"], &counts["blocked"]),
        (&0.into(), &0.into())
    );
    assert_eq!(counts["free"], counts["frames"]);
    scratch.is_clear();

    let text = lines(scratch.command("06_engine", &short));
    assert!(text[0].starts_with("ticks ") && text[0].contains(" at 120 Hz, "));
    let last = text.last().unwrap();
    assert!(last.contains("6 of 6 frames are free"), "{last}");
    scratch.is_clear();
}

#[test]
fn calls() {
    let scratch = Scratch::new("calls");
    let mut lines = lines(scratch.command("07_calls", &[]));
    // The other client and the workers speak when they please.
    let mut others = Vec::new();
    lines.retain(|line| {
        let is_parent = line.starts_with("parent: ");
        others.extend((!is_parent).then(|| line.clone()));
        is_parent
    });
    others.sort();
    let want = [
        "client: 100 thumbnails, each of its picture",
        "worker: nobody wants more primes",
    ];
    assert_eq!(others, want);
    let pid = lines[2].split([' ', ':']).nth(4).unwrap().to_owned();
    assert!(pid.parse::<u32>().is_ok(), "{lines:?}");
    let want = [
        "parent: primes from 100: [101, 103, 107, 109, 113] and so on".into(),
        "parent: 100 thumbnails, each of its picture".into(),
        format!("parent: kill -9 {pid}: I am told that it died over my call"),
        "parent: a worker crashed over a picture, another made its thumbnail".into(),
        "parent: 1 of 3 workers lived to be told to go".into(),
    ];
    assert_eq!(lines, want);
    scratch.is_clear();
}

#[test]
fn chat() {
    let scratch = Scratch::new("chat");
    let join = |name: &str| Talk::start(scratch.command("04_chat", &["--name", name]));
    let mut alice = join("alice");
    alice.hears(["* you are alice, voice 1 of room lobby; here: nobody else"]);
    let mut bob = join("bob");
    bob.hears([
        "* alice came",
        "* you are bob, voice 2 of room lobby; here: alice",
    ]);
    let mut carol = join("carol");
    carol.hears([
        "* alice came",
        "* bob came",
        "* you are carol, voice 3 of room lobby; here: alice, bob",
    ]);
    alice.hears(["* bob came", "* carol came"]);
    bob.hears(["* carol came"]);

    // Everyone hears everyone else, each in order.
    for line in 0..20 {
        alice.say(&format!("{line}"));
        bob.say(&format!("{line}"));
        carol.say(&format!("{line}"));
    }
    for (talk, others) in [
        (&alice, ["bob", "carol"]),
        (&bob, ["alice", "carol"]),
        (&carol, ["alice", "bob"]),
    ] {
        let heard: Vec<String> = (0..40).map(|_| talk.hear()).collect();
        for other in others {
            let of = format!("{other}: ");
            let lines: Vec<&str> = heard
                .iter()
                .filter_map(|line| line.strip_prefix(&of))
                .collect();
            let want: Vec<String> = (0..20).map(|line| line.to_string()).collect();
            assert_eq!(lines, want, "{other}");
        }
    }

    carol.child.kill_and_reap();
    alice.hears(["* carol is gone without a word: killed"]);
    bob.hears(["* carol is gone without a word: killed"]);
    // Her voice is free. Who speaks through a pipe is heard, and may leave at once.
    let mut dave = join("dave");
    dave.say("hello");
    let history: Vec<String> = (0..64).map(|_| dave.hear()).collect();
    assert!(
        history.iter().any(|line| line == "carol: 19"),
        "{history:?}"
    );
    let gone = history.iter().filter(|line| line.ends_with(" killed"));
    assert_eq!(gone.count(), 1, "{history:?}");
    dave.hears(["* you are dave, voice 3 of room lobby; here: alice, bob"]);
    dave.ends();
    alice.hears(["* dave came", "dave: hello", "* dave left"]);
    bob.hears(["* dave came", "dave: hello", "* dave left"]);

    let view = ["view", "chat-lobby", "--seconds", "1"];
    let view = scratch.command("03_sensor", &view).output().unwrap();
    let why = String::from_utf8(view.stderr).unwrap();
    let want = "\"chat-lobby\" is no sensor's: channel \"reading\": no channel of this name; it has voice-1, ";
    assert!(
        view.status.code() == Some(FAILED) && why.contains(want),
        "{why}"
    );

    // By Ctrl-C, and by the end of input.
    alice.ask_to_end();
    bob.hears(["* alice left"]);
    alice.ends();
    bob.input = None;
    bob.hears(["* nobody else is here: what you said goes with the room"]);
    bob.ends();
    scratch.is_clear();
}

#[test]
fn who_was_stopped_is_told_how_many_lines_were_missed() {
    const LINES: u64 = 300;
    let scratch = Scratch::new("slow");
    let join = |name: &str| Talk::start(scratch.command("04_chat", &["--name", name]));
    let alice = join("alice");
    alice.hears(["* you are alice, voice 1 of room lobby; here: nobody else"]);
    alice.child.stop();
    let mut bob = join("bob");
    (1..=LINES).for_each(|line| bob.say(&line.to_string()));
    bob.hears([
        "* alice came",
        "* you are bob, voice 2 of room lobby; here: alice",
    ]);
    bob.ends();
    alice.child.resume();
    let missed = alice.hear();
    let lost = missed.strip_prefix("* ").unwrap();
    let lost: u64 = lost.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(missed, format!("* {lost} lines of voice-2 missed"));
    // The first one lost was that bob came.
    for line in lost..=LINES {
        alice.hears([&*format!("bob: {line}")]);
    }
    alice.hears(["* bob left"]);
    alice.ends();
    scratch.is_clear();
}
