//! `ax chat`: a conversation with a model in the terminal, with the installed tools.
//!
//! Not here: the conversation itself and the calls of tools (`app::talk`), which model is asked (`router`).

use std::io::{BufRead as _, Read as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::cause::Cause;
use super::fault::{CliError, Fault};
use super::input_lines;
use super::interrupts::{Interrupts, current_thread};
use super::media;
use super::output::{self, Output};
use super::prompt;
use super::render::{counted, money};
use crate::app::{
    Answered, App, Audience, CatalogueTool, Conversation, FailedCall, Manner, Talk, TalkError,
};
use crate::chat::{Chunk, Message, Part, PartKind, Role, Thinking, ToolCall, ToolResult};
use crate::config::Route;
use crate::plugin::{CallError, scrub};

/// Bytes of a question: four for each character that a message may have.
const LINE_BYTES_MAX: u64 = 4 << 20;

/// Characters of a tool's input or answer that are shown.
const SHOWN_BYTES: usize = 400;

/// What `ax chat` is told.
#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// What to ask; without it, questions are read line by line until the end of input
    #[arg(value_name = "PROMPT")]
    prompt: Vec<String>,
    /// The model: its name, PROVIDER/MODEL, or a tier of config.toml [default: router.primary]
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// Go on with a conversation, the last one if none is named
    #[arg(long, short = 'c', value_name = "ID", num_args = 0..=1, require_equals = true)]
    r#continue: Option<Option<String>>,
    /// What the model is told before everything else
    #[arg(long, value_name = "TEXT")]
    system: Option<String>,
    /// Send a file along: text, a picture or a PDF; `-` is standard input
    #[arg(long, short, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// Offer only these tools [default: all that are installed]
    #[arg(long, value_name = "PLUGIN[.TOOL]")]
    tool: Vec<String>,
    /// Offer no tools
    #[arg(long, conflicts_with = "tool")]
    no_tools: bool,
    /// Tokens of one answer at most
    #[arg(long, value_name = "COUNT")]
    max_tokens: Option<u32>,
    /// 0 is the most likely answer, 2 the most surprising
    #[arg(long, value_name = "NUMBER")]
    temperature: Option<f64>,
    /// How much the model thinks before it answers
    #[arg(long, value_name = "HOW MUCH")]
    thinking: Option<HowMuch>,
}

/// How much a model thinks.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum HowMuch {
    /// Not at all, where it can do without
    Off,
    /// A little
    Low,
    /// Some
    Medium,
    /// Much
    High,
}

pub(super) fn run(app: &Arc<App>, output: Output, arguments: ChatArgs) -> Result<(), CliError> {
    let route = arguments.model.as_deref().and_then(|name| route_of(app, name));
    // No record, no call, of tools and of models.
    app.audit()?;
    let models = app.models_on_record(route.as_ref())?;
    let named = arguments.r#continue.as_ref().map(|id| app.conversation_named(id.as_deref()));
    let fresh = app.new_conversation()?;
    let id = named.transpose()?;
    // Before it is read: whoever has it may be writing it.
    let _held = app.hold_conversation(id.unwrap_or(fresh.id))?;
    let mut conversation = match id {
        Some(id) => app.conversation(id)?,
        None => fresh,
    };
    let ChatArgs { prompt, file, tool, no_tools, .. } = &arguments;
    let is_wanted = |offered: &CatalogueTool| {
        let (id, plugin) = (offered.id.to_string(), offered.id.plugin.to_string());
        !no_tools && (tool.is_empty() || tool.iter().any(|it| *it == id || *it == plugin))
    };
    let attached = media::parts(file)?;
    let manner = manner(&arguments, route);
    let talk = Talk::new(Arc::clone(app), models, manner, is_wanted)?;
    if !tool.is_empty() && talk.tools() == 0 {
        return Err(CliError::Usage {
            what: format!("no installed tool is `{}`", tool.join("`, `")),
            hint: "ax tool list".to_owned(),
        });
    }
    let room = Room { app, output, interrupts: Interrupts::listen()?, talk };
    if prompt.is_empty() {
        return room.converse(&mut conversation, attached);
    }
    room.turn(&mut conversation, said(attached, &prompt.join(" ")))
}

/// Finds the provider in a model's name, where one is there.
pub(super) fn route_of(app: &App, name: &str) -> Option<Route> {
    let config = app.config();
    let is_tier = config.router.tiers.contains_key(name);
    let route = name.parse::<Route>().ok().filter(|_| !is_tier)?;
    config.providers.contains_key(&route.provider).then_some(route)
}

/// Says that the usual order held, and why.
pub(super) fn not_followed(why: &str) -> String {
    format!("the usual order of models held: {}", scrub(why, SHOWN_BYTES))
}

/// Says which provider and which model a request names.
pub(super) fn model_of(
    route: Option<Route>,
    name: Option<&String>,
) -> (Option<String>, Option<String>) {
    match route {
        Some(Route { provider, model }) => (Some(provider), Some(model)),
        None => (None, name.cloned()),
    }
}

fn manner(arguments: &ChatArgs, route: Option<Route>) -> Manner {
    let ChatArgs { model, system, max_tokens, temperature, thinking, .. } = arguments;
    let (provider, model) = model_of(route, model.as_ref());
    let thinking = thinking.map(|how_much| match how_much {
        HowMuch::Off => Thinking::Off,
        HowMuch::Low => Thinking::Low,
        HowMuch::Medium => Thinking::Medium,
        HowMuch::High => Thinking::High,
    });
    let (system, temperature) = (system.clone(), *temperature);
    Manner { provider, model, system, max_tokens: *max_tokens, temperature, thinking }
}

fn said(mut parts: Vec<Part>, text: &str) -> Message {
    parts.push(PartKind::Text(text.to_owned()).into());
    Message { parts, ..Message::text(Role::User, "") }
}

/// Where a conversation is held.
struct Room<'a> {
    app: &'a Arc<App>,
    output: Output,
    interrupts: Interrupts,
    talk: Talk,
}

impl Room<'_> {
    /// Reads questions line by line, and answers each. An answer that failed or was stopped ends nothing but
    /// itself where a person sits there; a program is told by the exit code.
    fn converse(
        &self,
        conversation: &mut Conversation,
        mut attached: Vec<Part>,
    ) -> Result<(), CliError> {
        let is_typed = prompt::is_typed() && !self.output.is_json();
        if is_typed {
            let tools = counted(self.talk.tools() as u64, "tool");
            self.output.note(&format!("{tools}; Ctrl-C stops an answer, Ctrl-D ends"));
        }
        loop {
            if is_typed {
                self.output.show("> ");
            }
            let mut line = String::new();
            let read = input_lines().take(LINE_BYTES_MAX + 1).read_line(&mut line);
            let failed = |source| CliError::File { path: "standard input".to_owned(), source };
            if read.map_err(failed)? == 0 {
                if is_typed {
                    self.output.show("\n");
                }
                return Ok(());
            }
            if line.len() as u64 > LINE_BYTES_MAX {
                return Err(CliError::Usage {
                    what: format!("a question is longer than {LINE_BYTES_MAX} bytes"),
                    hint: "send a file along: --file FILE".to_owned(),
                });
            }
            if line.trim().is_empty() {
                continue;
            }
            match self.turn(conversation, said(std::mem::take(&mut attached), line.trim())) {
                Err(error) if is_typed => self.output.fault(&Fault::from(&error)),
                ended => ended?,
            }
        }
    }

    fn turn(&self, conversation: &mut Conversation, said: Message) -> Result<(), CliError> {
        let mut audience = Terminal {
            app: self.app,
            output: self.output,
            text: String::new(),
            is_line_open: false,
            calls: Vec::new(),
            answers: Vec::new(),
        };
        let runtime = current_thread()?;
        let ended = self.interrupts.during(|stop| {
            runtime.block_on(self.talk.turn(conversation, said, &mut audience, stop))
        });
        audience.end_line();
        if output::is_closed() {
            // Whoever read it has enough, as `head` has.
            return Ok(());
        }
        if self.output.is_json() && ended.is_ok() {
            self.output.json_line(&json!({
                "conversation": conversation.id,
                "text": audience.text,
                "toolCalls": audience.calls,
                "answers": audience.answers,
            }));
        }
        Ok(ended.map_err(Box::new)?)
    }
}

/// A person at a terminal, or a program that reads JSON.
struct Terminal<'a> {
    app: &'a App,
    output: Output,
    text: String,
    is_line_open: bool,
    calls: Vec<Value>,
    answers: Vec<Value>,
}

impl Terminal<'_> {
    /// Ends a line of the answer, so that what comes next stands on its own.
    fn end_line(&mut self) {
        if std::mem::take(&mut self.is_line_open) {
            self.output.piece("\n");
        }
    }
}

impl Audience for Terminal<'_> {
    fn hear(&mut self, chunk: &Chunk) -> bool {
        match chunk {
            Chunk::Text(text) => {
                self.text.push_str(text);
                if !self.output.is_json() && !text.is_empty() {
                    self.output.piece(text);
                    self.is_line_open = !text.ends_with('\n');
                }
            }
            Chunk::Reasoning(text) if self.output.is_verbose() && !self.output.is_json() => {
                self.output.thought(text);
            }
            _ => {}
        }
        !output::is_closed()
    }

    fn agrees(&mut self, tool: &CatalogueTool, call: &ToolCall) -> bool {
        self.end_line();
        let input = scrub(&call.input.to_string(), SHOWN_BYTES);
        let question = format!("Call {} with {input}?", tool.id);
        match prompt::confirm(self.app, self.output, &question) {
            Ok(agrees) => agrees,
            Err(_) => {
                let why = "it may change things outside, and nobody is there to agree";
                self.output.warn(&format!("`{}` is not called: {why} (--yes)", tool.id));
                false
            }
        }
    }

    fn calling(&mut self, call: &ToolCall) {
        self.end_line();
        let input = scrub(&call.input.to_string(), SHOWN_BYTES);
        self.output.note(&format!("{} {input}", call.name));
    }

    fn called(&mut self, call: &ToolCall, result: &ToolResult) {
        let ToolCall { name, input, .. } = call;
        self.calls.push(json!({ "name": name, "input": input, "isError": result.is_error }));
        if result.is_error {
            self.output.warn(&format!("`{name}`: {}", scrub(&result.text, SHOWN_BYTES)));
        } else if self.output.is_verbose() {
            self.output.note(&scrub(&result.text, SHOWN_BYTES));
        }
    }

    fn answered(&mut self, answered: &Answered) {
        self.end_line();
        let Answered { id, provider, model, finish, usage, cost, trail, duration } = answered;
        if let Some(why) = &trail.unranked {
            self.output.warn(&not_followed(why));
        }
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        self.answers.push(json!({
            "id": id, "provider": provider, "model": model, "finish": finish, "usage": usage,
            "cost": cost, "attempts": trail.steps, "durationMs": duration_ms,
        }));
        let mut told = vec![scrub(&format!("{provider}/{model}"), SHOWN_BYTES)];
        if trail.steps.len() > 1 {
            told.push(format!("after {}", scrub(&trail.header(), SHOWN_BYTES)));
        }
        if let Some(usage) = usage {
            told.push(format!("{} + {} tokens", usage.input, usage.output));
        }
        told.extend(cost.as_ref().map(money));
        told.push(format!("{}.{} s", duration_ms / 1_000, duration_ms % 1_000 / 100));
        self.output.note(&format!("[{}]", told.join(", ")));
    }

    fn why(&self, failed: FailedCall) -> String {
        let error = match failed {
            FailedCall::Unready(error) => CliError::from(error),
            FailedCall::Failed(id, mut report) => {
                let cause = Cause::of(self.app, &id, None, &mut report);
                CliError::Call {
                    plugin: id.plugin.to_string(),
                    denials: std::mem::take(&mut report.denials),
                    cause: cause.map(Box::new),
                    trace: Value::Null,
                    backtrace: Vec::new(),
                    source: report.result.err().unwrap_or(CallError::Lost),
                }
            }
        };
        let Fault { message, hint, causes, .. } = Fault::from(&error);
        let hint = hint.map(|hint| format!("a person can type: {hint}"));
        let told = std::iter::once(message).chain(causes).chain(hint);
        told.collect::<Vec<_>>().join("; ")
    }
}

impl From<Box<TalkError>> for CliError {
    fn from(error: Box<TalkError>) -> Self {
        match *error {
            TalkError::Models(error) => error.into(),
            TalkError::Conversation(error) => error.into(),
            TalkError::Tools(error) => error.into(),
            other => Self::Talk(Box::new(other)),
        }
    }
}
