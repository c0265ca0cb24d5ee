//! A directory of one test: segments in `seg/`, words in `page`. Removed at the end, also when the test fails.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use ringpad::os::Options;

/// The variable by which a child finds its parent's room.
pub const ROOM: &str = "RINGPAD_TEST_ROOM";

pub struct Room {
    path: PathBuf,
    /// Only who made it removes it.
    made_by: u32,
}

impl Room {
    pub fn new(name: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shm = Path::new("/dev/shm");
        let base = if shm.is_dir() {
            shm
        } else {
            Path::new(env!("CARGO_TARGET_TMPDIR"))
        };
        let me = std::process::id();
        loop {
            let next = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = base.join(format!("ringpad-test-{name}-{me}-{next}"));
            match std::fs::create_dir(&path) {
                Ok(()) => return Self { path, made_by: me },
                // Of a test that was killed, whose number came again.
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    /// The parent's room, in a child.
    pub fn parents() -> Self {
        Self {
            path: std::env::var_os(ROOM).expect("a room").into(),
            made_by: 0,
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where segments lie. Made by the first who opens one.
    pub fn segments(&self) -> PathBuf {
        self.path.join("seg")
    }

    pub fn options(&self) -> Options {
        Options::new().directory(self.segments())
    }

    /// The files beside the segments now, sorted.
    pub fn files(&self) -> Vec<String> {
        let Ok(list) = std::fs::read_dir(self.segments()) else {
            return Vec::new();
        };
        let names = list.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.segments().join(name)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.made_by == std::process::id() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
