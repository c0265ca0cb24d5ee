//! The y4m reader and writer against streams good, odd and broken.

use super::*;

fn open(text: &[u8]) -> Result<Reader<&[u8]>, Error> {
    Reader::open(text)
}

fn refusal(text: &[u8]) -> String {
    open(text).map_or_else(|e| e.to_string(), |r| panic!("accepted: {:?}", r.header()))
}

#[test]
fn headers_are_read() {
    let r = open(b"YUV4MPEG2 W31 H17 F30000:1001 Ip A1:1 C420mpeg2 XYSCSS=420MPEG2\n").unwrap();
    let (fps, aspect) = ((30000, 1001), Some((1, 1)));
    let wanted = Header {
        width: 31,
        height: 17,
        fps,
        chroma: Chroma::C420,
        interlace: 'p',
        aspect,
    };
    assert_eq!(*r.header(), wanted);
    assert_eq!(
        (wanted.chroma_size(), wanted.frame_bytes()),
        ((16, 9), 31 * 17 + 2 * 16 * 9)
    );
    for (name, bytes) in [
        ("420paldv", 15 + 2 * 6),
        ("422", 15 + 2 * 9),
        ("444", 45),
        ("mono", 15),
    ] {
        let r = *open(format!("YUV4MPEG2 C{name} H3 W5\n").as_bytes())
            .unwrap()
            .header();
        assert_eq!(
            (r.frame_bytes(), r.fps, r.interlace),
            (bytes, (25, 1), '?'),
            "{name}"
        );
    }
}

#[test]
fn bad_headers_are_named() {
    let long = [b"YUV4MPEG2 W2 H2 X".as_slice(), &[b'a'; 2000]].concat();
    #[rustfmt::skip]
        let cases: [(&[u8], &str); 17] = [
            (b"", "the input is empty"),
            (b"RIFF\x1b[2J\0\0\0\0", "the input starts \"RIFF\\x1b[2J"),
            (b"YUV4MPEG22 W2 H2\n", "the input starts \"YUV4MPEG22\""),
            (b"YUV4M", "ends after 5 bytes"),
            (b"YUV4MPEG2 W2 H2", "ends after 15 bytes"),
            (&long, "longer than 1024 bytes"),
            (b"YUV4MPEG2\n", "no W parameter"),
            (b"YUV4MPEG2 W2\n", "no H parameter"),
            (b"YUV4MPEG2 W+2 H2\n", "W is \"+2\", wanted a number"),
            (b"YUV4MPEG2 W2 W3 H2\n", "W is \"3\", wanted one value only"),
            (b"YUV4MPEG2 W2 H99999999999\n", "H is \"99999999999\""),
            (b"YUV4MPEG2 W0 H2\n", "0x2 (0 bytes)"),
            (b"YUV4MPEG2 W16384 H16384 C444\n", "16384x16384 (805306368 bytes)"),
            (b"YUV4MPEG2 W2 H2 F30\n", "F is \"30\""),
            (b"YUV4MPEG2 W2 H2 F0:1\n", "F is \"0:1\""),
            (b"YUV4MPEG2 W2 H2 C420p10\n", "\"420p10\" is not supported (supported: 420, 420jpeg"),
            (b"YUV4MPEG2 W2 H2 C444alpha\n", "\"444alpha\" is not supported"),
        ];
    for (text, wanted) in cases {
        let said = refusal(text);
        assert!(said.contains(wanted), "{said:?} should say {wanted:?}");
    }
}

/// Gives one byte at a time, with interruptions, as a slow pipe might.
struct Drip<'a>(&'a [u8], bool);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        let n = into.len().min(1);
        if self.1 {
            Err(io::ErrorKind::Interrupted.into())
        } else {
            self.0.read(&mut into[..n])
        }
    }
}

#[test]
fn what_is_written_is_read_back() {
    for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Mono] {
        let header = Header::new(7, 5, (60, 1), chroma).unwrap();
        let frame = |n: u8| vec![n; header.frame_bytes()];
        let mut file = Vec::new();
        write_header(&mut file, &header).unwrap();
        (0..3).for_each(|n| write_frame(&mut file, &header, &frame(n)).unwrap());
        let mut r = Reader::open(Drip(&file, false)).unwrap();
        assert_eq!(*r.header(), header);
        let mut got = frame(9);
        for n in 0..3 {
            assert!(r.read_frame(&mut got).unwrap() && got == frame(n));
        }
        assert!(!r.read_frame(&mut got).unwrap() && !r.read_frame(&mut got).unwrap());
        assert!(matches!(
            write_frame(io::sink(), &header, &[0]),
            Err(Error::Buffer { found: 1, .. })
        ));
    }
}

#[test]
fn broken_frames_are_named_and_no_byte_is_lost() {
    let fail = |rest: &[u8]| {
        let file = [b"YUV4MPEG2 W2 H2 Cmono\nFRAME Ip Xhello\nabcd", rest].concat();
        let mut r = open(&file).unwrap();
        let mut got = [0; 4];
        assert!(r.read_frame(&mut got).unwrap() && got == *b"abcd" && r.frames() == 1);
        assert!(matches!(
            r.read_frame(&mut []),
            Err(Error::Buffer {
                found: 0,
                wanted: 4
            })
        ));
        let said = r.read_frame(&mut got).unwrap_err().to_string();
        assert!(matches!(r.read_frame(&mut got), Err(Error::Spent)));
        said
    };
    assert_eq!(
        fail(b"FRAME\nxyz"),
        "frame 1 (from 0) is cut short: 3 of 4 bytes"
    );
    assert!(fail(b"FRAM").ends_with("found \"FRAM\""));
    assert!(fail(b"FRAMES\nabcd").ends_with("found \"FRAMES\""));
    assert!(fail(&[b"FRAME X".as_slice(), &[b'a'; 300]].concat()).ends_with("...\""));
    let mut r = open(b"YUV4MPEG2 W1 H1 Cmono\nFRAME\nzthe rest").unwrap();
    assert!(r.read_frame(&mut [0]).unwrap());
    assert_eq!(r.into_inner(), b"the rest");
}
