//! Answers of models, as the providers of the four dialects write them: whole, and piece by piece.
//!
//! Not here: who sends them, and what goes wrong on the way (`chaos`, the program `bench-router`).

use ax_host::provider::Kind;
use serde_json::Value;
use serde_json::json;

/// What a model says, and what it counts.
#[derive(Debug, Clone)]
pub struct Said {
    /// In whose words.
    pub kind: Kind,
    /// The model, as the provider calls it.
    pub model: String,
    /// The text, in the pieces of a stream.
    pub words: Vec<String>,
    /// Tokens that were read.
    pub input: u64,
    /// Tokens that were written.
    pub output: u64,
}

/// A stream of events, cut where a connection may break.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// Everything before the first content.
    pub begin: String,
    /// The content, piece by piece.
    pub words: Vec<String>,
    /// Everything after it.
    pub end: String,
}

impl Said {
    /// Joins the text.
    #[must_use]
    pub fn text(&self) -> String {
        self.words.concat()
    }

    /// Writes it as one document.
    #[must_use]
    pub fn whole(&self) -> String {
        let Self { kind, model, input, output, .. } = self;
        let text = self.text();
        let body = match kind {
            Kind::Claude => json!({
                "id": "msg_1", "type": "message", "role": "assistant", "model": model,
                "content": [{ "type": "text", "text": text }],
                "stop_reason": "end_turn", "stop_sequence": null,
                "usage": { "input_tokens": input, "output_tokens": output },
            }),
            Kind::Gemini => json!({
                "candidates": [{
                    "content": { "role": "model", "parts": [{ "text": text }] },
                    "finishReason": "STOP", "index": 0,
                }],
                "usageMetadata": gemini_usage(*input, *output),
                "modelVersion": model, "responseId": "r1",
            }),
            Kind::Openai | Kind::Compatible => json!({
                "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
                "choices": [{
                    "index": 0, "finish_reason": "stop", "logprobs": null,
                    "message": { "role": "assistant", "content": text, "refusal": null },
                }],
                "usage": openai_usage(*input, *output),
            }),
            Kind::Responses => self.response("completed"),
        };
        body.to_string()
    }

    /// Writes it as a stream of events.
    #[must_use]
    pub fn pieces(&self) -> Pieces {
        let words = self.words.iter().map(|text| self.delta(text)).collect();
        Pieces { begin: self.begin(), words, end: self.end() }
    }

    fn begin(&self) -> String {
        let Self { kind, model, input, .. } = self;
        match kind {
            Kind::Claude => {
                let message = json!({
                    "id": "msg_1", "type": "message", "role": "assistant", "model": model,
                    "content": [], "usage": { "input_tokens": input, "output_tokens": 1 },
                });
                let block = json!({ "type": "text", "text": "" });
                named(&json!({ "type": "message_start", "message": message }))
                    + &named(
                        &json!({ "type": "content_block_start", "index": 0, "content_block": block }),
                    )
            }
            Kind::Gemini => String::new(),
            Kind::Openai | Kind::Compatible => {
                self.choice(&json!({ "role": "assistant", "content": "" }), None)
            }
            Kind::Responses => {
                let response = self.response("in_progress");
                let item = json!({ "type": "message", "role": "assistant", "content": [] });
                named(&json!({ "type": "response.created", "response": response }))
                    + &named(&json!({
                        "type": "response.output_item.added", "output_index": 0, "item": item,
                    }))
            }
        }
    }

    fn delta(&self, text: &str) -> String {
        match self.kind {
            Kind::Claude => named(&json!({
                "type": "content_block_delta", "index": 0,
                "delta": { "type": "text_delta", "text": text },
            })),
            Kind::Gemini => data(&json!({
                "candidates": [{ "content": { "role": "model", "parts": [{ "text": text }] }, "index": 0 }],
                "modelVersion": self.model,
            })),
            Kind::Openai | Kind::Compatible => self.choice(&json!({ "content": text }), None),
            Kind::Responses => named(&json!({
                "type": "response.output_text.delta", "output_index": 0, "content_index": 0,
                "delta": text,
            })),
        }
    }

    fn end(&self) -> String {
        let Self { kind, input, output, .. } = self;
        match kind {
            Kind::Claude => {
                let delta = json!({ "stop_reason": "end_turn", "stop_sequence": null });
                let usage = json!({ "input_tokens": input, "output_tokens": output });
                named(&json!({ "type": "content_block_stop", "index": 0 }))
                    + &named(&json!({ "type": "message_delta", "delta": delta, "usage": usage }))
                    + &named(&json!({ "type": "message_stop" }))
            }
            Kind::Gemini => data(&json!({
                "candidates": [{
                    "content": { "role": "model", "parts": [{ "text": "" }] },
                    "finishReason": "STOP", "index": 0,
                }],
                "usageMetadata": gemini_usage(*input, *output), "modelVersion": self.model,
            })),
            Kind::Openai | Kind::Compatible => {
                let usage = json!({
                    "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": self.model,
                    "choices": [], "usage": openai_usage(*input, *output),
                });
                self.choice(&json!({}), Some("stop")) + &data(&usage) + "data: [DONE]\n\n"
            }
            Kind::Responses => {
                named(&json!({
                    "type": "response.output_item.done", "output_index": 0, "item": self.item(),
                })) + &named(
                    &json!({ "type": "response.completed", "response": self.response("completed") }),
                )
            }
        }
    }

    fn choice(&self, delta: &Value, finish: Option<&str>) -> String {
        data(&json!({
            "id": "chatcmpl-1", "object": "chat.completion.chunk", "model": self.model,
            "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
        }))
    }

    fn item(&self) -> Value {
        let text = json!({ "type": "output_text", "text": self.text(), "annotations": [] });
        json!({
            "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [text],
        })
    }

    fn response(&self, status: &str) -> Value {
        let is_over = status == "completed";
        let output = if is_over { vec![self.item()] } else { Vec::new() };
        let usage = json!({
            "input_tokens": self.input, "output_tokens": self.output,
            "total_tokens": self.input + self.output,
        });
        json!({
            "id": "resp_1", "object": "response", "status": status, "model": self.model,
            "output": output, "usage": is_over.then_some(usage), "error": null,
        })
    }
}

impl Pieces {
    /// Joins it to a whole stream.
    #[must_use]
    pub fn joined(&self) -> String {
        format!("{}{}{}", self.begin, self.words.concat(), self.end)
    }
}

fn named(event: &Value) -> String {
    let name = event["type"].as_str().expect("an event has a type");
    format!("event: {name}\ndata: {event}\n\n")
}

fn data(event: &Value) -> String {
    format!("data: {event}\n\n")
}

fn gemini_usage(input: u64, output: u64) -> Value {
    json!({
        "promptTokenCount": input, "candidatesTokenCount": output,
        "totalTokenCount": input + output,
    })
}

fn openai_usage(input: u64, output: u64) -> Value {
    json!({
        "prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
    })
}
