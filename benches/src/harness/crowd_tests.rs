use super::*;

#[test]
fn all_run_at_once_and_what_is_late_does_not_count() {
    let placement = Placement::of_two(0, 0);
    let reader = |clock: &Clock| {
        clock.start();
        let slow = clock.count(|timed| {
            if timed {
                std::thread::sleep(TIMED * 2);
            }
            1
        });
        let begin = Instant::now();
        while clock.written().is_none() {
            assert!(begin.elapsed() < Duration::from_secs(9), "nothing told");
            clock.pause();
        }
        (slow, clock.written())
    };
    let writer = |clock: &Clock| {
        clock.start();
        let mut all = 0;
        let counted = clock.count(|_| {
            all += 1;
            1
        });
        clock.finish_writing(all);
        (counted, all)
    };
    let deeds = run(&placement, writer, vec![reader, reader]);
    let (counted, all) = deeds.writer;
    assert!(0 < counted && counted < all);
    assert!(deeds.took >= TIMED);
    assert_eq!(deeds.readers, [(0, Some(all)); 2]);
}

#[test]
fn the_least_disturbed_run_counts() {
    let of = |shares: &[f64]| {
        let mut runs = shares.iter().enumerate().map(|(at, held)| Deeds {
            took: TIMED,
            held: *held,
            writer: at,
            readers: vec![()],
        });
        undisturbed(|| runs.next().expect("no more runs than needed")).writer
    };
    assert_eq!(of(&[0.99]), 0);
    assert_eq!(of(&[0.5, 0.9, 0.999]), 2);
    assert_eq!(of(&[0.5, 0.9, 0.4, 0.1, 0.3]), 1);
}

#[test]
fn who_sleeps_does_not_hold_its_processor() {
    let writer = |clock: &Clock| {
        clock.start();
        clock.count(|_| {
            std::thread::sleep(TIMED / 2);
            1
        });
        clock.finish_writing(0);
    };
    let deeds = run(&Placement::of_two(0, 0), writer, Vec::<fn(&Clock)>::new());
    assert!(deeds.held < 0.5, "{}", deeds.held);
}

#[test]
#[should_panic = "its own words"]
fn a_failed_reader_fails_the_bench() {
    let reader = |clock: &Clock| {
        clock.start();
        panic!("its own words");
    };
    let writer = |clock: &Clock| {
        clock.start();
        clock.finish_writing(0);
    };
    run(&Placement::of_two(0, 0), writer, vec![reader]);
}

#[test]
#[should_panic = "another end failed"]
fn nobody_waits_for_a_failed_writer() {
    let reader = |clock: &Clock| {
        clock.start();
        while clock.written().is_none() {
            clock.pause();
        }
    };
    let writer = |clock: &Clock| {
        clock.start();
        assert!(clock.written().is_some(), "its own words");
    };
    run(&Placement::of_two(0, 0), writer, vec![reader]);
}

#[test]
fn many_write_and_what_they_wrote_is_drained() {
    let stored = AtomicU64::new(200);
    let take = || {
        let left = stored.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1));
        u64::from(left.is_ok())
    };
    let writer = |clock: &Clock| {
        clock.start();
        let counted = clock.count(|_| 1);
        clock.finish_writing(100);
        counted
    };
    let reader = |clock: &Clock| {
        clock.start();
        let mut taken = 0;
        clock.count(|_| {
            clock.pause();
            if taken < 30 {
                taken += take();
            }
            1
        });
        clock.drain(taken, || {
            let more = take();
            taken += more;
            more
        });
        taken
    };
    let place = Placement::of_two(0, 0);
    let deeds = many(&place, vec![writer; 2], vec![reader; 2]);
    assert!(deeds.took >= TIMED && deeds.writer.iter().all(|&counted| counted > 0));
    assert_eq!(deeds.readers.iter().sum::<u64>(), 200);
}

#[test]
#[should_panic = "messages are missing"]
fn what_never_comes_is_missed() {
    let writer = |clock: &Clock| {
        clock.start();
        clock.finish_writing(1);
    };
    let reader = |clock: &Clock| {
        clock.start();
        clock.drain(0, || 0);
    };
    many(&Placement::of_two(0, 0), vec![writer; 2], vec![reader; 2]);
}
