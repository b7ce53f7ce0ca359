//! Why a call failed, where the host knows more than the error says.
//!
//! Not here: what was denied, which is in the report (`fault`).

use std::time::Duration;

use ax_manifest::ToolId;

use crate::app::App;
use crate::kv::KvError;
use crate::plugin::{CallError, Limit, Report, WORKSPACE};

/// What made a call fail.
#[derive(Debug)]
pub(crate) enum Cause {
    /// What the plugin keeps cannot be used; the plugin was not told why.
    Trouble(KvError),
    /// A policy leaves less of a limit than the plugin would have; the key of both.
    Policy(&'static str),
    /// `--deadline` left less time than the plugin would have had.
    Deadline,
    /// The plugin looked for a folder that is bound to nothing here.
    Unbound(String),
    /// It is called where it was made: nothing is granted to it but for the call.
    Project,
}

impl Cause {
    /// Finds what made a call fail, if it is known.
    pub(crate) fn of(
        app: &App,
        id: &ToolId,
        deadline: Option<Duration>,
        report: &mut Report,
    ) -> Option<Self> {
        if let Some(trouble) = report.trouble.take() {
            return Some(Self::Trouble(trouble));
        }
        match report.result.as_ref().err()? {
            CallError::Exhausted { limit, .. } => {
                let installed = app.installed(&app.current().ok()?, &id.plugin).ok()?;
                let policies = app.policies().ok()?;
                let whole = installed.limits(policies).deadline;
                if *limit == Limit::Time && deadline.is_some_and(|asked| asked < whole) {
                    return Some(Self::Deadline);
                }
                let key = limit.key()?;
                let lowered = installed.own_limits().lowered(&policies.limits());
                lowered.iter().any(|it| it.key == key).then_some(Self::Policy(key))
            }
            CallError::Tool { .. } if report.asked_for_folders => {
                app.unbound_folder(&id.plugin).map(Self::Unbound)
            }
            _ => None,
        }
    }

    /// Says what the user can do.
    pub(crate) fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Trouble(error) => return error.hint(),
            Self::Policy(key) => format!(
                "a policy allows no more; whoever wrote it can raise `limits.{key}-max`, see `ax \
                 policy check`"
            ),
            Self::Deadline => "give it longer with --deadline, or leave that out".to_owned(),
            Self::Unbound(name) => unbound(name),
            Self::Project => return None,
        })
    }
}

/// Says how to bind a folder that is bound to nothing here.
pub(super) fn unbound(name: &str) -> String {
    match name {
        WORKSPACE => "no folder is the workspace here: --workspace DIR".to_owned(),
        name => format!("no folder is called `{name}` here: --folder {name}=DIR"),
    }
}
