//! Tells the benches by which compiler they were built: figures are compared within one compiler only. Builds the one peer that is
//! not Rust, where its header is there.

use std::path::Path;
use std::process::Command;

fn main() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.unwrap_or_else(|| "an unknown compiler".into());
    println!("cargo::rustc-env=RINGPAD_BENCH_RUSTC={}", version.trim());
    println!("cargo::rerun-if-changed=build.rs");
    moodycamel();
}

/// moodycamel's queue: a header of C++ that distributions carry (Debian: libconcurrentqueue-dev), and no crate does.
fn moodycamel() {
    const VARIABLE: &str = "MOODYCAMEL_INCLUDE";
    println!("cargo::rustc-check-cfg=cfg(moodycamel)");
    println!("cargo::rerun-if-changed=moodycamel/queue.cpp");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let mut places = vec![
        "/usr/include/concurrentqueue".to_owned(),
        "/usr/include/concurrentqueue/moodycamel".to_owned(),
    ];
    places.extend(std::env::var(VARIABLE));
    let mut header = places.into_iter().filter(|place| {
        let header = Path::new(place).join("concurrentqueue.h");
        println!("cargo::rerun-if-changed={}", header.display());
        header.is_file()
    });
    let Some(place) = header.next() else {
        return;
    };
    let mut build = cc::Build::new();
    build.cpp(true).std("c++11").opt_level(3);
    build.include(place).file("moodycamel/queue.cpp");
    if build.try_compile("moodycamel").is_ok() {
        println!("cargo::rustc-cfg=moodycamel");
    }
}
