//! `ax secret`: set, list, remove.
//!
//! Invariant: a value comes from a prompt that does not show it or from standard input, never from
//! an argument or a variable. What is printed here holds no byte of one; what was typed in the wrong
//! place is refused without being repeated.
//!
//! Not here: what a name and a value may be (`secret`), keeping them and the record of it (`app`).

use std::convert::Infallible;
use std::io;

use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::args::SecretCommand;
use super::fault::CliError;
use super::output::Output;
use super::permission::term;
use super::render::{date, table};
use super::{prompt, read_secretly};
use crate::app::{App, ListedSecret, SecretUse, SecretsError};
use crate::plugin::scrub;
use crate::secret::error::SecretError;
use crate::secret::name::SecretName;
use crate::secret::value::{SECRET_BYTES_MAX, SecretValue};

/// Bytes of the line break that is taken off the end of standard input: `\r\n`.
const LINE_BREAK_BYTES: usize = 2;

/// Bytes of one typed line from which on the terminal may have cut it, which nobody sees since it is
/// not shown: what the kernel keeps of a line, without its end.
const TYPED_BYTES_CUT: usize = if cfg!(target_os = "macos") { 1_023 } else { 4_095 };

/// Bytes of a printed path.
const PATH_BYTES: usize = 4 << 10;

/// What stands in the place of a name; a value typed there is not kept.
#[derive(Debug, Clone)]
pub(crate) enum GivenName {
    Name(SecretName),
    /// `NAME=VALUE`.
    WithValue,
    /// It is no name, and perhaps the value.
    Wrong(&'static str),
}

impl GivenName {
    /// Reads the argument. Never fails, since the parser's error would repeat it.
    pub(crate) fn read(text: &str) -> Result<Self, Infallible> {
        Ok(match text.parse() {
            Ok(name) => Self::Name(name),
            Err(_) if text.contains('=') => Self::WithValue,
            Err(SecretError::Name { why, .. }) => Self::Wrong(why),
            Err(_) => Self::Wrong("it cannot be read"),
        })
    }

    fn name(self) -> Result<SecretName, ValueError> {
        match self {
            Self::Name(name) => Ok(name),
            Self::WithValue => Err(ValueError::Argument { name: None }),
            Self::Wrong(why) => Err(ValueError::Name { why }),
        }
    }
}

/// What was given where nothing belongs: nothing is kept of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Discarded;

impl Discarded {
    /// Forgets the argument.
    pub(crate) fn read(_: &str) -> Result<Self, Infallible> {
        Ok(Self)
    }
}

/// Why no value was taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ValueError {
    /// It is not repeated: it may be the value.
    #[error("what was given is not the name of a secret: {why}")]
    Name { why: &'static str },
    #[error("a value was given on the command line, where the shell's history and `ps` show it")]
    Argument { name: Option<SecretName> },
    #[error("standard input is empty")]
    Empty { name: SecretName },
    #[error("standard input holds more than the {SECRET_BYTES_MAX} bytes that a value may have")]
    TooLong,
    #[error("the value is too long to be typed: terminals cut lines of {TYPED_BYTES_CUT} bytes")]
    Cut { name: SecretName },
    #[error("cannot read the value")]
    Read(#[source] io::Error),
    #[error("nothing was typed, so nothing was set")]
    NothingTyped,
}

impl ValueError {
    /// Says what the user can do.
    pub(super) fn hint(&self) -> Option<String> {
        let from_file = |name: &SecretName| format!("ax secret set {name} --stdin < FILE");
        match self {
            Self::Name { .. } => Some("a secret is named like `github-token`".to_owned()),
            Self::Argument { name: Some(name) } => Some(format!(
                "`ax secret set {name}` asks for it; without a terminal: {}",
                from_file(name)
            )),
            Self::Argument { name: None } => Some("ax secret set NAME".to_owned()),
            Self::Empty { name } | Self::Cut { name } => Some(from_file(name)),
            Self::TooLong => Some("give the token alone, not what is around it".to_owned()),
            Self::Read(_) | Self::NothingTyped => None,
        }
    }
}

pub(super) fn run(app: &App, output: Output, command: SecretCommand) -> Result<(), CliError> {
    match command {
        SecretCommand::Set { name, value, .. } if !value.is_empty() => {
            Err(ValueError::Argument { name: name.name().ok() }.into())
        }
        SecretCommand::Set { name, stdin, .. } => set(app, output, &name.name()?, stdin),
        SecretCommand::List => list(app, output),
        SecretCommand::Remove { name } => remove(app, output, &name.name()?),
    }
}

fn set(app: &App, output: Output, name: &SecretName, from_stdin: bool) -> Result<(), CliError> {
    // Asked before the question: nobody should type what cannot be kept.
    let is_set = app.is_secret_set(name)?;
    let value = match from_stdin || !prompt::is_typed() {
        true => read(name)?,
        false => ask(app, output, name, is_set)?,
    };
    let set = app.set_secret(name, &value)?;
    let vault = app.vault();
    let [path, key_file] =
        [vault.path(), vault.key_file()].map(|path| scrub(&path.display().to_string(), PATH_BYTES));
    let value = json!({
        "secret": name.as_str(),
        "replaced": set.was_replaced,
        "keyMade": set.key_was_made,
        "vault": path,
        "key": key_file,
    });
    output.data(&value, String::new);
    output.note(&match set.was_replaced {
        true => format!("replaced {name}"),
        false => format!("set {name}"),
    });
    if set.key_was_made {
        output.note(&format!("its key was made: `{key_file}` opens `{path}`"));
        output.note("whoever has both files has the secrets; without the key they are lost");
    }
    Ok(())
}

/// Takes all of standard input, without one line break at its end.
fn read(name: &SecretName) -> Result<SecretValue, CliError> {
    let bytes_max = SECRET_BYTES_MAX + LINE_BREAK_BYTES;
    let bytes = read_secretly(bytes_max).map_err(ValueError::Read)?;
    if bytes.is_empty() {
        return Err(ValueError::Empty { name: name.clone() }.into());
    }
    let value = without_line_break(&bytes);
    // Of more than was read, how much there is is not known.
    if bytes.len() > bytes_max || value.len() > SECRET_BYTES_MAX {
        return Err(ValueError::TooLong.into());
    }
    Ok(SecretValue::new(value).map_err(SecretsError::from)?)
}

fn without_line_break(bytes: &[u8]) -> &[u8] {
    let Some(line) = bytes.strip_suffix(b"\n") else { return bytes };
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Asks a person on the terminal.
fn ask(
    app: &App,
    output: Output,
    name: &SecretName,
    is_set: bool,
) -> Result<SecretValue, CliError> {
    if !prompt::can_ask(app, output) {
        return Err(CliError::WouldAsk {
            what: format!("nobody may be asked for the value of `{name}`"),
            hint: format!("ax secret set {name} --stdin < FILE"),
        });
    }
    let question = match is_set {
        true => format!("New value of {name}, which is set already"),
        false => format!("Value of {name}"),
    };
    let typed = prompt::hidden(&question).map_err(ValueError::Read)?;
    let typed = whole(name, &typed)?;
    Ok(SecretValue::new(typed.as_bytes()).map_err(SecretsError::from)?)
}

/// Refuses what the terminal may have cut.
fn whole<'a>(name: &SecretName, typed: &'a Zeroizing<String>) -> Result<&'a str, ValueError> {
    match typed.len() {
        0 => Err(ValueError::NothingTyped),
        TYPED_BYTES_CUT.. => Err(ValueError::Cut { name: name.clone() }),
        _ => Ok(typed),
    }
}

fn list(app: &App, output: Output) -> Result<(), CliError> {
    let secrets = app.secrets()?;
    let now_ms = app.clock().now_ms();
    let values: Vec<Value> = secrets.iter().map(listed_json).collect();
    output.data(&values, || {
        if secrets.is_empty() {
            return "no secrets are set and no plugin asks for one; ax secret set NAME\n"
                .to_owned();
        }
        table(secrets.iter().flat_map(|secret| rows(secret, now_ms)))
    });
    for missing in secrets.iter().filter(|secret| secret.set_at_ms.is_none()) {
        output.note(&format!("not set: ax secret set {}", missing.name));
    }
    Ok(())
}

fn listed_json(secret: &ListedSecret) -> Value {
    let plugin = |used: &SecretUse| {
        let grants = used.grants.iter().map(|grant| {
            json!({
                "permission": grant.permission.to_string(),
                "scope": grant.scope.to_string(),
                "expiresAtMs": grant.expires_at_ms,
            })
        });
        json!({
            "plugin": used.plugin.to_string(),
            "origin": used.origin.to_string(),
            "grants": grants.collect::<Vec<_>>(),
        })
    };
    json!({
        "secret": secret.name,
        "set": secret.set_at_ms.is_some(),
        "setAtMs": secret.set_at_ms,
        "plugins": secret.uses.iter().map(plugin).collect::<Vec<_>>(),
    })
}

/// One line for each grant of each plugin, and one for each plugin or secret without.
fn rows(secret: &ListedSecret, now_ms: u64) -> Vec<[(&'static str, String); 5]> {
    let none = || "-".to_owned();
    let row = |plugin, origin, grant| {
        [
            ("SECRET", secret.name.clone()),
            ("SET", secret.set_at_ms.map_or_else(|| "not set".to_owned(), date)),
            ("PLUGIN", plugin),
            ("FOR", origin),
            ("GRANT", grant),
        ]
    };
    if secret.uses.is_empty() {
        return vec![row(none(), none(), none())];
    }
    let mut rows = Vec::new();
    for used in &secret.uses {
        let mut terms: Vec<String> =
            used.grants.iter().map(|grant| scrub(&term(grant, now_ms), PATH_BYTES)).collect();
        if terms.is_empty() {
            terms.push("not granted".to_owned());
        }
        for term in terms {
            rows.push(row(used.plugin.to_string(), used.origin.to_string(), term));
        }
    }
    rows
}

fn remove(app: &App, output: Output, name: &SecretName) -> Result<(), CliError> {
    // Asked before the question: there is no point in confirming what cannot be done.
    app.expect_secret(name)?;
    if !prompt::confirm(app, output, &format!("Remove the secret {name}?"))? {
        output.note("nothing was removed");
        return Ok(());
    }
    let grants = app.remove_secret(name)?;
    let left = grants.iter().map(|(plugin, permission)| {
        json!({ "plugin": plugin.to_string(), "permission": permission.to_string() })
    });
    let value = json!({ "secret": name.as_str(), "grants": left.collect::<Vec<_>>() });
    output.data(&value, String::new);
    output.note(&format!("removed {name}"));
    for (plugin, permission) in grants {
        output.note(&format!(
            "`{plugin}` may use the next secret of this name: \
             ax permission revoke {plugin} {permission}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> SecretName {
        "token".parse().unwrap()
    }

    #[test]
    fn one_line_break_is_taken_off_and_not_two() {
        for (given, value) in [
            ("value", "value"),
            ("value\n", "value"),
            ("value\r\n", "value"),
            ("value\n\n", "value\n"),
            ("value\r\n\r\n", "value\r\n"),
            ("value\r", "value\r"),
            ("\n", ""),
            ("", ""),
        ] {
            assert_eq!(without_line_break(given.as_bytes()), value.as_bytes(), "{given:?}");
        }
    }

    #[test]
    fn what_a_terminal_may_have_cut_is_refused() {
        let typed = |bytes: usize| Zeroizing::new("a".repeat(bytes));
        assert!(matches!(whole(&name(), &typed(0)), Err(ValueError::NothingTyped)));
        assert!(whole(&name(), &typed(TYPED_BYTES_CUT - 1)).is_ok());
        assert!(matches!(whole(&name(), &typed(TYPED_BYTES_CUT)), Err(ValueError::Cut { .. })));
    }

    #[test]
    fn what_is_no_name_is_not_kept() {
        for text in ["ghp_Secret", "token=Secret", "", "Secret Secret"] {
            let Ok(read) = GivenName::read(text);
            let shown = format!("{read:?} {}", read.clone().name().unwrap_err());
            assert!(!shown.contains("Secret"), "{shown}");
        }
    }
}
