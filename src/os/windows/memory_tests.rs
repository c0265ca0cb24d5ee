use super::*;
use crate::os::windows::testing::unique;

fn name() -> String {
    format!(r"Local\ringpad-test-{}", unique("section"))
}

#[test]
fn a_section_is_found_by_its_name_as_long_as_somebody_has_it() {
    let name = name();
    assert!(find(&name, true).unwrap().is_none());
    let made = paged(Some(&name), 10_000).unwrap();
    let again = paged(Some(&name), 10_000).unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists, "{again}");
    let found = find(&name, true).unwrap().expect("it is there");
    assert_eq!(len(found.as_handle()).unwrap(), 12_288, "whole pages");
    let here = Mapping::map(made.as_handle(), 10_000, true).unwrap();
    let there = Mapping::map(found.as_handle(), 10_000, true).unwrap();
    // SAFETY: inside a live mapping of this test's own section.
    unsafe { here.base().write(7) };
    // SAFETY: as above.
    assert_eq!(unsafe { there.base().read() }, 7, "one section, two views");
    drop((made, found));
    assert!(find(&name, true).unwrap().is_none(), "views keep no name");
    // SAFETY: as above.
    assert_eq!(unsafe { here.base().read() }, 7, "they keep the memory");
}

#[test]
fn mappings_are_aligned_to_what_they_are_long() {
    for bytes in [4096, 100_000, 1 << 20, 3 << 20] {
        let section = paged(None, bytes as u64).unwrap();
        for _ in 0..4 {
            let mapping = Mapping::map(section.as_handle(), bytes, true).unwrap();
            let align = alignment(bytes);
            let at = mapping.base().addr().get();
            assert!(at.is_multiple_of(align), "{bytes} bytes at {at:#x}");
            mapping.prefault().unwrap();
            assert_eq!(mapping.huge_bytes(), 0);
        }
    }
    assert_eq!(alignment(3 << 20), HUGE);
    assert_eq!(alignment(100_000), 1 << 17);
}

#[test]
fn what_is_to_be_mapped_must_be_there() {
    let section = paged(None, 4096).unwrap();
    assert!(Mapping::map(section.as_handle(), 4096, false).is_ok());
    assert!(Mapping::map(section.as_handle(), 1 << 20, false).is_err());
    assert!(Mapping::map(section.as_handle(), 0, false).is_err());
    assert!(paged(None, 1 << 62).is_err(), "no machine has so much");
}

#[test]
fn a_mapping_forgets_less_than_a_page() {
    let section = paged(None, 8192).unwrap();
    let mut mapping = Mapping::map(section.as_handle(), 8192, true).unwrap();
    for (want, left) in [(9000, 8192), (4096, 8192), (4097, 4097)] {
        mapping.trim(want);
        assert_eq!(mapping.len(), left);
    }
}

#[test]
fn what_a_section_for_all_sessions_takes_is_explained() {
    let denied = || io::Error::from_raw_os_error(ERROR_ACCESS_DENIED as i32);
    let said = explained(denied(), Some(r"Global\ringpad-x")).to_string();
    for word in [
        "SeCreateGlobalPrivilege",
        "Options::global",
        "Options::directory",
    ] {
        assert!(said.contains(word), "{said}");
    }
    for other in [Some(r"Local\ringpad-x"), None] {
        let said = explained(denied(), other).to_string();
        assert!(!said.contains("Privilege"), "the control: {said}");
    }
    let short = io::Error::from_raw_os_error(8);
    let said = explained(short, Some(r"Global\ringpad-x")).to_string();
    assert!(!said.contains("Privilege"), "the control: {said}");
}

#[test]
fn a_file_that_is_open_is_neither_had_alone_nor_deleted() {
    use crate::os::windows::file::{Found, look_into, make, remove};
    use crate::os::windows::testing::Scratch;
    let scratch = Scratch::new();
    std::fs::create_dir(&scratch.0).unwrap();
    let path = scratch.0.join("mapped");
    let file = make(&path, 5000).unwrap();
    assert_eq!(
        crate::os::windows::file::len(file.as_handle()).unwrap(),
        5000
    );
    let section = over(file.as_handle(), true).unwrap();
    let mapping = Mapping::map(section.as_handle(), 5000, true).unwrap();
    assert!(
        matches!(look_into(&path).unwrap(), Found::Busy),
        "open here"
    );
    assert!(matches!(remove(&path).unwrap(), Found::Busy));
    drop((section, mapping));
    assert!(matches!(remove(&path).unwrap(), Found::Busy), "open still");
    drop(file);
    assert!(matches!(look_into(&path).unwrap(), Found::Left));
    assert!(matches!(remove(&path).unwrap(), Found::Left));
    assert!(matches!(look_into(&path).unwrap(), Found::Nothing));
}
