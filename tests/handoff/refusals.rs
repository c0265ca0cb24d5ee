//! What a hostile sender may put into the socket.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use ringpad::os::{Error, SharedSegment};
use rustix::fs::{MemfdFlags, OFlags, SealFlags, fcntl_add_seals, fcntl_setfl, memfd_create};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::descriptors::copies;
use crate::distrusted;

const GREETING: &[u8; 8] = b"rp-pass\x01";

/// Sends a message as the crate would, of these bytes and descriptors.
fn send(to: &UnixStream, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
    let mut space = vec![std::mem::MaybeUninit::uninit(); 4096];
    let mut rights = SendAncillaryBuffer::new(&mut space);
    assert!(fds.is_empty() || rights.push(SendAncillaryMessage::ScmRights(fds)));
    let bytes = [std::io::IoSlice::new(bytes)];
    sendmsg(to, &bytes, &mut rights, SendFlags::NOSIGNAL).unwrap();
}

fn greeting(rows: u32) -> Vec<u8> {
    [&GREETING[..], &rows.to_le_bytes()].concat()
}

/// What the receiver says of it.
fn receive(bytes: &[u8], fds: &[BorrowedFd<'_>]) -> ringpad::os::Result<SharedSegment> {
    let (here, there) = UnixStream::pair().unwrap();
    if !bytes.is_empty() {
        send(&there, bytes, fds);
    }
    drop(there);
    SharedSegment::receive(&here)
}

fn memory(len: u64, seals: SealFlags) -> OwnedFd {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let made = memfd_create("hostile", flags).unwrap();
    rustix::fs::ftruncate(&made, len).unwrap();
    fcntl_add_seals(&made, seals).unwrap();
    made
}

/// A copy of an honest segment's memory, with other seals.
fn copy(seals: SealFlags) -> OwnedFd {
    let honest = distrusted();
    let len = honest.len_bytes();
    let from = std::fs::File::from(honest.into_fd().unwrap());
    let mut bytes = vec![0; len];
    std::os::unix::fs::FileExt::read_exact_at(&from, &mut bytes, 0).unwrap();
    let made = std::fs::File::from(memory(len as u64, SealFlags::empty()));
    std::os::unix::fs::FileExt::write_all_at(&made, &bytes, 0).unwrap();
    fcntl_add_seals(&made, seals).unwrap();
    made.into()
}

/// Both ends of three bells.
fn bells() -> Vec<OwnedFd> {
    let three = (0..3).map(|_| pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap());
    three.flat_map(|(read, write)| [read, write]).collect()
}

fn parcel<'a>(memory: &'a OwnedFd, bells: &'a [OwnedFd]) -> Vec<BorrowedFd<'a>> {
    let twice = [memory.as_fd(), memory.as_fd()].into_iter();
    twice.chain(bells.iter().map(AsFd::as_fd)).collect()
}

#[test]
fn wrong_messages_are_refused_and_leak_nothing() {
    let sealed = SealFlags::SHRINK | SealFlags::GROW;
    let (good, bells) = (copy(sealed), bells());
    let all = parcel(&good, &bells);
    // Other tests open and close theirs at the same time.
    let held = || all.iter().map(|fd| copies(*fd)).sum::<usize>();
    let before = held();
    let refused = |what: &str, bytes: &[u8], fds: &[BorrowedFd<'_>]| {
        let error = receive(bytes, fds).expect_err(what);
        println!("{what}: {error}");
        assert_eq!(held(), before, "{what}: descriptors stayed open");
        error
    };
    let handoff = |error| assert!(matches!(error, Error::BadHandoff(_)), "{error:?}");
    handoff(refused("nothing", &[], &[]));
    handoff(refused("another greeting", b"GET / HTTP/1.1", &all));
    handoff(refused(
        "another number of the format",
        b"rp-pass\x02\x03\0\0\0",
        &all,
    ));
    handoff(refused("no descriptors", &greeting(3), &[]));
    handoff(refused("one too few", &greeting(3), &all[..7]));
    handoff(refused(
        "one too many",
        &greeting(3),
        &[&all[..], &all[..1]].concat(),
    ));
    handoff(refused("rows beyond all", &greeting(u32::MAX), &all));
    handoff(refused(
        "fewer rows than the segment",
        &greeting(2),
        &all[..6],
    ));
    refused("half a message", &greeting(3)[..7], &all);
    let many = vec![good.as_fd(); 100];
    refused("more descriptors than any segment", &greeting(49), &many);
    let other = copy(sealed);
    let mut fds = all.clone();
    fds[1] = other.as_fd();
    handoff(refused("locks in another file", &greeting(3), &fds));
    // Bells that are none.
    let file = std::fs::File::open("/dev/null").unwrap();
    let mut fds = all.clone();
    fds[4] = file.as_fd();
    handoff(refused("a device as a bell", &greeting(3), &fds));
    let mut fds = all.clone();
    fds.swap(2, 3);
    handoff(refused("a bell's ends exchanged", &greeting(3), &fds));
    // Ringing it would raise SIGPIPE once its own reading end is closed.
    let mut fds = all.clone();
    fds.swap(3, 5);
    handoff(refused("ends of two pipes", &greeting(3), &fds));
    // The control: the same parts in order.
    let segment = receive(&greeting(3), &all).unwrap();
    assert!(segment.is_distrusted() && held() > before);
    drop(segment);
    assert_eq!(held(), before);
}

#[test]
fn memory_that_can_shrink_is_refused() {
    let bells = bells();
    let with = |memory: OwnedFd| receive(&greeting(3), &parcel(&memory, &bells));
    for seals in [
        SealFlags::empty(),
        SealFlags::GROW,
        SealFlags::GROW | SealFlags::SEAL,
    ] {
        let found = with(copy(seals));
        assert!(
            matches!(found, Err(Error::NotSealed)),
            "{seals:?}: {found:?}"
        );
        let found = SharedSegment::from_fd(copy(seals));
        assert!(
            matches!(found, Err(Error::NotSealed)),
            "{seals:?}: {found:?}"
        );
    }
    let file = std::fs::File::open("/proc/self/exe").unwrap();
    let found = with(file.into());
    assert!(matches!(found, Err(Error::NotSealed)), "{found:?}");
    // Sealed, and no segment.
    for len in [0, 1, 64, 128, 4096] {
        let error = with(memory(len, SealFlags::SHRINK)).unwrap_err();
        println!("{len} sealed bytes of zeros: {error}");
    }
    let error = with(copy(SealFlags::SHRINK | SealFlags::WRITE)).unwrap_err();
    println!("sealed against writing: {error}");
    assert!(with(copy(SealFlags::SHRINK)).is_ok());
}

#[test]
fn a_directory_without_end_is_refused_at_once() {
    let (bells, huge) = (bells(), 1 << 40);
    let honest = std::fs::File::from(copy(SealFlags::empty()));
    // Sparse: the sender pays nothing, and whoever looks at every entry pays for all.
    rustix::fs::ftruncate(&honest, huge).unwrap();
    let put = |at: u64, bytes: &[u8]| {
        std::os::unix::fs::FileExt::write_all_at(&honest, bytes, at).unwrap();
    };
    // The span in the header; entries, and where the data begins, in the superblock.
    let (rows, entries) = (3_u64, u64::from(u32::MAX));
    put(56, &huge.to_le_bytes());
    put(128 + 20, &u32::MAX.to_le_bytes());
    let data_at = (384 + 128 * (rows + entries)) / 64;
    put(128 + 32, &(data_at as u32).to_le_bytes());
    fcntl_add_seals(&honest, SealFlags::SHRINK).unwrap();
    let memory = OwnedFd::from(honest);
    let start = std::time::Instant::now();
    let found = receive(&greeting(3), &parcel(&memory, &bells));
    let error = found.expect_err("4294967295 entries");
    assert!(start.elapsed() < Duration::from_secs(1));
    println!("a directory of 512 GiB: {error}");
    let held = rustix::fs::fstat(&memory).unwrap().st_blocks * 512;
    assert!(held < 1 << 20, "{held} bytes were touched");
}

#[test]
fn a_sender_that_makes_the_pipes_blocking_blocks_nobody() {
    let (good, bells) = (copy(SealFlags::SHRINK), &bells());
    let segment = receive(&greeting(3), &parcel(&good, bells)).unwrap();
    // The sender's descriptions: shared with the receiver, if it did not make its own.
    let all = |flags: OFlags| {
        bells
            .iter()
            .for_each(|end| fcntl_setfl(end, flags).unwrap())
    };
    let (done, finished) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        // A thread of its own: what blocks there blocks until the pipes are let go.
        let all = &all;
        scope.spawn(move || {
            let (me, you) = (segment.join().unwrap(), segment.join().unwrap());
            let mut tx = me.producer::<u64>("out").unwrap();
            let mut rx = you.consumer::<u64>("out").unwrap();
            let mut waiter = you.waiter().unwrap();
            let bell = [rx.bell()];
            all(OFlags::empty());
            // Arming empties the pipe: of a blocking one the last read would not return.
            let armed = waiter.arm(&bell).unwrap();
            // A full pipe: of a blocking one the ring's write would not return.
            all(OFlags::NONBLOCK);
            for write in bells.iter().skip(1).step_by(2) {
                while rustix::io::write(write, &[0; 4096]).is_ok() {}
            }
            all(OFlags::empty());
            tx.push(1).unwrap();
            drop(armed);
            let short = Some(Duration::from_millis(5));
            let got = waiter.wait(&bell, short, || rx.pop()).unwrap();
            assert_eq!(got, Some(1));
            done.send(()).unwrap();
        });
        let finished = finished.recv_timeout(Duration::from_secs(5));
        if finished.is_err() {
            // Ends reads and writes that block, so that the test can fail.
            for pair in bells.chunks(2).cycle().take(300) {
                all(OFlags::NONBLOCK);
                let _ = rustix::io::write(&pair[1], &[0]);
                let _ = rustix::io::read(&pair[0], &mut [0; 65536]);
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        assert!(finished.is_ok(), "somebody blocks");
    });
}

#[test]
fn memory_of_huge_pages_is_refused() {
    use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING | MemfdFlags::HUGETLB;
    let made = memfd_create("huge", flags).and_then(|memory| {
        ftruncate(&memory, 1 << 30)?;
        fcntl_add_seals(&memory, SealFlags::SHRINK)?;
        Ok(memory)
    });
    match made {
        Ok(memory) => {
            let refused = SharedSegment::from_fd(memory).unwrap_err().to_string();
            assert!(refused.contains("plain pages"), "{refused}");
        }
        Err(error) => println!("no huge pages on this system ({error}): nothing to refuse"),
    }
}
