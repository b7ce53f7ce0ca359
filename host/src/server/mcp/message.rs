//! Whether bytes are a message of the protocol, and what is answered to those that are none.

use rmcp::RoleServer;
use rmcp::service::RxJsonRpcMessage;
use serde_json::{Value, json};

use super::id_scan::IdScan;

/// Bytes of a message: an input of 1 MiB, written with escapes, and what is around it.
pub(super) const MESSAGE_BYTES_MAX: usize = 8 << 20;

/// Values of a message. Each takes some 250 bytes while it is read, so this is what one message costs in memory;
/// an input of 1 MiB seldom has more.
const VALUES_MAX: usize = 300_000;

/// JSON-RPC: it is no JSON.
const PARSE_ERROR: i32 = -32700;
/// JSON-RPC: it is no message, or none that may come now.
const INVALID_REQUEST: i32 = -32600;
/// JSON-RPC leaves it to servers: not now.
const UNAVAILABLE: i32 = -32000;

/// Why something is not taken.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    id: Value,
    code: i32,
    message: String,
    /// It asks for no answer; where the transport needs none, it gets none.
    pub(super) is_of_notification: bool,
}

impl Refusal {
    /// It is no message that may come now.
    pub(super) fn invalid(id: Value, message: impl Into<String>) -> Self {
        Self { id, code: INVALID_REQUEST, message: message.into(), is_of_notification: false }
    }

    /// It is longer than a message may be.
    pub(super) fn too_long(id: Value) -> Self {
        Self::invalid(id, format!("the message is longer than {MESSAGE_BYTES_MAX} bytes"))
    }

    /// It would be taken at another time.
    pub(super) fn unavailable(id: Value, message: impl Into<String>) -> Self {
        Self { id, code: UNAVAILABLE, message: message.into(), is_of_notification: false }
    }

    /// Writes it as the protocol does.
    pub(super) fn to_json(&self) -> Value {
        let error = json!({ "code": self.code, "message": self.message });
        json!({ "jsonrpc": "2.0", "id": self.id, "error": error })
    }
}

/// Reads one message.
pub(super) fn read(text: &[u8]) -> Result<RxJsonRpcMessage<RoleServer>, Refusal> {
    if has_too_many_values(text) {
        let why = format!("the message has more than {VALUES_MAX} values");
        return Err(Refusal::invalid(IdScan::of(text), why));
    }
    serde_json::from_slice(text).map_err(|_| match serde_json::from_slice::<Value>(text) {
        Err(error) => Refusal {
            code: PARSE_ERROR,
            ..Refusal::invalid(Value::Null, format!("it is no JSON: {error}"))
        },
        Ok(value) => {
            let id = value.get("id").filter(|id| id.is_string() || id.is_number());
            let id = id.cloned().unwrap_or(Value::Null);
            Refusal {
                is_of_notification: value.get("method").is_some() && value.get("id").is_none(),
                ..Refusal::invalid(id, "it is no request of this protocol")
            }
        }
    })
}

/// Counts what begins or parts values, outside of texts.
fn has_too_many_values(text: &[u8]) -> bool {
    if text.len() < VALUES_MAX {
        return false;
    }
    let (mut values, mut is_text, mut is_escaped) = (0, false, false);
    for byte in text {
        match (is_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_text = !is_text,
            (false, b',' | b'[' | b'{') => values += 1,
            _ => {}
        }
    }
    values > VALUES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(values: usize) -> String {
        // The message itself has five: its object, three commas, and the object of its parameters.
        let zeros = vec!["0"; values - 5].join(",");
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"ping","params":{{"x":[{zeros}]}}}}"#)
    }

    #[test]
    fn a_message_may_have_so_many_values_and_not_one_more() {
        assert!(read(filled(VALUES_MAX).as_bytes()).is_ok());
        let refused = read(filled(VALUES_MAX + 1).as_bytes()).unwrap_err().to_json();
        assert_eq!((&refused["id"], &refused["error"]["code"]), (&json!(7), &json!(-32600)));
    }

    #[test]
    fn what_stands_in_texts_is_no_value() {
        let text = ",[{\\\"".repeat(VALUES_MAX);
        let message =
            json!({ "jsonrpc": "2.0", "id": 7, "method": "ping", "params": { "x": text } });
        assert!(read(message.to_string().as_bytes()).is_ok());
    }
}
