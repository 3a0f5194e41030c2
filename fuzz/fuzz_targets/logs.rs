#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::logs::target(data));
