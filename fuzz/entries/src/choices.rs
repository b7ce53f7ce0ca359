//! The decisions that an input makes, byte by byte.
//!
//! Invariant: an input that ends decides zero, so every input is a whole list of decisions.

/// What is left of an input.
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    /// Begins with the first byte.
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Takes one byte.
    pub(crate) fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or(0)
    }

    /// Takes a number below `end`, which is at most 65,536.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let wide = if end > 256 { usize::from(self.byte()) << 8 } else { 0 };
        (wide | usize::from(self.byte())) % end.max(1)
    }

    /// Takes up to `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Takes everything that is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Answers whether nothing is left to decide.
    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }
}
