//! Hands what libFuzzer makes up to `ax_fuzz::leak_scan`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ax_fuzz::leak_scan(data));
