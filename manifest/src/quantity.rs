//! Amounts with their unit: `64 MiB`, `1500 ms`.
//!
//! Invariant: the text of an amount is exact and uses the largest unit that divides it, so it
//! parses back to the same amount.
//! Not here: which amounts are sensible (`manifest::limits`, host budget).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::nearest::nearest;
use crate::text::{Quoted, serde_as_text};

/// Digits of a number: enough for every `Duration` in nanoseconds, few enough for a `u128`.
const DIGITS_MAX: usize = 30;

/// Units of size in bytes, the largest first.
const SIZES: [(&str, u128); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// Units of time in nanoseconds, the largest first.
const TIMES: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("min", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// A number of bytes, written `512 B`, `10 KiB`, `64 MiB`, `1 GiB`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

impl FromStr for ByteSize {
    type Err = QuantityError;

    /// # Errors
    ///
    /// [`QuantityError`] for anything but a whole number and a binary unit, with or without one
    /// blank between, of less than 2^64 bytes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes = parse(text, &SIZES)
            .and_then(|bytes| u64::try_from(bytes).map_err(|_| QuantityFlaw::TooMuch));
        bytes.map(Self).map_err(|flaw| QuantityError::new(text, Unit::Size, flaw))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(u128::from(self.0), &SIZES, "B", f)
    }
}

/// A length of time, written `1500 ms`, `30 s`, `5 min`, `2 h`, `7 d`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = QuantityError;

    /// # Errors
    ///
    /// [`QuantityError`] for anything but a whole number and a unit, with or without one blank
    /// between, that a [`Duration`] can hold.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const NANOS: u128 = 1_000_000_000;
        let time = parse(text, &TIMES).and_then(|nanos| {
            let seconds = u64::try_from(nanos / NANOS).map_err(|_| QuantityFlaw::TooMuch)?;
            let rest = u32::try_from(nanos % NANOS).map_err(|_| QuantityFlaw::TooMuch)?;
            Ok(Duration::new(seconds, rest))
        });
        time.map(Self).map_err(|flaw| QuantityError::new(text, Unit::Time, flaw))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        display(self.0.as_nanos(), &TIMES, "s", f)
    }
}

/// Parses a whole number and one of `units`.
fn parse(text: &str, units: &[(&'static str, u128)]) -> Result<u128, QuantityFlaw> {
    let end = text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let unit = unit.strip_prefix(' ').unwrap_or(unit);
    if digits.is_empty() {
        return Err(QuantityFlaw::NoNumber);
    }
    if unit.starts_with(['.', ',']) {
        return Err(QuantityFlaw::Fraction);
    }
    if unit.is_empty() {
        return Err(QuantityFlaw::NoUnit);
    }
    let Some(&(_, factor)) = units.iter().find(|(known, _)| *known == unit) else {
        return Err(QuantityFlaw::UnknownUnit { meant: meant_unit(unit, units) });
    };
    if digits.len() > DIGITS_MAX {
        return Err(QuantityFlaw::TooMuch);
    }
    let number: u128 = digits.parse().map_err(|_| QuantityFlaw::TooMuch)?;
    number.checked_mul(factor).ok_or(QuantityFlaw::TooMuch)
}

/// Finds the unit that was meant by its wrong spelling: other case, `MB` for `MiB`, a whole word.
fn meant_unit(unit: &str, units: &[(&'static str, u128)]) -> Option<&'static str> {
    let same = units.iter().map(|(known, _)| *known).find(|known| known.eq_ignore_ascii_case(unit));
    let words = [
        ("kb", "KiB"),
        ("k", "KiB"),
        ("mb", "MiB"),
        ("m", "MiB"),
        ("gb", "GiB"),
        ("g", "GiB"),
        ("tb", "TiB"),
        ("byte", "B"),
        ("bytes", "B"),
        ("sec", "s"),
        ("secs", "s"),
        ("second", "s"),
        ("seconds", "s"),
        ("m", "min"),
        ("mins", "min"),
        ("minute", "min"),
        ("minutes", "min"),
        ("hour", "h"),
        ("hours", "h"),
        ("day", "d"),
        ("days", "d"),
        ("msec", "ms"),
        ("µs", "us"),
    ];
    let known_word = |wanted: &str| units.iter().any(|(known, _)| *known == wanted);
    let word = || {
        words
            .into_iter()
            .find(|(wrong, right)| wrong.eq_ignore_ascii_case(unit) && known_word(right))
            .map(|(_, right)| right)
    };
    same.or_else(word).or_else(|| nearest(unit, units.iter().map(|(known, _)| *known)))
}

fn display(
    amount: u128,
    units: &[(&str, u128)],
    zero_unit: &str,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let unit = units.iter().find(|(_, factor)| amount > 0 && amount.is_multiple_of(*factor));
    match unit {
        Some((unit, factor)) => f.pad(&format!("{} {unit}", amount / factor)),
        // Every amount divides by the last unit, which is one; only zero comes here.
        None => f.pad(&format!("0 {zero_unit}")),
    }
}

/// Why a text is not an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not {unit}: {flaw}", Quoted(.text))]
pub struct QuantityError {
    text: String,
    unit: Unit,
    flaw: QuantityFlaw,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Size,
    Time,
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Size => "a size",
            Self::Time => "a length of time",
        })
    }
}

/// What is wrong with the text of an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum QuantityFlaw {
    #[error("it does not start with a whole number")]
    NoNumber,
    #[error("only whole numbers are allowed")]
    Fraction,
    #[error("it has no unit")]
    NoUnit,
    #[error("its unit is unknown")]
    UnknownUnit { meant: Option<&'static str> },
    #[error("it is too much")]
    TooMuch,
}

impl QuantityError {
    /// Characters of the given text that are kept: more than any right amount has.
    const TEXT_CHARS_MAX: usize = 128;

    fn new(text: &str, unit: Unit, flaw: QuantityFlaw) -> Self {
        Self { text: text.chars().take(Self::TEXT_CHARS_MAX).collect(), unit, flaw }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> String {
        let number: String = self.text.chars().take_while(char::is_ascii_digit).take(20).collect();
        match (&self.flaw, self.unit) {
            (QuantityFlaw::UnknownUnit { meant: Some(unit) }, _) => {
                format!("did you mean `{number} {unit}`?")
            }
            (QuantityFlaw::NoUnit, Unit::Size) => format!("write `{number} B` or `{number} KiB`"),
            (QuantityFlaw::NoUnit, Unit::Time) => format!("write `{number} s` or `{number} ms`"),
            (QuantityFlaw::Fraction, _) => "use a smaller unit and a whole number".to_owned(),
            (_, Unit::Size) => {
                "write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`".to_owned()
            }
            (_, Unit::Time) => {
                "write a whole number and ms, s, min, h or d, like `30 s`".to_owned()
            }
        }
    }
}

serde_as_text!(ByteSize, Span);

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::proptest;

    use super::{ByteSize, Span};

    #[test]
    fn the_largest_whole_unit_is_shown() {
        let shown = |bytes| ByteSize(bytes).to_string();
        assert_eq!(shown(0), "0 B");
        assert_eq!(shown(1000), "1000 B");
        assert_eq!(shown(1024), "1 KiB");
        assert_eq!(shown(1536 * 1024), "1536 KiB");
        assert_eq!(shown(64 << 20), "64 MiB");
        assert_eq!(shown(u64::MAX), "18446744073709551615 B");
        let shown = |millis| Span(Duration::from_millis(millis)).to_string();
        assert_eq!(shown(0), "0 s");
        assert_eq!(shown(1500), "1500 ms");
        assert_eq!(shown(30_000), "30 s");
        assert_eq!(shown(300_000), "5 min");
        assert_eq!(shown(7_200_000), "2 h");
        assert_eq!(shown(604_800_000), "7 d");
        assert_eq!(Span(Duration::MAX).to_string(), "18446744073709551615999999999 ns");
    }

    #[test]
    fn the_blank_is_optional() {
        assert_eq!("64MiB".parse(), Ok(ByteSize(64 << 20)));
        assert_eq!("64 MiB".parse(), Ok(ByteSize(64 << 20)));
        assert_eq!("30s".parse(), Ok(Span(Duration::from_secs(30))));
        assert!("64  MiB".parse::<ByteSize>().is_err());
    }

    #[test]
    fn the_largest_size_is_one_byte_under_2_to_the_64() {
        assert_eq!("18446744073709551615 B".parse(), Ok(ByteSize(u64::MAX)));
        assert!("18446744073709551616 B".parse::<ByteSize>().is_err());
        assert_eq!("16777215 TiB".parse(), Ok(ByteSize(16_777_215 << 40)));
        assert!("16777216 TiB".parse::<ByteSize>().is_err());
        assert!("18446744073709551615 s".parse::<Span>().is_ok());
        assert!("18446744073709551616 s".parse::<Span>().is_err());
        assert!(format!("{} d", "9".repeat(1000)).parse::<Span>().is_err());
    }

    #[test]
    fn every_refusal_says_what_to_type() {
        let size = |text: &str| {
            let error = text.parse::<ByteSize>().expect_err(text);
            format!("{error}; hint: {}", error.hint())
        };
        let time = |text: &str| {
            let error = text.parse::<Span>().expect_err(text);
            format!("{error}; hint: {}", error.hint())
        };
        let lines = [
            size(""),
            size("64"),
            size("64 MB"),
            size("64 mib"),
            size("1.5 MiB"),
            size("-1 B"),
            size("+1 B"),
            size("MiB"),
            size("64 parsecs"),
            size("99999999999999999999 TiB"),
            time("30"),
            time("30 sec"),
            time("5 m"),
            time("1,5 s"),
            time("soon"),
            time("3 weeks"),
        ];
        insta::assert_snapshot!(lines.join("\n"), @"
        `` is not a size: it does not start with a whole number; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `64` is not a size: it has no unit; hint: write `64 B` or `64 KiB`
        `64 MB` is not a size: its unit is unknown; hint: did you mean `64 MiB`?
        `64 mib` is not a size: its unit is unknown; hint: did you mean `64 MiB`?
        `1.5 MiB` is not a size: only whole numbers are allowed; hint: use a smaller unit and a whole number
        `-1 B` is not a size: it does not start with a whole number; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `+1 B` is not a size: it does not start with a whole number; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `MiB` is not a size: it does not start with a whole number; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `64 parsecs` is not a size: its unit is unknown; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `99999999999999999999 TiB` is not a size: it is too much; hint: write a whole number and B, KiB, MiB, GiB or TiB, like `64 MiB`
        `30` is not a length of time: it has no unit; hint: write `30 s` or `30 ms`
        `30 sec` is not a length of time: its unit is unknown; hint: did you mean `30 s`?
        `5 m` is not a length of time: its unit is unknown; hint: did you mean `5 min`?
        `1,5 s` is not a length of time: only whole numbers are allowed; hint: use a smaller unit and a whole number
        `soon` is not a length of time: it does not start with a whole number; hint: write a whole number and ms, s, min, h or d, like `30 s`
        `3 weeks` is not a length of time: its unit is unknown; hint: write a whole number and ms, s, min, h or d, like `30 s`
        ");
    }

    #[test]
    fn json_is_as_strict_as_the_text() {
        assert_eq!(serde_json::to_string(&ByteSize(2048)).expect("text"), "\"2 KiB\"");
        assert!(serde_json::from_str::<ByteSize>("\"2 KiB\"").is_ok());
        assert!(serde_json::from_str::<ByteSize>("2048").is_err());
        assert!(serde_json::from_str::<Span>("\"2 KiB\"").is_err());
    }

    proptest! {
        #[test]
        fn every_amount_survives_its_text(bytes: u64, seconds: u64, nanos in 0_u32..1_000_000_000) {
            assert_eq!(ByteSize(bytes).to_string().parse(), Ok(ByteSize(bytes)));
            let span = Span(Duration::new(seconds, nanos));
            assert_eq!(span.to_string().parse(), Ok(span));
        }

        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9]{0,40} ?\\PC{0,6}") {
            drop(text.parse::<ByteSize>().map_err(|error| error.hint()));
            drop(text.parse::<Span>().map_err(|error| error.hint()));
        }
    }
}
