//! A profile as the Firefox profiler opens it, <https://profiler.firefox.com>.
//!
//! Its "processed profile format", of a version that it brings up to its own: tables in columns that
//! name each other by index. Libraries in other languages write the same one without files and lines,
//! which here are the point.
//!
//! Not here: where samples come from (`plugin`, `app`).

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::app::{Located, Profiled};

/// The version of the format.
const FORMAT: u32 = 55;

/// Places in `meta.categories`.
const OWN: usize = 0;
const LIBRARY: usize = 1;

/// Gives everything a number, the same to the same.
#[derive(Default)]
struct Interned<T> {
    all: Vec<T>,
    known: HashMap<T, usize>,
}

impl<T: Clone + Eq + std::hash::Hash> Interned<T> {
    fn index(&mut self, item: T) -> usize {
        *self.known.entry(item.clone()).or_insert_with(|| {
            self.all.push(item);
            self.all.len() - 1
        })
    }

    fn column<C: Into<Value>>(&self, cell: impl Fn(&T) -> C) -> Vec<Value> {
        self.all.iter().map(|item| cell(item).into()).collect()
    }
}

/// A function: its name and file in the table of strings, and whether it is the plugin's own.
type Function = (usize, Option<usize>, bool);
/// A place in a function: that, its line and its column.
type Frame = (usize, Option<u32>, Option<u32>);
/// A stack: the one of the caller, and the frame on top of it.
type Stack = (Option<usize>, usize);

/// The tables of the one thread there is.
#[derive(Default)]
struct Tables {
    strings: Interned<String>,
    functions: Interned<Function>,
    frames: Interned<Frame>,
    stacks: Interned<Stack>,
}

impl Tables {
    /// Returns the stack of these functions, the innermost first.
    fn stack(&mut self, located: &[Located]) -> Option<usize> {
        located.iter().rev().fold(None, |caller, it| {
            let name = self.strings.index(it.function.clone());
            let file = it.file.clone().map(|file| self.strings.index(file));
            let function = self.functions.index((name, file, it.is_own));
            let frame = self.frames.index((function, it.line, it.column));
            Some(self.stacks.index((caller, frame)))
        })
    }

    fn category(&self, frame: usize) -> usize {
        let (function, ..) = self.frames.all[frame];
        if self.functions.all[function].2 { OWN } else { LIBRARY }
    }

    fn frame_table(&self) -> Value {
        let length = self.frames.all.len();
        let category: Vec<usize> = (0..length).map(|frame| self.category(frame)).collect();
        json!({
            "length": length,
            "address": vec![-1; length],
            "inlineDepth": vec![0; length],
            "category": category,
            "subcategory": vec![0; length],
            "func": self.frames.column(|(function, ..)| *function),
            "nativeSymbol": vec![Value::Null; length],
            "innerWindowID": vec![0; length],
            "line": self.frames.column(|(_, line, _)| *line),
            "column": self.frames.column(|(.., column)| *column),
        })
    }

    fn function_table(&self) -> Value {
        let length = self.functions.all.len();
        json!({
            "length": length,
            "name": self.functions.column(|(name, ..)| *name),
            "isJS": vec![false; length],
            "relevantForJS": vec![false; length],
            "resource": vec![-1; length],
            "fileName": self.functions.column(|(_, file, _)| *file),
            "lineNumber": vec![Value::Null; length],
            "columnNumber": vec![Value::Null; length],
        })
    }

    fn stack_table(&self) -> Value {
        json!({
            "length": self.stacks.all.len(),
            "prefix": self.stacks.column(|(caller, _)| *caller),
            "frame": self.stacks.column(|(_, frame)| *frame),
        })
    }
}

/// Writes a profile of the tool `name` that began at this time, in milliseconds since 1970.
pub(super) fn profile(name: &str, began_ms: u64, profiled: &Profiled) -> Value {
    let mut tables = Tables::default();
    let stacks: Vec<Option<usize>> =
        profiled.stacks.iter().map(|stack| tables.stack(stack)).collect();
    let time: Vec<f64> =
        profiled.samples.iter().map(|(at_us, _)| *at_us as f64 / 1_000.0).collect();
    let end = time.last().copied().unwrap_or(0.0);
    let length = time.len();
    let samples = json!({
        "length": length,
        "weightType": "samples",
        "stack": profiled.samples.iter().map(|(_, stack)| stacks[*stack]).collect::<Vec<_>>(),
        "time": time,
        "weight": vec![1; length],
        "threadCPUDelta": vec![Value::Null; length],
    });
    let thread = json!({
        "frameTable": tables.frame_table(),
        "funcTable": tables.function_table(),
        "markers": empty(&["category", "data", "endTime", "name", "phase", "startTime"]),
        "name": name,
        "isMainThread": true,
        "nativeSymbols": empty(&["address", "functionSize", "libIndex", "name"]),
        "pausedRanges": [],
        "pid": "0",
        "processName": name,
        "processShutdownTime": end,
        "processStartupTime": 0.0,
        "processType": "default",
        "registerTime": 0.0,
        "resourceTable": empty(&["lib", "name", "host", "type"]),
        "samples": samples,
        "stackTable": tables.stack_table(),
        "stringArray": tables.strings.all,
        "tid": "0",
        "unregisterTime": end,
        "showMarkersInTimeline": false,
    });
    json!({
        "meta": meta(name, began_ms),
        "libs": [],
        "threads": [thread],
        "pages": [],
        "profilerOverhead": [],
        "counters": [],
    })
}

fn meta(name: &str, began_ms: u64) -> Value {
    let category = |name: &str, color: &str| json!({ "name": name, "color": color, "subcategories": ["Other"] });
    json!({
        "categories": [category("Plugin", "blue"), category("Libraries", "grey")],
        "debug": false,
        "extensions": empty(&["baseURL", "id", "name"]),
        "interval": 1.0,
        "preprocessedProfileVersion": FORMAT,
        "processType": 0,
        "product": name,
        "sampleUnits": { "time": "ms", "eventDelay": "ms", "threadCPUDelta": "µs" },
        "startTime": began_ms,
        "symbolicated": true,
        "pausedRanges": [],
        "version": 24,
        "usesOnlyOneStackType": true,
        "sourceCodeIsNotOnSearchfox": true,
        "markerSchema": [],
    })
}

/// Makes a table without rows.
fn empty(columns: &[&str]) -> Value {
    let mut table = json!({ "length": 0 });
    for column in columns {
        table[*column] = json!([]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(function: &str, line: u32, is_own: bool) -> Located {
        let file = Some("src/lib.rs".to_owned());
        Located { function: function.to_owned(), file, line: Some(line), column: None, is_own }
    }

    #[test]
    fn tables_name_each_other_and_columns_are_of_one_length() {
        let outer = || located("outer", 9, true);
        let profiled = Profiled {
            stacks: vec![vec![located("inner", 3, false), outer()], vec![outer()]],
            leaves: Vec::new(),
            samples: vec![(1_500, 0), (2_500, 1)],
            dropped: 0,
        };
        let profile = profile("my:a.b", 7, &profiled);
        let thread = &profile["threads"][0];
        assert_eq!(thread["stringArray"], json!(["outer", "src/lib.rs", "inner"]));
        assert_eq!(
            thread["stackTable"],
            json!({ "length": 2, "prefix": [null, 0], "frame": [0, 1] })
        );
        assert_eq!(thread["samples"]["stack"], json!([1, 0]));
        assert_eq!(thread["samples"]["time"], json!([1.5, 2.5]));
        assert_eq!(thread["frameTable"]["line"], json!([9, 3]));
        assert_eq!(thread["frameTable"]["category"], json!([OWN, LIBRARY]));
        for table in ["frameTable", "funcTable", "stackTable", "samples", "markers"] {
            let table = thread[table].as_object().unwrap();
            let columns = table.values().filter_map(Value::as_array);
            let lengths: Vec<usize> = columns.map(Vec::len).collect();
            let all_are = lengths.iter().all(|length| table["length"] == *length);
            assert!(!lengths.is_empty() && all_are, "{table:?}");
        }
    }
}
