//! Questions to a person, on standard error, and only where somebody can answer.

use std::io::{self, IsTerminal};

use ax_manifest::GrantScope;
use dialoguer::{Confirm, Password, Select};
use zeroize::Zeroizing;

use super::fault::CliError;
use super::output::Output;
use crate::app::{App, Candidate, Consent, InstallError};
use crate::plugin::scrub;

/// Shows the cursor (DECTCEM).
const SHOW_CURSOR: &str = "\x1b[?25h";

/// Bytes of one choice.
const CHOICE_BYTES: usize = 4 << 10;

/// Answers whether a question can be asked.
pub(super) fn can_ask(app: &App, output: Output) -> bool {
    !app.config().no_input.value
        && !output.is_json()
        && io::stdin().is_terminal()
        && io::stderr().is_terminal()
}

/// Asks whether and how to grant what a card asks for. Nothing is the first choice.
pub(super) fn consent(app: &App, candidate: &Candidate) -> Result<Consent, CliError> {
    let project = app.project_scope().ok();
    let mut choices = vec!["cancel".to_owned(), "install it and grant nothing".to_owned()];
    choices.push("grant all of it, always".to_owned());
    if let Some(GrantScope::Project(folder)) = &project {
        choices.push(scrub(
            &format!("grant all of it in the project {}", folder.display()),
            CHOICE_BYTES,
        ));
    }
    let chosen = Select::new()
        .with_prompt("Install it?")
        .items(&choices)
        .default(0)
        .interact_opt()
        .unwrap_or(None);
    let whole = |scope| Ok(Consent::Whole { scope, expires_at_ms: None });
    match (chosen, project) {
        (Some(1), _) => Ok(Consent::Nothing),
        (Some(2), _) => whole(GrantScope::Always),
        (Some(3), Some(scope)) => whole(scope),
        _ => Err(InstallError::Declined { plugin: candidate.card.plugin.to_string() }.into()),
    }
}

/// Asks a question that is not one of permission; `--yes` answers it.
pub(super) fn confirm(app: &App, output: Output, question: &str) -> Result<bool, CliError> {
    if app.config().yes.value {
        return Ok(true);
    }
    if !can_ask(app, output) {
        return Err(CliError::WouldAsk {
            what: format!("there is nobody to ask: {question}"),
            hint: "--yes".to_owned(),
        });
    }
    let asked = Confirm::new().with_prompt(question).default(false).interact_opt();
    if asked.is_err() {
        // A question that a signal broke off leaves it hidden.
        output.show(SHOW_CURSOR);
    }
    Ok(asked.ok().flatten() == Some(true))
}

/// Answers whether standard input is a terminal, where what is typed would be read line by line.
pub(super) fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// Asks for a value twice without showing it; empty when nothing was typed.
pub(super) fn hidden(question: &str) -> io::Result<Zeroizing<String>> {
    let asked = Password::new()
        .with_prompt(question)
        .with_confirmation("Once more", "The two differ")
        // A terminal that is gone answers with nothing for ever; so nothing is an answer, too.
        .allow_empty_password(true)
        .report(false);
    match asked.interact() {
        Ok(typed) => Ok(Zeroizing::new(typed)),
        Err(dialoguer::Error::IO(error)) => Err(error),
    }
}
