//! What a client gives back when it comes with answers: words without meaning, whose meaning stays here.
//!
//! Invariant: each is good for one call of one tool.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::{Mutex, PoisonError};

/// States that wait for their client; with one more, the one that sorts first is forgotten.
const STATES_MAX: usize = 1_000;

/// Random bytes of a state: nobody guesses one.
const STATE_BYTES: usize = 16;

/// Rounds of questions that were asked.
#[derive(Default)]
pub(crate) struct States(Mutex<BTreeMap<String, Round>>);

/// How far the questions of one tool are.
struct Round {
    tool: String,
    number: usize,
}

impl States {
    /// Makes a state for the next round of a tool.
    pub(crate) fn give(&self, tool: &str, number: usize) -> std::io::Result<String> {
        let mut bytes = [0; STATE_BYTES];
        fs_err::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let state: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= STATES_MAX {
            held.pop_first();
        }
        held.insert(state.clone(), Round { tool: tool.to_owned(), number });
        Ok(state)
    }

    /// Takes one back: its round, if it was given for this tool and is not used up.
    pub(crate) fn take(&self, tool: &str, state: &str) -> Option<usize> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_right = held.get(state).is_some_and(|round| round.tool == tool);
        is_right.then(|| held.remove(state)).flatten().map(|round| round.number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_good_once_and_for_its_tool_alone() {
        let states = States::default();
        let state = states.give("a", 2).unwrap();
        assert_eq!(states.take("b", &state), None);
        assert_eq!(states.take("a", &format!("{state}0")), None);
        assert_eq!(states.take("a", &state), Some(2));
        assert_eq!(states.take("a", &state), None);
    }

    #[test]
    fn no_more_states_are_kept_than_the_limit() {
        let states = States::default();
        for _ in 0..=STATES_MAX {
            states.give("a", 0).unwrap();
        }
        assert_eq!(states.0.lock().unwrap().len(), STATES_MAX);
    }
}
