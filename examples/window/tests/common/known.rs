//! Pictures whose colours are known beforehand, and looking for them on the screen.

use std::collections::HashMap;

use ringpad_window::picture::Painter;
use ringpad_window::pixels::{Layout, paint};
use ringpad_window::y4m::{Chroma, Header, write_frame, write_header};

use super::display::Grab;

/// Luma, blue, red of a plain colour, and what it looks like (BT.601, limited range).
pub type Colour = ([u8; 3], [u8; 3]);
pub const RED: Colour = ([81, 90, 240], [254, 0, 0]);
pub const GREEN: Colour = ([145, 54, 34], [0, 255, 1]);
pub const BLUE: Colour = ([41, 240, 110], [0, 0, 255]);
pub const WHITE: Colour = ([235, 128, 128], [255, 255, 255]);
pub const BLACK: Colour = ([16, 128, 128], [0, 0, 0]);

/// One picture of four plain quarters: upper left, upper right, lower left, lower right.
pub fn quarters(video: &Header, colours: [Colour; 4]) -> Vec<u8> {
    let whole = (video.width as usize, video.height as usize);
    let part = video.chroma_size();
    let part = (part.0 as usize, part.1 as usize);
    let plane = |(width, height): (usize, usize), channel: usize| -> Vec<u8> {
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let quarter =
            |(x, y): (usize, usize)| usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
        places.map(|at| colours[quarter(at)].0[channel]).collect()
    };
    [plane(whole, 0), plane(part, 1), plane(part, 2)].concat()
}

/// A video's beginning: its header line and one picture; and the same picture once more.
pub fn video(video: &Header, picture: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut head, mut frame) = (Vec::new(), Vec::new());
    write_frame(&mut frame, video, picture).unwrap();
    write_header(&mut head, video).unwrap();
    head.extend_from_slice(&frame);
    (head, frame)
}

pub fn header(width: u32, height: u32) -> Header {
    Header::new(width, height, (30, 1), Chroma::C420).unwrap()
}

/// Whether a rectangle of the screen has these quarters, each pixel of them; else where not.
pub fn shows_quarters(
    grab: &Grab,
    (left, top, width, height): (usize, usize, usize, usize),
    colours: [Colour; 4],
    tolerance: u8,
) -> Result<(), String> {
    for y in 0..height {
        for x in 0..width {
            let quarter = usize::from(x >= width / 2) + 2 * usize::from(y >= height / 2);
            let (wanted, found) = (colours[quarter].1, grab.at(left + x, top + y));
            let far = wanted
                .iter()
                .zip(found)
                .any(|(want, found)| want.abs_diff(found) > tolerance);
            if far {
                return Err(format!("({x}, {y}) is {found:?}, wanted {wanted:?}"));
            }
        }
    }
    Ok(())
}

/// The generated pictures of one size, as colours.
pub struct Generated(HashMap<Vec<[u8; 3]>, u64>);

impl Generated {
    /// The first so many.
    pub fn new(width: u32, height: u32, frames: u64) -> Self {
        let video = header(width, height);
        let painter = Painter::new(&video);
        let mut picture = vec![0; video.frame_bytes()];
        Self(HashMap::from_iter((0..frames).map(|number| {
            painter.draw(number, &mut picture);
            (
                colours(&video, &picture, (width as u16, height as u16)),
                number,
            )
        })))
    }

    /// Which of them this is, to the pixel.
    pub fn which(&self, grab: &Grab) -> Option<u64> {
        self.0.get(&grab.pixels).copied()
    }
}

/// What a window of this size shows of a picture.
pub fn colours(video: &Header, picture: &[u8], window: (u16, u16)) -> Vec<[u8; 3]> {
    let usual = Layout::new(|[red, green, blue]| u32::from_be_bytes([0, red, green, blue]));
    let mut pixels = Vec::new();
    paint(video, picture, window, &usual, &mut pixels).unwrap();
    let pixels = pixels.chunks_exact(4);
    pixels.map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect()
}

/// A PNG as it would look on the screen.
pub fn read_png(file: &[u8]) -> Grab {
    let mut reader = png::Decoder::new(std::io::Cursor::new(file))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(info.color_type, png::ColorType::Rgb);
    let pixels = bytes
        .chunks_exact(3)
        .map(|pixel| [pixel[0], pixel[1], pixel[2]]);
    Grab {
        width: info.width as usize,
        height: info.height as usize,
        pixels: pixels.collect(),
    }
}
