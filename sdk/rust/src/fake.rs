//! The host, played for tests that run without a sandbox.
//!
//! Each test thread has a world of its own, empty at first: nothing is set, nothing is kept, nobody
//! answers. A test sets up what the plugin finds, calls its functions, and looks at what they did.
//!
//! ```
//! use ax_sdk::{fake, http, log};
//!
//! fake::config("greeting", "Good morning");
//! fake::http(|request| match request.url.as_str() {
//!     "https://example.org/" => Ok(fake::page(200, "hello")),
//!     other => panic!("nobody asked for {other}"),
//! });
//! assert_eq!(http::get("https://example.org/").send().unwrap().text().unwrap(), "hello");
//! assert_eq!(fake::sent()[0].method, "GET");
//!
//! log::warn("odd");
//! assert_eq!(fake::logged()[0].message, "odd");
//! ```
//!
//! What is kept has the bounds of [`kv`](crate::kv). Otherwise no permission is checked and no limit is
//! enforced here: `ax test` runs the same plugin in the real sandbox.

pub(crate) mod kv;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::http::{Request, Response};
use crate::kv::Entry;
use crate::log::Level;
use crate::model;
use crate::task::Info;
use crate::{Error, ErrorKind, Result};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The text.
    pub message: String,
    /// Names and values that go with it.
    pub fields: Vec<(String, String)>,
}

type Playing = Rc<dyn Fn(&model::Request) -> Result<model::Response>>;
/// Plays one tool of another plugin.
type Tool = Rc<dyn Fn(&Value) -> Result<Value>>;
type Server = Rc<dyn Fn(&Request) -> Result<Response>>;

/// What a test has set up and what the plugin did.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) config: Map<String, Value>,
    pub(crate) kv: BTreeMap<String, Entry>,
    pub(crate) version: u64,
    pub(crate) secrets: BTreeSet<String>,
    pub(crate) log: Vec<Line>,
    pub(crate) progress: Vec<(u64, Option<u64>, String)>,
    pub(crate) call: Info,
    pub(crate) cancelled: bool,
    server: Option<Server>,
    sent: Vec<Request>,
    model: Option<Playing>,
    asked: Vec<model::Request>,
    pub(crate) tools: BTreeMap<String, Tool>,
    pub(crate) context: BTreeMap<String, String>,
    pub(crate) emitted: Vec<String>,
    /// What a person was asked, in order.
    pub(crate) asked_for: Vec<String>,
    pub(crate) is_refusing: bool,
    pub(crate) form: Option<Value>,
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::default();
}

pub(crate) fn with<T>(act: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with(|world| act(&mut world.borrow_mut()))
}

/// Empties the world. Each test begins with an empty one; this is for tests that go on.
pub fn reset() {
    with(|world| *world = World::default());
}

/// Sets what the operator would have set, for [`config`](crate::config).
///
/// # Panics
///
/// When the value cannot be told as JSON.
pub fn config(key: &str, value: impl Serialize) {
    let value = serde_json::to_value(value).expect("a setting is JSON");
    with(|world| world.config.insert(key.to_owned(), value));
}

/// Sets a secret, of which the plugin sees only that it is there: [`secrets`](crate::secrets).
pub fn secret(name: &str) {
    with(|world| world.secrets.insert(name.to_owned()));
}

/// Answers requests by a function, in place of the one before. An error stands for what fails on the
/// way.
pub fn http(server: impl Fn(&Request) -> Result<Response> + 'static) {
    with(|world| world.server = Some(Rc::new(server)));
}

/// Makes an answer for [`http`](fn@self::http): a status and a body. Headers go into its field.
pub fn page(status: u16, body: impl Into<Vec<u8>>) -> Response {
    Response { status, body: body.into(), ..Response::default() }
}

/// Answers questions to models by a function, in place of the one before: [`model`](crate::model).
pub fn model(playing: impl Fn(&model::Request) -> Result<model::Response> + 'static) {
    with(|world| world.model = Some(Rc::new(playing)));
}

/// Makes an answer for [`model`](fn@self::model): one text. The rest goes into its fields.
pub fn said(text: impl Into<String>) -> model::Response {
    model::Response {
        id: String::new(),
        provider: "fake".to_owned(),
        model: "fake".to_owned(),
        message: model::Message::assistant(text),
        finish: model::Finish::Stop,
        usage: model::Usage::default(),
    }
}

/// Takes the questions that models were asked since the last time, in order.
pub fn asked() -> Vec<model::Request> {
    with(|world| std::mem::take(&mut world.asked))
}

/// Asks the running call to stop: [`task::cancelled`](crate::task::cancelled) then says so.
pub fn cancel() {
    with(|world| world.cancelled = true);
}

/// Sets what [`task::current`](crate::task::current) tells of the running call.
pub fn call(info: Info) {
    with(|world| world.call = info);
}

/// Takes the lines that were logged since the last time, in order.
pub fn logged() -> Vec<Line> {
    with(|world| std::mem::take(&mut world.log))
}

/// Takes the requests that were sent since the last time, in order.
pub fn sent() -> Vec<Request> {
    with(|world| std::mem::take(&mut world.sent))
}

/// Takes what was said of progress since the last time: units done, units in all, and the note.
pub fn progress() -> Vec<(u64, Option<u64>, String)> {
    with(|world| std::mem::take(&mut world.progress))
}

pub(crate) fn answer(request: &Request) -> Result<Response> {
    let server = with(|world| {
        world.sent.push(request.clone());
        world.server.clone()
    });
    let Some(server) = server else {
        let message = format!("nobody answers `{}`: set a server with `fake::http`", request.url);
        return Err(Error::new(ErrorKind::Unavailable, message));
    };
    let mut response = server(request)?;
    if response.url.is_empty() {
        response.url.clone_from(&request.url);
    }
    Ok(response)
}

pub(crate) fn ask(request: &model::Request) -> Result<model::Response> {
    let playing = with(|world| {
        world.asked.push(request.clone());
        world.model.clone()
    });
    let Some(playing) = playing else {
        let message = "no model is set up: play one with `fake::model`";
        return Err(Error::new(ErrorKind::Unavailable, message).code("no-models"));
    };
    playing(request)
}

/// Plays a tool of another plugin for [`tools`](crate::tools), by its whole name.
pub fn tool(name: &str, answer: impl Fn(&Value) -> Result<Value> + 'static) {
    with(|world| world.tools.insert(name.to_owned(), Rc::new(answer)));
}

/// Has the person refuse what is asked of them from now on; until then they agree.
pub fn refuse() {
    with(|world| world.is_refusing = true);
}

/// Fills in the forms that [`task::ask`](crate::task::ask) shows.
///
/// # Panics
///
/// When the value cannot be told as JSON.
pub fn form(value: impl Serialize) {
    let value = serde_json::to_value(value).expect("a form is JSON");
    with(|world| world.form = Some(value));
}

/// Takes what a person was asked since the last time: actions and questions, in order.
pub fn asked_for() -> Vec<String> {
    with(|world| std::mem::take(&mut world.asked_for))
}

/// Takes what the agent showed since the last time.
pub fn emitted() -> Vec<String> {
    with(|world| std::mem::take(&mut world.emitted))
}

pub(crate) fn call_tool(name: &str, input: &Value) -> Result<Value> {
    match with(|world| world.tools.get(name).cloned()) {
        Some(tool) => tool(input),
        None => {
            let message = format!("nobody plays `{name}`: do so with `fake::tool`");
            Err(Error::not_found(name, message))
        }
    }
}
