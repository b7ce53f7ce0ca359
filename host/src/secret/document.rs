//! What the opened vault says: a JSON document.
//!
//! ```json
//! {"version":1,"secrets":{"github-token":{"value":"ghp_…","setAtMs":1767225600000}}}
//! ```
//!
//! Invariant: a document of a newer version is recognised before anything else in it is believed.
//! What is wrong with one is told without repeating it, since any part of it may be a secret.
//!
//! Not here: encryption (`key`); how large the encrypted file may be (`vault`).

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de::Error as _;
use serde::de::MapAccess;
use serde::de::Visitor;
use zeroize::Zeroizing;

use crate::secret::name::SecretName;
use crate::secret::value::SecretValue;

/// The version written and the newest understood.
pub(super) const VERSION: u64 = 1;

/// Secrets of one vault: more than one installation uses, few enough to scan for them all.
pub(super) const SECRETS_MAX: usize = 256;

/// Bytes of a secret in JSON besides name and value: quotes, keys and twenty digits.
const ROW_BYTES_MAX: usize = 64;

/// Bytes of JSON around all secrets.
const FRAME_BYTES_MAX: usize = 64;

/// One secret and when it was set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Row {
    #[serde(serialize_with = "write_value", deserialize_with = "read_value")]
    pub(super) value: SecretValue,
    pub(super) set_at_ms: u64,
}

/// All secrets by name.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u64,
    #[serde(serialize_with = "write_rows", deserialize_with = "read_rows")]
    pub(super) secrets: BTreeMap<SecretName, Row>,
}

/// Why bytes are not a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DocumentFlaw {
    /// A newer `ax` wrote them.
    Newer(u64),
    /// They are not what any `ax` writes.
    Malformed,
}

impl Document {
    /// Creates one without secrets.
    pub(super) fn empty() -> Self {
        Self { version: VERSION, secrets: BTreeMap::new() }
    }

    /// Reads a document.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, DocumentFlaw> {
        /// The one field that every version has.
        #[derive(Deserialize)]
        struct Stamp {
            version: u64,
        }
        // The error of the parser would repeat what it found.
        let stamp: Stamp = serde_json::from_slice(bytes).map_err(|_| DocumentFlaw::Malformed)?;
        match stamp.version {
            VERSION => serde_json::from_slice(bytes).map_err(|_| DocumentFlaw::Malformed),
            0 => Err(DocumentFlaw::Malformed),
            newer => Err(DocumentFlaw::Newer(newer)),
        }
    }

    /// Writes the document into one buffer that never moves, so that no copy stays behind.
    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        // Of what a value may hold, JSON doubles quotes and backslashes and nothing else.
        let rows = self
            .secrets
            .iter()
            .map(|(name, row)| ROW_BYTES_MAX + name.as_str().len() + 2 * row.value.expose().len());
        let mut bytes = Zeroizing::new(Vec::with_capacity(FRAME_BYTES_MAX + rows.sum::<usize>()));
        let bytes_max = bytes.capacity();
        serde_json::to_writer(&mut *bytes, self).expect("text, numbers and maps of text are JSON");
        debug_assert!(bytes.len() <= bytes_max, "the buffer has moved");
        bytes
    }
}

fn write_value<S: Serializer>(value: &SecretValue, serializer: S) -> Result<S::Ok, S::Error> {
    let text = std::str::from_utf8(value.expose()).expect("a value is ASCII");
    serializer.serialize_str(text)
}

fn read_value<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SecretValue, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = SecretValue;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<SecretValue, E> {
            SecretValue::new(text.as_bytes()).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Text)
}

fn write_rows<S: Serializer>(
    rows: &BTreeMap<SecretName, Row>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(rows.iter().map(|(name, row)| (name.as_str(), row)))
}

fn read_rows<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<SecretName, Row>, D::Error> {
    struct Rows;
    impl<'de> Visitor<'de> for Rows {
        type Value = BTreeMap<SecretName, Row>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("secrets by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut rows = BTreeMap::new();
            while let Some(name) = map.next_key::<String>()? {
                let name: SecretName = name.parse().map_err(A::Error::custom)?;
                if rows.insert(name, map.next_value()?).is_some() {
                    return Err(A::Error::custom("a name occurs twice"));
                }
                if rows.len() > SECRETS_MAX {
                    return Err(A::Error::custom("there are too many"));
                }
            }
            Ok(rows)
        }
    }
    deserializer.deserialize_map(Rows)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::any;
    use proptest::prelude::proptest;

    use super::*;

    fn parse(text: &str) -> Result<usize, DocumentFlaw> {
        Document::parse(text.as_bytes()).map(|document| document.secrets.len())
    }

    fn row(name: &str) -> String {
        format!("\"{name}\":{{\"value\":\"password\",\"setAtMs\":1}}")
    }

    #[test]
    fn a_document_has_this_text() {
        let text = r#"{"version":1,"secrets":{"a":{"value":"pass\\\"word/","setAtMs":7}}}"#;
        let document = Document::parse(text.as_bytes()).expect("a document");
        assert_eq!(document.secrets["a"].value.expose(), br#"pass\"word/"#);
        assert_eq!(document.to_bytes().as_slice(), text.as_bytes());
        assert_eq!(Document::empty().to_bytes().as_slice(), br#"{"version":1,"secrets":{}}"#);
    }

    #[test]
    fn a_newer_document_is_recognised_whatever_else_it_holds() {
        assert_eq!(parse(r#"{"version":2,"secrets":[],"more":{}}"#), Err(DocumentFlaw::Newer(2)));
        assert_eq!(parse(r#"{"more":7,"version":9}"#), Err(DocumentFlaw::Newer(9)));
    }

    #[test]
    fn what_no_host_writes_is_refused() {
        let twice = format!(r#"{{"version":1,"secrets":{{{},{}}}}}"#, row("a"), row("a"));
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"version":1}"#,
            r#"{"version":0,"secrets":{}}"#,
            r#"{"version":-1,"secrets":{}}"#,
            r#"{"version":1,"secrets":{}} x"#,
            r#"{"version":1,"secrets":{},"more":1}"#,
            r#"{"version":1,"secrets":{"A":{"value":"password","setAtMs":1}}}"#,
            r#"{"version":1,"secrets":{"a":{"value":"short","setAtMs":1}}}"#,
            r#"{"version":1,"secrets":{"a":{"value":"pass\nword","setAtMs":1}}}"#,
            r#"{"version":1,"secrets":{"a":{"value":"password","setAtMs":1,"b":2}}}"#,
            &twice,
        ] {
            assert_eq!(parse(wrong), Err(DocumentFlaw::Malformed), "{wrong}");
        }
    }

    #[test]
    fn a_document_may_hold_256_secrets_and_not_257() {
        let rows =
            |count| (0..count).map(|at| row(&format!("a{at}"))).collect::<Vec<_>>().join(",");
        let text = |count| format!(r#"{{"version":1,"secrets":{{{}}}}}"#, rows(count));
        assert_eq!(parse(&text(SECRETS_MAX)), Ok(SECRETS_MAX));
        assert_eq!(parse(&text(SECRETS_MAX + 1)), Err(DocumentFlaw::Malformed));
    }

    proptest! {
        #[test]
        fn every_value_survives(value in "[!-~][ -~]{6,80}[!-~]", set_at_ms in any::<u64>()) {
            let mut document = Document::empty();
            let row = Row { value: SecretValue::new(value.as_bytes()).expect("a value"), set_at_ms };
            document.secrets.insert("a".parse().expect("a name"), row);
            let read = Document::parse(&document.to_bytes()).expect("it reads what it writes");
            assert_eq!(read.secrets["a"].value.expose(), value.as_bytes());
            assert_eq!(read.secrets["a"].set_at_ms, set_at_ms);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Document::parse(&bytes));
        }
    }
}
