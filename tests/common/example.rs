//! The programs under `examples/`, built here: `cargo test --test` leaves them as they last were, or out.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Brings an example up to date, beside this test program; where it lies.
pub fn build(name: &str) -> PathBuf {
    // Built before, for a machine that has no compiler.
    if let Some(built) = std::env::var_os("RINGPAD_EXAMPLES") {
        return Path::new(&built).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    }
    let test = std::env::current_exe().expect("this program");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let target = profile.parent().expect("target/PROFILE");
    let named = match profile.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev", // the one whose directory is called otherwise
        Some(named) => named,
    };
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--profile", named]);
    cargo.arg("--manifest-path").arg(manifest);
    cargo.arg("--target-dir").arg(target);
    let built = cargo.status().expect("cargo");
    assert!(built.success(), "cargo build --example {name}: {built}");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    profile.join("examples").join(file)
}
