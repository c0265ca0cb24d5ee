//! Where flash and memory lie, by target: `memory.x` for each image.
//!
//! The stack lies below everything else, so that one that grows too far leaves the memory and faults.

use std::path::PathBuf;
use std::{env, fs};

/// Images, and bytes of stack of each: what they need on a machine of 16 KiB, and elsewhere, where ends are claimed.
const IMAGES: [(&str, u32, u32); 3] = [
    ("exchange", 6144, 16384),
    ("spsc_only", 640, 2048),
    ("two_cores", 4096, 16384),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let target = env::var("TARGET").expect("cargo says for what it builds");
    let (machine, flash, memory) = match target.as_str() {
        "thumbv6m-none-eabi" => ("microbit", 256, 16),
        "thumbv7m-none-eabi" => ("lm3s6965evb", 256, 64),
        "thumbv7em-none-eabihf" => ("mps2-an386", 4096, 4096),
        other => panic!(
            "no machine for {other}: thumbv6m-none-eabi, thumbv7m-none-eabi or thumbv7em-none-eabihf"
        ),
    };
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo says where to"));
    for (image, least, more) in IMAGES {
        let stack = if memory == 16 { least } else { more };
        let folder = out.join(image);
        fs::create_dir_all(&folder).expect("a folder of our own");
        let text = format!(
            "/* {machine} */\nMEMORY\n{{\n  FLASH : ORIGIN = 0, LENGTH = {flash}K\n  RAM : ORIGIN = 0x20000000 + {stack}, LENGTH = {memory}K - {stack}\n}}\n_stack_start = ORIGIN(RAM);\n_stack_end = 0x20000000;\n"
        );
        fs::write(folder.join("memory.x"), text).expect("a file of our own");
        println!("cargo::rustc-link-arg-bin={image}=-L{}", folder.display());
    }
    println!("cargo::rustc-env=RINGPAD_MACHINE={machine}");
    println!("cargo::rustc-link-arg-bins=--nmagic");
    println!("cargo::rustc-link-arg-bins=-Tlink.x");
}
