//! What is found, what is released before, and that everything else comes through as it was.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prelude::proptest;
use proptest::sample::Index;

use super::ESCAPE_BYTES_MAX;
use super::HELD_BYTES_MAX;
use super::LeakScan;
use super::OPEN_BYTES_MAX;
use super::WINDOW_BYTES;
use super::ends_texts;
use super::form::TAIL_BYTES_MAX;
use crate::secret::value::SecretValue;

fn scan(values: &[&str]) -> LeakScan {
    LeakScan::new(values.iter().enumerate().map(|(at, value)| {
        (Arc::from(format!("s{at}")), SecretValue::new(value.as_bytes()).expect("a value"))
    }))
}

/// Sends `text` in pieces that end at `cuts`; returns what came through, and the secret if one was
/// found.
fn sent(scan: &LeakScan, text: &[u8], cuts: &[Index]) -> (Vec<u8>, Option<Arc<str>>) {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let mut stream = scan.stream();
    let mut released = Vec::new();
    for pair in cuts.windows(2) {
        match stream.push(Bytes::copy_from_slice(&text[pair[0]..pair[1]])) {
            Ok(bytes) => released.extend_from_slice(&bytes),
            Err(leak) => return (released, Some(leak.secret)),
        }
    }
    match stream.finish() {
        Ok(bytes) => released.extend_from_slice(&bytes),
        Err(leak) => return (released, Some(leak.secret)),
    }
    (released, None)
}

/// Sends `text` in pieces that end at `cuts`; returns how much came in and through after each.
fn released_after_each(scan: &LeakScan, text: &[u8], cuts: &[usize]) -> Vec<(usize, usize)> {
    let mut stream = scan.stream();
    let (mut taken, mut released) = (0, 0);
    let mut after = Vec::new();
    for &cut in cuts {
        let piece = Bytes::copy_from_slice(&text[taken..cut]);
        released += stream.push(piece).expect("no value").len();
        taken = cut;
        after.push((taken, released));
    }
    after
}

/// A value in some encoding, and where in it the value's last [`TAIL_BYTES_MAX`] begin.
#[derive(Debug)]
struct Encoded {
    text: Vec<u8>,
    kept_from: usize,
}

/// How a value is written: `choices` decide for each character on its own.
#[derive(Debug, Clone, Copy)]
enum Encoding {
    Raw,
    Hex { upper: bool },
    Base64 { url_safe: bool, before: usize, behind: usize },
    Percent,
    Json,
    JsonPercent,
    JsonBase64,
    PercentBase64,
}

fn encoding() -> impl Strategy<Value = Encoding> {
    let base64 = (any::<bool>(), 0..6usize, 0..6usize)
        .prop_map(|(url_safe, before, behind)| Encoding::Base64 { url_safe, before, behind });
    proptest::prop_oneof![
        proptest::prelude::Just(Encoding::Raw),
        any::<bool>().prop_map(|upper| Encoding::Hex { upper }),
        base64,
        proptest::prelude::Just(Encoding::Percent),
        proptest::prelude::Just(Encoding::Json),
        proptest::prelude::Just(Encoding::JsonPercent),
        proptest::prelude::Just(Encoding::JsonBase64),
        proptest::prelude::Just(Encoding::PercentBase64),
    ]
}

fn percent(byte: u8, choice: u8) -> String {
    match (byte, choice % 3) {
        (b' ', 0) => "+".to_owned(),
        // A `%` or `+` that stands for itself would be read as something else.
        (b'%' | b'+' | b' ', _) | (_, 1) => format!("%{byte:02X}"),
        (_, 2) if byte.is_ascii_punctuation() => format!("%{byte:02x}"),
        _ => char::from(byte).to_string(),
    }
}

fn json(byte: u8, choice: u8) -> String {
    match (byte, choice % 4) {
        (_, 0) => format!("\\u{byte:04x}"),
        (_, 1) => format!("\\u{byte:04X}"),
        (b'"' | b'\\', _) | (b'/', 2) => format!("\\{}", char::from(byte)),
        _ => char::from(byte).to_string(),
    }
}

fn encode(value: &[u8], encoding: Encoding, choices: &[u8]) -> Encoded {
    let choice = |at: usize| choices[at % choices.len()];
    let each = |value: &[u8], write: &dyn Fn(u8, u8) -> String| -> Vec<usize> {
        let lengths = value.iter().enumerate().map(|(at, byte)| write(*byte, choice(at)).len());
        lengths.collect()
    };
    let written = |value: &[u8], write: &dyn Fn(u8, u8) -> String, kept: usize| {
        let texts = value.iter().enumerate().map(|(at, byte)| write(*byte, choice(at)));
        let text = texts.collect::<String>().into_bytes();
        Encoded { text, kept_from: each(value, write)[..kept].iter().sum() }
    };
    let kept = value.len().saturating_sub(TAIL_BYTES_MAX);
    let base64 = |url_safe: bool, before: usize, behind: usize| {
        let longer = [vec![0xa5; before], value.to_vec(), vec![0x5a; behind]].concat();
        let text =
            if url_safe { URL_SAFE_NO_PAD.encode(&longer) } else { STANDARD.encode(&longer) };
        // A character that holds bits of what stands before, too, is not looked for.
        Encoded { text: text.into_bytes(), kept_from: ((before + kept) * 8).div_ceil(6) }
    };
    match encoding {
        Encoding::Raw => Encoded { text: value.to_vec(), kept_from: kept },
        Encoding::Hex { upper } => written(
            value,
            &|byte, _| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") },
            kept,
        ),
        Encoding::Base64 { url_safe, before, behind } => base64(url_safe, before, behind),
        Encoding::Percent => written(value, &percent, kept),
        Encoding::Json => written(value, &json, kept),
        Encoding::JsonPercent => written(
            value,
            &|byte, choice| {
                percent(byte, choice).bytes().map(|byte| json(byte, choice / 3)).collect()
            },
            kept,
        ),
        Encoding::JsonBase64 => {
            let inner = base64(false, 1, 2);
            written(&inner.text, &json, inner.kept_from)
        }
        Encoding::PercentBase64 => {
            let inner = base64(false, 2, 0);
            written(&inner.text, &percent, inner.kept_from)
        }
    }
}

fn value() -> impl Strategy<Value = String> {
    proptest::prop_oneof![
        "[!-~][ -~]{6,30}[!-~]",
        "[!-~][ -~]{50,80}[!-~]",
        "[!-~][ -~]{200,300}[!-~]",
        "[a-f0-9]{8,70}",
        "[%+ u0]{0,6}[%+]{8}",
        "(ab){4,50}",
    ]
    .prop_filter("a value", |value| SecretValue::new(value.as_bytes()).is_ok())
}

/// The beginning of a value in some encoding, and what stands behind it.
#[derive(Debug)]
struct Guess {
    of: Index,
    encoding: Encoding,
    choices: Vec<u8>,
    length: Index,
    behind: &'static str,
}

/// What may stand behind a guess: nothing as a rule, so that the next goes on from it.
const BEHIND: [&str; 13] =
    ["", "", "", "\n", "\r\n\r\n", "é", " ", "+", "%", "%4", "\\", "\\u00", "\\u0025"];

fn guess() -> impl Strategy<Value = Guess> {
    let choices = proptest::collection::vec(any::<u8>(), 1..80);
    let behind = proptest::sample::select(BEHIND.as_slice());
    (any::<Index>(), encoding(), choices, any::<Index>(), behind).prop_map(
        |(of, encoding, choices, length, behind)| Guess { of, encoding, choices, length, behind },
    )
}

proptest! {
    #[test]
    fn a_value_is_found_in_every_encoding_and_its_end_never_leaves(
        values in proptest::collection::vec(value(), 1..4),
        which in any::<Index>(),
        encoding in encoding(),
        choices in proptest::collection::vec(any::<u8>(), 1..80),
        before in proptest::collection::vec(any::<u8>(), 0..300),
        behind in proptest::collection::vec(any::<u8>(), 0..300),
        cuts in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let scan = scan(&values);
        let encoded = encode(which.get(&values).as_bytes(), encoding, &choices);
        // No half escape right before: whoever encodes would have ended it.
        let front = [before.as_slice(), b"&"].concat();
        let text = [front.as_slice(), &encoded.text, &behind].concat();
        assert!(scan.find(&text).is_some());
        let (released, found) = sent(&scan, &text, &cuts);
        assert!(found.is_some());
        assert!(released.len() <= front.len() + encoded.kept_from, "{}", released.len());
        assert!(text.starts_with(&released));
    }

    #[test]
    fn a_raw_value_is_found_behind_anything(
        value in value(),
        before in "[%\\\\u0-9a-f]{0,40}",
        cuts in proptest::collection::vec(any::<Index>(), 0..10),
    ) {
        let text = [before.as_bytes(), value.as_bytes()].concat();
        assert!(scan(&[&value]).find(&text).is_some());
        assert!(sent(&scan(&[&value]), &text, &cuts).1.is_some());
    }

    #[test]
    fn a_text_without_values_comes_through_unchanged(
        values in proptest::collection::vec(value(), 0..4),
        text in proptest::collection::vec(
            proptest::prop_oneof![any::<u8>(), proptest::sample::select(b"%\\u+a0".as_slice())],
            0..1_000,
        ),
        cuts in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let scan = scan(&values);
        if scan.find(&text).is_none() {
            assert_eq!(sent(&scan, &text, &cuts), (text.clone(), None));
            if let Ok(text) = std::str::from_utf8(&text) {
                assert_eq!(scan.redact(text), text);
            }
        }
    }

    #[test]
    fn pieces_change_nothing_about_what_is_found(
        text in "(aaaa|ab|%61|%6|%|\\\\u0061|\\\\u00|\\\\|\\\\u0025|61|YWFh|0062){0,40}",
        cuts in proptest::collection::vec(any::<Index>(), 0..20),
    ) {
        let scan = scan(&["aaaaaaaa", "aabaabaab", "a%61aaaaab"]);
        let whole = scan.find(text.as_bytes()).is_some();
        let (released, found) = sent(&scan, text.as_bytes(), &cuts);
        assert_eq!(found.is_some(), whole);
        assert!(text.as_bytes().starts_with(&released));
        assert_eq!(scan.redact(&text) != text, whole);
    }

    #[test]
    fn what_is_released_does_not_depend_on_the_secrets(
        values in proptest::collection::vec(value(), 1..3),
        others in proptest::collection::vec(value(), 1..3),
        guesses in proptest::collection::vec(guess(), 0..12),
        cuts in proptest::collection::vec(any::<Index>(), 0..40),
    ) {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let (one, other) = (scan(&values), scan(&others));
        let mut text = Vec::new();
        for guess in guesses {
            let encoded = encode(guess.of.get(&values).as_bytes(), guess.encoding, &guess.choices);
            text.extend_from_slice(&encoded.text[..guess.length.index(encoded.text.len())]);
            text.extend_from_slice(guess.behind.as_bytes());
        }
        // Pieces end anywhere, and behind every byte of the end, where a guess is.
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.extend(text.len().saturating_sub(40)..=text.len());
        cuts.sort_unstable();
        if one.find(&text).is_none() && other.find(&text).is_none() {
            let after = released_after_each(&one, &text, &cuts);
            assert_eq!(after, released_after_each(&other, &text, &cuts));
            for (taken, released) in after {
                let line = text[..taken].iter().rposition(ends_texts).map_or(0, |at| at + 1);
                assert!(line <= released && taken - released <= HELD_BYTES_MAX);
                assert!(released == line || taken - released >= OPEN_BYTES_MAX);
            }
        }
    }

    #[test]
    fn a_redacted_text_keeps_the_rest_and_no_value(
        value in "[A-Z]{8,200}",
        encoding in encoding(),
        choices in proptest::collection::vec(any::<u8>(), 1..80),
        before in "[a-zé ]{0,20}",
        behind in "[a-zé ]{0,20}",
    ) {
        let scan = scan(&[&value]);
        let encoded = encode(value.as_bytes(), encoding, &choices);
        let encoded = String::from_utf8(encoded.text).expect("it is ASCII");
        let redacted = scan.redact(&format!("{before}&{encoded}&{behind}")).into_owned();
        let inner = redacted
            .strip_prefix(&format!("{before}&"))
            .and_then(|rest| rest.strip_suffix(&format!("&{behind}")))
            .expect("the rest is kept");
        let is_base64 = matches!(
            encoding,
            Encoding::Base64 { .. } | Encoding::JsonBase64 | Encoding::PercentBase64
        );
        if is_base64 {
            assert!(inner.contains("[secret s0]"), "{inner}");
            assert!(inner.len() <= 11 + 18 * (4 + 4 + 8 + 8), "{inner}");
        } else {
            assert_eq!(inner, "[secret s0]");
        }
        assert_eq!(scan.find(redacted.as_bytes()), None);
    }
}

#[test]
fn without_secrets_pieces_pass_as_they_are() {
    let scan = LeakScan::none();
    assert!(scan.is_empty() && LeakScan::new([]).is_empty());
    let chunk = Bytes::from_static(b"password");
    let passed = scan.stream().push(chunk.clone()).expect("nothing is looked for");
    assert_eq!(passed.as_ptr(), chunk.as_ptr());
    assert_eq!(scan.find(b"password"), None);
}

#[test]
fn whole_lines_are_released_at_once() {
    let scan = scan(&["password"]);
    let mut stream = scan.stream();
    let mut push = |text: &'static str| {
        let passed = stream.push(Bytes::from_static(text.as_bytes())).expect("no value");
        String::from_utf8(passed.to_vec()).expect("it is text")
    };
    assert_eq!(push("data: 1\n\n"), "data: 1\n\n");
    assert_eq!(push("data: pass"), "");
    assert_eq!(push("port\n\n%7"), "data: passport\n\n");
    assert_eq!(push("0as"), "");
    assert_eq!(push("x\té"), "%70asx\té");
}

#[test]
fn a_right_guess_is_held_as_a_wrong_one_is() {
    let scan = scan(&["password"]);
    for guess in ["p", "q", "passwor", "passwoo", "cGFzc3", "cGFzc4", "7061", "7062", "%70%61", " "]
    {
        let passed = scan.stream().push(Bytes::from(format!("\n{guess}"))).expect("no value");
        assert_eq!(passed, "\n", "{guess}");
    }
}

#[test]
fn what_ends_texts_is_in_no_value() {
    for byte in 0..=u8::MAX {
        let value = [b"pass".as_slice(), &[byte], b"word"].concat();
        assert_eq!(SecretValue::new(&value).is_err(), ends_texts(&byte), "{byte}");
    }
}

#[test]
fn escapes_hold_no_more_back() {
    let scan = scan(&["password"]);
    for escape in ["\\n", "%20", "\\u0025", "\\u00252F", "+"] {
        let text = escape.repeat(1_000);
        let passed = scan.stream().push(Bytes::from(text.clone())).expect("no value");
        let held = text.len() - passed.len();
        assert!((OPEN_BYTES_MAX.min(text.len())..=HELD_BYTES_MAX).contains(&held), "{escape}");
        assert_eq!(passed.len() % escape.len(), 0, "{escape}");
        let passed = scan.stream().push(Bytes::from(text.clone() + "\n")).expect("no value");
        assert_eq!(passed, text + "\n", "{escape}");
    }
}

#[test]
fn a_plus_is_a_space_also_where_nothing_else_is_encoded() {
    let scan = scan(&["pass word one", "a+b+c+d+e"]);
    assert_eq!(scan.find(b"q=pass+word+one").as_deref(), Some("s0"));
    assert_eq!(scan.find(b"q=pass+word%20one").as_deref(), Some("s0"));
    assert_eq!(scan.find(b"{\"q\":\"\\u0070ass+word+one\"}").as_deref(), Some("s0"));
    assert_eq!(scan.find(b"q=a%2Bb%2bc%2Bd%2Be").as_deref(), Some("s1"));
    assert_eq!(scan.find(b"q=pass-word-one"), None);
}

#[test]
fn after_a_find_nothing_more_is_released() {
    let scan = scan(&["password"]);
    let mut stream = scan.stream();
    assert!(stream.push(Bytes::from_static(b"the pass")).is_ok());
    let leak = stream.push(Bytes::from_static(b"word and more")).expect_err("the value");
    assert_eq!(leak.to_string(), "it holds the value of the secret `s0`");
    assert_eq!(stream.push(Bytes::from_static(b"harmless")), Err(leak.clone()));
    assert_eq!(stream.finish(), Err(leak));
}

#[test]
fn a_value_across_windows_is_found() {
    let scan = scan(&["pass/word"]);
    for text in ["pass/word", "pass%2Fword", "pass\\/word", "pass\\u00252Fword", "pass%2Fwor"] {
        let is_value = !text.ends_with("wor");
        for at in (WINDOW_BYTES - 12..WINDOW_BYTES + 2).chain([2 * WINDOW_BYTES - 5]) {
            let mut bytes = vec![b'.'; 3 * WINDOW_BYTES];
            bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
            assert_eq!(scan.find(&bytes).is_some(), is_value, "{text} at {at}");
            assert_eq!(sent(&scan, &bytes, &[]).1.is_some(), is_value, "{text} at {at}");
        }
    }
}

#[test]
fn the_second_half_of_an_escape_is_not_read_as_text() {
    let scan = scan(&["41bcdefg"]);
    // As they are, these begin the value; decoded, none of them does.
    for (first, second) in [
        ("%41bcd", "%65fg"),
        ("\\u0041bcd", "\\u0065fg"),
        ("\\u002541bcd", "\\u002565fg"),
        ("\\u00254\\u0031bcd", "\\u002565fg"),
    ] {
        let text = format!("{first}{second}");
        assert_eq!(scan.find(text.as_bytes()), None, "{text}");
        let mut stream = scan.stream();
        for piece in [first, second] {
            assert!(stream.push(Bytes::copy_from_slice(piece.as_bytes())).is_ok(), "{text}");
        }
        assert!(stream.finish().is_ok(), "{text}");
        // The first piece is long enough to be cut at any place of the text.
        for at in 0..=text.len() {
            let mut stream = scan.stream();
            let more = ".".repeat(OPEN_BYTES_MAX + at - text.len());
            let passed = stream.push(Bytes::from(text.clone() + &more)).expect("no value");
            assert!(passed.len() <= at && at - passed.len() < ESCAPE_BYTES_MAX, "{text} at {at}");
            assert!(stream.finish().is_ok(), "{text} at {at}");
        }
    }
}

#[test]
fn what_is_held_is_bounded() {
    let value = "k".repeat(65_536);
    let scan = scan(&[&value]);
    // Half a hex text, each character written as a percent escape of JSON escapes.
    let hex = "6b".repeat(64);
    let escaped: String = hex[..127]
        .bytes()
        .flat_map(|byte| format!("%{byte:02x}").into_bytes())
        .map(|byte| format!("\\u{byte:04x}"))
        .collect();
    for text in [value[..63].to_owned(), hex[..127].to_owned(), escaped + "\\u0025\\u003"] {
        let mut stream = scan.stream();
        let mut released = Vec::new();
        let whole = format!("\n{text}");
        for (at, byte) in whole.bytes().enumerate() {
            released.extend(stream.push(Bytes::copy_from_slice(&[byte])).expect("no value"));
            assert!(at + 1 - released.len() <= HELD_BYTES_MAX);
        }
        assert_eq!(released, b"\n");
        released.extend(stream.finish().expect("no value"));
        assert_eq!(released, whole.as_bytes());
    }
}

#[test]
fn of_a_long_value_its_end_is_enough() {
    let value: String = (0..250).map(|at| format!("{:04}", at * 37)).collect();
    let scan = scan(&[&value]);
    assert!(scan.find(&value.as_bytes()[1_000 - 64..]).is_some());
    assert!(scan.find(&value.as_bytes()[1_000 - 63..]).is_none());
    assert!(scan.find(&value.as_bytes()[..999]).is_none());
    let front = "x".repeat(10);
    assert_eq!(scan.redact(&format!("{front}{value}y")), format!("{front}[secret s0]y"));
}

#[test]
fn several_secrets_are_each_redacted_by_name() {
    let scan = scan(&["password", "the password", "other/one"]);
    assert_eq!(
        scan.redact("a password, the password, other%2fone, cGFzc3dvcmQ= é \"other\\/one\""),
        "a [secret s0], [secret s1], [secret s2], [secret s0]Q= é \"[secret s2]\""
    );
    assert_eq!(format!("{scan:?}"), r#"{"s0", "s1", "s2"}"#);
}

#[test]
fn as_many_secrets_as_a_vault_holds_are_looked_for() {
    let values: Vec<String> = (0..256).map(|at| format!("{:064}", at * 7_919)).collect();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let scan = scan(&values);
    assert_eq!(scan.find(format!("x{}x", values[255]).as_bytes()).as_deref(), Some("s255"));
    assert_eq!(scan.find(&[b'0'; 1_000][..]).as_deref(), Some("s0"));
}
