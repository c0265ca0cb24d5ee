//! Tells the program by which compiler and options it was built: counts are judged within one build alone.

use std::env::var;
use std::process::Command;

fn main() {
    let rustc = var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output();
    let version = version
        .ok()
        .and_then(|output| String::from_utf8(output.stdout).ok());
    let version = version.unwrap_or_else(|| "an unknown compiler".into());
    let target = var("TARGET").unwrap_or_default();
    let level = var("OPT_LEVEL").unwrap_or_default();
    let flags = var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let built = format!(
        "{} for {target} at level {level} {}",
        version.trim(),
        flags.replace('\x1f', " ")
    );
    println!("cargo::rustc-env=RINGPAD_BUILT_BY={}", built.trim_end());
    println!("cargo::rerun-if-changed=build.rs");
}
