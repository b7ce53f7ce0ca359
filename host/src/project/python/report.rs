//! What the SDK says of an author's mistake, among the words of programs.

use serde::Deserialize;

/// What a report begins with.
const MARK: &str = "ax-report: ";

/// A mistake in the author's files.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Report {
    /// File and line, as `tools.py:12`; empty when there is none.
    pub(super) place: String,
    /// What is wrong, one line.
    pub(super) message: String,
    /// What to write; empty when nobody can tell.
    pub(super) help: String,
    /// How it came about, line by line.
    pub(super) traceback: Vec<String>,
    /// Whether the Python of the sandbox would say the same.
    pub(super) is_certain: bool,
}

impl Report {
    /// Finds the report, if there is one.
    pub(super) fn among(said: &[u8]) -> Option<Self> {
        let said = String::from_utf8_lossy(said);
        let (_, report) = said.lines().find_map(|line| line.split_once(MARK))?;
        serde_json::from_str(report).ok()
    }
}

/// What the list begins with of interfaces that the plugin imports.
const USED: &str = "ax-used: ";

/// Finds which interfaces the plugin imports, if that could be told.
pub(super) fn used(said: &[u8]) -> Option<Vec<String>> {
    let said = String::from_utf8_lossy(said);
    serde_json::from_str(said.lines().find_map(|line| line.strip_prefix(USED))?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_found_wherever_it_stands() {
        let said = r#"Traceback (most recent call last):
AssertionError: ax-report: {"place": "tools.py:3", "message": "m", "help": "", "traceback": [], "is_certain": true}
more"#;
        let report = Report::among(said.as_bytes()).unwrap();
        assert_eq!((report.place.as_str(), report.message.as_str()), ("tools.py:3", "m"));
        for other in ["", "Traceback", "ax-report: {", "ax-report: {\"place\": 1}"] {
            assert_eq!(Report::among(other.as_bytes()), None, "{other}");
        }
    }
}
