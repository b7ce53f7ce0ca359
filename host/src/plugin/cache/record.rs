//! What is written down beside compiled code.
//!
//! ```text
//! sha256:…                the code's digest, which is compared before the code is mapped
//! engine sha256:…         the engine it was made for; the file's name has only its beginning
//! component-bytes 51200   what it was made from,
//! code-bytes 262144       what came out,
//! took-ms 740             and how long that took
//! ```
//!
//! Invariant: the first line decides whether the code is whole, the second whether it is for this
//! engine; the others are for people. Unknown lines are passed over.

use std::fmt;
use std::time::Duration;

use ax_manifest::Digest;

/// Most bytes of a record that are read; one has some 250.
pub(super) const RECORD_BYTES_MAX: u64 = 4 << 10;

/// How compiled code came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompileRecord {
    /// Digest of the code.
    pub code: Digest,
    /// The engine it was made for; unknown in records of older hosts.
    pub engine: Option<Digest>,
    /// Bytes of the component.
    pub component_bytes: u64,
    /// Bytes of the code.
    pub code_bytes: u64,
    /// How long the jail took.
    pub took: Duration,
}

impl CompileRecord {
    /// Reads a record; nothing when it does not begin with a digest.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut lines = str::from_utf8(bytes).ok()?.lines();
        let code = lines.next()?.parse().ok()?;
        let none = Duration::ZERO;
        let mut record = Self { code, engine: None, component_bytes: 0, code_bytes: 0, took: none };
        for line in lines {
            let Some((name, value)) = line.split_once(' ') else { continue };
            let number = || value.parse::<u64>().unwrap_or_default();
            match name {
                // One that cannot be read is that of no engine.
                "engine" => record.engine = Some(value.parse().ok()?),
                "component-bytes" => record.component_bytes = number(),
                "code-bytes" => record.code_bytes = number(),
                "took-ms" => record.took = Duration::from_millis(number()),
                _ => {}
            }
        }
        Some(record)
    }

    /// Answers whether it speaks of this code for this engine.
    pub(super) fn fits(&self, code: &Digest, engine: &Digest) -> bool {
        self.code == *code && self.engine.is_none_or(|made_for| made_for == *engine)
    }
}

impl fmt::Display for CompileRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.code)?;
        if let Some(engine) = &self.engine {
            writeln!(f, "engine {engine}")?;
        }
        writeln!(f, "component-bytes {}", self.component_bytes)?;
        writeln!(f, "code-bytes {}", self.code_bytes)?;
        writeln!(f, "took-ms {}", self.took.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> CompileRecord {
        CompileRecord {
            code: Digest::of(b"code"),
            engine: Some(Digest::of(b"engine")),
            component_bytes: 1,
            code_bytes: u64::MAX,
            took: Duration::from_millis(1_234),
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let text = record().to_string();
        assert!((text.len() as u64) < RECORD_BYTES_MAX);
        assert_eq!(CompileRecord::parse(text.as_bytes()), Some(record()));
        let newer = format!("{text}colour blue\nword\n");
        assert_eq!(CompileRecord::parse(newer.as_bytes()), Some(record()));
    }

    #[test]
    fn a_bare_digest_is_a_record_of_an_older_host() {
        let (code, engine) = (Digest::of(b"code"), Digest::of(b"engine"));
        let record = CompileRecord::parse(code.to_string().as_bytes()).unwrap();
        assert!(record.fits(&code, &engine));
        assert_eq!(record.engine, None);
    }

    #[test]
    fn other_code_and_other_engines_do_not_fit() {
        let (code, engine) = (Digest::of(b"code"), Digest::of(b"engine"));
        assert!(record().fits(&code, &engine));
        assert!(!record().fits(&engine, &engine));
        assert!(!record().fits(&code, &code));
    }

    #[test]
    fn what_is_no_record_is_none() {
        let code = Digest::of(b"code");
        for text in [String::new(), "\n".to_owned(), format!(" {code}"), format!("{code} engine")] {
            assert_eq!(CompileRecord::parse(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(CompileRecord::parse(b"\xff"), None);
        assert_eq!(CompileRecord::parse(format!("{code}\nengine x\n").as_bytes()), None);
    }
}
