//! What is produced: where it comes from, how much of it, how fast, and for whom.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::pace::Fps;
use super::system;
use super::y4m::{Chroma, Header};

/// What is produced, how much of it, how fast, and for how many.
#[derive(Debug, Args)]
pub struct Stream {
    /// Share this YUV4MPEG2 video (- for standard input), not the generated picture.
    #[arg(long, value_name = "FILE", conflicts_with = "size")]
    input: Option<PathBuf>,
    /// Frames to share, 0 for no limit [default: 300, or all of the input].
    #[arg(long, value_name = "N")]
    frames: Option<u64>,
    /// Size of the generated picture.
    #[arg(long, value_name = "WxH", default_value = "1280x720", value_parser = size)]
    size: (u32, u32),
    /// Frames a second: 60, 29.97, 30000/1001, or max for no waiting [default: 60, or the input's].
    #[arg(long, value_name = "F|max")]
    fps: Option<Fps>,
    /// How many viewers there may be: up to 15, each with a ring of its own, or up to 30 lossy ones.
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=30))]
    pub viewers: u32,
    /// Viewers see what they are in time for, and hold nobody up; they are told how many frames they missed.
    #[arg(long)]
    pub lossy: bool,
    /// Frames of the pool [default: as many as the worst case needs].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub pool: Option<u32>,
    /// Print the report as one JSON object.
    #[arg(long)]
    pub json: bool,
}

impl Stream {
    /// The options again, for a process that is started.
    pub fn to_arguments(&self) -> Vec<OsString> {
        let (width, height) = self.size;
        let mut words: Vec<OsString> = vec!["--viewers".into(), self.viewers.to_string().into()];
        match &self.input {
            Some(file) => words.extend(["--input".into(), file.into()]),
            None => words.extend(["--size".into(), format!("{width}x{height}").into()]),
        }
        let fps = self.fps.map(|fps| match fps {
            Fps::Max => "max".to_owned(),
            Fps::Rate(frames, seconds) => format!("{frames}/{seconds}"),
        });
        let numbers = [
            ("--frames", self.frames.map(|n| n.to_string())),
            ("--fps", fps),
            ("--pool", self.pool.map(|n| n.to_string())),
        ];
        for (name, value) in numbers {
            words.extend(value.into_iter().flat_map(|v| [name.into(), v.into()]));
        }
        words.extend(self.lossy.then(|| "--lossy".into()));
        words
    }
}

/// Where frames come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// They are drawn.
    Generated(Header),
    /// Standard input.
    Stdin,
    /// A file.
    File(&'a Path),
}

impl Stream {
    /// Where the frames come from.
    pub fn source(&self) -> Source<'_> {
        match &self.input {
            None => Source::Generated(self.generated()),
            Some(file) if file.as_os_str() == "-" => Source::Stdin,
            Some(file) => Source::File(file),
        }
    }

    /// True if this file is the input, by whatever name.
    pub fn reads(&self, file: &Path) -> bool {
        let input = match self.source() {
            Source::Generated(_) => return false,
            Source::Stdin => Path::new(system::STDIN),
            Source::File(input) => input,
        };
        system::is_same_file(input, file)
    }

    /// At most so many frames; `None` is no limit.
    pub fn frames(&self) -> Option<u64> {
        let open = if self.input.is_some() { 0 } else { 300 };
        Some(self.frames.unwrap_or(open)).filter(|&frames| frames > 0)
    }

    /// The pace, which for an input is its own unless one is asked for.
    pub fn fps(&self, video: &Header) -> Fps {
        self.fps.unwrap_or(Fps::Rate(video.fps.0, video.fps.1))
    }

    fn generated(&self) -> Header {
        let fps = match self.fps {
            Some(Fps::Rate(frames, seconds)) => (frames, seconds),
            Some(Fps::Max) | None => (60, 1),
        };
        let ((width, height), chroma) = (self.size, Chroma::C420); // both checked when parsed
        Header {
            width,
            height,
            fps,
            chroma,
            interlace: 'p',
            aspect: None,
        }
    }
}

fn size(text: &str) -> Result<(u32, u32), String> {
    let sides = text
        .split_once('x')
        .and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
    let (width, height) = sides.ok_or("wanted columns x rows, such as 1280x720")?;
    let fits = Header::new(width, height, (1, 1), Chroma::C420).map_err(|e| {
        let text = e.to_string();
        text.trim_start_matches("y4m header: ").to_owned()
    })?;
    Ok((fits.width, fits.height))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::args::CommandLine;
    use super::super::args::tests::parse;
    use super::*;

    #[test]
    fn inputs_bring_their_own_length_and_rate() {
        let video = Header::new(8, 8, (24, 1), Chroma::C444).unwrap();
        let stream = |line: &str| parse(line).unwrap().run.stream;
        assert_eq!(
            stream("--input a.y4m").source(),
            Source::File(Path::new("a.y4m"))
        );
        assert_eq!(stream("--input -").source(), Source::Stdin);
        assert_eq!(stream("--input -").frames(), None);
        assert_eq!(stream("--input - --frames 7").frames(), Some(7));
        assert_eq!(stream("--frames 0").frames(), None);
        assert_eq!(stream("--input -").fps(&video), Fps::Rate(24, 1));
        assert_eq!(stream("--input - --fps max").fps(&video), Fps::Max);
        assert!(
            parse("--input - --size 8x8")
                .unwrap_err()
                .contains("cannot be used with")
        );
    }

    #[test]
    fn an_input_is_known_by_any_name() {
        let stream = |line: &str| parse(line).unwrap().run.stream;
        let (input, same) = (Path::new("Cargo.toml"), Path::new("./src/../Cargo.toml"));
        assert!(stream("--input Cargo.toml").reads(input));
        assert!(stream("--input Cargo.toml").reads(same));
        assert!(!stream("--input Cargo.toml").reads(Path::new("README.md")));
        assert!(!stream("--input Cargo.toml").reads(Path::new("not there")));
        assert!(!stream("").reads(input));
    }

    #[test]
    fn options_are_handed_on() {
        for line in [
            "--frames 7 --size 32x16 --fps 30000/1001 --viewers 5 --lossy --pool 9",
            "--input a.y4m --fps max",
            "",
        ] {
            let first = parse(line).unwrap().run.stream;
            let words = first.to_arguments();
            let words = ["frame_share".into()].into_iter().chain(words);
            let again = CommandLine::try_parse_from(words).unwrap().run.stream;
            assert_eq!(format!("{again:?}"), format!("{first:?}"));
        }
    }

    #[test]
    fn sizes() {
        assert_eq!(size("1x16384"), Ok((1, 16384)));
        #[rustfmt::skip]
        let bad = ["", "x", "12", "12x", "ax5", "-1x5", "1x1x1", "99999999999x1"];
        for bad in bad {
            assert!(size(bad).unwrap_err().contains("1280x720"), "{bad}");
        }
        assert!(size("0x5").unwrap_err().contains("0x5") && size("16385x1").is_err());
        assert!(parse("--fps 0").unwrap_err().contains("29.97"));
    }
}
