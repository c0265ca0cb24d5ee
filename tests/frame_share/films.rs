//! Real videos as files: made here, byte by byte, or by ffmpeg where it is installed.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

/// A film's size.
pub struct Film {
    pub width: usize,
    pub height: usize,
    pub frames: usize,
}

impl Film {
    /// Bytes of a picture: 4:2:0.
    pub fn frame_bytes(&self) -> usize {
        self.width * self.height * 3 / 2
    }

    /// Writes the film: a gradient that moves, under noise that no two frames share. The header says more than readers need, which a
    /// recording keeps all the same.
    pub fn write(&self, path: &str) {
        let mut file = BufWriter::new(File::create(path).unwrap());
        let (width, height) = (self.width, self.height);
        writeln!(
            file,
            "YUV4MPEG2 W{width} H{height} F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2 XMADE=here"
        )
        .unwrap();
        let mut noise = 0x9e37_79b9_7f4a_7c15_u64;
        let mut picture = vec![0; self.frame_bytes()];
        for frame in 0..self.frames {
            for (row, line) in picture.chunks_mut(width).enumerate() {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                line.fill((row + 3 * frame) as u8);
                let place = noise as usize % (width - 8);
                line[place..place + 8].copy_from_slice(&noise.to_le_bytes());
            }
            file.write_all(b"FRAME\n").unwrap();
            file.write_all(&picture).unwrap();
        }
        file.flush().unwrap();
    }
}

/// ffmpeg's moving test picture; false, with a line that says so, where there is no ffmpeg.
pub fn by_ffmpeg(film: &Film, path: &str) -> bool {
    let source = format!("testsrc=size={}x{}:rate=30", film.width, film.height);
    let frames = film.frames.to_string();
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-loglevel", "error", "-f", "lavfi", "-i", &source]);
    ffmpeg.args(["-frames:v", &frames, "-pix_fmt", "yuv420p"]);
    ffmpeg
        .args(["-f", "yuv4mpegpipe", "-y", path])
        .stdin(Stdio::null());
    match ffmpeg.status() {
        // A system may tell so late that there was nothing to start: so posix_spawn's page says, and emulators do.
        Ok(status) if status.code() == Some(127) && !is_on_path("ffmpeg") => {
            println!("skipped: no ffmpeg here ({status})");
            false
        }
        Ok(status) => {
            assert!(status.success(), "ffmpeg: {status}");
            true
        }
        Err(error) => {
            println!("skipped: no ffmpeg here ({error})");
            false
        }
    }
}

fn is_on_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).exists())
}

/// Both files have the same bytes.
#[track_caller]
pub fn same(one: &str, other: &str) {
    assert!(is_same(one, other), "{one} and {other} differ");
}

pub fn is_same(one: impl AsRef<Path>, other: impl AsRef<Path>) -> bool {
    std::fs::read(one).unwrap() == std::fs::read(other).unwrap()
}
