//! A case: what is called, in what world.

use serde_json::{Map, Value, json};

use crate::{Played, Sandbox};

/// A call of a tool, and the world it happens in. Nothing is shared with another case.
#[must_use = "a case does nothing until it is run"]
pub struct Case<'a> {
    sandbox: &'a Sandbox,
    members: Map<String, Value>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox, tool: &str) -> Self {
        let members = Map::from_iter([("tool".to_owned(), tool.into())]);
        Self { sandbox, members }
    }

    /// Gives the tool a member of its input.
    pub fn arg(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.object("input").insert(name.to_owned(), value.into());
        self
    }

    /// Gives the tool its whole input.
    pub fn input(self, input: impl Into<Value>) -> Self {
        self.with("input", input.into())
    }

    /// Makes this call first, on the same data; it has to succeed.
    pub fn before(mut self, tool: &str, input: impl Into<Value>) -> Self {
        self.list("before").push(json!({ "tool": tool, "input": input.into() }));
        self
    }

    /// Allows something, as `kv` or `net:https://example.org:GET`. Without it nothing is.
    pub fn allow(mut self, permission: &str) -> Self {
        self.list("allow").push(permission.into());
        self
    }

    /// Sets what an operator may set.
    pub fn config(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.object("config").insert(key.to_owned(), value.into());
        self
    }

    /// Sets a secret, of 8 bytes or more.
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.object("secrets").insert(name.to_owned(), value.into());
        self
    }

    /// Sets a variable of the environment; others are not set. To be seen it has to be allowed, too.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.object("env").insert(name.to_owned(), value.into());
        self
    }

    /// Begins at this moment, as `2026-01-01T00:00:00Z`, which is also when cases begin that do not
    /// say. Time moves by waiting alone, and a wait is over at once.
    pub fn now(self, moment: &str) -> Self {
        self.with("now", moment.into())
    }

    /// Puts a file into the workspace.
    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.object("files").insert(path.to_owned(), text.into());
        self
    }

    /// Expects a file in the workspace afterwards.
    pub fn wrote(mut self, path: &str, text: &str) -> Self {
        self.object("wrote").insert(path.to_owned(), text.into());
        self
    }

    /// Expects a request, and answers it. Any other one gets no answer and is a failure.
    pub fn http(mut self, exchange: Exchange) -> Self {
        self.list("http").push(Value::Object(exchange.members));
        self
    }

    /// Expects at most so much fuel, about one unit per instruction.
    pub fn fuel_max(self, fuel: u64) -> Self {
        self.with("fuel-max", fuel.into())
    }

    /// Runs it.
    ///
    /// # Panics
    ///
    /// When the case is wrong, or what it expects is not so; the answer is not judged.
    pub fn run(self) -> Played {
        self.sandbox.play(&Value::Object(self.members))
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.members.insert(member.to_owned(), value);
        self
    }

    fn object(&mut self, member: &str) -> &mut Map<String, Value> {
        let held = self.members.entry(member).or_insert_with(|| json!({}));
        held.as_object_mut().expect("`arg` and `input` are not used together")
    }

    fn list(&mut self, member: &str) -> &mut Vec<Value> {
        let held = self.members.entry(member).or_insert_with(|| json!([]));
        held.as_array_mut().expect("nothing else is put there")
    }
}

/// A request that is expected, and what it gets: 200 without a body, where nothing else is said.
#[must_use]
pub struct Exchange {
    members: Map<String, Value>,
}

impl Exchange {
    /// Expects a request that reads.
    pub fn get(url: &str) -> Self {
        Self::of("GET", url)
    }

    /// Expects a request of any method.
    pub fn of(method: &str, url: &str) -> Self {
        let member = |name: &str, value: &str| (name.to_owned(), Value::from(value));
        Self { members: Map::from_iter([member("method", method), member("url", url)]) }
    }

    /// Expects a header in the request.
    pub fn sent_header(mut self, name: &str, value: &str) -> Self {
        let sent = self.members.entry("sent").or_insert_with(|| json!({ "headers": {} }));
        sent["headers"][name] = value.into();
        self
    }

    /// Answers with this status.
    pub fn status(self, status: u16) -> Self {
        self.with("status", status.into())
    }

    /// Answers with a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let headers = self.members.entry("headers").or_insert_with(|| json!({}));
        headers[name] = value.into();
        self
    }

    /// Answers with a text.
    pub fn body(self, body: &str) -> Self {
        self.with("body", body.into())
    }

    /// Answers with JSON.
    pub fn json(self, value: impl Into<Value>) -> Self {
        self.with("json", value.into())
    }

    /// Hangs up instead of answering.
    pub fn cut(self) -> Self {
        self.with("cut", true.into())
    }

    /// Answers this many times.
    pub fn times(self, times: u32) -> Self {
        self.with("times", times.into())
    }

    fn with(mut self, member: &str, value: Value) -> Self {
        self.members.insert(member.to_owned(), value);
        self
    }
}
