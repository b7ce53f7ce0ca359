//! The bytes of a record: its body text, and the hash that chains it to the one before.
//!
//! ```text
//! hash = SHA-256( "ax.audit.row.v1" 00 | previous hash (32 bytes, zeros before the first row)
//!               | seq (8 bytes, big endian) | at_ms (8 bytes, big endian)
//!               | length (4 bytes, big endian), bytes   of kind
//!               | …                                     of plugin
//!               | …                                     of decision
//!               | …                                     of body )
//! ```
//!
//! Invariant: every part has a fixed width or carries its length, so no two rows share an
//! encoding; text is hashed exactly as it is stored, so nobody needs our JSON writer to check it.
//!
//! Bounds: a body is at most about half a MiB, whatever an entry holds (see the constants).
//! Characters that could rewrite a terminal line are replaced before they are stored.
//!
//! Not here: where bytes go (`store`), and what a checkpoint signs (`checkpoint`).

use std::borrow::Cow;

use ax_manifest::Digest;
use serde::Serialize;
use serde::Serializer;
use serde::ser::Error as _;
use serde_json::Map;
use serde_json::Value;
use sha2::Digest as _;
use sha2::Sha256;

use crate::audit::entry::EffectCount;
use crate::audit::entry::Entry;
use crate::audit::entry::Outcome;
use crate::audit::entry::Record;
use crate::audit::entry::TraceParent;
use crate::audit::entry::Usage;

/// Bytes kept of any one text. A permission with a long URL fits; a guest cannot fill the log.
pub(super) const TEXT_BYTES_MAX: usize = 1_024;

/// Effect counts kept of one call. A plugin rarely holds ten permissions; the rest is summed.
pub(super) const EFFECTS_MAX: usize = 64;

/// Bytes of a change's detail as JSON. A permission card of a hundred lines fits.
pub(super) const DETAIL_BYTES_MAX: usize = 16 * 1_024;

/// Levels of nesting kept of a change's detail; deeper values are cut, so scrubbing cannot recurse
/// without end.
const DETAIL_DEPTH_MAX: usize = 16;

/// What stands for a character that must not reach a terminal.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// The hash "before" the first row.
pub(super) const GENESIS: [u8; 32] = [0; 32];

/// Keeps row hashes apart from every other use of SHA-256.
const ROW_TAG: &[u8; 16] = b"ax.audit.row.v1\0";

/// The columns of a row that its hash covers, exactly as stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowFields<'a> {
    pub(super) seq: i64,
    pub(super) at_ms: i64,
    pub(super) kind: &'a str,
    pub(super) plugin: &'a str,
    pub(super) decision: &'a str,
    pub(super) body: &'a str,
}

/// Hashes `row`, which follows the row whose hash is `previous`.
pub(super) fn row_hash(previous: &[u8; 32], row: &RowFields<'_>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(ROW_TAG);
    hasher.update(previous);
    hasher.update(row.seq.to_be_bytes());
    hasher.update(row.at_ms.to_be_bytes());
    for text in [row.kind, row.plugin, row.decision, row.body] {
        // SQLite holds at most 2^31 bytes in a value, so the length always fits.
        hasher.update(u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().into()
}

/// Writes the body of `entry` as JSON into `body`, replacing what it held.
pub(super) fn write_body(entry: &Entry, body: &mut String) {
    let mut bytes = std::mem::take(body).into_bytes();
    bytes.clear();
    let written = match &entry.record {
        Record::Call(call) => serde_json::to_writer(
            &mut bytes,
            &CallBody {
                common: Common::of(entry),
                call: clean(&call.call_id),
                tool: clean(&call.tool),
                input: DigestText(call.input),
                outcome: outcome(&call.outcome),
                traceparent: call.trace_parent.as_ref().map(TraceParent::as_str),
                usage: call.usage,
                effects: call.effects.iter().take(EFFECTS_MAX).map(EffectBody::of).collect(),
                effects_more: effects_beyond(&call.effects),
            },
        ),
        Record::Effect(effect) => serde_json::to_writer(
            &mut bytes,
            &EffectRowBody {
                common: Common::of(entry),
                call: clean(&effect.call_id),
                tool: clean(&effect.tool),
                permission: clean(&effect.permission),
                target: clean(&effect.target),
                input: effect.input.map(DigestText),
                outcome: outcome(&effect.outcome),
                usage: effect.usage,
            },
        ),
        Record::Change(change) => serde_json::to_writer(
            &mut bytes,
            &ChangeBody {
                common: Common::of(entry),
                action: change.action.word(),
                subject: clean(&change.subject),
                detail: bounded_detail(&change.detail),
            },
        ),
    };
    debug_assert!(written.is_ok(), "text, integers and digests always serialise");
    *body = String::from_utf8(bytes).unwrap_or_default();
}

/// What every body begins with.
#[derive(Serialize)]
struct Common<'a> {
    who: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<DigestText>,
    rule: Cow<'a, str>,
    #[serde(skip_serializing_if = "is_false")]
    rehearsal: bool,
}

impl<'a> Common<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            who: clean(&entry.who),
            component: entry.component.map(DigestText),
            rule: clean(&entry.rule),
            rehearsal: entry.is_rehearsal,
        }
    }
}

/// Writes a digest without allocating or formatting, which would be a quarter of a row's cost.
struct DigestText(Digest);

impl Serialize for DigestText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = *b"sha256:0000000000000000000000000000000000000000000000000000000000000000";
        for (digits, byte) in text[7..].chunks_exact_mut(2).zip(self.0.as_bytes()) {
            digits[0] = DIGITS[usize::from(byte >> 4)];
            digits[1] = DIGITS[usize::from(byte & 15)];
        }
        serializer.serialize_str(str::from_utf8(&text).map_err(S::Error::custom)?)
    }
}

#[derive(Serialize)]
struct CallBody<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    call: Cow<'a, str>,
    tool: Cow<'a, str>,
    input: DigestText,
    outcome: Cow<'a, str>,
    // As the standard writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<&'a str>,
    #[serde(flatten)]
    usage: Usage,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    effects: Vec<EffectBody<'a>>,
    #[serde(skip_serializing_if = "is_zero")]
    effects_more: u64,
}

#[derive(Serialize)]
struct EffectBody<'a> {
    permission: Cow<'a, str>,
    rule: Cow<'a, str>,
    count: u64,
}

impl<'a> EffectBody<'a> {
    fn of(effect: &'a EffectCount) -> Self {
        Self {
            permission: clean(&effect.permission),
            rule: clean(&effect.rule),
            count: effect.count,
        }
    }
}

#[derive(Serialize)]
struct EffectRowBody<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    call: Cow<'a, str>,
    tool: Cow<'a, str>,
    permission: Cow<'a, str>,
    target: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<DigestText>,
    outcome: Cow<'a, str>,
    #[serde(flatten)]
    usage: Usage,
}

#[derive(Serialize)]
struct ChangeBody<'a> {
    #[serde(flatten)]
    common: Common<'a>,
    action: &'static str,
    subject: Cow<'a, str>,
    #[serde(skip_serializing_if = "Value::is_null")]
    detail: Value,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_false(said: &bool) -> bool {
    !*said
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

fn effects_beyond(effects: &[EffectCount]) -> u64 {
    effects.iter().skip(EFFECTS_MAX).fold(0, |sum, effect| sum.saturating_add(effect.count))
}

/// `ok`, or `error:` and the kind of error.
fn outcome(outcome: &Outcome) -> Cow<'_, str> {
    match outcome {
        Outcome::Ok => Cow::Borrowed("ok"),
        Outcome::Error(kind) => Cow::Owned(format!("error:{}", clean(kind))),
    }
}

/// Replaces characters that could mislead a reader, and cuts at [`TEXT_BYTES_MAX`].
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| (0x20..0x7f).contains(&byte);
    if text.len() <= TEXT_BYTES_MAX && text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(scrubbed(text, TEXT_BYTES_MAX))
}

fn scrubbed(text: &str, bytes_max: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(bytes_max));
    for original in text.chars() {
        let shown = if is_misleading(original) { REPLACEMENT } else { original };
        if cleaned.len() + shown.len_utf8() > bytes_max {
            // Three bytes for the mark itself, at a character boundary.
            let mut end = bytes_max.saturating_sub('…'.len_utf8()).min(cleaned.len());
            while !cleaned.is_char_boundary(end) {
                end -= 1;
            }
            cleaned.truncate(end);
            cleaned.push('…');
            break;
        }
        cleaned.push(shown);
    }
    cleaned
}

/// Whether `character` is invisible, reverses text, or moves a terminal's cursor.
fn is_misleading(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Scrubs a detail; one that is too long is replaced by its digest and length.
fn bounded_detail(detail: &Value) -> Value {
    if detail.is_null() {
        return Value::Null;
    }
    let kept = scrubbed_value(detail, DETAIL_DEPTH_MAX);
    let text = kept.to_string();
    if text.len() <= DETAIL_BYTES_MAX {
        return kept;
    }
    let mut note = Map::new();
    note.insert("omitted_bytes".to_owned(), Value::from(text.len()));
    note.insert("digest".to_owned(), Value::from(Digest::of(text.as_bytes()).to_string()));
    Value::Object(note)
}

fn scrubbed_value(value: &Value, depth_left: usize) -> Value {
    match value {
        Value::String(text) => Value::String(scrubbed(text, DETAIL_BYTES_MAX)),
        Value::Array(_) | Value::Object(_) if depth_left == 0 => Value::from("…"),
        Value::Array(items) => {
            items.iter().map(|item| scrubbed_value(item, depth_left - 1)).collect()
        }
        Value::Object(fields) => Value::Object(
            fields
                .iter()
                .map(|(name, field)| {
                    (clean(name).into_owned(), scrubbed_value(field, depth_left - 1))
                })
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;
    use serde_json::json;

    use super::*;
    use crate::audit::entry::Action;
    use crate::audit::entry::Call;
    use crate::audit::entry::Change;
    use crate::audit::entry::Decision;

    fn call(tool: &str, effects: Vec<EffectCount>) -> Entry {
        Entry {
            who: "user:501".into(),
            plugin: "ax:metrics".into(),
            component: None,
            decision: Decision::Allowed,
            rule: "".into(),
            is_rehearsal: false,
            record: Record::Call(Call {
                call_id: "c1".into(),
                tool: tool.into(),
                input: Digest::of(b"{}"),
                outcome: Outcome::error("fuel"),
                trace_parent: None,
                usage: Usage { fuel: u64::MAX, ..Usage::default() },
                effects,
            }),
        }
    }

    fn change(detail: Value) -> Entry {
        Entry {
            component: Some(Digest::of(b"component")),
            record: Record::Change(Change {
                action: Action::PluginAdd,
                subject: "ax:metrics".into(),
                detail,
            }),
            ..call("", Vec::new())
        }
    }

    fn body(entry: &Entry) -> Value {
        let mut text = "left over".to_owned();
        write_body(entry, &mut text);
        serde_json::from_str(&text).expect("a body is JSON")
    }

    #[test]
    fn the_encoding_of_a_row_is_frozen() {
        let row = RowFields {
            seq: 1,
            at_ms: 2,
            kind: "call",
            plugin: "ax:echo",
            decision: "allowed",
            body: "{}",
        };
        // Computed with `hashlib` from the description in the module documentation.
        assert_eq!(
            Digest::from_bytes(row_hash(&GENESIS, &row)).hex(),
            "2838bafaccecdc3b68dfd4a73205856a610b2e3e1dd2b136cfb9c8ec0eb54a62"
        );
    }

    #[test]
    fn moving_a_byte_between_neighbouring_columns_changes_the_hash() {
        let row = RowFields { seq: 1, at_ms: 2, kind: "ab", plugin: "c", decision: "d", body: "e" };
        let moved = RowFields { kind: "a", plugin: "bc", ..row };
        assert_ne!(row_hash(&GENESIS, &row), row_hash(&GENESIS, &moved));
    }

    #[test]
    fn a_call_says_what_it_used_and_how_it_ended() {
        let effects = vec![EffectCount {
            permission: "fs:workspace:read".into(),
            rule: "fs:*".into(),
            count: 12,
        }];
        assert_eq!(
            body(&call("measure", effects)),
            json!({
                "who": "user:501", "rule": "", "call": "c1", "tool": "measure",
                "input": Digest::of(b"{}").to_string(), "outcome": "error:fuel",
                "fuel": u64::MAX, "memory_peak_bytes": 0, "bytes_in": 0, "bytes_out": 0,
                "duration_us": 0, "cost_micro_usd": 0,
                "effects": [{"permission": "fs:workspace:read", "rule": "fs:*", "count": 12}],
            })
        );
    }

    #[test]
    fn a_rehearsal_says_so_and_nothing_else_does() {
        let real = call("measure", Vec::new());
        assert_eq!(body(&real).get("rehearsal"), None);
        assert_eq!(body(&Entry { is_rehearsal: true, ..real })["rehearsal"], json!(true));
    }

    #[test]
    fn a_call_says_in_which_trace_it_is_if_it_is_in_one() {
        let mut entry = call("measure", Vec::new());
        assert_eq!(body(&entry).get("traceparent"), None);
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let Record::Call(call) = &mut entry.record else { panic!("a call") };
        call.trace_parent = TraceParent::read(text);
        assert_eq!(body(&entry)["traceparent"], json!(text));
    }

    #[test]
    fn effects_beyond_the_bound_are_summed() {
        let effect = EffectCount { permission: "kv".into(), rule: "kv".into(), count: 3 };
        let at_bound = body(&call("t", vec![effect.clone(); EFFECTS_MAX]));
        assert_eq!(at_bound.get("effects_more"), None);
        let beyond = body(&call("t", vec![effect; EFFECTS_MAX + 2]));
        assert_eq!(beyond["effects"].as_array().map(Vec::len), Some(EFFECTS_MAX));
        assert_eq!(beyond["effects_more"], json!(6));
    }

    #[test]
    fn text_that_rewrites_a_terminal_is_replaced() {
        assert_eq!(
            clean("a\u{1b}[2Kb\r\n\u{202e}c\u{7f}"),
            "a\u{fffd}[2Kb\u{fffd}\u{fffd}\u{fffd}c\u{fffd}"
        );
        assert_eq!(clean("größe 測定"), "größe 測定");
    }

    #[test]
    fn text_is_cut_just_beyond_its_bound() {
        let at_bound = "x".repeat(TEXT_BYTES_MAX);
        assert_eq!(clean(&at_bound), at_bound);
        let cut = clean("é".repeat(TEXT_BYTES_MAX).as_str()).into_owned();
        assert!(cut.len() <= TEXT_BYTES_MAX && cut.ends_with("é…"), "{} bytes", cut.len());
    }

    #[test]
    fn a_detail_keeps_its_order_and_loses_its_control_characters() {
        let kept = body(&change(json!({"z": "a\u{7}b", "a": [1, null, true]})));
        assert_eq!(kept["detail"].to_string(), r#"{"z":"a�b","a":[1,null,true]}"#);
        assert_eq!(kept["action"], json!("plugin.add"));
        assert_eq!(body(&change(Value::Null)).get("detail"), None);
    }

    #[test]
    fn a_detail_beyond_its_bound_becomes_a_digest() {
        // Two quotes belong to the text.
        let fits = "x".repeat(DETAIL_BYTES_MAX - 2);
        assert_eq!(body(&change(json!(fits)))["detail"], json!(fits));
        let too_long = json!(["x".repeat(DETAIL_BYTES_MAX - 3)]);
        assert_eq!(body(&change(too_long))["detail"]["omitted_bytes"], json!(DETAIL_BYTES_MAX + 1));
    }

    #[test]
    fn a_detail_nested_too_deeply_is_cut() {
        let mut deep = json!("bottom");
        for _ in 0..DETAIL_DEPTH_MAX + 5 {
            deep = json!([deep]);
        }
        let kept = body(&change(deep))["detail"].to_string();
        assert!(!kept.contains("bottom") && kept.contains('…'), "{kept}");
    }

    proptest! {
        #[test]
        fn any_text_becomes_a_bounded_harmless_body(text in any::<String>()) {
            let entry = call(&text, Vec::new());
            let mut written = String::new();
            write_body(&entry, &mut written);
            prop_assert!(!written.chars().any(is_misleading));
            prop_assert!(clean(&text).len() <= TEXT_BYTES_MAX);
            let parsed: Value = serde_json::from_str(&written).expect("a body is JSON");
            let kept = clean(&text);
            prop_assert_eq!(parsed["tool"].as_str(), Some(kept.as_ref()));
        }
    }
}
