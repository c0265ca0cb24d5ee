//! Reads arbitrary bytes as a video, and what was read once more after writing it.

#[path = "../../examples/frame_share/y4m/mod.rs"]
mod video;

use video::{Error, Reader, write_frame, write_header};

/// Most bytes of a frame that this body makes room for.
const MOST: usize = 1 << 16;

/// The input is the video.
pub fn run(input: &[u8]) -> u32 {
    let Ok(mut reader) = Reader::open(input) else {
        return 0;
    };
    let header = *reader.header();
    let bytes = header.frame_bytes();
    if bytes > MOST {
        assert!(matches!(
            reader.read_frame(&mut [0; 9]),
            Err(Error::Buffer { found: 9, .. })
        ));
        return 0;
    }
    let (mut frame, mut written) = (vec![0; bytes], Vec::new());
    write_header(&mut written, &header).expect("into memory");
    let ended = loop {
        match reader.read_frame(&mut frame) {
            Ok(true) => write_frame(&mut written, &header, &frame).expect("into memory"),
            Ok(false) => break true,
            Err(_) => break false,
        }
    };
    let again = reader.read_frame(&mut frame);
    assert!(matches!(
        (ended, again),
        (true, Ok(false)) | (false, Err(Error::Spent))
    ));
    let frames = reader.frames();
    let mut reader = Reader::open(&written[..]).expect("what was written is read");
    assert_eq!(*reader.header(), header);
    while reader.read_frame(&mut frame).expect("whole frames") {}
    assert_eq!(reader.frames(), frames);
    u32::try_from(frames).unwrap_or(u32::MAX)
}
