//! The names that this process asked under last.
//!
//! A name is made for one request, from time and chance, so one that comes again is a mistake of whoever
//! made it; its second request would have no row of its own.
//!
//! Invariant: of the last [`NAMES_MAX`] none is taken twice.

use std::collections::HashSet;
use std::collections::VecDeque;

use crate::chat::RequestId;

/// Names that are remembered: a MiB, and minutes of the busiest process.
const NAMES_MAX: usize = 16_384;

/// The last names, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Names {
    order: VecDeque<RequestId>,
    known: HashSet<RequestId>,
}

impl Names {
    /// Takes a name; false if it was taken before.
    pub(super) fn take(&mut self, id: RequestId) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        if self.order.len() == NAMES_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(id);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_once_as_long_as_it_is_remembered() {
        let mut names = Names::default();
        let name = |it: usize| RequestId(uuid::Uuid::from_u128(it as u128));
        assert!((0..NAMES_MAX).all(|it| names.take(name(it))));
        assert!(!names.take(name(0)) && !names.take(name(NAMES_MAX - 1)));
        assert!(names.take(name(NAMES_MAX)), "one more");
        assert!(!names.take(name(1)));
        assert!(names.take(name(0)), "it was the oldest");
        assert_eq!((names.order.len(), names.known.len()), (NAMES_MAX, NAMES_MAX));
    }
}
