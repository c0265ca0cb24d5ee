//! Luma and colour become the pixels that they should, and what is wrong is seen to be.

use ringpad_window::picture::Painter;
use ringpad_window::picture_png::write_png;
use ringpad_window::pixels::{Layout, Place, paint};
use ringpad_window::screenshot::differing;
use ringpad_window::y4m::{Chroma, Header};

mod common;
use common::known::{BLACK, BLUE, Colour, GREEN, RED, WHITE, colours, quarters, read_png};

/// The colours of the quarters' middles.
fn middles(pixels: &[[u8; 3]], (width, height): (usize, usize)) -> [[u8; 3]; 4] {
    let at = |x: usize, y: usize| pixels[y * height / 4 * width + x * width / 4];
    [at(1, 1), at(3, 1), at(1, 3), at(3, 3)]
}

fn all(colours: [Colour; 4]) -> [[u8; 3]; 4] {
    colours.map(|colour| colour.1)
}

const COLOURS: [Colour; 4] = [RED, GREEN, BLUE, WHITE];

#[test]
fn known_colours_come_out_in_every_sampling() {
    for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
        let video = Header::new(16, 8, (30, 1), chroma).unwrap();
        let pixels = colours(&video, &quarters(&video, COLOURS), (16, 8));
        assert_eq!(middles(&pixels, (16, 8)), all(COLOURS), "{chroma:?}");
        // Every pixel, not the middles alone.
        let wanted = (0..16 * 8).map(|at| COLOURS[at % 16 / 8 + at / 16 / 4 * 2].1);
        assert!(pixels.iter().copied().eq(wanted), "{chroma:?}");
    }
}

/// The check above is one that fails.
#[test]
fn planes_in_the_wrong_order_are_seen() {
    let video = Header::new(16, 8, (30, 1), Chroma::C420).unwrap();
    let right = quarters(&video, COLOURS);
    let [luma, colour, _] = video.plane_bytes();
    let mut swapped = right.clone();
    swapped[luma..].rotate_left(colour);
    assert_ne!(
        middles(&colours(&video, &swapped, (16, 8)), (16, 8)),
        all(COLOURS)
    );
    // White alone is the same either way, so colours are what tells.
    let plain = quarters(&video, [WHITE; 4]);
    let mut swapped = plain.clone();
    swapped[luma..].rotate_left(colour);
    assert_eq!(
        colours(&video, &swapped, (16, 8)),
        colours(&video, &plain, (16, 8))
    );
}

#[test]
fn grey_pictures_are_grey() {
    let video = Header::new(3, 2, (30, 1), Chroma::Mono).unwrap();
    let pixels = colours(&video, &[0, 50, 100, 150, 200, 255], (3, 2));
    assert_eq!(pixels, [0, 50, 100, 150, 200, 255].map(|grey| [grey; 3]));
}

#[test]
fn screens_have_their_own_order() {
    let video = Header::new(2, 2, (30, 1), Chroma::C444).unwrap();
    let picture = quarters(&video, COLOURS);
    // Five bits of red, six of green, five of blue, and the other way round.
    let narrow = |[red, green, blue]: [u8; 3]| {
        u32::from(red >> 3) << 11 | u32::from(green >> 2) << 5 | u32::from(blue >> 3)
    };
    let turned = |[red, green, blue]: [u8; 3]| u32::from_be_bytes([0, blue, green, red]);
    let draw = |layout: &Layout| {
        let mut pixels = Vec::new();
        paint(&video, &picture, (2, 2), layout, &mut pixels).unwrap();
        let pixels = pixels
            .chunks_exact(4)
            .map(|p| u32::from_le_bytes([p[0], p[1], p[2], p[3]]));
        pixels.collect::<Vec<_>>()
    };
    assert_eq!(draw(&Layout::new(narrow)), [0xf800, 0x07e0, 0x001f, 0xffff]);
    assert_eq!(
        draw(&Layout::new(turned)),
        [0x0000fe, 0x01ff00, 0xff0000, 0xffffff]
    );
}

#[test]
fn windows_of_any_size_show_the_whole_picture() {
    let place = |left, top, width, height| Place {
        left,
        top,
        width,
        height,
    };
    assert_eq!(Place::fit((320, 240), (320, 240)), place(0, 0, 320, 240));
    assert_eq!(Place::fit((320, 240), (640, 480)), place(0, 0, 640, 480));
    assert_eq!(Place::fit((320, 240), (400, 240)), place(40, 0, 320, 240));
    assert_eq!(Place::fit((320, 240), (160, 480)), place(0, 180, 160, 120));
    assert_eq!(Place::fit((16384, 1), (100, 100)), place(0, 49, 100, 1));
    assert_eq!(Place::fit((1, 16384), (1, 1)), place(0, 0, 1, 1));
    for (width, height) in [(1, 1), (2, 3), (5, 4), (17, 31), (64, 64)] {
        for window in [(1, 1), (1, 9), (9, 1), (16, 8), (33, 18), (200, 100)] {
            let video = Header::new(width, height, (30, 1), Chroma::C420).unwrap();
            let white = colours(&video, &quarters(&video, [WHITE; 4]), window);
            let place = Place::fit((width, height), window);
            // White within its place, black around it: nothing is drawn beside it, nothing is left out.
            let lit = white.iter().filter(|pixel| **pixel == WHITE.1).count();
            let dark = white.iter().filter(|pixel| **pixel == BLACK.1).count();
            assert_eq!((lit, lit + dark), (place.width * place.height, white.len()));
        }
    }
    let video = Header::new(16, 8, (30, 1), Chroma::C420).unwrap();
    let pixels = colours(&video, &quarters(&video, COLOURS), (64, 32));
    assert_eq!(middles(&pixels, (64, 32)), all(COLOURS));
}

/// Two programs have the same colours for the same picture.
#[test]
fn frame_shares_own_png_looks_the_same() {
    for chroma in [Chroma::C420, Chroma::C422, Chroma::C444] {
        let video = Header::new(31, 17, (30, 1), chroma).unwrap();
        let (painter, mut picture) = (Painter::new(&video), vec![0; video.frame_bytes()]);
        painter.draw(7, &mut picture);
        let mut file = Vec::new();
        write_png(&mut file, &video, &picture).unwrap();
        assert_eq!(read_png(&file).pixels, colours(&video, &picture, (31, 17)));
        painter.draw(8, &mut picture);
        assert_ne!(read_png(&file).pixels, colours(&video, &picture, (31, 17)));
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    let video = Header::new(16, 8, (30, 1), Chroma::C420).unwrap();
    let picture = quarters(&video, COLOURS);
    let (layout, mut pixels) = (Layout::new(|_| 0), Vec::new());
    for bytes in [&picture[1..], &[picture.clone(), vec![0]].concat(), &[]] {
        let said = paint(&video, bytes, (16, 8), &layout, &mut pixels).unwrap_err();
        assert!(said.to_string().contains("has 192 bytes"), "{said}");
    }
}

#[test]
fn one_wrong_pixel_of_a_screenshot_is_counted() {
    let colour = |pixel: u32| {
        let [_, red, green, blue] = pixel.to_be_bytes();
        [red, green, blue]
    };
    let drawn = [1u32, 2, 0xff00_0003].map(u32::to_le_bytes).concat();
    // The highest byte is nobody's colour.
    assert_eq!(differing(&[1, 2, 3], &drawn, colour), 0);
    assert_eq!(differing(&[1, 2, 4], &drawn, colour), 1);
    assert_eq!(differing(&[1, 2], &drawn, colour), 1);
    assert_eq!(differing(&[0; 3], &[], colour), 3);
}
