//! Everything that goes wrong with an answer, and what must come of it.
//!
//! Invariant: what happens to an attempt follows from the seed, the request and the number of the attempt
//! alone, whoever else is asked at the same time.

use std::fmt;

use ax_host::chat::Class;

/// What an upstream does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Answers as it should.
    None,
    /// The same, with a pause before the first word that is within the bound.
    Slow,
    /// The same, under the name of another type.
    WrongType,
    /// 429, to be asked again at once.
    LimitedNow,
    /// 429, to be asked again in two seconds.
    LimitedSoon,
    /// 429, to be asked again after more time than anybody waits.
    LimitedLong,
    /// 500.
    Broken,
    /// 503.
    Unavailable,
    /// 529.
    Overloaded,
    /// 400.
    Refused,
    /// Sends somebody elsewhere.
    Redirect,
    /// Shows a page for people.
    Page,
    /// Resets the connection before a byte of the answer.
    Reset,
    /// Closes it within the head.
    CutHead,
    /// Closes it before the first content.
    CutEarly,
    /// Closes it after some content.
    CutLate,
    /// Never begins.
    Silent,
    /// Begins, and says no word.
    Mute,
    /// Says some words, and then no more.
    Still,
    /// Writes what is not JSON.
    NotJson,
    /// Writes what is not UTF-8.
    NotUtf8,
    /// Writes a line that does not end.
    EndlessLine,
    /// Writes events for ever.
    EndlessStream,
    /// Promises more bytes than it sends.
    Promises,
    /// Promises fewer.
    Understates,
    /// Sends nothing but a head.
    Empty,
}

use Fault as F;

impl Fault {
    /// All of them.
    pub const ALL: [Self; 26] = [
        F::None,
        F::Slow,
        F::WrongType,
        F::LimitedNow,
        F::LimitedSoon,
        F::LimitedLong,
        F::Broken,
        F::Unavailable,
        F::Overloaded,
        F::Refused,
        F::Redirect,
        F::Page,
        F::Reset,
        F::CutHead,
        F::CutEarly,
        F::CutLate,
        F::Silent,
        F::Mute,
        F::Still,
        F::NotJson,
        F::NotUtf8,
        F::EndlessLine,
        F::EndlessStream,
        F::Promises,
        F::Understates,
        F::Empty,
    ];

    /// Chooses for an attempt: nothing for two in five, everything else alike.
    #[must_use]
    pub fn of(seed: u64, request: u64, attempt: u32) -> Self {
        let number = number(seed, request, 1_000 + u64::from(attempt));
        if number % 5 < 2 {
            return F::None;
        }
        let others = &Self::ALL[1..];
        others[index(number / 5, others.len())]
    }

    /// Answers whether an attempt may bring the whole answer. A stream says itself where it ends, so that
    /// a wrong length does not matter if it is at its end.
    #[must_use]
    pub fn may_succeed(self, is_streamed: bool) -> bool {
        match self {
            F::None | F::Slow | F::WrongType => true,
            F::Promises | F::Understates => is_streamed,
            _ => false,
        }
    }

    /// Answers whether an attempt may end with an error of this class.
    #[must_use]
    pub fn may_fail_as(self, class: Class) -> bool {
        match self {
            F::None | F::Slow | F::WrongType => false,
            F::LimitedNow | F::LimitedSoon | F::LimitedLong => class == Class::RateLimit,
            // Claude's word for it is a limit, others have none.
            F::Overloaded => matches!(class, Class::RateLimit | Class::Transient),
            F::Refused => class == Class::CallerFault,
            F::Redirect | F::Page => class == Class::ModelGone,
            F::Broken
            | F::Unavailable
            | F::Reset
            | F::CutHead
            | F::CutEarly
            | F::CutLate
            | F::Silent
            | F::Mute
            | F::Still
            | F::NotJson
            | F::NotUtf8
            | F::EndlessLine
            | F::EndlessStream
            | F::Promises
            | F::Understates
            | F::Empty => class == Class::Transient,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// Draws a number for a request; `what` names the draw. SplitMix64's mixing.
pub(super) fn number(seed: u64, request: u64, what: u64) -> u64 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mix = |mut it: u64| {
        it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        it ^ (it >> 31)
    };
    let once = mix(seed.wrapping_add(request.wrapping_mul(STEP)));
    mix(once ^ what.wrapping_mul(STEP))
}

/// Brings a drawn number below a count.
pub(super) fn index(number: u64, count: usize) -> usize {
    usize::try_from(number % count as u64).expect("it is below a count")
}
