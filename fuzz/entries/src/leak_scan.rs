//! A secret in an answer: planted in every encoding, and looked for in any pieces.

use std::sync::Arc;

use ax_host::secret::leak::LeakScan;
use ax_host::secret::value::SECRET_BYTES_MIN;
use ax_host::secret::value::SecretValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;

use crate::INPUT_BYTES_MAX;
use crate::choices::Choices;

/// Bytes of a value: twice what is recognised of one, so that longer ones are tried too.
const VALUE_BYTES_MAX: usize = 128;

/// Bytes before and behind the value.
const AROUND_BYTES_MAX: usize = 4 << 10;

/// Pieces a text comes in.
const PIECES_MAX: usize = 8;

/// What the secret is called; in no value, since values are ASCII.
const NAME: &str = "geheimschlüssel";

/// Checks that a planted value is found whole and in pieces, that nothing of a text without one
/// changes, and that redaction leaves no value.
pub fn leak_scan(data: &[u8]) {
    if data.len() > INPUT_BYTES_MAX {
        return;
    }
    let mut choices = Choices::new(data);
    let count = SECRET_BYTES_MIN + choices.below(VALUE_BYTES_MAX + 1 - SECRET_BYTES_MIN);
    let Some(value) = value(choices.take(count)) else { return };
    let secret = SecretValue::new(&value).expect("it was made to be one");
    let scan = LeakScan::new([(Arc::from(NAME), secret)]);
    let encoding = choices.below(ENCODINGS);
    let seed = choices.byte();
    let cuts: Vec<usize> = (1..PIECES_MAX).map(|_| choices.below(1 << 16)).collect();
    let length = choices.below(AROUND_BYTES_MAX);
    let before = choices.take(length);
    let behind = choices.rest();
    let planted = encoded(&value, encoding, seed);
    let is_apart = encoding < FIRST_ESCAPED || !is_escape_open(before);
    for (text, must_be_found) in [
        ([before, b" ", planted.as_bytes(), b" ", behind].concat(), true),
        ([before, planted.as_bytes(), behind].concat(), is_apart),
        ([before, behind].concat(), false),
    ] {
        looked_through(&scan, &value, &text, &cuts, must_be_found);
    }
}

/// Answers whether the end of `before` is an escape that takes what follows for its own.
fn is_escape_open(before: &[u8]) -> bool {
    before.iter().rev().take(ESCAPE_BYTES_MAX).any(|byte| matches!(byte, b'\\' | b'%'))
}

/// Bytes of the longest escape: each character of `%2F` written as `\u0025`.
const ESCAPE_BYTES_MAX: usize = 18;

fn looked_through(scan: &LeakScan, value: &[u8], text: &[u8], cuts: &[usize], must_be_found: bool) {
    let found = scan.find(text).is_some();
    assert!(found || !must_be_found, "not found in {:?}", String::from_utf8_lossy(text));
    let (released, is_stopped) = sent(scan, text, cuts);
    assert_eq!(is_stopped, found, "in pieces it is as it is whole");
    assert!(text.starts_with(&released), "what is released is the front of what came");
    assert!(is_stopped || released == text, "nothing is lost");
    assert!(!holds(&released, value), "the value was released");
    if let Ok(text) = str::from_utf8(text) {
        let redacted = scan.redact(text);
        assert!(!holds(redacted.as_bytes(), value), "{redacted:?} still holds it");
        assert_eq!(redacted == text, !found, "only values are replaced");
    }
}

/// Sends a text in pieces; returns what came through, and whether it was stopped.
fn sent(scan: &LeakScan, text: &[u8], cuts: &[usize]) -> (Vec<u8>, bool) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let mut stream = scan.stream();
    let mut released = Vec::new();
    for pair in cuts.windows(2) {
        match stream.push(Bytes::copy_from_slice(&text[pair[0]..pair[1]])) {
            Ok(bytes) => released.extend_from_slice(&bytes),
            Err(_) => return (released, true),
        }
    }
    match stream.finish() {
        Ok(bytes) => released.extend_from_slice(&bytes),
        Err(_) => return (released, true),
    }
    (released, false)
}

fn holds(text: &[u8], value: &[u8]) -> bool {
    text.windows(value.len()).any(|window| window == value)
}

/// Makes a value of any bytes: visible ASCII, with spaces inside alone.
fn value(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() < SECRET_BYTES_MIN {
        return None;
    }
    let last = bytes.len() - 1;
    let visible = bytes.iter().enumerate().map(|(at, byte)| match byte % 95 + b' ' {
        b' ' if at == 0 || at == last => b'x',
        visible => visible,
    });
    Some(visible.collect())
}

/// How many ways [`encoded`] knows.
const ENCODINGS: usize = 9;

/// The first of them that has escapes; what stands before it may swallow its beginning.
const FIRST_ESCAPED: usize = 5;

/// Writes a value in one of the encodings that are looked for; `seed` decides what is left open.
fn encoded(value: &[u8], encoding: usize, seed: u8) -> String {
    let front = vec![0xa5; usize::from(seed % 6)];
    let back = vec![0x5a; usize::from(seed / 6 % 6)];
    let longer = [front, value.to_vec(), back].concat();
    match encoding {
        0 => String::from_utf8_lossy(value).into_owned(),
        1 => value.iter().map(|byte| format!("{byte:02x}")).collect(),
        2 => value.iter().map(|byte| format!("{byte:02X}")).collect(),
        3 => STANDARD.encode(&longer),
        4 => URL_SAFE_NO_PAD.encode(&longer),
        5 => percent(value, seed),
        6 => json(value, seed),
        7 => json(percent(value, seed).as_bytes(), seed / 3),
        _ => percent(STANDARD.encode(&longer).as_bytes(), seed),
    }
}

fn percent(value: &[u8], seed: u8) -> String {
    let each = |(at, byte): (usize, &u8)| match (byte, (at + usize::from(seed)) % 3) {
        (b' ', 0) => "+".to_owned(),
        (b'%' | b'+' | b' ' | b'\\', _) | (_, 1) => format!("%{byte:02X}"),
        (_, 2) if byte.is_ascii_punctuation() => format!("%{byte:02x}"),
        _ => char::from(*byte).to_string(),
    };
    value.iter().enumerate().map(each).collect()
}

fn json(value: &[u8], seed: u8) -> String {
    let each = |(at, byte): (usize, &u8)| match (byte, (at + usize::from(seed)) % 4) {
        (_, 0) => format!("\\u{byte:04x}"),
        (_, 1) => format!("\\u{byte:04X}"),
        (b'"' | b'\\', _) | (b'/', 2) => format!("\\{}", char::from(*byte)),
        _ => char::from(*byte).to_string(),
    };
    value.iter().enumerate().map(each).collect()
}
