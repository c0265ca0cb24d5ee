//! The window: the X protocol over its socket, so that no library of the system's is needed.

use std::borrow::Cow;
use std::env;
use std::os::fd::{AsFd, BorrowedFd};

use x11rb::connection::Connection as _;
use x11rb::errors::{ConnectError, DisplayParsingError};
use x11rb::image::{BitsPerPixel, Image, ImageOrder, PixelLayout, ScanlinePad};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    AtomEnum, ConnectionExt as _, CreateGCAux, CreateWindowAux, EventMask, PropMode, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::Failure;
use super::pixels::{Layout, Place};

x11rb::atom_manager! {
    /// Names that the protocol has numbers for.
    Atoms: AtomsCookie {
        WM_PROTOCOLS,
        WM_DELETE_WINDOW,
        _NET_WM_NAME,
        UTF8_STRING,
    }
}

/// What the key Esc means, on whatever key it lies.
const ESCAPE: u32 = 0xff1b;

/// A display that answered.
#[derive(Debug)]
pub struct Display {
    conn: RustConnection,
    screen: usize,
}

impl Display {
    /// The display that `DISPLAY` names; else why there is none, in words for people.
    pub fn connect() -> Result<Self, String> {
        let why = match x11rb::connect(None) {
            Ok((conn, screen)) => return Ok(Self { conn, screen }),
            Err(why) => why,
        };
        let unset = matches!(
            why,
            ConnectError::DisplayParsingError(DisplayParsingError::DisplayNotSet)
        );
        let display = env::var_os("DISPLAY").unwrap_or_default();
        let mut text = if unset || display.is_empty() {
            "no display: DISPLAY is not set".to_owned()
        } else {
            format!("no display: {display:?} does not answer: {why}")
        };
        if env::var_os("WAYLAND_DISPLAY").is_some() {
            text += " (a Wayland session needs Xwayland)";
        }
        Err(text)
    }

    /// Opens a window for a picture of this size, or as large a one as the screen has room for.
    pub fn window(self, picture: (u32, u32)) -> Result<Screen, Failure> {
        let conn = self.conn;
        let setup = conn.setup();
        let root = setup.roots.get(self.screen);
        let root = root.ok_or_else(|| Failure::new("the display has no screen"))?;
        let mut visuals = root.allowed_depths.iter().flat_map(|depth| &depth.visuals);
        let visual = visuals.find(|visual| visual.visual_id == root.root_visual);
        let visual = visual.ok_or_else(|| Failure::new("the display has no visual"))?;
        let colours = PixelLayout::from_visual_type(*visual)
            .map_err(|_| Failure::new("the screen's pixels have no red, green and blue"))?;

        let room = (root.width_in_pixels, root.height_in_pixels);
        let size = match picture {
            (width, height) if width <= room.0.into() && height <= room.1.into() => {
                (width as u16, height as u16)
            }
            _ => {
                let place = Place::fit(picture, room);
                (place.width as u16, place.height as u16)
            }
        };
        let (window, gc) = (conn.generate_id()?, conn.generate_id()?);
        let events = EventMask::EXPOSURE | EventMask::KEY_PRESS | EventMask::STRUCTURE_NOTIFY;
        let aux = CreateWindowAux::new()
            .background_pixel(root.black_pixel)
            .event_mask(events);
        let class = WindowClass::INPUT_OUTPUT;
        let (depth, visual) = (root.root_depth, root.root_visual);
        let parent = root.root;
        #[rustfmt::skip]
        conn.create_window(depth, window, parent, 0, 0, size.0, size.1, 0, class, visual, &aux)?.check()?;
        conn.create_gc(gc, window, &CreateGCAux::new().graphics_exposures(0))?;
        let atoms = Atoms::new(&conn)?.reply()?;
        let protocols = [atoms.WM_DELETE_WINDOW];
        #[rustfmt::skip]
        conn.change_property32(PropMode::REPLACE, window, atoms.WM_PROTOCOLS, AtomEnum::ATOM, &protocols)?;
        #[rustfmt::skip]
        conn.change_property8(PropMode::REPLACE, window, AtomEnum::WM_CLASS, AtomEnum::STRING, b"window\0Ringpad\0")?;
        conn.map_window(window)?;
        let escapes = escapes(&conn)?;
        conn.flush()?;
        Ok(Screen {
            layout: Layout::new(|colour| {
                let [red, green, blue] = colour.map(|value| u16::from(value) * 257);
                colours.encode((red, green, blue))
            }),
            conn,
            window,
            gc,
            depth,
            colours,
            atoms,
            escapes,
            size,
        })
    }
}

/// The keys that are Esc on this keyboard.
fn escapes(conn: &RustConnection) -> Result<Vec<u8>, Failure> {
    let (first, last) = (conn.setup().min_keycode, conn.setup().max_keycode);
    let keys = conn
        .get_keyboard_mapping(first, last - first + 1)?
        .reply()?;
    let each = usize::from(keys.keysyms_per_keycode.max(1));
    let meanings = (first..=last).zip(keys.keysyms.chunks(each));
    let meanings = meanings.filter(|(_, meanings)| meanings.contains(&ESCAPE));
    Ok(meanings.map(|(key, _)| key).collect())
}

/// The display ended, or ended this window's connection.
fn gone(error: impl std::fmt::Display) -> Failure {
    Failure::new(format!("the display is gone: {error}"))
}

/// What people did to the window since the last look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// Nothing that matters.
    Nothing,
    /// What it showed is gone, or its size is another.
    Uncovered,
    /// Esc, or its closing.
    Closed,
}

/// The open window.
#[derive(Debug)]
pub struct Screen {
    conn: RustConnection,
    window: u32,
    gc: u32,
    depth: u8,
    colours: PixelLayout,
    layout: Layout,
    atoms: Atoms,
    escapes: Vec<u8>,
    size: (u16, u16),
}

impl Screen {
    /// How its pixels are laid out.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Its width and height as of the last [`Screen::happened`].
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Names the window.
    pub fn title(&self, text: &str) -> Result<(), Failure> {
        let (conn, window, atoms) = (&self.conn, self.window, &self.atoms);
        let names = [
            (atoms._NET_WM_NAME, atoms.UTF8_STRING),
            (AtomEnum::WM_NAME.into(), AtomEnum::STRING.into()),
        ];
        for (name, kind) in names {
            conn.change_property8(PropMode::REPLACE, window, name, kind, text.as_bytes())?;
        }
        conn.flush().map_err(gone)
    }

    /// What came in. Never sleeps.
    pub fn happened(&mut self) -> Result<Happened, Failure> {
        let mut happened = Happened::Nothing;
        while let Some(event) = self.conn.poll_for_event().map_err(gone)? {
            match event {
                Event::Expose(_) => happened = Happened::Uncovered,
                Event::ConfigureNotify(to) if self.size != (to.width, to.height) => {
                    self.size = (to.width, to.height);
                    happened = Happened::Uncovered;
                }
                Event::KeyPress(key) if self.escapes.contains(&key.detail) => {
                    return Ok(Happened::Closed);
                }
                Event::ClientMessage(message)
                    if message.type_ == self.atoms.WM_PROTOCOLS
                        && message.data.as_data32()[0] == self.atoms.WM_DELETE_WINDOW =>
                {
                    return Ok(Happened::Closed);
                }
                Event::DestroyNotify(_) => return Ok(Happened::Closed),
                Event::MappingNotify(_) => self.escapes = escapes(&self.conn)?,
                Event::Error(error) => {
                    return Err(Failure::new(format!("the display refused: {error:?}")));
                }
                _ => {}
            }
        }
        Ok(happened)
    }

    /// Shows pixels as [`super::pixels::paint`] laid them out for this size, and waits until the display has them:
    /// one that is slow holds up its viewer, not its own queue.
    pub fn draw(&self, pixels: &[u8], (width, height): (u16, u16)) -> Result<(), Failure> {
        let (pad, bits) = (ScanlinePad::Pad32, BitsPerPixel::B32);
        let order = ImageOrder::LsbFirst;
        #[rustfmt::skip]
        let image = Image::new(width, height, pad, self.depth, bits, order, Cow::Borrowed(pixels))?;
        // What is refused comes back as an event.
        let sent = image.put(&self.conn, self.window, self.gc, 0, 0);
        drop(sent.map_err(gone)?);
        self.conn.sync().map_err(gone)
    }

    /// What the display says that the window shows: a pixel each, row by row.
    pub fn shown(&self, (width, height): (u16, u16)) -> Result<Vec<u32>, Failure> {
        let got = Image::get(&self.conn, self.window, 0, 0, width, height);
        let (image, _) = got.map_err(|error| {
            let text = format!("the display does not say what the window shows: {error}");
            Failure::new(text)
        })?;
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        Ok(places.map(|(x, y)| image.get_pixel(x, y)).collect())
    }

    /// The red, green and blue of a pixel that the display gave.
    pub fn colour(&self, pixel: u32) -> [u8; 3] {
        let (red, green, blue) = self.colours.decode(pixel);
        [red, green, blue].map(|value| (value >> 8) as u8)
    }
}

/// Readable when something came in.
impl AsFd for Screen {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.conn.stream().as_fd()
    }
}
