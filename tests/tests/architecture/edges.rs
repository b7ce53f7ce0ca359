//! What happens in one place only: reading the environment and the clock, printing, `unsafe`.
//!
//! Tests are left out, except for `unsafe`. An exception that is no longer needed is an error too.

use ax_tests::program;

use crate::source;
use crate::source::Source;

/// Something that few places may do.
struct Edge {
    /// What it is called in the code.
    words: &'static [&'static str],
    /// The module whose job it is, as the beginning of a path below `host/src`.
    home: &'static [&'static str],
    /// Files elsewhere that do it too, and why.
    exceptions: &'static [(&'static str, &'static str)],
}

const ENVIRONMENT: Edge = Edge {
    words: &[
        "env::var(",
        "env::var_os(",
        "env::vars(",
        "env::vars_os(",
        "env::home_dir(",
        "env::set_var(",
        "env::remove_var(",
        "option_env!(",
    ],
    home: &["config/"],
    exceptions: &[],
};

const PRINTING: Edge = Edge {
    words: &["print!(", "println!(", "eprint!(", "eprintln!(", "dbg!(", "stdout()", "stderr()"],
    home: &["cli/output.rs"],
    exceptions: &[
        ("plugin/jail.rs", "the child of the compile jail speaks to its parent by its own streams"),
        ("cli/audit.rs", "an export is written as it is read: it may be larger than memory"),
        ("cli/prompt.rs", "asks whether standard error is a terminal; writes nothing"),
    ],
};

const READING: Edge = Edge {
    words: &["stdin("],
    home: &["cli/mod.rs"],
    exceptions: &[
        ("plugin/jail.rs", "the component to compile comes on standard input"),
        ("cli/prompt.rs", "asks whether standard input is a terminal"),
        ("project/toolchain.rs", "the toolchain of a project is given nothing to read"),
    ],
};

const TIME: Edge = Edge {
    words: &["Instant::now(", "SystemTime::now(", "Timestamp::now(", "Zoned::now(", "Utc::now("],
    home: &["clock.rs"],
    exceptions: &[],
};

const EXITING: Edge = Edge {
    words: &["process::exit(", "process::abort("],
    home: &[],
    exceptions: &[("cli/stop.rs", "does what a signal did before somebody listened to it")],
};

/// Lists where an edge is crossed without leave, and which leave nobody uses.
fn crossed(edge: &Edge) -> Vec<String> {
    let sources = source::sources(&program::repository().join("host/src"));
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let is_home = edge.home.iter().any(|home| source.file.starts_with(home));
        let is_excepted = edge.exceptions.iter().any(|(file, _)| *file == source.file);
        if !is_home && !is_excepted {
            found.extend(places(source, edge.words));
        }
    }
    for (file, why) in edge.exceptions {
        let is_used = sources
            .iter()
            .any(|source| source.file == *file && !places(source, edge.words).is_empty());
        if !is_used {
            found.push(format!("{file} needs its exception no longer ({why})"));
        }
    }
    found
}

fn places(source: &Source, words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for word in words {
        for at in source::find_word(&source.code, word) {
            let line = source::line_of(&source.code, at);
            found.push(format!("{}:{line}: {word}", source.file));
        }
    }
    found
}

#[test]
fn only_config_reads_the_environment() {
    assert_eq!(crossed(&ENVIRONMENT), Vec::<String>::new());
}

#[test]
fn only_output_prints() {
    assert_eq!(crossed(&PRINTING), Vec::<String>::new());
}

#[test]
fn only_the_command_line_reads_standard_input() {
    assert_eq!(crossed(&READING), Vec::<String>::new());
}

#[test]
fn only_the_clock_reads_time() {
    assert_eq!(crossed(&TIME), Vec::<String>::new());
}

#[test]
fn nothing_ends_the_process_but_main() {
    assert_eq!(crossed(&EXITING), Vec::<String>::new());
}

#[test]
fn nothing_else_of_ours_reads_the_environment_or_the_clock_or_prints() {
    for folder in ["manifest/src", "registry/src"] {
        for source in source::sources(&program::repository().join(folder)) {
            for edge in [&ENVIRONMENT, &PRINTING, &READING, &TIME, &EXITING] {
                let found = if source.is_test() { Vec::new() } else { places(&source, edge.words) };
                assert_eq!(found, Vec::<String>::new(), "{folder}");
            }
        }
    }
}

/// The files with `unsafe`, and why; each block says beside it why it is sound.
const UNSAFE: &[(&str, &str)] = &[
    ("host/src/plugin/cache.rs", "maps machine code that was made here"),
    ("host/src/plugin/engine.rs", "maps machine code that was made here"),
    (
        "tests/src/bin/bench-sandbox/permission.rs",
        "counts allocations with an allocator of its own",
    ),
    ("xtask/src/cpu.rs", "asks the system for the CPU time of its children"),
];

#[test]
fn unsafe_code_is_where_machine_code_is_mapped_and_nowhere_else() {
    let (mut found, mut used) = (Vec::new(), Vec::new());
    for folder in ["host/src", "manifest/src", "registry/src", "tests", "xtask/src"] {
        for source in source::sources(&program::repository().join(folder)) {
            let path = format!("{folder}/{}", source.file);
            // Guests are programs of their own, compiled for another machine.
            let is_guest = ["tests/guests/", "tests/accept/"].iter().any(|at| path.starts_with(at));
            let places = source::find_word(&source.with_tests, "unsafe");
            if is_guest || places.is_empty() {
                continue;
            }
            match UNSAFE.iter().find(|(file, _)| *file == path) {
                Some((file, _)) => used.push(*file),
                None => found.push(path),
            }
        }
    }
    assert_eq!(found, Vec::<String>::new(), "allowed in {UNSAFE:?} alone");
    let listed: Vec<&str> = UNSAFE.iter().map(|(file, _)| *file).collect();
    assert_eq!(used, listed, "an exception is needed no longer");
}
