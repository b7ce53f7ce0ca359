//! What headers say of rate limits, and how long to wait.
//!
//! ```text
//! retry-after-ms, retry-after      what the provider wants: seconds, or a date (RFC 9110 §10.2.3)
//! anthropic-ratelimit-D-{limit,remaining,reset}      resets are RFC 3339
//! x-ratelimit-{limit,remaining,reset}-D              resets are durations, `6m0s` (OpenAI)
//! ```
//!
//! Invariant: whatever a header says, nothing overflows and no wait is longer than [`WAIT_MAX`]; what
//! makes no sense is as if it were not there.
//! Not here: whether one waits (`router`); waits that stand in a body (the dialects, by [`duration`]).

use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

/// The longest wait that is believed: a monthly quota's.
pub const WAIT_MAX: Duration = Duration::from_secs(31 * 24 * 3600);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Requests.
    Requests,
    /// Tokens in all.
    Tokens,
    /// Tokens that are read.
    InputTokens,
    /// Tokens that are written.
    OutputTokens,
}

/// How much of one kind is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// What is counted.
    pub dimension: Dimension,
    /// How many in a window.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: Option<u64>,
    /// When there are more: wall time in milliseconds since 1970 UTC.
    pub reset_at_ms: Option<u64>,
}

/// What a provider says of its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateLimits {
    /// One row for each dimension that it told of.
    pub rows: Vec<RateLimit>,
    /// When it wants to be asked again: wall time in milliseconds since 1970 UTC.
    pub retry_at_ms: Option<u64>,
}

impl Dimension {
    const ALL: [Self; 4] = [Self::Requests, Self::Tokens, Self::InputTokens, Self::OutputTokens];

    /// The word for it, as headers have it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Tokens => "tokens",
            Self::InputTokens => "input-tokens",
            Self::OutputTokens => "output-tokens",
        }
    }
}

impl RateLimits {
    /// Reads what headers say at `now_ms`, wall time in milliseconds.
    #[must_use]
    pub fn read(headers: &HeaderMap, now_ms: u64) -> Self {
        // Two dozen names are looked for, in vain where nobody limits anything.
        let is_limited = headers.keys().any(|name| name.as_str().contains("ratelimit"));
        let dimensions = Dimension::ALL.into_iter().filter(|_| is_limited);
        let rows = dimensions.filter_map(|it| row(headers, it, now_ms)).collect();
        let retry_at_ms = retry_after(headers, now_ms).map(|wait| later(now_ms, wait));
        Self { rows, retry_at_ms }
    }

    /// Answers whether nothing was told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.retry_at_ms.is_none()
    }

    /// Returns how long to wait from `now_ms` on: what the provider wants, or else until the last of the
    /// dimensions that are exhausted has more.
    #[must_use]
    pub fn wait(&self, now_ms: u64) -> Option<Duration> {
        let exhausted = self.rows.iter().filter(|row| row.remaining == Some(0));
        let at_ms = self.retry_at_ms.or_else(|| exhausted.filter_map(|it| it.reset_at_ms).max())?;
        Some(Duration::from_millis(at_ms.saturating_sub(now_ms)).min(WAIT_MAX))
    }
}

fn row(headers: &HeaderMap, dimension: Dimension, now_ms: u64) -> Option<RateLimit> {
    let word = dimension.word();
    let text = |field: &str| {
        let claude = format!("anthropic-ratelimit-{word}-{field}");
        let openai = format!("x-ratelimit-{field}-{word}");
        header(headers, &claude).or_else(|| header(headers, &openai))
    };
    let number = |field: &str| text(field).and_then(|text| text.parse::<u64>().ok());
    let (limit, remaining) = (number("limit"), number("remaining"));
    let reset_at_ms = text("reset").and_then(|text| reset(text, now_ms));
    let is_there = limit.is_some() || remaining.is_some() || reset_at_ms.is_some();
    is_there.then_some(RateLimit { dimension, limit, remaining, reset_at_ms })
}

/// Reads how long a provider wants to be left alone.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now_ms: u64) -> Option<Duration> {
    if let Some(ms) = header(headers, "retry-after-ms").and_then(number) {
        return Some(bounded(ms / 1_000.0));
    }
    let text = header(headers, "retry-after")?;
    if let Some(seconds) = number(text) {
        return Some(bounded(seconds));
    }
    // IMF-fixdate is a date of RFC 2822 whose zone is GMT.
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(until(date.timestamp().as_millisecond(), now_ms))
}

/// Reads a duration as Go writes it: `6m0s`, `1h2m3.5s`, `20ms`. OpenAI's resets and Gemini's
/// `RetryInfo.retryDelay` are such.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    /// Characters of a duration: more is none.
    const CHARS_MAX: usize = 40;
    if text.is_empty() || text.len() > CHARS_MAX {
        return None;
    }
    let (mut seconds, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let count: f64 = rest[..end].parse().ok()?;
        let units = [
            ("ms", 0.001),
            ("us", 0.000_001),
            ("µs", 0.000_001),
            ("ns", 0.000_000_001),
            ("s", 1.0),
            ("m", 60.0),
            ("h", 3_600.0),
            ("d", 86_400.0),
        ];
        let after = &rest[end..];
        let (unit, of_it) = units.into_iter().find(|(unit, _)| after.starts_with(unit))?;
        seconds += count * of_it;
        rest = &after[unit.len()..];
    }
    Some(bounded(seconds))
}

/// Reads when there is more: RFC 3339, a duration, seconds, or seconds or milliseconds since 1970 as
/// some that are compatible with OpenAI write them.
fn reset(text: &str, now_ms: u64) -> Option<u64> {
    /// Greater numbers are no wait in seconds, but a time: 1e9 s is 2001, and 30 years.
    const SECONDS_MAX: f64 = 1e9;
    /// Greater ones are milliseconds: 1e11 s is the year 5138.
    const EPOCH_SECONDS_MAX: f64 = 1e11;
    let wait = match number(text) {
        Some(seconds) if seconds < SECONDS_MAX => bounded(seconds),
        Some(seconds) if seconds < EPOCH_SECONDS_MAX => until((seconds * 1e3) as i64, now_ms),
        Some(ms) => until(ms as i64, now_ms),
        None => match text.parse::<Timestamp>() {
            Ok(time) => until(time.as_millisecond(), now_ms),
            Err(_) => duration(text)?,
        },
    };
    Some(later(now_ms, wait))
}

/// Returns the time from `now_ms` to `at_ms`, none of it if that is over.
fn until(at_ms: i64, now_ms: u64) -> Duration {
    let at_ms = u64::try_from(at_ms).unwrap_or(0);
    Duration::from_millis(at_ms.saturating_sub(now_ms)).min(WAIT_MAX)
}

fn later(now_ms: u64, wait: Duration) -> u64 {
    now_ms.saturating_add(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// Reads a number of zero or more.
fn number(text: &str) -> Option<f64> {
    let is_number = text.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    text.parse::<f64>().ok().filter(|number| is_number && number.is_finite())
}

fn bounded(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(WAIT_MAX).min(WAIT_MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// 2026-11-22T05:00:00Z.
    const NOW_MS: u64 = 1_795_323_600_000;

    fn headers(rows: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in rows {
            let name: http::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        headers
    }

    fn wait_ms(rows: &[(&str, &str)]) -> Option<u128> {
        RateLimits::read(&headers(rows), NOW_MS).wait(NOW_MS).map(|wait| wait.as_millis())
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        for (name, value, wanted) in [
            ("retry-after", "2", Some(2_000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", "0", Some(0)),
            ("retry-after-ms", "1500", Some(1_500)),
            ("retry-after", "Sun, 22 Nov 2026 05:00:07 GMT", Some(7_000)),
            ("retry-after", "Sun, 22 Nov 2026 04:00:00 GMT", Some(0)),
            ("retry-after", "99999999999999999999", Some(WAIT_MAX.as_millis())),
            ("retry-after", "-1", None),
            ("retry-after", "inf", None),
            ("retry-after", "nan", None),
            ("retry-after", "1e3", None),
            ("retry-after", "soon", None),
            ("retry-after", "", None),
        ] {
            assert_eq!(wait_ms(&[(name, value)]), wanted, "{name}: {value}");
        }
        let both = [("retry-after", "9"), ("retry-after-ms", "1")];
        assert_eq!(wait_ms(&both), Some(1), "the finer one counts");
    }

    #[test]
    fn every_form_of_duration_is_read() {
        for (text, wanted) in [
            ("1s", Some(1_000)),
            ("6m0s", Some(360_000)),
            ("1h2m3.5s", Some(3_723_500)),
            ("20ms", Some(20)),
            ("34.074824224s", Some(34_074)),
            ("1d", Some(86_400_000)),
            ("10h", Some(36_000_000)),
            ("", None),
            ("s", None),
            ("5", None),
            ("5x", None),
            ("1s5", None),
            ("1.2.3s", None),
            ("-1s", None),
            ("999999999999999999999999999999999d", Some(WAIT_MAX.as_millis())),
        ] {
            assert_eq!(duration(text).map(|it| it.as_millis()), wanted, "{text}");
        }
    }

    #[test]
    fn the_exhausted_dimension_is_waited_for() {
        let claude = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-11-22T05:00:01Z"),
            ("anthropic-ratelimit-input-tokens-limit", "1000"),
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-22T05:00:42Z"),
        ];
        assert_eq!(wait_ms(&claude), Some(42_000));
        let openai = [
            ("x-ratelimit-remaining-requests", "0"),
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-ratelimit-reset-tokens", "1s"),
        ];
        assert_eq!(wait_ms(&openai), Some(360_000), "the last of them");
        let explicit = [&openai[..], &[("retry-after", "3")]].concat();
        assert_eq!(wait_ms(&explicit), Some(3_000), "what is wanted goes first");
        assert_eq!(wait_ms(&claude[..3]), None, "nothing is exhausted");
    }

    #[test]
    fn what_is_left_is_told_by_dimension() {
        let limits = RateLimits::read(
            &headers(&[
                ("x-ratelimit-limit-requests", "60"),
                ("x-ratelimit-remaining-requests", "59"),
                ("x-ratelimit-reset-requests", "1s"),
                ("anthropic-ratelimit-output-tokens-remaining", "7"),
                ("x-ratelimit-limit-tokens", "many"),
            ]),
            NOW_MS,
        );
        let requests = RateLimit {
            dimension: Dimension::Requests,
            limit: Some(60),
            remaining: Some(59),
            reset_at_ms: Some(NOW_MS + 1_000),
        };
        let written = RateLimit {
            dimension: Dimension::OutputTokens,
            limit: None,
            remaining: Some(7),
            reset_at_ms: None,
        };
        assert_eq!(limits.rows, [requests, written]);
        assert!(!limits.is_empty());
        assert!(RateLimits::read(&HeaderMap::new(), NOW_MS).is_empty());
    }

    #[test]
    fn a_reset_may_be_a_time_or_a_number() {
        for (value, wanted) in [
            ("2.5", 2_500),
            ("1795323605", 5_000),
            ("1795323606000", 6_000),
            ("2026-11-22T06:00:07+01:00", 7_000),
            ("1", 1_000),
        ] {
            let rows = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", value)];
            assert_eq!(wait_ms(&rows), Some(wanted), "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic_or_wait_for_ever(text in "\\PC{0,40}") {
            let mut headers = HeaderMap::new();
            if let Ok(value) = http::HeaderValue::from_str(&text) {
                headers.insert("retry-after", value.clone());
                headers.insert("x-ratelimit-remaining-tokens", "0".parse().unwrap());
                headers.insert("x-ratelimit-reset-tokens", value);
            }
            let wait = RateLimits::read(&headers, NOW_MS).wait(NOW_MS);
            prop_assert!(wait.is_none_or(|wait| wait <= WAIT_MAX));
            prop_assert!(duration(&text).is_none_or(|wait| wait <= WAIT_MAX));
        }
    }
}
