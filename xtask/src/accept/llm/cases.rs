//! What the upstream does with a question, and what the product must make of it.
//!
//! A question is named after its case and its dialect, and the upstream's fixtures find it by that name.

use serde_json::Value;
use serde_json::json;

/// A provider that the upstream plays.
pub(super) struct Dialect {
    /// Its name here.
    pub(super) name: &'static str,
    /// Its kind, as `[providers.NAME]` has it.
    pub(super) kind: &'static str,
    /// What stands behind the upstream's host and port.
    pub(super) path: &'static str,
    /// A model of it.
    pub(super) model: &'static str,
}

/// All four.
pub(super) const DIALECTS: [Dialect; 4] = [
    Dialect { name: "messages", kind: "claude", path: "", model: "claude-haiku-4-5" },
    Dialect { name: "completions", kind: "openai", path: "/v1", model: "gpt-5.4-mini" },
    Dialect { name: "responses", kind: "responses", path: "/v1", model: "gpt-5.4-nano" },
    Dialect { name: "generate", kind: "gemini", path: "/v1beta", model: "gemini-2.5-flash" },
];

/// The answer of every question that is answered: some pieces long.
pub(super) const ANSWER: &str =
    "This answer was written by somebody else, comes piece by piece, and is all there is.";
/// Its tokens, as the upstream counts them in every dialect.
pub(super) const USAGE: (u64, u64) = (123, 45);
/// A tool of `plugins/echo`, by the name that models see, and what it is told to say in two calls at once.
pub(super) const TOOL: &str = "ax_echo_say";
/// See [`TOOL`].
pub(super) const SAID: [&str; 2] = ["Berlin", "Paris"];
/// How long the upstream asks to wait, where it does.
pub(super) const WAIT_MS: u64 = 1_000;

/// What must come of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// [`ANSWER`].
    Answer,
    /// The same from another provider.
    Elsewhere,
    /// The same after both calls of [`TOOL`].
    Called,
    /// An error of this class, with this status.
    Error(&'static str, Option<u16>),
}

/// One question.
pub(super) struct Case {
    /// What is done with it.
    pub(super) name: &'static str,
    /// What the upstream does each time it is asked; the last for ever.
    turns: fn() -> Vec<Value>,
    /// How often it must have been asked, by its own journal.
    pub(super) asked: usize,
    /// What the statuses of attempts are told to be, in order; `None` for what has none.
    pub(super) told: &'static [Option<u16>],
    pub(super) end: End,
    /// It is asked through a translator, too.
    pub(super) is_translated: bool,
}

/// What fails through the translator, by whom: dialect in front, model's dialect behind, case, and why.
pub(super) const KNOWN: &[(&str, &str, &str, &str)] = &[
    ("messages", "generate", "tools", NO_RESULT),
    ("completions", "generate", "tools", NO_RESULT),
    ("responses", "generate", "tools", NO_RESULT),
    ("generate", "messages", "refused", NOT_400),
    ("generate", "completions", "refused", NOT_400),
];

/// aimock does not find a tool's result in a request of LiteLLM's for Gemini, and answers 404.
const NO_RESULT: &str = "aimock finds no result of a tool in LiteLLM's words";
/// Whatever went wrong behind it, LiteLLM answers Gemini's clients with 500.
const NOT_400: &str = "LiteLLM makes 500 of 400";

/// Every case; each is made in every dialect.
pub(super) const CASES: &[Case] = &[
    Case {
        name: "plain",
        turns: || vec![answer()],
        asked: 1,
        told: &[None],
        end: End::Answer,
        is_translated: true,
    },
    Case {
        name: "tools",
        turns: || vec![tools()],
        asked: 2,
        told: &[None],
        end: End::Called,
        is_translated: true,
    },
    Case {
        name: "limited",
        turns: || vec![failure(429, "rate_limit_error", WAIT_MS / 1_000), answer()],
        asked: 2,
        told: &[Some(429), None],
        end: End::Answer,
        is_translated: true,
    },
    Case {
        name: "shut out",
        turns: || vec![failure(429, "rate_limit_error", 60)],
        asked: 1,
        told: &[Some(429)],
        end: End::Error("rate-limit", Some(429)),
        is_translated: false,
    },
    Case {
        name: "broken",
        turns: || vec![failure(500, "api_error", 0), answer()],
        asked: 2,
        told: &[Some(500), None],
        end: End::Answer,
        is_translated: true,
    },
    Case {
        name: "overloaded",
        turns: || vec![failure(529, "overloaded_error", 0), answer()],
        asked: 2,
        told: &[Some(529), None],
        end: End::Answer,
        is_translated: false,
    },
    Case {
        name: "refused",
        turns: || vec![failure(400, "invalid_request_error", 0)],
        asked: 1,
        told: &[Some(400)],
        end: End::Error("caller-fault", Some(400)),
        is_translated: true,
    },
    Case {
        name: "gone",
        turns: || vec![failure(404, "not_found_error", 0), answer()],
        asked: 2,
        told: &[Some(404), None],
        end: End::Elsewhere,
        is_translated: false,
    },
    Case {
        name: "cut early",
        turns: || vec![cut(1), answer()],
        asked: 2,
        told: &[None, None],
        end: End::Answer,
        is_translated: false,
    },
    Case {
        name: "cut late",
        turns: || vec![cut(8)],
        asked: 1,
        told: &[None],
        end: End::Error("transient", None),
        is_translated: false,
    },
    Case {
        name: "slow",
        turns: || vec![slow(), answer()],
        asked: 2,
        told: &[None, None],
        end: End::Answer,
        is_translated: false,
    },
];

impl Case {
    /// The question, by which the upstream knows it. `via` tells two ways to the same provider apart.
    pub(super) fn question(&self, via: &str) -> String {
        format!("Please be {}, {via}.", self.name)
    }

    /// Makes the upstream's fixtures.
    pub(super) fn fixtures(&self, via: &str) -> Vec<Value> {
        let turns = (self.turns)();
        let last = turns.len() - 1;
        let fixture = |(at, turn): (usize, Value)| {
            let mut turn = turn;
            turn["match"]["userMessage"] = json!(self.question(via));
            if at < last {
                turn["match"]["sequenceIndex"] = json!(at);
            }
            turn
        };
        let mut fixtures: Vec<Value> = turns.into_iter().enumerate().map(fixture).collect();
        if self.end == End::Called {
            let mut after = answer();
            after["match"] = json!({ "userMessage": self.question(via), "hasToolResult": true });
            fixtures.push(after);
        }
        fixtures
    }
}

fn answer() -> Value {
    json!({ "response": { "content": ANSWER, "usage": usage() } })
}

/// Tokens, by the names of every dialect.
fn usage() -> Value {
    let (input, output) = USAGE;
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "input_tokens": input, "output_tokens": output,
        "promptTokenCount": input, "candidatesTokenCount": output,
        "totalTokenCount": input + output,
    })
}

fn failure(status: u16, word: &str, retry_after_s: u64) -> Value {
    let error = json!({ "message": "somebody else says so", "type": word });
    let mut response = json!({ "error": error, "status": status });
    if retry_after_s > 0 {
        response["retryAfter"] = json!(retry_after_s);
    }
    json!({ "response": response })
}

/// A cut after some pieces. Without a pause between them nothing is sent before it.
fn cut(pieces: u64) -> Value {
    let content = format!("{ANSWER} {ANSWER}");
    json!({ "response": { "content": content }, "latency": 40, "truncateAfterChunks": pieces })
}

/// A first word that comes long after `timeout-ms` of the providers.
fn slow() -> Value {
    let profile = json!({ "ttft": 8_000, "tps": 40, "jitter": 0 });
    json!({ "response": { "content": ANSWER }, "streamingProfile": profile })
}

fn tools() -> Value {
    let call = |(at, text): (usize, &str)| json!({ "id": format!("call_{at}"), "name": TOOL, "arguments": { "text": text } });
    let calls: Vec<Value> = SAID.into_iter().enumerate().map(call).collect();
    json!({ "match": { "hasToolResult": false }, "response": { "toolCalls": calls } })
}
