//! What the window shows, as a PNG; compared with what was drawn, so that it does not lie.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::Failure;
use super::screen::Screen;

/// Saves what the display says that the window shows. An error, but a saved picture too, if that is not what was drawn.
pub fn save(screen: &Screen, drawn: &[u8], size: (u16, u16), path: &Path) -> Result<(), Failure> {
    let doing =
        |error: &dyn std::fmt::Display| Failure::new(format!("{}: {error}", path.display()));
    let shown = screen.shown(size)?;
    let colours: Vec<u8> = shown
        .iter()
        .flat_map(|&pixel| screen.colour(pixel))
        .collect();
    let file = BufWriter::new(File::create(path).map_err(|error| doing(&error))?);
    let mut png = png::Encoder::new(file, size.0.into(), size.1.into());
    png.set_color(png::ColorType::Rgb);
    png.set_depth(png::BitDepth::Eight);
    let mut png = png.write_header().map_err(|error| doing(&error))?;
    png.write_image_data(&colours)
        .map_err(|error| doing(&error))?;
    png.finish().map_err(|error| doing(&error))?;
    match differing(&shown, drawn, |pixel| screen.colour(pixel)) {
        0 => Ok(()),
        pixels => {
            let text = format!(
                "{pixels} of {} pixels are not as they were drawn",
                shown.len()
            );
            Err(doing(&text))
        }
    }
}

/// How many pixels have another colour than the drawn ones, little-endian as they were drawn; missing ones differ.
pub fn differing(shown: &[u32], drawn: &[u8], colour: impl Fn(u32) -> [u8; 3]) -> usize {
    let drawn = drawn.chunks_exact(4);
    let missing = shown.len().abs_diff(drawn.len());
    let pairs = shown.iter().zip(drawn);
    let other = pairs.filter(|(shown, drawn)| {
        let drawn = u32::from_le_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]);
        colour(**shown) != colour(drawn)
    });
    missing + other.count()
}
