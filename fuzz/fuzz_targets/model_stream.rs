//! Hands what libFuzzer makes up to `ax_fuzz::model_stream`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ax_fuzz::model_stream(data));
