//! smoke
use ringpad::{Channel, Region, hooks, spsc};
use std::alloc::{Layout, alloc_zeroed, dealloc};

struct Room(*mut u8, Layout);
unsafe impl Send for Room {}
unsafe impl Sync for Room {}
impl Room {
    fn new(n: usize) -> Self {
        let l = Layout::from_size_align(n, 128).unwrap();
        Room(unsafe { alloc_zeroed(l) }, l)
    }
    fn region(&self) -> Region<'static> {
        unsafe { Region::new(self.0, self.1.size()).unwrap() }
    }
}
impl Drop for Room {
    fn drop(&mut self) {
        unsafe { dealloc(self.0, self.1) }
    }
}

fn model(name: &str) -> bool {
    hooks::set_shadows(true, 2);
    let n = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let m = n.clone();
    let mut b = loom::model::Builder::new();
    b.preemption_bound = Some(3);
    let t = std::time::Instant::now();
    let r = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        b.check(move || {
            m.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let cfg = spsc::Config::new(2);
            let room = Room::new(spsc::Spsc::<u32>::layout(&cfg).unwrap().size());
            let ring = spsc::Spsc::<u32>::init(room.region(), &cfg).unwrap();
            let (mut tx, mut rx) = ring.split().unwrap();
            let t = loom::thread::spawn(move || {
                let mut n = 0;
                let mut tries = 0;
                while n < 3 && tries < 6 {
                    if tx.push(n).is_ok() {
                        n += 1
                    } else {
                        tries += 1;
                        loom::thread::yield_now()
                    }
                }
                n
            });
            let mut next = 0;
            let mut tries = 0;
            while next < 3 && tries < 4 {
                match rx.pop() {
                    Some(v) => {
                        assert_eq!(v, next);
                        next += 1
                    }
                    None => {
                        tries += 1;
                        loom::thread::yield_now()
                    }
                }
            }
            let sent = t.join().unwrap();
            while let Some(v) = rx.pop() {
                assert_eq!(v, next);
                next += 1
            }
            assert_eq!(next, sent);
        })
    }));
    println!(
        "{name}: {} after {} in {:?}",
        if r.is_ok() { "pass" } else { "FAIL" },
        n.load(std::sync::atomic::Ordering::SeqCst),
        t.elapsed()
    );
    r.is_ok()
}
#[test]
fn smoke() {
    assert!(model("plain"));
    for e in ["publish", "observe", "release", "reclaim"] {
        hooks::weaken(Some(e));
        assert!(!model(e), "{e}");
        hooks::weaken(None);
    }
}
