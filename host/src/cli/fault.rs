//! What went wrong, as a person reads it: code, message, causes, hint, exit code.
//!
//! Not here: which code an error has (`verdict`).

mod hint;

use std::error::Error;

use serde::Serialize;
use serde_json::{Value, json};

use super::cause::Cause;
use super::codes;
use super::render::counted;
use super::secret::ValueError;
use super::unanswered;
use super::unfinished::Unfinished;
use super::verdict::verdict;
use crate::app::{
    AddError, AppError, ChangeError, ConsentError, ConversationError, GrantError, InstallError,
    Located, LookupError, ModelsError, PolicyFileError, ProjectError, PruneError, SecretsError,
    TalkError, TaskError, TestError, TokensError, ToolsError, Unanswered, quoted,
};
use crate::audit::error::AuditError;
use crate::config::ConfigError;
use crate::ledger::error::LedgerError;
use crate::plugin::{CallError, Denial, DenialReason, scrub};
use crate::project::CreateError;
use crate::server::mcp::ServeError;
use crate::server::mcp::client::LinesError;
use ax_registry::GenerationError;

/// Bytes of one printed message or cause; errors may repeat what a stranger wrote.
const TEXT_BYTES: usize = 4 << 10;

/// Exit codes (INTERFACES §1 of the design; `ax explain` repeats them).
pub(crate) mod exit {
    /// It failed.
    pub(crate) const FAILED: u8 = 1;
    /// Wrong usage, or a question would have been needed.
    pub(crate) const USAGE: u8 = 2;
    /// There is no such thing.
    pub(crate) const NOT_FOUND: u8 = 3;
    /// Not permitted.
    pub(crate) const DENIED: u8 = 5;
    /// A check found something.
    pub(crate) const FINDINGS: u8 = 6;
    /// Time is up.
    pub(crate) const TIMEOUT: u8 = 7;
    /// Interrupted.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Arguments that clap cannot check.
    #[error("{what}")]
    Usage { what: String, hint: String },
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    App(#[from] AppError),
    #[error(transparent)]
    Lookup(#[from] LookupError),
    #[error(transparent)]
    Install(#[from] InstallError),
    #[error(transparent)]
    Grant(#[from] GrantError),
    #[error(transparent)]
    Consent(#[from] ConsentError),
    #[error(transparent)]
    Change(#[from] ChangeError),
    #[error(transparent)]
    Prune(#[from] PruneError),
    #[error(transparent)]
    Create(#[from] CreateError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Tools(#[from] ToolsError),
    #[error(transparent)]
    Generation(#[from] GenerationError),
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// A client has no way to be told.
    #[error(transparent)]
    Lines(#[from] LinesError),
    /// `ax mcp serve` ended early.
    #[error(transparent)]
    Serve(#[from] ServeError),
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    #[error(transparent)]
    Tokens(#[from] TokensError),
    #[error(transparent)]
    Models(#[from] ModelsError),
    /// The record of requests cannot be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// `ax request show` was given something else.
    #[error("there is no request `{id}`")]
    NoRequest { id: String },
    #[error(transparent)]
    Add(#[from] AddError),
    /// No model answered.
    #[error(transparent)]
    Unanswered(Box<Unanswered>),
    /// A turn of a conversation ended early.
    #[error(transparent)]
    Talk(Box<TalkError>),
    /// A conversation cannot be kept or gone on with.
    #[error(transparent)]
    Conversation(#[from] ConversationError),
    /// `ax provider test` found something.
    #[error("not every provider can be asked: {} failed", counted(*.count, "check"))]
    ProvidersFailed { count: u64 },
    #[error(transparent)]
    SecretValue(#[from] ValueError),
    /// A call gave no answer.
    #[error("{source}")]
    Call {
        plugin: String,
        denials: Vec<Denial>,
        /// What the host knows about it.
        cause: Option<Box<Cause>>,
        /// What it asked of the host, if that was to be shown and only JSON is printed.
        trace: Value,
        /// Where it was when it was ended.
        backtrace: Vec<Located>,
        source: CallError,
    },
    /// A question would have been needed.
    #[error("{what}")]
    WouldAsk { what: String, hint: String },
    /// `ax audit verify` found something.
    #[error("the audit log is not as it was written: {}", counted(*.count, "finding"))]
    AuditFindings { count: u64 },
    /// `ax plugin verify` found something.
    #[error("not as it was installed: {}", counted(*.count as u64, "finding"))]
    VerifyFindings { count: usize },
    /// `ax test` found something.
    #[error("not as the cases say: {} failed", counted(*.count as u64, "case"))]
    CasesFailed { count: usize },
    #[error(transparent)]
    Test(#[from] TestError),
    /// `ax check` found something.
    #[error("it cannot be installed like this: {}", counted(*.count as u64, "mistake"))]
    ProjectFindings { count: usize },
    /// `ax doctor` found something.
    #[error("{} failed", counted(*.count as u64, "check"))]
    DoctorFindings { count: usize },
    /// `ax policy check` found something.
    #[error("a policy cannot be used: {}", counted(*.count as u64, "mistake"))]
    PolicyFindings { count: usize },
    /// `ax workflow check` found something.
    #[error("the workflow is not right: {}", counted(*.count as u64, "mistake"))]
    WorkflowFindings { count: usize },
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A task was left before it was done.
    #[error(transparent)]
    Unfinished(#[from] Unfinished),
    /// `ax policy test` found something.
    #[error("the policy does not do what was expected of it: {} failed", counted(*.count as u64, "test"))]
    PolicyTests { count: usize },
    /// A policy cannot be read or used.
    #[error(transparent)]
    Policy(#[from] PolicyFileError),
    /// `ax explain` was given something else.
    #[error("there is no code `{code}`")]
    UnknownCode { code: String },
    /// A file named on the command line cannot be read or written.
    #[error("cannot use `{path}`")]
    File { path: String, source: std::io::Error },
    /// The answer did not reach standard output.
    #[error("the answer could not be written to standard output")]
    Unwritten(#[source] std::io::Error),
    /// No threads.
    #[error("cannot start")]
    Start(#[source] std::io::Error),
}

impl CliError {
    /// Answers whether what was found is printed already.
    pub(crate) fn was_reported(&self) -> bool {
        matches!(
            self,
            Self::AuditFindings { .. }
                | Self::VerifyFindings { .. }
                | Self::DoctorFindings { .. }
                | Self::ProjectFindings { .. }
                | Self::CasesFailed { .. }
                | Self::PolicyFindings { .. }
                | Self::WorkflowFindings { .. }
                | Self::Unfinished(Unfinished::Diverged { .. })
                | Self::PolicyTests { .. }
                | Self::ProvidersFailed { .. }
        )
    }
}

/// A failure, ready to print.
#[derive(Debug, Serialize)]
pub(crate) struct Fault {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) causes: Vec<String>,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) details: Value,
    #[serde(skip_serializing_if = "Value::is_null")]
    pub(crate) trace: Value,
    pub(crate) retryable: bool,
    #[serde(skip)]
    pub(crate) exit: u8,
}

impl From<&CliError> for Fault {
    fn from(error: &CliError) -> Self {
        if let CliError::Call { plugin, denials, source, cause, trace, .. } = error
            && let Some(denial) = denials.first()
        {
            let in_project = matches!(cause.as_deref(), Some(Cause::Project));
            let trace = trace.clone();
            return Self { trace, ..denied(plugin, denial, denials, source, in_project) };
        }
        let (code, exit) = verdict(error);
        let message = error.to_string();
        let mut causes = causes(error, &message);
        if let CliError::Call { cause: Some(cause), .. } = error
            && let Cause::Trouble(trouble) = &**cause
        {
            causes.extend(chain(trouble));
        }
        Self {
            code: code.text,
            causes,
            message: scrub(&message, TEXT_BYTES),
            hint: hint::hint(error).map(|hint| scrub(&hint, TEXT_BYTES)),
            details: details(error),
            trace: trace(error),
            retryable: retryable(error),
            exit,
        }
    }
}

impl Fault {
    /// A command line that clap refused.
    pub(crate) fn usage(message: &str, hint: &str) -> Self {
        Self {
            code: codes::USAGE.text,
            message: scrub(message, TEXT_BYTES),
            hint: Some(scrub(hint, TEXT_BYTES)),
            causes: Vec::new(),
            details: Value::Null,
            trace: Value::Null,
            retryable: false,
            exit: exit::USAGE,
        }
    }
}

/// A call that failed after something was denied: the denial is what the person can act on.
fn denied(
    plugin: &str,
    denial: &Denial,
    all: &[Denial],
    source: &CallError,
    in_project: bool,
) -> Fault {
    let words = denial
        .permission
        .parse::<ax_manifest::Permission>()
        .map_or_else(|_| format!("use `{}`", denial.permission), |known| known.plain_words());
    let hint = match denial.reason {
        // A standing grant would not be enough.
        DenialReason::PolicyAsks => {
            Some(format!("allow it for this call: --allow {}", quoted_if_odd(&denial.permission)))
        }
        DenialReason::NotGranted if denial.rule.is_some() || in_project => {
            Some(format!("allow it for this call: --allow {}", quoted_if_odd(&denial.permission)))
        }
        DenialReason::NotGranted => {
            Some(format!("ax permission grant {plugin} {}", quoted_if_odd(&denial.permission)))
        }
        DenialReason::NotDeclared => Some(format!(
            "nobody can grant it: the manifest of `{plugin}` does not ask for `{}`",
            denial.permission
        )),
        DenialReason::NeverGrantable => {
            Some(format!("no permission opens `{}`; `ax explain AX-P012`", denial.permission))
        }
        DenialReason::Policy => {
            Some(format!("ax policy explain {plugin} {}", quoted_if_odd(&denial.permission)))
        }
        DenialReason::Address => Some(format!(
            "if it is meant, name {} itself in the URL, the manifest of `{plugin}` and a grant, or \
             its network in config.toml, as `[network] open = [\"10.1.0.0/16\"]`",
            denial.rule.as_deref().map_or("the address".to_owned(), |it| format!("`{it}`"))
        )),
        DenialReason::Leak => None,
    };
    let message = source.to_string();
    let mut causes = vec![why(denial)];
    causes.push(scrub(&format!("the tool then failed: {message}"), TEXT_BYTES));
    let listed = all.iter().map(|denial| {
        json!({
            "permission": denial.permission,
            "reason": denial.reason.word(),
            "rule": denial.policy_rule(),
            "interface": denial.interface,
            "count": denial.count,
        })
    });
    Fault {
        code: codes::DENIED.text,
        message: format!("plugin `{plugin}` may not {words}"),
        hint,
        causes,
        details: json!({ "denials": listed.collect::<Vec<_>>(), "kind": "denied" }),
        trace: Value::Null,
        retryable: false,
        exit: exit::DENIED,
    }
}

/// Says why something was denied: what a permission lacks, or what came up after it was there.
fn why(denial: &Denial) -> String {
    let (permission, reason) = (&denial.permission, denial.reason.word());
    match (denial.reason, &denial.rule) {
        (DenialReason::Address | DenialReason::Leak, Some(found)) => {
            format!("`{permission}` was granted, but {reason}: `{found}`")
        }
        (DenialReason::NotGranted, Some(rule)) => scrub(
            &format!(
                "`{permission}` is {reason}; the managed policy wants it allowed for each call: {rule}"
            ),
            TEXT_BYTES,
        ),
        _ => {
            let rule = denial.policy_rule().map_or_else(String::new, |rule| format!(": {rule}"));
            scrub(&format!("`{permission}` is {reason}{rule}"), TEXT_BYTES)
        }
    }
}

/// Quotes a text for the shell where it needs it.
fn quoted_if_odd(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":/.,_-@".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { quoted(&text) }
}

/// Collects the chain of sources, leaving out what the message already says.
fn causes(error: &dyn Error, message: &str) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    for text in error.source().map(chain).unwrap_or_default() {
        if text != message && causes.last() != Some(&text) {
            causes.push(text);
        }
    }
    causes
}

/// Says what went wrong, and everything that made it go wrong.
fn chain(error: &dyn Error) -> Vec<String> {
    let mut texts = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        texts.push(scrub(&error.to_string(), TEXT_BYTES));
        next = error.source();
    }
    texts
}

fn details(error: &CliError) -> Value {
    match error {
        CliError::Call { source, backtrace, .. } => {
            let mut details = json!({ "kind": source.kind().word() });
            if !backtrace.is_empty() {
                details["backtrace"] = json!(backtrace);
            }
            match source {
                CallError::Exhausted { limit, bound, bytes } => {
                    details["limit"] = json!(limit.word());
                    details["bound"] = json!(bound);
                    if let Some(bytes) = bytes {
                        details["bytes"] = json!(bytes);
                    }
                }
                CallError::Tool { code, data, .. } => {
                    details["code"] = json!(code);
                    details["data"] = json!(data);
                }
                _ => {}
            }
            details
        }
        CliError::Unanswered(unanswered) => unanswered::details(unanswered),
        CliError::Talk(error) => match &**error {
            TalkError::Asked(unanswered) => unanswered::details(unanswered),
            _ => Value::Null,
        },
        CliError::Install(InstallError::ConsentMissing { card, .. }) => {
            json!({ "card": card, "digest": card.digest() })
        }
        _ => Value::Null,
    }
}

fn trace(error: &CliError) -> Value {
    match error {
        CliError::Call { trace, .. } => trace.clone(),
        _ => Value::Null,
    }
}

fn retryable(error: &CliError) -> bool {
    match error {
        CliError::Call { source, .. } => source.is_transient(),
        CliError::Secrets(error) => error.is_transient(),
        CliError::Ledger(error) => error.is_transient(),
        CliError::Unanswered(unanswered) => unanswered::is_retryable(unanswered),
        CliError::Talk(error) => match &**error {
            TalkError::Asked(unanswered) => unanswered::is_retryable(unanswered),
            _ => false,
        },
        CliError::Tokens(error) => error.is_transient(),
        CliError::Prune(error) => error.is_transient(),
        CliError::Change(error)
        | CliError::Install(InstallError::Change(error))
        | CliError::Grant(GrantError::Change(error))
        | CliError::Tools(ToolsError::Change(error)) => error.is_transient(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_to_type_holds_quotes_where_a_shell_needs_them() {
        for (text, quoted) in [("net:a.org", "net:a.org"), ("a b", "'a b'"), ("it's", r"'it'\''s'")]
        {
            assert_eq!(quoted_if_odd(text), quoted);
        }
    }
}
