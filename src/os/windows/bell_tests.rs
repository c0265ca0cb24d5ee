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

/// One who is stopped between opening and closing the pipe holds nobody up.
#[test]
fn a_ringer_that_keeps_the_pipe_open_stops_nobody() {
    let bells = bells();
    let ear = bells.ear(row(1)).unwrap();
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
    let _kept = unsafe { owned(pipe) }.unwrap();
    until("it rings", || rings(&ear));
    bells.signal(row(1)); // busy: it is ringing
    ear.drain().unwrap();
    assert!(!rings(&ear));
    bells.signal(row(1));
    assert!(rings(&ear), "it hears others");
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
