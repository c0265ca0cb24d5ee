//! See `bodies/bytes_consumer.rs`.
#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    bodies::bytes_consumer::run(input);
});
