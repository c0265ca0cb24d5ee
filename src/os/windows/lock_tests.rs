use std::io::ErrorKind;

use super::*;
use crate::os::windows::testing::{Ready, role, stay, unique, until};

const HERE: &str = module_path!();

fn name() -> String {
    format!(r"Local\ringpad-test-{}", unique("lock"))
}

#[test]
fn one_has_it_until_it_lets_go() {
    let name = name();
    assert!(!is_held(&name).unwrap(), "nobody made it yet");
    let mine = take(&name).unwrap().expect("free");
    assert!(is_held(&name).unwrap());
    assert!(take(&name).unwrap().is_none(), "it is held");
    // No thread owns it, as one would own a mutex.
    let other = std::thread::spawn({
        let name = name.clone();
        move || take(&name).unwrap().is_none()
    });
    assert!(other.join().unwrap());
    assert!(
        is_held(&name).unwrap(),
        "whoever found it held left no trace"
    );
    drop(mine);
    assert!(!is_held(&name).unwrap());
    assert!(take(&name).unwrap().is_some());
}

#[test]
fn a_killed_one_holds_nothing() {
    let name = role().unwrap_or_else(name);
    if role().is_some() {
        let _held = take(&name).unwrap().expect("free");
        stay();
    }
    let mut child = Ready::start(&format!("{HERE}::a_killed_one_holds_nothing"), &name);
    assert!(is_held(&name).unwrap());
    assert!(take(&name).unwrap().is_none(), "the control: it lives");
    child.kill();
    until("the lock is free", || !is_held(&name).unwrap());
    assert!(take(&name).unwrap().is_some());
}

#[test]
fn who_asks_keeps_a_name_for_a_moment() {
    let name = name();
    let mine = take(&name).unwrap().expect("free");
    let asking = share(&name).unwrap();
    drop(mine);
    assert!(take(&name).unwrap().is_none(), "why joiners look again");
    drop(asking);
    assert!(take(&name).unwrap().is_some());
}

#[test]
fn a_name_shared_by_many_is_there_until_the_last_has_gone() {
    let name = name();
    let (one, other) = (share(&name).unwrap(), share(&name).unwrap());
    drop(one);
    assert!(is_held(&name).unwrap());
    drop(other);
    assert!(!is_held(&name).unwrap());
}

/// What another user made would let in whom he likes.
#[test]
fn another_one_s_object_in_a_name_s_place_is_refused() {
    use crate::os::windows::security::descriptor;
    use windows_sys::Win32::Security::SECURITY_ATTRIBUTES;
    let name = name();
    // The administrators are an owner that an administrator may name, and not this user.
    let squatter = descriptor("O:BAD:(A;;GA;;;WD)").unwrap();
    let attributes = SECURITY_ATTRIBUTES {
        nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
        lpSecurityDescriptor: squatter.0,
        bInheritHandle: 0,
    };
    let text = wide(&name);
    // SAFETY: attributes and name live through the call.
    let event = unsafe { CreateEventW(&raw const attributes, 1, 0, text.as_ptr()) };
    // SAFETY: just made.
    let Ok(_squatting) = (unsafe { owned(event) }) else {
        eprintln!("skipped: this user may not make what belongs to the administrators");
        return;
    };
    for refused in [take(&name).unwrap_err(), share(&name).unwrap_err()] {
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused}");
        assert!(refused.to_string().contains("S-1-5-32-544"), "{refused}");
    }
    assert!(is_held(&name).unwrap(), "it counts as held: the safe side");
}
