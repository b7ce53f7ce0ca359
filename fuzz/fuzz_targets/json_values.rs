//! Hands what libFuzzer makes up to `ax_fuzz::json_values`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ax_fuzz::json_values(data));
