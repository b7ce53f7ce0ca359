//! What a person can type about each error.

use std::io::ErrorKind;

use super::{CliError, quoted_if_odd};

pub(super) fn hint(error: &CliError) -> Option<String> {
    match error {
        CliError::Usage { hint, .. } | CliError::WouldAsk { hint, .. } => Some(hint.clone()),
        CliError::Config(error) => Some(error.hint()),
        CliError::App(error) => error.hint(),
        CliError::Serve(error) => error.hint(),
        CliError::Lines(error) => error.hint(),
        CliError::Lookup(error) => error.hint(),
        CliError::Install(error) => error.hint(),
        CliError::Consent(error) => error.hint(),
        CliError::Grant(error) => error.hint(),
        CliError::Change(error) => error.hint(),
        CliError::Prune(error) => error.hint(),
        CliError::Create(error) => error.hint(),
        CliError::Test(error) => error.hint(),
        CliError::CasesFailed { .. } => Some("each failed case says what it got".to_owned()),
        CliError::Project(error) => error.hint(),
        CliError::Tools(error) => error.hint(),
        CliError::Generation(error) => error.hint(),
        CliError::Audit(error) => error.hint(),
        CliError::Secrets(error) => error.hint(),
        CliError::Tokens(error) => error.hint(),
        CliError::Models(error) => error.hint(),
        CliError::Ledger(error) => error.hint(),
        CliError::NoRequest { .. } => Some("ax request list".to_owned()),
        CliError::Add(error) => error.hint(),
        CliError::Unanswered(unanswered) => unanswered.hint.clone(),
        CliError::Talk(error) => error.hint(),
        CliError::Conversation(error) => error.hint(),
        CliError::ProvidersFailed { .. } => Some("each failed check says what to do".to_owned()),
        CliError::SecretValue(error) => error.hint(),
        CliError::Call { cause: Some(cause), .. } => cause.hint(),
        CliError::Call { source, .. } => source.hint(),
        CliError::AuditFindings { .. } => {
            Some("keep the files as they are for whoever looks into it: ax audit export".to_owned())
        }
        CliError::VerifyFindings { .. } => Some("ax plugin add FOLDER, for each".to_owned()),
        CliError::ProjectFindings { .. } | CliError::DoctorFindings { .. } => {
            Some("each failed check says what to do".to_owned())
        }
        CliError::PolicyFindings { .. } | CliError::WorkflowFindings { .. } => {
            Some("each mistake says what to do".to_owned())
        }
        CliError::Task(error) => error.hint(),
        CliError::Unfinished(unfinished) => Some(unfinished.hint()),
        CliError::PolicyTests { .. } => Some("ax policy explain PLUGIN PERMISSION".to_owned()),
        CliError::Policy(error) => error.hint(),
        CliError::UnknownCode { .. } => Some("ax explain".to_owned()),
        CliError::Unwritten(_) => {
            Some("look at what was done before you run it again: ax audit tail".to_owned())
        }
        CliError::File { path, source } => Some(file_hint(path, source)),
        CliError::Start(_) => None,
    }
}

/// Says what to do about a file that was named on the command line.
fn file_hint(path: &str, source: &std::io::Error) -> String {
    match source.kind() {
        ErrorKind::NotFound => {
            "name one that is there; a path counts from the current folder, or that of -C"
                .to_owned()
        }
        ErrorKind::InvalidData => "it has to be UTF-8 text".to_owned(),
        ErrorKind::IsADirectory => "name a file in it".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is a file, not a folder".to_owned(),
        _ => format!(
            "look whose it is, and at the space on its disk: ls -ld {}",
            quoted_if_odd(path)
        ),
    }
}
