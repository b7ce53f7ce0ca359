//! What clap says of a wrong command line, in our form: what is wrong, and what to type.
//!
//! Not here: arguments that clap cannot check (`fault::CliError::Usage`).

use std::error::Error as _;

use ax_manifest::{DigestError, NameError, PermissionError, QuantityError, SourceError};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::author::NewNameError;
use super::fault::Fault;

/// Makes the failure that is printed.
pub(super) fn fault(error: &clap::Error) -> Fault {
    let text = error.render().to_string();
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().trim_start_matches("error: ");
    // Arguments that are missing stand on lines of their own.
    let listed = lines.take_while(|line| !line.is_empty()).map(str::trim);
    let message = match (error.kind(), context(error, ContextKind::InvalidArg)) {
        // The value is not repeated: what follows `--stdin=` may be a secret.
        (ErrorKind::TooManyValues, Some(flag)) => {
            format!("a value was given to `{flag}`, which takes no more")
        }
        _ => std::iter::once(first).chain(listed).collect::<Vec<_>>().join(" "),
    };
    let hint = of_value(error)
        .or_else(|| meant(error))
        .or_else(|| text.lines().find_map(|line| line.strip_prefix("Usage: ")).map(str::to_owned))
        .or_else(|| context(error, ContextKind::InvalidArg))
        .unwrap_or_else(|| "ax --help".to_owned());
    Fault::usage(&message, &hint)
}

/// Returns the hint of the error with which a value was refused.
fn of_value(error: &clap::Error) -> Option<String> {
    let source = error.source()?;
    None.or_else(|| source.downcast_ref().map(PermissionError::hint))
        .or_else(|| source.downcast_ref().map(NameError::hint))
        .or_else(|| source.downcast_ref().map(DigestError::hint))
        .or_else(|| source.downcast_ref().map(QuantityError::hint))
        .or_else(|| source.downcast_ref().map(SourceError::hint))
        .or_else(|| source.downcast_ref().map(NewNameError::hint))
}

/// Returns what was probably meant.
fn meant(error: &clap::Error) -> Option<String> {
    let kinds =
        [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let name = kinds.into_iter().find_map(|kind| context(error, kind))?;
    Some(format!("did you mean `{name}`?"))
}

/// Returns what clap noted of one kind; of several, the most similar, which it lists last.
fn context(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind)? {
        ContextValue::String(name) => Some(name.clone()),
        ContextValue::Strings(names) => names.last().cloned(),
        _ => None,
    }
}
