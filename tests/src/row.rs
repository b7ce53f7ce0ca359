//! One line of a bench's report, and the statistics behind it.

use std::fmt;
use std::time::Duration;

/// What a figure is held against.
#[derive(Debug, Clone, Copy)]
pub enum Bar {
    /// `ours - raw` at most this.
    Added(Duration),
    /// `ours` at most this.
    AtMost(Duration),
    /// `ours`, in nanoseconds, at most this.
    Nanos(f64),
    /// `ours` at least this many a second, and at least this share of raw.
    Rate { per_second: f64, share: f64 },
    /// `ours` at least this many a second.
    PerSecond(f64),
    /// `ours` at least this share of raw.
    Share(f64),
    /// `ours` at most this many times raw.
    Ratio(f64),
    /// `ours` at most this many KiB.
    Kib(f64),
    /// For information.
    None,
}

/// One figure.
#[derive(Debug, Clone)]
pub struct Row {
    /// What was measured.
    pub name: String,
    /// What it costs here.
    pub ours: f64,
    /// What it costs without us.
    pub raw: Option<f64>,
    /// Of both figures.
    pub unit: &'static str,
    /// What `ours` is held against.
    pub bar: Bar,
    /// Something besides the figure that must hold too.
    pub also: bool,
}

impl Row {
    /// What stands above the lines.
    pub const HEADER: &str = "name                                   ours          raw           ratio  bar                       verdict";

    /// A time in microseconds.
    #[must_use]
    pub fn time(name: &str, ours: Duration, raw: Option<Duration>, bar: Bar) -> Self {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        Self {
            name: name.to_owned(),
            ours: us(ours),
            raw: raw.map(us),
            unit: "us",
            bar,
            also: true,
        }
    }

    /// A time in nanoseconds.
    #[must_use]
    pub fn nanos(name: &str, ours: f64, bar: Bar) -> Self {
        Self { name: name.to_owned(), ours, raw: None, unit: "ns", bar, also: true }
    }

    /// So many a second.
    #[must_use]
    pub fn rate(name: &str, ours: f64, raw: Option<f64>, bar: Bar) -> Self {
        Self { name: name.to_owned(), ours, raw, unit: "/s", bar, also: true }
    }

    /// An amount of memory in KiB.
    #[must_use]
    pub fn memory(name: &str, kib: f64, bar: Bar) -> Self {
        Self { name: name.to_owned(), ours: kib, raw: None, unit: "KiB", bar, also: true }
    }

    /// Answers whether it does not hold what it is held against.
    #[must_use]
    pub fn failed(&self) -> bool {
        let us = |time: Duration| time.as_secs_f64() * 1e6;
        let held = match self.bar {
            Bar::Added(max) => self.ours - self.raw.unwrap_or(0.0) <= us(max),
            Bar::AtMost(max) => self.ours <= us(max),
            Bar::Nanos(max) => self.ours <= max,
            Bar::Rate { per_second, share } => {
                self.ours >= per_second && self.raw.is_none_or(|raw| self.ours / raw >= share)
            }
            Bar::PerSecond(min) => self.ours >= min,
            Bar::Share(share) => self.raw.is_none_or(|raw| self.ours / raw >= share),
            Bar::Ratio(max) => self.raw.is_none_or(|raw| self.ours <= max * raw),
            Bar::Kib(max) => self.ours <= max,
            Bar::None => true,
        };
        !held || !self.also
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let raw = self.raw.map_or("-".to_owned(), |raw| format!("{raw:.2} {}", self.unit));
        let ratio = self.raw.map_or("-".to_owned(), |raw| format!("{:.2}", self.ours / raw));
        let bar = match self.bar {
            Bar::Added(max) => format!("ours - raw <= {} us", max.as_micros()),
            Bar::AtMost(max) if max < Duration::from_millis(1) => {
                format!("<= {} us", max.as_micros())
            }
            Bar::AtMost(max) => format!("<= {} ms", max.as_millis()),
            Bar::Nanos(max) => format!("<= {max} ns"),
            Bar::Rate { per_second, share } => format!(">= {per_second} /s, >= {share} x raw"),
            Bar::PerSecond(min) => format!(">= {min} /s"),
            Bar::Share(share) => format!(">= {share} x raw"),
            Bar::Ratio(max) => format!("<= {max} x raw"),
            Bar::Kib(max) => format!("<= {max} KiB"),
            Bar::None => "-".to_owned(),
        };
        let verdict = match (self.bar, self.failed()) {
            (Bar::None, false) => "INFO",
            (_, false) => "PASS",
            (_, true) => "FAIL",
        };
        let ours = format!("{:.2} {}", self.ours, self.unit);
        write!(f, "{:<38} {ours:<13} {raw:<13} {ratio:<6} {bar:<25} {verdict}", self.name)
    }
}

/// Returns the value below which `percent` of the sorted samples lie.
pub fn percentile(samples: &mut [Duration], percent: usize) -> Duration {
    samples.sort_unstable();
    let at = (samples.len() * percent / 100).min(samples.len().saturating_sub(1));
    samples.get(at).copied().unwrap_or_default()
}
