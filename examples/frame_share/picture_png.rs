//! Writes a frame as a PNG picture, so that what a viewer got can be looked at.
//!
//! Y'CbCr is turned into RGB by BT.601 with limited range (black 16, white 235, colour 16 to 240),
//! what y4m means where it says nothing else and what `ffmpeg` takes it for. Mono is written as a
//! grey PNG, its samples as they are (full range, as `ffmpeg` writes its `gray`). A colour sample
//! is used for all the pixels it stands for.

use std::fmt;
use std::io::Write;

use super::y4m::Header;

/// Why no picture was written.
#[derive(Debug)]
pub enum Error {
    /// The samples are not a frame's.
    Samples {
        /// Bytes given.
        found: usize,
        /// Bytes of a frame.
        wanted: usize,
    },
    /// Writing failed.
    Png(png::EncodingError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Samples { found, wanted } => {
                write!(f, "a frame has {wanted} bytes, found {found}")
            }
            Self::Png(e) => write!(f, "writing the PNG: {e}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<png::EncodingError> for Error {
    fn from(e: png::EncodingError) -> Self {
        Self::Png(e)
    }
}

/// Writes `picture`, a frame as `header` describes it, as a PNG.
pub fn write_png<W: Write>(to: W, header: &Header, picture: &[u8]) -> Result<(), Error> {
    let pixels = to_pixels(header, picture)?;
    let mut encoder = png::Encoder::new(to, header.width, header.height);
    let grey = header.chroma.divisors().is_none();
    encoder.set_color(if grey {
        png::ColorType::Grayscale
    } else {
        png::ColorType::Rgb
    });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&pixels)?;
    Ok(writer.finish()?)
}

/// One byte a pixel for mono, else red, green and blue.
fn to_pixels(header: &Header, picture: &[u8]) -> Result<Vec<u8>, Error> {
    let (found, wanted) = (picture.len(), header.frame_bytes());
    let [luma, colour, _] = header.plane_bytes();
    let planes = picture.split_at_checked(luma).filter(|_| found == wanted);
    let Some((luma, rest)) = planes else {
        return Err(Error::Samples { found, wanted });
    };
    let Some((x_by, y_by)) = header.chroma.divisors() else {
        return Ok(luma.to_vec());
    };
    let (blue, red) = rest.split_at(colour.min(rest.len()));
    let (width, across) = (
        header.width.max(1) as usize,
        header.chroma_size().0 as usize,
    );
    let mut pixels = Vec::with_capacity(luma.len() * 3);
    for (y, row) in luma.chunks_exact(width).enumerate() {
        let at = y / y_by as usize * across;
        for (x, &sample) in row.iter().enumerate() {
            let at = at + x / x_by as usize;
            pixels.extend(rgb(sample, blue[at], red[at]));
        }
    }
    Ok(pixels)
}

/// BT.601 limited range to RGB, in 1/65536ths.
pub fn rgb(luma: u8, blue: u8, red: u8) -> [u8; 3] {
    let y = 76309 * (i32::from(luma) - 16) + 32768;
    let (b, r) = (i32::from(blue) - 128, i32::from(red) - 128);
    let sums = [y + 104597 * r, y - 25675 * b - 53279 * r, y + 132201 * b];
    sums.map(|sum| (sum >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::super::y4m::Chroma;
    use super::*;

    #[test]
    fn known_colours() {
        assert_eq!(rgb(16, 128, 128), [0, 0, 0]);
        assert_eq!(rgb(235, 128, 128), [255, 255, 255]);
        assert_eq!(rgb(81, 90, 240), [254, 0, 0]);
        assert_eq!(rgb(145, 54, 34), [0, 255, 1]);
        assert_eq!(rgb(41, 240, 110), [0, 0, 255]);
        assert_eq!(
            (rgb(0, 0, 0), rgb(255, 255, 255)),
            ([0, 136, 0], [255, 125, 255])
        );
    }

    #[test]
    fn pictures_come_back_from_png() {
        for chroma in [Chroma::C420, Chroma::C422, Chroma::C444, Chroma::Mono] {
            let header = Header::new(5, 3, (25, 1), chroma).unwrap();
            let picture: Vec<u8> = (0..header.frame_bytes())
                .map(|i| (16 + 4 * i % 200) as u8)
                .collect();
            let mut file = Vec::new();
            write_png(&mut file, &header, &picture).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(&file))
                .read_info()
                .unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width, info.height), (5, 3));
            assert_eq!(pixels, to_pixels(&header, &picture).unwrap());
            let bytes = if chroma == Chroma::Mono { 15 } else { 45 };
            assert_eq!(pixels.len(), bytes);
        }
    }

    #[test]
    fn odd_sides_use_the_last_colour_sample() {
        let header = Header::new(3, 3, (25, 1), Chroma::C420).unwrap();
        let mut picture = vec![128; 17];
        picture[12] = 240; // the last blue sample belongs to the last pixel alone
        let pixels = to_pixels(&header, &picture).unwrap();
        let grey = rgb(128, 128, 128);
        let others = pixels.chunks_exact(3).take(8);
        assert!(others.into_iter().all(|p| p == grey));
        assert_eq!(pixels[24..], rgb(128, 240, 128));
    }

    #[test]
    fn a_wrong_length_is_refused() {
        let header = Header::new(4, 4, (25, 1), Chroma::C420).unwrap();
        for bytes in [0, 15, 23, 25] {
            let e = write_png(std::io::sink(), &header, &vec![0; bytes]).unwrap_err();
            assert_eq!(
                e.to_string(),
                format!("a frame has 24 bytes, found {bytes}")
            );
        }
    }
}
