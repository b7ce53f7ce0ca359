//! Which code and which exit code an error has. Every `match` lists its variants, so a new error
//! does not compile until somebody decided.
//!
//! Not here: what is printed with them (`fault`), what they mean (`codes`).

mod tasks;

use std::io::ErrorKind;

use super::codes::{self, Code};
use super::fault::{CliError, exit};
use super::secret::ValueError;
use super::unanswered;
use crate::app::{
    AddError, AppError, ChangeError, ConsentError, ConversationError, Forbidden, GrantError,
    InstallError, LookupError, ModelsError, PolicyError, PolicyFileError, ProjectError, PruneError,
    SecretsError, SourceError, StageError, StateError, TalkError, TestError, TokensError,
    ToolsError,
};
use crate::audit::error::AuditError;
use crate::config::AppendError;
use crate::ledger::error::LedgerError;
use crate::plugin::{CallError, DescribeError, JailError, Limit, LoadError};
use crate::project::{BuildError, CreateError};
use crate::secret::error::SecretError;
use crate::workflow::spec::Group;
use ax_registry::{GenerationError, HomeLockError};

pub(super) fn verdict(error: &CliError) -> (Code, u8) {
    use exit::{FAILED, FINDINGS, NOT_FOUND, USAGE};
    match error {
        CliError::Usage { .. } => (codes::USAGE, USAGE),
        CliError::WouldAsk { .. } => (codes::WOULD_ASK, USAGE),
        CliError::Config(_) => (codes::SETTINGS, USAGE),
        CliError::App(error) => app(error),
        CliError::Lines(_) => (codes::USAGE, USAGE),
        CliError::Serve(_) => (codes::SYSTEM, FAILED),
        CliError::Lookup(error) => lookup(error),
        CliError::Install(error) => install(error),
        CliError::Consent(error) => consent(error),
        CliError::Grant(error) => grant(error),
        CliError::Change(error) => change(error),
        CliError::Prune(error) => prune(error),
        CliError::Create(CreateError::Exists { .. } | CreateError::Colon { .. }) => {
            (codes::PROJECT, USAGE)
        }
        CliError::Create(CreateError::Write { .. }) => (codes::SYSTEM, FAILED),
        CliError::Project(error) => project(error),
        CliError::Tools(error) => tools(error),
        CliError::Generation(error) => generation(error),
        CliError::Audit(error) => audit(error),
        CliError::Secrets(error) => secrets(error),
        CliError::Tokens(error) => tokens(error),
        CliError::Models(error) => models(error),
        CliError::Ledger(error) => ledger(error),
        CliError::NoRequest { .. } => (codes::NO_REQUEST, NOT_FOUND),
        CliError::Add(error) => add(error),
        CliError::Unanswered(unanswered) => unanswered::verdict(&unanswered.error),
        CliError::Talk(error) => talk(error),
        CliError::Conversation(error) => conversation(error),
        CliError::ProvidersFailed { .. } => (codes::PROVIDER_FINDINGS, FINDINGS),
        CliError::SecretValue(ValueError::NothingTyped) => (codes::DECLINED, FAILED),
        CliError::SecretValue(_) => (codes::SECRET_VALUE, USAGE),
        CliError::Call { source, .. } => call(source),
        CliError::AuditFindings { .. } => (codes::AUDIT_FINDINGS, FINDINGS),
        CliError::VerifyFindings { .. } => (codes::VERIFY_FINDINGS, FINDINGS),
        CliError::CasesFailed { .. } => (codes::CASES, FAILED),
        CliError::Test(TestError::Project(error)) => project(error),
        CliError::Test(
            TestError::Cases { .. }
            | TestError::Line(_)
            | TestError::Folder { .. }
            | TestError::Stage(StageError::Fixture(_)),
        ) => (codes::CASES, USAGE),
        CliError::Test(TestError::None { .. } | TestError::NoneOf { .. }) => {
            (codes::CASES, NOT_FOUND)
        }
        CliError::Test(TestError::Stage(
            StageError::File(_) | StageError::Folder(_) | StageError::Secrets(_),
        )) => (codes::SYSTEM, FAILED),
        CliError::Test(TestError::Stopped) => (codes::CANCELLED, exit::INTERRUPTED),
        CliError::ProjectFindings { .. } => (codes::CHECK_FINDINGS, FINDINGS),
        CliError::DoctorFindings { .. } => (codes::DOCTOR_FINDINGS, FINDINGS),
        CliError::PolicyFindings { .. } => (codes::POLICY, FINDINGS),
        CliError::WorkflowFindings { .. } => (codes::WORKFLOW, FINDINGS),
        CliError::Task(error) => tasks::task(error),
        CliError::Unfinished(unfinished) => tasks::unfinished(unfinished),
        CliError::PolicyTests { .. } => (codes::POLICY, FAILED),
        CliError::Policy(error) => policy(error),
        CliError::UnknownCode { .. } => (codes::UNKNOWN_CODE, NOT_FOUND),
        CliError::File { source, .. } => (codes::USAGE, file(source)),
        CliError::Unwritten(_) | CliError::Start(_) => (codes::SYSTEM, FAILED),
    }
}

/// Gives each kind of mistake in a workflow file its code.
pub(super) fn of_workflow(group: Group) -> Code {
    match group {
        Group::Shape => codes::WORKFLOW,
        Group::Name => codes::WORKFLOW_NAME,
        Group::Circle => codes::WORKFLOW_CIRCLE,
        Group::Expression => codes::WORKFLOW_EXPRESSION,
        Group::Type => codes::WORKFLOW_TYPE,
        Group::Unreachable => codes::WORKFLOW_UNREACHABLE,
        Group::Permission => codes::WORKFLOW_PERMISSION,
    }
}

/// A wrong file on the command line is wrong usage; what fails with a right one has just failed.
fn file(source: &std::io::Error) -> u8 {
    match source.kind() {
        ErrorKind::NotFound => exit::NOT_FOUND,
        ErrorKind::InvalidData
        | ErrorKind::IsADirectory
        | ErrorKind::NotADirectory
        | ErrorKind::PermissionDenied => exit::USAGE,
        _ => exit::FAILED,
    }
}

fn app(error: &AppError) -> (Code, u8) {
    match error {
        AppError::Audit(error) => audit(error),
        AppError::Policy(error) => policy(error),
        AppError::Folder(_) | AppError::Roots(_) => (codes::SETTINGS, exit::USAGE),
        AppError::Start(_) | AppError::Program(_) | AppError::SharedHome { .. } => {
            (codes::SYSTEM, exit::FAILED)
        }
    }
}

fn models(error: &ModelsError) -> (Code, u8) {
    match error {
        ModelsError::Unknown { .. } => (codes::NO_MODEL, exit::NOT_FOUND),
        ModelsError::None | ModelsError::Disabled { .. } | ModelsError::NoModel { .. } => {
            (codes::NO_MODEL, exit::USAGE)
        }
        ModelsError::Route { .. }
        | ModelsError::Roots(_)
        | ModelsError::PricesFile { .. }
        | ModelsError::Prices { .. }
        | ModelsError::Provider(_)
        | ModelsError::Router(_) => (codes::SETTINGS, exit::USAGE),
        ModelsError::Policy(error) => policy_of_models(error),
        ModelsError::Secrets(_) => (codes::VAULT, exit::FAILED),
        ModelsError::Ledger(error) => ledger(error),
        ModelsError::Random(_) => (codes::SYSTEM, exit::FAILED),
    }
}

fn policy_of_models(error: &PolicyError) -> (Code, u8) {
    match error {
        PolicyError::NotInstalled { .. }
        | PolicyError::Disabled { .. }
        | PolicyError::NoPolicy { .. }
        | PolicyError::NotLoaded { .. } => (codes::SETTINGS, exit::USAGE),
        PolicyError::Unready { source, .. } => tools(source),
    }
}

/// Whatever is wrong with the ledger, the message says which file and why.
fn ledger(_: &LedgerError) -> (Code, u8) {
    (codes::LEDGER, exit::FAILED)
}

fn add(error: &AddError) -> (Code, u8) {
    match error {
        AddError::File(AppendError::Write { .. }) => (codes::SYSTEM, exit::FAILED),
        AddError::File(_) => (codes::SETTINGS, exit::USAGE),
        AddError::Lock(error) => busy(error),
        AddError::App(error) => app(error),
    }
}

fn talk(error: &TalkError) -> (Code, u8) {
    match error {
        TalkError::Asked(unanswered) => unanswered::verdict(&unanswered.error),
        TalkError::Rounds | TalkError::TooLong => (codes::UNANSWERED, exit::FAILED),
        TalkError::Stopped => (codes::CANCELLED, exit::INTERRUPTED),
        TalkError::Conversation(error) => conversation(error),
        TalkError::Models(error) => models(error),
        TalkError::Tools(error) => tools(error),
    }
}

fn conversation(error: &ConversationError) -> (Code, u8) {
    match error {
        ConversationError::None | ConversationError::NotFound { .. } => {
            (codes::CONVERSATION, exit::NOT_FOUND)
        }
        ConversationError::InUse { .. }
        | ConversationError::Damaged { .. }
        | ConversationError::Newer { .. }
        | ConversationError::File { .. } => (codes::CONVERSATION, exit::FAILED),
    }
}

/// Whatever is wrong with a policy, the message says which file and what.
fn policy(_: &PolicyFileError) -> (Code, u8) {
    (codes::POLICY, exit::FAILED)
}

/// Whatever a policy forbids, the message names the rule.
fn forbidden(_: &Forbidden) -> (Code, u8) {
    (codes::FORBIDDEN, exit::DENIED)
}

/// Whatever is wrong with the log, the code is one: the message says which file and why.
fn audit(_: &AuditError) -> (Code, u8) {
    (codes::AUDIT, exit::FAILED)
}

fn lookup(error: &LookupError) -> (Code, u8) {
    match error {
        LookupError::NotInstalled { .. } | LookupError::Short { .. } => {
            (codes::NOT_INSTALLED, exit::NOT_FOUND)
        }
        LookupError::Generation(error) => generation(error),
        LookupError::Store { .. } | LookupError::Config { .. } => (codes::DAMAGED, exit::FAILED),
    }
}

/// Whatever is wrong with the generations, the message says which file and which one is whole.
fn generation(_: &GenerationError) -> (Code, u8) {
    (codes::GENERATION, exit::FAILED)
}

fn busy(error: &HomeLockError) -> (Code, u8) {
    match error {
        HomeLockError::Held { .. } => (codes::BUSY, exit::TIMEOUT),
        HomeLockError::Io { .. } => (codes::SYSTEM, exit::FAILED),
    }
}

fn install(error: &InstallError) -> (Code, u8) {
    match error {
        InstallError::Source(error) => source(error),
        InstallError::State(StateError::Change(error)) => change(error),
        InstallError::State(StateError::Busy { .. }) => (codes::BUSY, exit::FAILED),
        InstallError::State(StateError::NotGranted { policy: Some(error), .. }) => forbidden(error),
        InstallError::State(StateError::NotGranted { .. }) => (codes::STATE, exit::DENIED),
        InstallError::State(_) => (codes::STATE, exit::FAILED),
        InstallError::Origin(_) => (codes::STATE, exit::FAILED),
        InstallError::Load { source, .. } => load(source),
        InstallError::ConsentMissing { .. } => (codes::WOULD_ASK, exit::USAGE),
        InstallError::Declined { .. } => (codes::DECLINED, exit::FAILED),
        InstallError::Moved { .. } => (codes::BUSY, exit::FAILED),
        InstallError::Forbidden(error) => forbidden(error),
        InstallError::Consent(error) => consent(error),
        InstallError::Change(error) => change(error),
        InstallError::Package(_) => (codes::PACKAGE, exit::FAILED),
        InstallError::Store(_) => (codes::SYSTEM, exit::FAILED),
    }
}

fn project(error: &ProjectError) -> (Code, u8) {
    match error {
        ProjectError::Source(error) => source(error),
        ProjectError::Build(BuildError::NoProject { .. }) => (codes::PROJECT, exit::NOT_FOUND),
        ProjectError::Build(
            BuildError::Program { .. }
            | BuildError::TooOld { .. }
            | BuildError::Part { .. }
            | BuildError::Install { .. }
            | BuildError::NoTarget,
        ) => (codes::TOOLCHAIN, exit::FAILED),
        ProjectError::Build(
            BuildError::Dependencies { .. }
            | BuildError::Source { .. }
            | BuildError::Failed { .. }
            | BuildError::Late { .. }
            | BuildError::Nothing { .. },
        ) => (codes::BUILD, exit::FAILED),
        ProjectError::Build(BuildError::File(_)) | ProjectError::Write { .. } => {
            (codes::SYSTEM, exit::FAILED)
        }
        ProjectError::Load { source, .. } => load(source),
        ProjectError::Stranger { .. } => (codes::PROJECT, exit::DENIED),
        ProjectError::NotAsked { .. } => (codes::NOT_ADMITTED, exit::USAGE),
        ProjectError::Package(_) => (codes::PACKAGE, exit::FAILED),
        ProjectError::Kv(_) => (codes::STATE, exit::FAILED),
        ProjectError::App(error) => app(error),
    }
}

fn source(error: &SourceError) -> (Code, u8) {
    let code = match error {
        SourceError::Read { .. } => return (codes::UNREADABLE, exit::NOT_FOUND),
        SourceError::TooLarge { .. }
        | SourceError::Unshowable { .. }
        | SourceError::NotAFile { .. }
        | SourceError::NoManifest { .. }
        | SourceError::NotBuilt { .. }
        | SourceError::Unnamed { .. }
        | SourceError::NamedTwice { .. } => codes::UNREADABLE,
        SourceError::NotText { .. } | SourceError::Manifest { .. } => codes::MANIFEST,
        SourceError::Component { .. } => codes::COMPONENT,
        SourceError::Package { .. } | SourceError::ToolsDiffer { .. } => codes::PACKAGE,
        SourceError::Tools { .. } | SourceError::Agents { .. } | SourceError::NoTools { .. } => {
            codes::TOOLS
        }
        SourceError::OtherHost { .. } => codes::OTHER_HOST,
        SourceError::Admission { .. } => codes::NOT_ADMITTED,
        SourceError::Describe { source, .. } => return describe(source),
        SourceError::Forbidden(error) => return forbidden(error),
        SourceError::App(error) => return app(error),
    };
    (code, exit::FAILED)
}

fn describe(error: &DescribeError) -> (Code, u8) {
    match error {
        DescribeError::Load(error) => load(error),
        DescribeError::Call(_) => (codes::TOOLS, exit::FAILED),
    }
}

fn load(error: &LoadError) -> (Code, u8) {
    let code = match error {
        LoadError::Compile { source: JailError::Process { .. }, .. } => codes::SYSTEM,
        LoadError::Compile {
            source: JailError::Refused { .. } | JailError::TooExpensive { .. },
            ..
        } => codes::TOO_EXPENSIVE,
        LoadError::Map { .. } | LoadError::Cache(_) => codes::SYSTEM,
        LoadError::Link { .. } => codes::NOT_ADMITTED,
        LoadError::TooMany { .. } => codes::COMPONENT,
        LoadError::MissingExport { .. } => codes::DAMAGED,
    };
    (code, exit::FAILED)
}

fn consent(error: &ConsentError) -> (Code, u8) {
    match error {
        ConsentError::OtherCard { .. } => (codes::CONSENT, exit::USAGE),
        ConsentError::NotAsked { .. } => (codes::NOT_ASKED, exit::USAGE),
        ConsentError::NoProject | ConsentError::Expiry { .. } => (codes::USAGE, exit::USAGE),
    }
}

fn grant(error: &GrantError) -> (Code, u8) {
    match error {
        GrantError::Change(error) => change(error),
        GrantError::Consent(error) => consent(error),
        GrantError::Forbidden(error) => forbidden(error),
        GrantError::NothingToRevoke { .. } => (codes::NOT_GRANTED, exit::NOT_FOUND),
    }
}

fn secrets(error: &SecretsError) -> (Code, u8) {
    match error {
        SecretsError::Secret(error) if error.is_of_input() => (codes::SECRET_VALUE, exit::USAGE),
        SecretsError::Secret(_) => (codes::VAULT, exit::FAILED),
        SecretsError::Lock(error) => busy(error),
        SecretsError::Generation(error) => generation(error),
        SecretsError::App(error) => app(error),
        SecretsError::NotSet { .. } => (codes::NO_SECRET, exit::NOT_FOUND),
    }
}

fn tokens(error: &TokensError) -> (Code, u8) {
    match error {
        TokensError::File(SecretError::TokenExists { .. }) => (codes::TOKENS, exit::USAGE),
        TokensError::File(_) => (codes::TOKENS, exit::FAILED),
        TokensError::Lock(error) => busy(error),
        TokensError::App(error) => app(error),
        TokensError::NotFound { .. } => (codes::NO_TOKEN, exit::NOT_FOUND),
    }
}

fn change(error: &ChangeError) -> (Code, u8) {
    match error {
        ChangeError::Lookup(error) => lookup(error),
        ChangeError::Lock(error) => busy(error),
        ChangeError::Generation(error) => generation(error),
        ChangeError::App(error) => app(error),
    }
}

fn prune(error: &PruneError) -> (Code, u8) {
    match error {
        PruneError::Lock(error) => busy(error),
        PruneError::Generation(error) => generation(error),
        PruneError::App(error) => app(error),
        PruneError::Kv(_) => (codes::STATE, exit::FAILED),
        PruneError::Sweep(_)
        | PruneError::Cache(_)
        | PruneError::Read { .. }
        | PruneError::Remove { .. } => (codes::SYSTEM, exit::FAILED),
    }
}

fn tools(error: &ToolsError) -> (Code, u8) {
    match error {
        ToolsError::Change(error) => change(error),
        ToolsError::Disabled { .. } => (codes::DISABLED, exit::FAILED),
        ToolsError::Forbidden(error) => forbidden(error),
        ToolsError::Load { source, .. } => load(source),
        ToolsError::Secrets(_) => (codes::SECRETS, exit::FAILED),
        ToolsError::Moved { .. } => (codes::BUSY, exit::FAILED),
        ToolsError::NotAsked { .. } => (codes::NOT_ASKED, exit::USAGE),
    }
}

fn call(error: &CallError) -> (Code, u8) {
    match error {
        CallError::NoSuchTool { .. } | CallError::NoSuchAgent { .. } => {
            (codes::NO_TOOL, exit::NOT_FOUND)
        }
        CallError::Json(_) | CallError::Input(_) | CallError::AgentInput { .. } => {
            (codes::INPUT, exit::USAGE)
        }
        CallError::Exhausted { limit: Limit::Time, .. } => (codes::EXHAUSTED, exit::TIMEOUT),
        CallError::Exhausted { .. } => (codes::EXHAUSTED, exit::FAILED),
        CallError::Trapped { .. } | CallError::Exited { .. } => (codes::CRASHED, exit::FAILED),
        CallError::Tool { .. } => (codes::TOOL_FAILED, exit::FAILED),
        CallError::Answer { .. } => (codes::ANSWER, exit::FAILED),
        CallError::Start { .. } | CallError::Lost => (codes::START, exit::FAILED),
        CallError::Cancelled => (codes::CANCELLED, exit::INTERRUPTED),
        CallError::Leak { .. } => (codes::LEAK, exit::DENIED),
        CallError::Secrets(_) => (codes::SECRETS, exit::FAILED),
        CallError::Audit(error) => audit(error),
        CallError::Conflict { .. } => (codes::CHANGED_MEANWHILE, exit::FAILED),
        CallError::KeyUsed => (codes::KEY_USED, exit::USAGE),
        CallError::Keep(_) => (codes::KEEPING, exit::FAILED),
    }
}
