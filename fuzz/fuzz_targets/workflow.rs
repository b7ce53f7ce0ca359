//! Hands what libFuzzer makes up to `ax_fuzz::workflow`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ax_fuzz::workflow(data));
