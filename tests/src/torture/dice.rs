//! Numbers that follow from a seed, so that a run can be had again.

/// Draws numbers (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Draws a number from 1 to `most`.
    pub(super) fn upto(&mut self, most: u64) -> u64 {
        self.next() % most.max(1) + 1
    }

    /// Draws one of several.
    pub(super) fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        let at = self.next() % all.len() as u64;
        &all[usize::try_from(at).unwrap_or(0)]
    }
}
