use std::sync::mpsc::channel;

use super::*;
use crate::os::windows::random_id;
use crate::os::windows::testing::{PATIENCE, Ready as Child, role, stay, until};

fn bells() -> Bells {
    Bells::new(random_id().unwrap(), 2)
}

fn row(number: u32) -> PeerId {
    PeerId::new(number).unwrap()
}

fn rings(ear: &Ear) -> bool {
    let ready = ear.wait([].into_iter(), Some(Instant::now())).unwrap();
    ready == Ready(1)
}

#[test]
fn a_ring_is_there_until_it_is_drained_and_many_are_one() {
    let bells = bells();
    bells.signal(row(1)); // nobody sleeps: nothing happens
    let ear = bells.ear(row(1)).unwrap();
    assert!(!rings(&ear), "a ring of before is nobody's");
    for _ in 0..3 {
        bells.signal(row(2));
        assert!(!rings(&ear), "another row's");
        for _ in 0..3 {
            bells.signal(row(1));
        }
        assert!(rings(&ear) && rings(&ear), "it stays");
        ear.drain().unwrap();
        assert!(!rings(&ear), "many were one");
        ear.drain().unwrap();
        assert!(!rings(&ear));
    }
}

#[test]
fn a_sleeper_is_woken_from_another_thread() {
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
    let began = Instant::now();
    let short = Some(began + Duration::from_millis(30));
    assert_eq!(ear.wait([].into_iter(), short).unwrap(), Ready::default());
    assert!(began.elapsed() >= Duration::from_millis(30), "the control");
    for _ in 0..50 {
        std::thread::scope(|scope| {
            scope.spawn(|| bells.signal(row(1)));
            let deadline = Some(Instant::now() + PATIENCE);
            assert_eq!(ear.wait([].into_iter(), deadline).unwrap(), Ready(1));
        });
        ear.drain().unwrap();
    }
}

/// A call that is under way ends with the thread that made it.
#[test]
fn an_ear_made_by_a_thread_that_ended_hears() {
    let bells = bells();
    let made = std::thread::scope(|scope| scope.spawn(|| bells.ear(row(1))).join());
    let ear = made.unwrap().unwrap();
    if rings(&ear) {
        ear.drain().unwrap();
    }
    assert!(!rings(&ear));
    bells.signal(row(1));
    assert!(rings(&ear));
}

#[test]
fn a_pipe_has_one_owner_and_the_next_takes_it_over() {
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
    let second = Ear::new(&bells.0[0]).unwrap_err();
    assert!(
        is(&second, ERROR_ACCESS_DENIED) || is(&second, ERROR_PIPE_BUSY),
        "{second}"
    );
    bells.signal(row(1));
    drop(ear);
    let ear = bells.ear(row(1)).unwrap();
    assert!(!rings(&ear), "the ring was for the other");
    bells.signal(row(1));
    assert!(rings(&ear));
}

/// Begins to ring row 1.
fn connect(bells: &Bells) -> OwnedHandle {
    let (text, none) = (bells.0[0].as_ptr(), ptr::null());
    // SAFETY: the name lives through the call.
    let pipe = unsafe {
        CreateFileW(
            text,
            GENERIC_WRITE,
            0,
            none,
            OPEN_EXISTING,
            0,
            ptr::null_mut(),
        )
    };
    // SAFETY: just opened.
    unsafe { owned(pipe) }.unwrap()
}

/// One who is stopped between opening and closing the pipe holds nobody up.
#[test]
fn a_ringer_that_keeps_the_pipe_open_stops_nobody() {
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
    let _kept = connect(&bells);
    until("it rings", || rings(&ear));
    bells.signal(row(1)); // busy: it is ringing
    ear.drain().unwrap();
    assert!(!rings(&ear));
    bells.signal(row(1));
    assert!(rings(&ear), "it hears others");
    ear.drain().unwrap();
    let _kept_too = connect(&bells);
    drop(ear);
    // At once: whoever waits for the name tries more than once.
    let ear = Ear::new(&bells.0[0]).unwrap();
    assert!(!rings(&ear), "the ring was for the other");
    bells.signal(row(1));
    assert!(rings(&ear));
}

#[test]
fn a_death_ends_the_sleep() {
    if role().is_some() {
        stay();
    }
    let test = concat!(module_path!(), "::a_death_ends_the_sleep");
    let (bells, mut child) = (bells(), Child::start(test, "wait"));
    let ear = bells.ear(row(1)).unwrap();
    let start = {
        use windows_sys::Win32::System::Threading::{
            OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
        };
        // SAFETY: three numbers.
        let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, child.id()) };
        // SAFETY: just opened.
        let handle = unsafe { owned(handle) }.unwrap();
        super::super::process::created(handle.as_handle()).unwrap()
    };
    let identity = super::super::Identity {
        pid: child.id(),
        start,
        ..super::super::Identity::mine()
    };
    let super::super::Sighting::Watching(watch) = Watch::of(&identity) else {
        panic!("a living child cannot be watched");
    };
    let now = Some(Instant::now());
    let watches = || [&watch, &watch].into_iter();
    assert_eq!(ear.wait(watches(), now).unwrap(), Ready(0), "it lives");
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            tell.send(()).unwrap();
            child.kill();
        });
        told.recv().unwrap();
        let deadline = Some(Instant::now() + PATIENCE);
        let ready = ear.wait(watches(), deadline).unwrap();
        assert!(ready.0 & 0b010 != 0 && ready.0 & 1 == 0, "{ready:?}");
    });
    bells.signal(row(1));
    let all = ear
        .wait(watches(), Some(Instant::now() + PATIENCE))
        .unwrap();
    assert_eq!(all, Ready(0b111), "the ring and the deaths together");
}

/// As many as there may be.
#[test]
fn sixty_three_processes_are_watched_beside_the_pipe() {
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
    let mine = super::super::Identity::mine();
    let watches: Vec<_> = (0..MAX_WATCHES)
        .map(|_| match Watch::of(&mine) {
            super::super::Sighting::Watching(watch) => watch,
            other => panic!("{other:?}"),
        })
        .collect();
    let look = || ear.wait(watches.iter(), Some(Instant::now())).unwrap();
    assert_eq!(look(), Ready::default());
    bells.signal(row(1));
    assert_eq!(look(), Ready(1));
}

/// A completion port hears of rings, by calls of its owner's own, and of nothing else.
#[test]
fn a_completion_port_waits_on_a_copy_of_the_pipe() {
    use windows_sys::Win32::System::IO::{CreateIoCompletionPort, GetQueuedCompletionStatus};
    const KEY: usize = 7;
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
    let copy = ear.as_handle().try_clone_to_owned().unwrap();
    let (raw, none) = (copy.as_raw_handle(), ptr::null_mut());
    // SAFETY: an open handle; a port is made for it.
    let port = unsafe { CreateIoCompletionPort(raw, none, KEY, 1) };
    // SAFETY: just made.
    let port = unsafe { owned(port) }.unwrap();
    let packet = |most: Duration| {
        let (mut bytes, mut key, mut at) = (0, 0, ptr::null_mut());
        let most = most.as_millis() as u32;
        let port = port.as_raw_handle();
        // SAFETY: an open port; the answers go into the variables.
        let got = unsafe {
            GetQueuedCompletionStatus(port, &raw mut bytes, &raw mut key, &raw mut at, most)
        };
        (got != 0).then_some((key, at))
    };
    let call = Box::into_raw(Box::new(OVERLAPPED::default()));
    for _ in 0..20 {
        ear.drain().unwrap();
        let before = packet(Duration::ZERO);
        assert_eq!(before, None, "what the ear does sends no packets");
        // SAFETY: the call's block is freed below, after the last packet of it has come.
        let begun = done(unsafe { ConnectNamedPipe(raw, call) }).unwrap_err();
        assert!(is(&begun, ERROR_IO_PENDING), "{begun}");
        assert_eq!(packet(Duration::from_millis(5)), None, "the control");
        bells.signal(row(1));
        assert_eq!(packet(PATIENCE), Some((KEY, call)));
        // Rung, and the loop not waiting yet: it is told at once.
        // SAFETY: as above.
        let told = done(unsafe { ConnectNamedPipe(raw, call) }).unwrap_err();
        let at_once = is(&told, ERROR_PIPE_CONNECTED) || is(&told, ERROR_NO_DATA);
        assert!(at_once, "{told}");
    }
    // SAFETY: no call with it is under way.
    drop(unsafe { Box::from_raw(call) });
}

/// It says so, is tried again by whoever empties it next, and its drop waits for nothing.
#[test]
fn an_ear_that_cannot_listen_is_neither_deaf_nor_stuck() {
    use windows_sys::Win32::System::Threading::ResetEvent;
    let bells = bells();
    let mut ear = bells.ear(row(1)).unwrap();
    bells.signal(row(1));
    assert!(rings(&ear), "no call is under way");
    // No pipe, so that listening fails.
    let no_pipe = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    ear.pipe = no_pipe.into();
    // SAFETY: an open event.
    done(unsafe { ResetEvent(ear.rung.as_raw_handle()) }).unwrap();
    assert!(!rings(&ear), "the control");
    ear.listen().unwrap_err();
    assert!(rings(&ear), "it does not listen");
    ear.drain().unwrap_err();
    assert!(rings(&ear), "and it is tried again each time");
}

#[test]
fn an_ear_is_dropped_while_it_listens_and_while_it_rings() {
    let bells = bells();
    for ring in [false, true] {
        for _ in 0..20 {
            let ear = bells.ear(row(1)).unwrap();
            if ring {
                bells.signal(row(1));
            }
            drop(ear);
        }
    }
}
