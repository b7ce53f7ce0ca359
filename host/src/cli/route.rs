//! `ax route explain`: who would be asked, in which order, and why. Asks nobody.
//!
//! Not here: the decision (`router`). What was decided for a request that was made: `ax request show`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::chat::{model_of, not_followed, route_of};
use super::fault::CliError;
use super::interrupts::current_thread;
use super::media;
use super::output::Output;
use super::render::{dollars, table};
use crate::app::{App, Unanswered};
use crate::chat::{Message, Part, PartKind, Request, Role, ToolDef};
use crate::router::observer::Reason;
use crate::router::trail::Trail;
use crate::router::{Explained, Explanation};

#[derive(Debug, Subcommand)]
pub(crate) enum RouteCommand {
    /// Say who would be asked for a request, in which order, and why
    ///
    /// Providers as they are configured; what was learned of them in running programs is theirs.
    Explain(ExplainArgs),
}

/// What `ax route explain` is told.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// What would be asked
    #[arg(value_name = "PROMPT")]
    prompt: Vec<String>,
    /// The model: its name, PROVIDER/MODEL, or a tier of config.toml
    #[arg(long, short, value_name = "MODEL")]
    model: Option<String>,
    /// A file that would be sent along
    #[arg(long, short, value_name = "FILE")]
    file: Vec<PathBuf>,
    /// As if tools were offered
    #[arg(long)]
    tools: bool,
    /// Tokens of the answer at most
    #[arg(long, value_name = "COUNT")]
    max_tokens: Option<u32>,
}

pub(super) fn run(app: &App, output: Output, command: &RouteCommand) -> Result<(), CliError> {
    let RouteCommand::Explain(arguments) = command;
    let ExplainArgs { prompt, model, file, tools, max_tokens } = arguments;
    let route = model.as_deref().and_then(|name| route_of(app, name));
    let models = app.models(route.as_ref())?;
    let mut parts = media::parts(file)?;
    let text = if prompt.is_empty() { "Hello".to_owned() } else { prompt.join(" ") };
    parts.push(Part::from(PartKind::Text(text)));
    let (provider, model) = model_of(route, model.as_ref());
    let tool = ToolDef {
        name: "tool".to_owned(),
        description: String::new(),
        input_schema: json!({ "type": "object" }),
    };
    let id = app.request_id()?;
    let request = Request {
        provider,
        model,
        tools: tools.then_some(tool).into_iter().collect(),
        max_tokens: *max_tokens,
        stream: true,
        ..Request::new(id, vec![Message { parts, ..Message::text(Role::User, "") }])
    };
    let explained = current_thread()?.block_on(models.router.explain(&request));
    let explained = explained.map_err(|error| {
        let (hint, trail) = (models.hint(&error), Trail::default());
        CliError::Unanswered(Box::new(Unanswered { id: Some(id), error, trail, hint }))
    })?;
    let Explanation { targets: explained, unranked } = explained;
    if let Some(why) = unranked {
        output.warn(&not_followed(&why));
    }
    output.data(&explained, || table(explained.iter().enumerate().map(cells)));
    Ok(())
}

fn cells((at, explained): (usize, &Explained)) -> [(&'static str, String); 6] {
    let Explained { target, reason, degradations, estimated_micro_usd, why_not } = explained;
    let left_out: Vec<Value> = degradations.iter().map(|it| json!(it)).collect();
    let left_out: Vec<_> = left_out.iter().filter_map(Value::as_str).collect();
    let order = if why_not.is_some() { "never".to_owned() } else { (at + 1).to_string() };
    [
        ("ORDER", order),
        ("MODEL", format!("{}/{}", target.provider, target.model)),
        ("KEY", target.key.clone()),
        ("WHY", why_not.clone().unwrap_or_else(|| words(*reason))),
        ("LEFT OUT", left_out.join(", ")),
        ("AT MOST", estimated_micro_usd.map_or_else(|| "unknown".to_owned(), dollars)),
    ]
}

fn words(reason: Reason) -> String {
    match reason {
        Reason::OwnsState => "it wrote what the conversation carries".to_owned(),
        Reason::Route => "config.toml names it for this".to_owned(),
        Reason::Policy => "the policy of config.toml chose it".to_owned(),
        Reason::NamedModel => "the model was named".to_owned(),
        Reason::Priority(priority) => format!("priority {priority}"),
        Reason::Open(cause) => {
            format!("not now: {}", json!(cause).as_str().unwrap_or("it failed"))
        }
        Reason::Misfit(_) => "it cannot answer that".to_owned(),
        Reason::Refused => "whoever asks may not have it asked".to_owned(),
    }
}
