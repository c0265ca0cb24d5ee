//! An image for a microcontroller in an emulator, and this process, over one memory: the emulator keeps the machine's memory in a file, and this process
//! maps that file. Numbers go to the image through a typed ring and come back through another, beside a notepad each way. The emulator is killed with
//! `kill -9` now and then and started again: the next life of the image goes on where the last one was stopped, and no number is lost.
//!
//! `.ci/two-cores` builds the image (`examples/cortex-m/src/bin/two_cores.rs`) and runs this: `08_two_cores IMAGE [KILLS] [early]`. With `early` the image
//! lets numbers go before it answers them, and this must find some lost.

#[path = "common/two_cores.rs"]
mod agreed;

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use agreed::{Answer, Channels, EARLY, END, GO, SIZE, answer, is_whole, message, note};
use ringpad::{Region, notepad, spsc};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Nothing here takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two kills the image answers fewer numbers than this.
const MOST: u64 = 4000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (image, kills, word) = match words[..] {
        [image] => (image, Ok(20), GO),
        [image, kills] => (image, kills.parse(), GO),
        [image, kills, "early"] => (image, kills.parse(), EARLY),
        _ => {
            eprintln!("usage: 08_two_cores IMAGE [KILLS] [early]; .ci/two-cores builds IMAGE");
            return ExitCode::from(2);
        }
    };
    let Ok(kills) = kills else {
        eprintln!("KILLS is a number");
        return ExitCode::from(2);
    };
    match talk(Path::new(image), kills, word) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// The machine's memory, gone with this process.
struct Memory(PathBuf);

impl Memory {
    fn new() -> Result<(Self, Region<'static>)> {
        let path = std::env::temp_dir().join(format!("ringpad-two-cores-{}", std::process::id()));
        let memory = Self(path);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = options.open(&memory.0)?;
        file.set_len(SIZE as u64)?;
        let base = map(&file)?;
        // SAFETY: the mapping stays, with all its pages, as long as this process lives; the image uses them through ringpad, and nobody else knows the file.
        let region = unsafe { Region::new(base, SIZE) }?;
        Ok((memory, region))
    }
}

/// The file's bytes, shared with the emulator.
#[cfg(unix)]
fn map(file: &File) -> Result<*mut u8> {
    use rustix::mm::{MapFlags, ProtFlags, mmap};
    let (protection, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::SHARED);
    // SAFETY: at an address of the system's choice, where nothing of ours lies.
    let base = unsafe { mmap(std::ptr::null_mut(), SIZE, protection, flags, file, 0) }?;
    Ok(base.cast())
}

/// Nobody has tried QEMU's memory files elsewhere.
#[cfg(not(unix))]
fn map(_: &File) -> Result<*mut u8> {
    Err("this maps the machine's memory on Unix systems only".into())
}

impl Drop for Memory {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// An emulator that runs the image over the memory; killed if it is dropped.
struct Machine(Child);

impl Machine {
    fn start(image: &Path, memory: &Memory) -> Result<Self> {
        let file = memory.0.display();
        let backend = format!("memory-backend-file,id=mem,size={SIZE},mem-path={file},share=on");
        let mut command = Command::new("qemu-system-arm");
        // All of this machine's PSRAM, at 0x21000000, is what a backend may stand for.
        command.args(["-M", "mps2-an386,memory-backend=mem", "-object", &backend]);
        command.args(["-semihosting-config", "enable=on,target=native"]);
        command.args([
            "-display", "none", "-monitor", "none", "-serial", "none", "-kernel",
        ]);
        command.arg(image).stdin(Stdio::null());
        let child = command
            .spawn()
            .map_err(|e| format!("qemu-system-arm: {e}"))?;
        Ok(Self(child))
    }

    /// `kill -9`, and its end awaited: only then may another machine be started over the memory.
    fn kill(mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }

    /// An error if it ended by itself.
    fn must_run(&mut self) -> Result<()> {
        match self.0.try_wait()? {
            Some(status) => Err(format!("the image ended: {status}").into()),
            None => Ok(()),
        }
    }

    /// How the image ends, which was told to.
    fn end(mut self) -> Result<()> {
        let begin = Instant::now();
        loop {
            match self.0.try_wait()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the image ended: {status}").into()),
                None if begin.elapsed() > PATIENCE => return Err("the image does not end".into()),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This side's ends, and what it has seen.
struct Side {
    messages: spsc::Producer<'static, u32>,
    answers: spsc::Consumer<'static, Answer>,
    wish: notepad::Writer<'static, agreed::Note>,
    report: notepad::Reader<'static, agreed::Note>,
    word: u32,
    notes: u32,
    /// Answers received: the number of the next one.
    next: u32,
    /// Answers that came twice, in all, and whether this life of the image has sent one.
    again: u32,
    repeated: bool,
    reported: u32,
}

impl Side {
    fn new(region: Region<'static>, word: u32) -> Result<Self> {
        let channels = Channels::make(region)?;
        // This process is in its first life: nobody can have had its ends.
        Ok(Self {
            messages: channels.messages.bare_producer(&ringpad::NoProof)?,
            answers: channels.answers.bare_consumer(&ringpad::NoProof)?,
            wish: channels.wish.bare_writer(&ringpad::NoProof)?,
            report: channels.report.reader(),
            word,
            notes: 0,
            next: 0,
            again: 0,
            repeated: false,
            reported: 0,
        })
    }

    fn wish(&mut self, word: u32) {
        self.notes += 1;
        self.wish.write(&note(self.notes, word));
    }

    /// Sends what there is room for, takes what has come, looks at the report; all of it is checked.
    fn turn(&mut self) -> Result<()> {
        self.wish(self.word);
        loop {
            let n = self.messages.position();
            if self.messages.push(message(n)).is_err() {
                break;
            }
        }
        while let Some([n, value]) = self.answers.pop() {
            if value != answer(message(n)) {
                return Err(format!("answer {n} is {value:#x}").into());
            }
            // A life that was killed between its answer and its acknowledgement gets that one number again, and no other.
            if n.wrapping_add(1) == self.next && !self.repeated {
                self.repeated = true;
                self.again += 1;
            } else if n == self.next {
                self.next += 1;
            } else {
                return Err(format!("LOST: answer {n} came where {} was due", self.next).into());
            }
        }
        if let Ok(Some(report)) = self.report.try_read() {
            let [number, ..] = report.value;
            if !is_whole(&report.value) || number < self.reported {
                return Err(format!("report {:x?} after {}", report.value, self.reported).into());
            }
            self.reported = number;
        }
        Ok(())
    }

    /// Goes on until so many answers came.
    fn until(&mut self, answers: u64, machine: &mut Machine) -> Result<()> {
        let begin = Instant::now();
        while u64::from(self.next) < answers {
            self.turn()?;
            machine.must_run()?;
            if begin.elapsed() > PATIENCE {
                return Err(format!("no answer {} comes", self.next).into());
            }
            std::thread::yield_now();
        }
        Ok(())
    }
}

fn talk(image: &Path, kills: u32, word: u32) -> Result<String> {
    let (memory, region) = Memory::new()?;
    let mut side = Side::new(region, word)?;
    let begin = Instant::now();
    let mut dice = std::time::SystemTime::UNIX_EPOCH.elapsed()?.as_nanos() as u64 | 1;
    for _ in 0..kills {
        side.repeated = false;
        let mut machine = Machine::start(image, &memory)?;
        // Xorshift: how many answers this life gives, and some of its instructions more.
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        side.until(u64::from(side.next) + 1 + dice % MOST, &mut machine)?;
        let more = Instant::now();
        while more.elapsed() < Duration::from_micros(dice >> 32 & 0x3ff) {
            side.turn()?;
        }
        machine.kill()?;
    }
    side.repeated = false;
    let reported = side.reported;
    let mut machine = Machine::start(image, &memory)?;
    side.until(u64::from(side.next) + MOST, &mut machine)?;
    let since = Instant::now();
    while side.reported == reported {
        side.turn()?;
        machine.must_run()?;
        if since.elapsed() > PATIENCE {
            return Err("no report of the last image can be read".into());
        }
        std::thread::yield_now();
    }
    side.wish(END);
    machine.end()?;
    // What the image sent before it saw the last note.
    side.word = END;
    side.turn()?;
    Ok(format!(
        "{} numbers to the image and back, {} reports, {kills} kills: 0 lost, 0 torn, {} came again ({:.1} s)",
        side.next,
        side.reported,
        side.again,
        begin.elapsed().as_secs_f64()
    ))
}
