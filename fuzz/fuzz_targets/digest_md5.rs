#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::digest_md5::target(data));
