//! What a case came to.

use serde_json::Value;

/// Why a tool gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What the caller can do about it, as `invalid` or `denied`.
    pub kind: String,
    /// A word that goes with the kind.
    pub code: String,
    /// One sentence.
    pub message: String,
}

/// What a case came to.
#[derive(Debug, Clone)]
pub struct Played {
    value: Value,
}

impl Played {
    /// Reads what `ax` says.
    pub(crate) fn read(line: &str) -> Self {
        let Ok(mut told) = serde_json::from_str::<Value>(line) else {
            panic!("`ax` says what is no JSON: {line}")
        };
        if let Some(refused) = told.get("refused") {
            panic!("the case is wrong: {refused:#}");
        }
        let value = told["played"].take();
        let failures = value["failures"].as_array().map(Vec::as_slice).unwrap_or_default();
        let failures: Vec<&str> = failures.iter().filter_map(Value::as_str).collect();
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        Self { value }
    }

    /// Returns what there is to read, the pieces of text on lines of their own.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    #[must_use]
    pub fn text(&self) -> String {
        match self.output() {
            Value::String(text) => text.clone(),
            output => {
                let pieces = output["content"].as_array().map(Vec::as_slice).unwrap_or_default();
                let texts = pieces.iter().filter_map(|piece| piece["text"].as_str());
                texts.collect::<Vec<_>>().join("\n")
            }
        }
    }

    /// Returns the answer for programs; null if there is none.
    ///
    /// # Panics
    ///
    /// When there is no answer.
    #[must_use]
    pub fn structured(&self) -> &Value {
        &self.output()["structuredContent"]
    }

    /// Returns the whole answer, as `ax tool call --json` shows it.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn output(&self) -> &Value {
        match self.value.get("output") {
            Some(output) => output,
            None => panic!("it failed: {:?}\n{}", self.failure(), self.log().join("\n")),
        }
    }

    /// Returns why there is no answer.
    ///
    /// # Panics
    ///
    /// When there is one.
    #[must_use]
    pub fn failure(&self) -> Failure {
        let error = &self.value["error"];
        assert!(error.is_object(), "it did not fail: {:#}", self.value["output"]);
        let text = |member: &str| error[member].as_str().unwrap_or_default().to_owned();
        Failure { kind: text("kind"), code: text("code"), message: text("message") }
    }

    /// Returns the lines of the log.
    #[must_use]
    pub fn log(&self) -> Vec<&str> {
        let lines = self.value["log"].as_array().map(Vec::as_slice).unwrap_or_default();
        lines.iter().filter_map(|line| line["message"].as_str()).collect()
    }

    /// Returns the permissions that were refused.
    #[must_use]
    pub fn denied(&self) -> Vec<&str> {
        let denied = self.value["denied"].as_array().map(Vec::as_slice).unwrap_or_default();
        denied.iter().filter_map(Value::as_str).collect()
    }

    /// Returns the fuel that was used, about one unit per instruction. The same each time.
    #[must_use]
    pub fn fuel(&self) -> u64 {
        self.value["usage"]["fuel"].as_u64().unwrap_or(0)
    }

    /// Returns the most memory at one time, in bytes.
    #[must_use]
    pub fn memory_peak_bytes(&self) -> u64 {
        self.value["usage"]["memoryPeakBytes"].as_u64().unwrap_or(0)
    }
}
