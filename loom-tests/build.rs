//! Turns on the model checker's words for this package, and for no other.
fn main() {
    println!("cargo::rustc-check-cfg=cfg(ringpad_loom)");
    println!("cargo::rustc-cfg=ringpad_loom");
    println!("cargo::rerun-if-changed=build.rs");
}
