//! `ax mcp token`: add, list, remove.
//!
//! Invariant: a token is printed once, on standard output, when it is made.
//! Not here: what a token is and where its digest is kept (`secret::tokens`).

use serde_json::{Value, json};

use super::args::TokenCommand;
use super::fault::CliError;
use super::output::Output;
use super::prompt;
use super::render::{date, table};
use crate::app::App;
use crate::secret::tokens::TokenName;

pub(super) fn run(app: &App, output: Output, command: TokenCommand) -> Result<(), CliError> {
    match command {
        TokenCommand::Add { name } => add(app, output, &name),
        TokenCommand::List => list(app, output),
        TokenCommand::Remove { name } => remove(app, output, &name),
    }
}

fn add(app: &App, output: Output, name: &TokenName) -> Result<(), CliError> {
    let token = app.add_token(name)?;
    let value = json!({ "name": name.as_str(), "token": token.as_str() });
    output.data(&value, || format!("{}\n", token.as_str()));
    output.note("this is the token, and it is not shown again; whoever has it calls your tools");
    output.note(&format!(
        "a program sends it as `Authorization: Bearer …`; it ends with: ax mcp token remove {name}"
    ));
    Ok(())
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let tokens = app.tokens()?;
    let one = |(name, info): (&TokenName, _)| {
        let info: &crate::secret::tokens::TokenInfo = info;
        json!({ "name": name.as_str(), "madeAtMs": info.made_at_ms })
    };
    let values: Vec<Value> = tokens.iter().map(one).collect();
    output.data(&values, || {
        if tokens.is_empty() {
            return "there are no tokens; ax mcp token add NAME\n".to_owned();
        }
        let rows = tokens.iter();
        table(
            rows.map(|(name, info)| [("NAME", name.to_string()), ("MADE", date(info.made_at_ms))]),
        )
    });
    Ok(())
}

fn remove(app: &App, output: Output, name: &TokenName) -> Result<(), CliError> {
    app.expect_token(name)?;
    if !prompt::confirm(app, output, &format!("Remove the token {name}?"))? {
        output.note("nothing was removed");
        return Ok(());
    }
    app.remove_token(name)?;
    output.data(&json!({ "name": name.as_str() }), String::new);
    output.note(&format!("removed {name}: who has it is not let in any more"));
    Ok(())
}
