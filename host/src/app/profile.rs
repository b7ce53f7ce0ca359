//! Where the time of a tool goes, by its functions as their author knows them.
//!
//! Not here: taking samples (`plugin`), the file that a profiler opens (`cli`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ax_manifest::Digest;
use serde::Serialize;

use super::backtrace::{Located, SourceMap};
use crate::plugin::Profile;

/// Functions that are listed for their own time.
const LISTED: usize = 10;

/// Percent of all samples from which on one of the plugin's own functions is listed too.
const LISTED_PERCENT: usize = 5;

/// Samples with the source they belong to.
#[derive(Debug)]
pub struct Profiled {
    /// The stacks, the innermost function first.
    pub stacks: Vec<Vec<Located>>,
    /// The function that the time of each stack is of: what a compiler put into it is no call.
    pub leaves: Vec<Located>,
    /// When something was seen, in microseconds since the start, and which stack it was.
    pub samples: Vec<(u64, usize)>,
    /// Samples that there was no room for.
    pub dropped: u64,
}

/// The time of one function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FunctionTime {
    /// Its name.
    pub function: String,
    /// The file it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Whether it is the plugin's own.
    pub is_own: bool,
    /// Samples in it, not in what it calls.
    pub self_samples: usize,
    /// Samples in it or in what it calls.
    pub total_samples: usize,
}

impl Profiled {
    /// Adds to a profile what is known of the source of `component`, seen from `here`; `toolchains` keep
    /// what was built.
    #[must_use]
    pub fn of(profile: Profile, toolchains: &Path, here: &Path, component: &Digest) -> Self {
        let Profile { stacks, samples, dropped, .. } = profile;
        let source = SourceMap::of(toolchains, here, component, stacks.iter().flatten());
        let located = |stack: &Vec<_>| {
            let leaf = leaf(stack.first().map(|it| source.locate(it)).unwrap_or_default());
            (stack.iter().flat_map(|it| source.locate(it)).collect(), leaf)
        };
        let (stacks, leaves) = stacks.iter().map(located).unzip();
        Self { stacks, leaves, samples, dropped }
    }

    /// Lists the functions with the most time of their own, and the plugin's own that are in a good
    /// part of all samples; most of its own time first.
    #[must_use]
    pub fn functions(&self) -> Vec<FunctionTime> {
        let mut times: BTreeMap<(&str, Option<&str>), FunctionTime> = BTreeMap::new();
        for (_, stack) in &self.samples {
            let (stack, leaf) = (&self.stacks[*stack], key(&self.leaves[*stack]));
            let mut seen = BTreeSet::new();
            for located in stack {
                let key = key(located);
                let time = times.entry(key).or_insert_with(|| FunctionTime {
                    function: located.function.clone(),
                    file: located.file.clone(),
                    is_own: located.is_own,
                    self_samples: 0,
                    total_samples: 0,
                });
                // Who calls itself is in the sample once.
                if seen.insert(key) {
                    time.total_samples += 1;
                    time.self_samples += usize::from(key == leaf);
                }
            }
        }
        let mut times: Vec<_> = times.into_values().collect();
        times.sort_by_key(|time| std::cmp::Reverse((time.self_samples, time.total_samples)));
        let all = self.samples.len();
        let is_large = |time: &FunctionTime| time.total_samples * 100 >= all * LISTED_PERCENT;
        let mut place = 0;
        times.retain(|time| {
            place += 1;
            (place <= LISTED && time.self_samples > 0) || (time.is_own && is_large(time))
        });
        times.truncate(2 * LISTED);
        times
    }
}

/// Of functions that a compiler put into each other, chooses the plugin's own that is innermost, or the
/// one that the others were put into.
fn leaf(mut located: Vec<Located>) -> Located {
    let own = located.iter().position(|it| it.is_own);
    let chosen = own.or(located.len().checked_sub(1));
    let nothing = || Located {
        function: "?".to_owned(),
        file: None,
        line: None,
        column: None,
        is_own: false,
    };
    chosen.map_or_else(nothing, |at| located.swap_remove(at))
}

fn key(located: &Located) -> (&str, Option<&str>) {
    (located.function.as_str(), located.file.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(function: &str, is_own: bool) -> Located {
        Located { function: function.to_owned(), file: None, line: None, column: None, is_own }
    }

    #[test]
    fn a_function_has_time_of_its_own_and_of_what_it_calls() {
        let work = || located("work", true);
        let profiled = Profiled {
            stacks: vec![vec![located("next", false), work(), work()], vec![work()]],
            leaves: vec![located("next", false), work()],
            samples: vec![(0, 0), (1, 0), (2, 1)],
            dropped: 0,
        };
        let times = profiled.functions();
        let seen: Vec<_> = times
            .iter()
            .map(|time| (time.function.as_str(), time.self_samples, time.total_samples))
            .collect();
        assert_eq!(seen, [("next", 2, 2), ("work", 1, 3)]);
    }

    #[test]
    fn the_time_of_what_was_put_into_a_function_is_its_own() {
        let own = vec![located("lt", false), located("inner", true), located("outer", true)];
        assert_eq!(leaf(own).function, "inner");
        let library = vec![located("lt", false), located("sort", false)];
        assert_eq!(leaf(library).function, "sort");
    }
}
