#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::cram_md5::target(data));
