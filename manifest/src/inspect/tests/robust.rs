//! Whatever the bytes are, the answer is a value.

use proptest::prelude::*;

use super::super::InspectError;
use super::super::inspect;
use super::ORDINARY;
use super::wat;

/// Inspects bytes that may be anything and checks that the answer can be shown.
fn answers(bytes: &[u8]) {
    let shown = match inspect(bytes) {
        Ok(facts) => format!("{facts:?}"),
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 2_000, "{text}");
            text + &error.hint().expect("every error has a hint")
        }
    };
    assert!(!shown.contains(|character: char| character.is_control()), "{shown:?}");
}

#[test]
fn a_cut_file_never_panics_and_is_never_taken_for_more_than_it_is() {
    let bytes = wat(ORDINARY);
    for length in (0..bytes.len()).chain((0..bytes.len()).step_by(64)) {
        match inspect(&bytes[..length]) {
            Ok(facts) => assert_eq!(facts.size, length as u64),
            Err(InspectError::Truncated { size, needed }) => {
                assert_eq!(size, length as u64);
                assert!(needed > size && needed <= bytes.len() as u64 + 1, "{needed}");
            }
            // Cut between two sections.
            Err(InspectError::Empty | InspectError::Invalid { .. }) => {}
            Err(other) => panic!("cut at {length}: {other}"),
        }
    }
}

#[test]
fn a_file_cut_inside_a_section_says_so() {
    let bytes = wat(ORDINARY);
    let error = inspect(&bytes[..bytes.len() - 1]).expect_err("the last byte is missing");
    let (size, needed) = (bytes.len() as u64 - 1, bytes.len() as u64);
    assert_eq!(error, InspectError::Truncated { size, needed });
    insta::assert_snapshot!(InspectError::Truncated { size: 4, needed: 8 }, @"the file is cut off: it has 4 bytes and needs at least 8");
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        answers(&bytes);
    }

    #[test]
    fn random_sections_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        let file = [b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat();
        answers(&file);
    }

    #[test]
    fn small_ids_and_lengths_never_panic(bytes in proptest::collection::vec(0_u8..20, 0..256)) {
        let file = [b"\0asm\x0d\0\x01\0".as_slice(), &bytes].concat();
        answers(&file);
    }

    #[test]
    fn flipped_bits_never_panic(flips in proptest::collection::vec((any::<prop::sample::Index>(), 0_u8..8), 1..8)) {
        let mut bytes = wat(ORDINARY);
        for (index, bit) in flips {
            let at = index.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        answers(&bytes);
    }
}
