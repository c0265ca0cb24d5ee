//! A display of the test's own, looked at from outside.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use x11rb::connection::Connection as _;
use x11rb::image::{Image, PixelLayout};
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, CreateWindowAux, EventMask,
    KEY_PRESS_EVENT, KeyPressEvent, WindowClass,
};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use super::say;

/// What was on the screen: a colour a pixel, row by row.
#[derive(Clone)]
pub struct Grab {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 3]>,
}

impl Grab {
    pub fn at(&self, x: usize, y: usize) -> [u8; 3] {
        self.pixels[y * self.width + x]
    }

    /// The part in the upper left.
    pub fn corner(&self, width: usize, height: usize) -> Self {
        let rows = self.pixels.chunks(self.width).take(height);
        let pixels = rows.flat_map(|row| &row[..width]).copied().collect();
        Self {
            width,
            height,
            pixels,
        }
    }
}

/// An Xvfb and this process's connection to it.
pub struct Xvfb {
    server: Child,
    pub name: String,
    conn: RustConnection,
    root: u32,
    colours: PixelLayout,
}

impl Xvfb {
    /// One with a screen of its own; `None`, and a line that says so, where Xvfb is not installed.
    pub fn start(screen: &str) -> Option<Self> {
        let mut command = Command::new("Xvfb");
        // It ends with its last client.
        command.args([
            "-displayfd",
            "1",
            "-terminate",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            screen,
        ]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let mut server = match command.spawn() {
            Ok(server) => server,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => {
                say("SKIPPED: Xvfb is not installed, so there is no display to look at");
                return None;
            }
            Err(why) => panic!("Xvfb: {why}"),
        };
        let mut number = String::new();
        let mut out = BufReader::new(server.stdout.take().unwrap());
        out.read_line(&mut number).unwrap();
        let name = format!(":{}", number.trim());
        let (conn, _) =
            x11rb::connect(Some(&name)).unwrap_or_else(|why| panic!("Xvfb {name:?}: {why}"));
        let root = &conn.setup().roots[0];
        let mut visuals = root.allowed_depths.iter().flat_map(|depth| &depth.visuals);
        let visual = visuals.find(|visual| visual.visual_id == root.root_visual);
        let colours = PixelLayout::from_visual_type(*visual.unwrap()).unwrap();
        let root = root.root;
        Some(Self {
            server,
            name,
            conn,
            root,
            colours,
        })
    }

    /// The whole screen, as people would see it.
    pub fn grab(&self) -> Grab {
        let size = self.conn.get_geometry(self.root).unwrap().reply().unwrap();
        let (width, height) = (size.width, size.height);
        let (image, _) = Image::get(&self.conn, self.root, 0, 0, width, height).unwrap();
        let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let pixels = places.map(|(x, y)| {
            let (red, green, blue) = self.colours.decode(image.get_pixel(x, y));
            [red, green, blue].map(|value| (value >> 8) as u8)
        });
        let pixels = pixels.collect();
        Grab {
            width: width.into(),
            height: height.into(),
            pixels,
        }
    }

    /// The one window that shows something.
    pub fn window(&self) -> Option<u32> {
        let all = self
            .conn
            .query_tree(self.root)
            .unwrap()
            .reply()
            .unwrap()
            .children;
        all.first().copied()
    }

    pub fn title(&self, window: u32) -> String {
        let atom = |name: &[u8]| {
            self.conn
                .intern_atom(false, name)
                .unwrap()
                .reply()
                .unwrap()
                .atom
        };
        let (title, utf8) = (atom(b"_NET_WM_NAME"), atom(b"UTF8_STRING"));
        let title = self.conn.get_property(false, window, title, utf8, 0, 1000);
        title.unwrap().reply().map_or_else(
            |_| String::new(),
            |title| String::from_utf8(title.value).unwrap(),
        )
    }

    pub fn resize(&self, window: u32, width: u32, height: u32) {
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.conn
            .configure_window(window, &size)
            .unwrap()
            .check()
            .unwrap();
    }

    /// Puts a plain window of another program's over the upper left corner.
    pub fn cover(&self, width: u16, height: u16) {
        let window = self.conn.generate_id().unwrap();
        let aux = CreateWindowAux::new()
            .override_redirect(1)
            .background_pixel(0x808080);
        let class = WindowClass::INPUT_OUTPUT;
        #[rustfmt::skip]
        self.conn.create_window(0, window, self.root, 0, 0, width, height, 0, class, 0, &aux).unwrap().check().unwrap();
        self.conn.map_window(window).unwrap().check().unwrap();
    }

    /// Strikes the key that means this, as a keyboard would.
    pub fn strike(&self, window: u32, meaning: u32) {
        let (first, last) = (self.conn.setup().min_keycode, self.conn.setup().max_keycode);
        let keys = self
            .conn
            .get_keyboard_mapping(first, last - first + 1)
            .unwrap()
            .reply()
            .unwrap();
        let mut keys = (first..).zip(keys.keysyms.chunks(keys.keysyms_per_keycode.into()));
        let (key, _) = keys
            .find(|(_, meanings)| meanings.contains(&meaning))
            .expect("such a key");
        let event = KeyPressEvent {
            response_type: KEY_PRESS_EVENT,
            detail: key,
            sequence: 0,
            time: 0,
            root: self.root,
            event: window,
            child: 0,
            root_x: 0,
            root_y: 0,
            event_x: 0,
            event_y: 0,
            state: 0u16.into(),
            same_screen: true,
        };
        self.conn
            .send_event(false, window, EventMask::KEY_PRESS, event)
            .unwrap()
            .check()
            .unwrap();
    }

    /// Asks the window to close, as a window manager would.
    pub fn close(&self, window: u32) {
        let atom = |name: &[u8]| {
            self.conn
                .intern_atom(false, name)
                .unwrap()
                .reply()
                .unwrap()
                .atom
        };
        let (protocols, delete) = (atom(b"WM_PROTOCOLS"), atom(b"WM_DELETE_WINDOW"));
        let event = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        self.conn
            .send_event(false, window, EventMask::NO_EVENT, event)
            .unwrap()
            .check()
            .unwrap();
    }

    /// Ends the window's connection, as xkill does.
    pub fn kill_client(&self, window: u32) {
        self.conn.kill_client(window).unwrap().check().unwrap();
        self.conn.sync().unwrap();
    }
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
